package baselines

import (
	"math"
	"math/bits"
	"slices"
)

// subBits sets the resolution: 2^subBits buckets an octave.
const subBits = 5

// histogram counts durations in log-linear buckets, as HdrHistogram does: exact up
// to 127 ns, then 64 buckets an octave, so a bucket is at most 1.6 % wide. It counts
// every span, in integers, and needs no random numbers, which a reservoir would.
//
// Memory: 8 bytes a bucket between the shortest and the longest duration, 1.7 KB a
// decade, at most 30 KB.
type histogram struct {
	n        int64
	max      int64    // ns
	first    int      // bucket number of count[0]
	count    []uint32 // spans a bucket
	below    []uint32 // spans in lower buckets; valid when fresh
	fresh    bool
	median50 float64 // ns; valid when fresh
}

// bucketOf numbers the bucket of a duration in ns; negative ones share that of 0.
func bucketOf(ns int64) int {
	ns = max(ns, 0)
	shift := max(bits.Len64(uint64(ns))-subBits-1, 0)
	return shift<<subBits + int(ns>>shift)
}

// bounds are the half-open range [low, high) of a bucket, ns.
func bounds(bucket int) (low, high float64) {
	shift := max(bucket>>subBits-1, 0)
	low = float64(int64(bucket-shift<<subBits) << shift)
	return low, low + float64(int64(1)<<shift)
}

// add counts a duration. After 2^32-1 of them the histogram learns no more: so many
// cannot change it.
func (h *histogram) add(ns int64) {
	if h.n == math.MaxUint32 {
		return
	}
	b := bucketOf(ns)
	h.cover(b)
	h.count[b-h.first]++
	h.n++
	h.max = max(h.max, ns)
	h.fresh = false
}

// cover makes room for bucket b.
func (h *histogram) cover(b int) {
	switch {
	case len(h.count) == 0:
		h.first, h.count = b, make([]uint32, 1, 8)
	case b < h.first:
		h.count = slices.Insert(h.count, 0, make([]uint32, h.first-b)...)
		h.first = b
	default:
		for b-h.first >= len(h.count) {
			h.count = append(h.count, 0)
		}
	}
}

// refresh prepares the queries. It costs a pass over the buckets after an add, and
// nothing otherwise.
func (h *histogram) refresh() {
	if h.fresh {
		return
	}
	h.fresh = true
	h.below = slices.Grow(h.below[:0], len(h.count))[:len(h.count)]
	var sum uint32
	for i, c := range h.count {
		h.below[i] = sum
		sum += c
	}
	h.median50 = h.quantile(.5)
}

// quantile interpolates within the bucket in which the q-th part of the spans ends.
func (h *histogram) quantile(q float64) float64 {
	want := float64(q * float64(h.n))
	i, _ := slices.BinarySearchFunc(h.below, want, func(below uint32, want float64) int {
		if float64(below) < want {
			return -1
		}
		return 1
	})
	i = max(i-1, 0) // the last bucket that begins below want
	low, high := bounds(h.first + i)
	part := (want - float64(h.below[i])) / float64(max(h.count[i], 1))
	return min(low+float64(part*(high-low)), float64(max(h.max, 0)))
}

// median of the durations, ns, at least 1. The histogram is not empty.
func (h *histogram) median() float64 {
	h.refresh()
	return max(h.median50, 1)
}

// rank is how many of the durations are below ns, interpolated within its bucket.
// It never falls as ns grows.
func (h *histogram) rank(ns int64) float64 {
	h.refresh()
	b := bucketOf(ns) - h.first
	switch {
	case b < 0:
		return 0
	case b >= len(h.count):
		return float64(h.n)
	}
	low, high := bounds(h.first + b)
	part := (float64(max(ns, 0)) - low) / (high - low)
	return float64(h.below[b]) + float64(part*float64(h.count[b]))
}
