package hst

import (
	"cmp"
	"slices"
)

// lineNode is a live node: it holds the sorted values lo to hi-1, and covers the
// numbers from border a up to border b.
type lineNode struct {
	q      uint32
	lo, hi uint32
	a, b   uint32
}

// border is a threshold of a live node and the change of the mass sum there.
type border struct {
	key   uint64
	delta int64
}

// lineBuilder turns windows into tables. It owns all scratch memory, so that a
// table costs no allocation once the first few windows have been seen.
//
// Memory: 36 bytes a border, 40 a live node, 12 a value and 4 a bucket.
type lineBuilder struct {
	trees   *lineTrees
	values  sortedWindow
	now     []lineNode
	next    []lineNode
	borders []border
	ordered []border
	slots   []uint32 // the bucket of each border
}

// The first two borders are the open ends; what lies left of all thresholds is
// the delta of the first.
const (
	leftEnd    = 0
	rightEnd   = 1
	firstInner = 2
)

func newLineBuilder(trees *lineTrees) *lineBuilder {
	return &lineBuilder{
		trees:   trees,
		values:  sortedWindow{lowest: trees.lowest, highest: trees.highest, offset: trees.offset},
		now:     make([]lineNode, trees.live+2),
		next:    make([]lineNode, trees.live+2),
		borders: make([]border, firstInner+trees.borders),
		ordered: make([]border, trees.borders),
		slots:   make([]uint32, trees.borders),
	}
}

// build makes t the table of a full window of keys, in the order they were
// learned; first says that it is the first window. The window is not changed.
func (b *lineBuilder) build(t *lineTable, window []uint64, first bool) {
	b.values.sort(window)
	n := b.expand(window[0], first)
	sum := b.borders[leftEnd].delta
	inner := b.order(t, b.borders[firstInner:n])
	t.pieces = slices.Grow(t.pieces[:0], len(inner)+1)[:len(inner)+1]
	for i, e := range inner {
		t.pieces[i] = piece{e.key, b.trees.normalise(sum)}
		sum += e.delta
	}
	t.pieces[len(inner)] = piece{keyAbove, b.trees.normalise(sum)}
}

// normalise is River's score of a mass sum: high where there is little mass.
func (lt *lineTrees) normalise(sum int64) float64 {
	return 1 - float64(sum)/lt.maxSum
}

// expand visits the live nodes of all trees level by level and returns how many
// borders it made. Each child adds its mass times 2^depth to the sum over the
// range it covers: plus at its left border, minus at its right one.
//
// x0 is the key of the first value of the window. See [Line] for the nodes that
// split another feature: in the first window they send everything right if x0
// passed through them, and scoring, which goes left, ends there.
func (b *lineBuilder) expand(x0 uint64, first bool) int {
	lt, borders := b.trees, b.borders
	now, next := b.now, b.next
	borders[leftEnd] = border{keyBelow, int64(lt.cfg.Trees) * int64(lt.cfg.Window)}
	borders[rightEnd] = border{keyAbove, 0}
	for t := range lt.cfg.Trees {
		now[t] = lineNode{uint32(t), 0, uint32(lt.cfg.Window), leftEnd, rightEnd}
	}
	live, e := lt.cfg.Trees, firstInner
	minLive := uint32(lt.minLive)
	for d, level := range lt.levels {
		n := 0
		for _, nd := range now[:live] {
			k := level[nd.q]
			if k == keyBelow {
				if !first || x0 < borders[nd.a].key || x0 >= borders[nd.b].key {
					next[n] = b.passLeft(nd, d)
					n++
				}
				continue
			}
			m := b.values.below(k)
			left, right := m-nd.lo, nd.hi-m
			borders[e] = border{k, (int64(right) - int64(left)) << (d + 1)}
			borders[nd.a].delta += int64(left) << (d + 1)
			borders[nd.b].delta -= int64(right) << (d + 1)
			next[n] = lineNode{2 * nd.q, nd.lo, m, nd.a, uint32(e)}
			if left >= minLive {
				n++
			}
			next[n] = lineNode{2*nd.q + 1, m, nd.hi, uint32(e), nd.b}
			if right >= minLive {
				n++
			}
			e++
		}
		now, next, live = next, now, n
	}
	return e
}

// passLeft is the left child of a node that sends everything there.
func (b *lineBuilder) passLeft(nd lineNode, depth int) lineNode {
	mass := int64(nd.hi-nd.lo) << (depth + 1)
	b.borders[nd.a].delta += mass
	b.borders[nd.b].delta -= mass
	nd.q *= 2
	return nd
}

// order sorts borders by key and makes t's index over them: one counting sort
// gives both, and an insertion sort orders the few that share a bucket.
func (b *lineBuilder) order(t *lineTable, borders []border) []border {
	low, high := uint64(keyAbove), uint64(keyBelow)
	for _, e := range borders {
		low, high = min(low, e.key), max(high, e.key)
	}
	if len(borders) == 0 {
		low = high
	}
	buckets := powerOfTwo(3 * len(borders))
	t.at = newKeyIndex(low, high, buckets, b.trees.offset)
	t.index = slices.Grow(t.index[:0], buckets)[:buckets]
	clear(t.index)
	slots := b.slots[:len(borders)]
	for i, e := range borders {
		k := e.key
		if t.at.linear {
			k = shiftKey(k, t.at.offset)
		}
		slots[i] = uint32(t.at.clamped(k))
		t.index[slots[i]]++
	}
	cumulate(t.index)
	ordered := b.ordered[:len(borders)]
	for i, e := range borders {
		t.index[slots[i]]--
		ordered[t.index[slots[i]]] = e
	}
	finishBorders(ordered)
	return ordered
}

// finishBorders sorts borders that are in order of their buckets already.
func finishBorders(b []border) {
	moves := crowded * len(b)
	for i := 1; i < len(b); i++ {
		e, j := b[i], i
		for ; j > 0 && b[j-1].key > e.key; j-- {
			b[j] = b[j-1]
		}
		b[j] = e
		if moves -= i - j; moves < 0 {
			slices.SortFunc(b, func(x, y border) int { return cmp.Compare(x.key, y.key) })
			return
		}
	}
}

// cumulate replaces counts by the number of all up to and including each.
func cumulate(counts []uint32) {
	sum := uint32(0)
	for i, c := range counts {
		sum += c
		counts[i] = sum
	}
}
