package hst

import (
	"fmt"
	"math"
	"math/bits"
)

// On one feature a comparison of floats is a comparison of integers: orderKey is
// increasing in x, so trees, windows and tables hold keys and the loops have no
// floating-point edge cases left.
const (
	keyBelow = 0              // below the key of every number: the open left end, and a node without a threshold
	keyAbove = math.MaxUint64 // above the key of every number: the open right end
	keyZero  = 1<<63 - 1      // of -0; that of +0 is one more
)

// orderKey maps a number to an integer of the same order. NaN takes the key of
// +Inf, because both go right everywhere. -0 lies just below +0.
func orderKey(x float64) uint64 {
	if x != x {
		x = math.Inf(1)
	}
	return orderBits(x)
}

// orderBits is orderKey for callers that look after NaN themselves.
func orderBits(x float64) uint64 {
	b := math.Float64bits(x)
	return b ^ (uint64(int64(b)>>63) | 1<<63)
}

// thresholdKey is orderKey for thresholds: a zero takes the key of -0, so that
// neither zero is below it, as 0 < -0 and -0 < 0 are both false.
func thresholdKey(x float64) uint64 {
	if x == 0 {
		return keyZero
	}
	return orderKey(x)
}

// lineTrees are the thresholds of all trees on one feature, immutable and shared
// by every table built from them. Level by level rather than tree by tree: node q
// of level d has the children 2q and 2q+1 of level d+1, the trees' roots being
// nodes 0..trees-1 of level 0, so that one loop walks all trees at once and the
// levels that every window visits lie together. 8 bytes a branch.
type lineTrees struct {
	cfg      Config
	features []string
	on       int        // which of the features
	levels   [][]uint64 // threshold keys; keyBelow where the node splits another feature
	minLive  int        // the least mass at which a walk goes on
	maxSum   float64
	lowest   uint64 // of all thresholds; 1 if there is none
	highest  uint64
	offset   float64 // of every keyIndex
	borders  int     // the most that a window can make
	live     int     // the most live nodes of a level
}

// newLineTrees grows the trees of cfg for the features in keys and keeps the
// splits on feature number on.
func newLineTrees(cfg Config, keys []string, on int) (*lineTrees, error) {
	if cfg.Variant != VariantRiver {
		return nil, fmt.Errorf("hst: the one-feature fast path follows River's scores, not %v's: use a Forest", cfg.Variant)
	}
	s, err := grow(cfg, keys)
	if err != nil {
		return nil, err
	}
	lt := &lineTrees{cfg: cfg.clone(), features: s.keys, on: on}
	for d := range cfg.Height {
		lt.levels = append(lt.levels, levelKeys(s, d, uint32(on)))
	}
	lt.measure()
	return lt, nil
}

// measure sets what follows from the configuration and the thresholds.
func (lt *lineTrees) measure() {
	stop, _, _ := lt.cfg.scoring()
	lt.minLive = int(stop)
	lt.maxSum = float64(lt.cfg.maxSum())
	lt.offset = linearOffset(lt.cfg.limits(lt.features[lt.on]))
	lt.borders, lt.live = lt.cfg.lineBounds()
	lt.lowest, lt.highest = keyAbove, 1
	for _, level := range lt.levels {
		for _, k := range level {
			if k != keyBelow {
				lt.lowest, lt.highest = min(lt.lowest, k), max(lt.highest, k)
			}
		}
	}
	lt.lowest = min(lt.lowest, lt.highest)
}

// lineBounds are the most borders that a window can make, and the most live nodes
// of a level: those are disjoint, and each holds a tenth of the window.
func (c Config) lineBounds() (borders, live int) {
	stop, _, _ := c.scoring()
	perTree := c.Window / int(stop)
	for d := range c.Height {
		borders += c.Trees * min(1<<d, perTree)
	}
	return borders, c.Trees * min(1<<c.Height, perTree)
}

// levelKeys are the thresholds of level d of all trees, tree by tree.
func levelKeys(s *splits, d int, on uint32) []uint64 {
	width := 1 << d
	keys := make([]uint64, s.trees*width)
	for q := range keys {
		i := (q>>d)*s.branches + width - 1 + q&(width-1)
		keys[q] = keyBelow
		if s.feature[i] == on {
			keys[q] = thresholdKey(s.threshold[i])
		}
	}
	return keys
}

// keyIndex maps a range of numbers, in order, to buckets. As keys are the top bits
// of floats, widths are even on a logarithmic scale, the one that durations are
// spread on.
//
// Around zero that scale is useless: half of all floats lie within 1e-154 of it.
// Where the limits of a feature cross zero, offset is added first, large enough that
// all sums have one exponent, which makes the scale linear. The sum is rounded, but
// keeps the order, which is all that a bucket needs.
type keyIndex struct {
	low, width uint64
	shift      uint
	linear     bool
	offset     float64 // if linear
}

// newKeyIndex covers the keys from low to high with at most n buckets, n a power
// of two.
func newKeyIndex(low, high uint64, n int, offset float64) keyIndex {
	if offset != 0 {
		low, high = shiftKey(low, offset), shiftKey(high, offset)
	}
	width := high - low
	return keyIndex{low, width, uint(max(0, bits.Len64(width)-bits.Len(uint(n))+1)), offset != 0, offset}
}

// linearOffset is the offset for a feature with these limits.
func linearOffset(low, high float64) float64 {
	if !(low < 0 && high > 0) {
		return 0
	}
	_, exponent := math.Frexp(max(-low, high))
	return math.Ldexp(1.5, min(exponent+1, 1023))
}

// bucket is the number of k's bucket; keys outside go to the outermost ones.
func (x *keyIndex) bucket(k uint64) uint64 {
	if x.linear {
		k = shiftKey(k, x.offset)
	}
	return x.clamped(k)
}

// clamped is the bucket of a key that is shifted already. Borrow bits instead of
// min and max: for an address the compiler prefers jumps, and where a duration falls
// is not to be predicted.
func (x *keyIndex) clamped(k uint64) uint64 {
	d, below := bits.Sub64(k, x.low, 0)
	d &= below - 1
	_, inside := bits.Sub64(d, x.width, 0)
	d = x.width ^ (d^x.width)&-inside
	return d >> (x.shift & 63)
}

// shiftKey is the key of the number with key k plus an offset.
func shiftKey(k uint64, offset float64) uint64 {
	return orderKey(keyNumber(k) + offset)
}

// keyNumber is the inverse of orderKey.
func keyNumber(k uint64) float64 {
	return math.Float64frombits(k ^ (uint64(^int64(k)>>63) | 1<<63))
}

// powerOfTwo is the least power of two that is at least n, kept within [64, 65536].
func powerOfTwo(n int) int {
	return min(max(64, 1<<bits.Len(uint(n-1))), 1<<16)
}
