package eval

import (
	"cmp"
	"slices"
)

const (
	// distinctMax is how many distinct scores a histogram keeps apart.
	distinctMax = 1 << 20
	// histogramBuffer is how many scores are collected before they are counted.
	histogramBuffer = 1 << 18
	// coarseBits of a key are left where there are more: sign, exponent and 20 bits of the
	// mantissa, a part in two million.
	coarseBits = 32
	pageBits   = 12
)

// histogram counts positives and negatives by score, in bounded memory. Up to
// distinctMax distinct scores it is exact. Where there are more, every score is rounded
// down to 21 leading bits: which of the two it is depends on all that was added to it
// and to what was merged, not on the order.
//
// Memory: 24 bytes a distinct score and room to count more, at most 60 MB, and 64 kB a page of 4096 rounded
// scores: 16 MB for those from one half to one.
type histogram struct {
	pos, neg []uint64 // keys that are not counted yet
	bins     []bin    // by ascending key
	coarse   *coarse  // in the place of bins once they were too many
	room     []uint64 // to sort in
	fresh    []bin    // to count in
	limit    int      // of distinct scores; 0: distinctMax
}

// bin is a score, as a key, with the spans that have it.
type bin struct {
	key      uint64
	pos, neg int64
}

// coarse is a page table over the leading coarseBits of a key.
type coarse struct {
	pages []*[1 << pageBits][2]int64
}

func newCoarse() *coarse {
	return &coarse{pages: make([]*[1 << pageBits][2]int64, 1<<(coarseBits-pageBits))}
}

func (c *coarse) add(key uint64, pos, neg int64) {
	at := key >> (64 - coarseBits)
	page := c.pages[at>>pageBits]
	if page == nil {
		page = new([1 << pageBits][2]int64)
		c.pages[at>>pageBits] = page
	}
	cell := &page[at&(1<<pageBits-1)]
	cell[0] += neg
	cell[1] += pos
}

// merge adds the counts of o and may keep its pages.
func (c *coarse) merge(o *coarse) {
	for i, page := range o.pages {
		switch {
		case page == nil:
		case c.pages[i] == nil:
			c.pages[i] = page
		default:
			for j, cell := range page {
				c.pages[i][j][0] += cell[0]
				c.pages[i][j][1] += cell[1]
			}
		}
	}
}

// distinct is how many scores there are.
func (c *coarse) distinct() (n int) {
	for _, page := range c.pages {
		if page == nil {
			continue
		}
		for _, cell := range page {
			if cell != [2]int64{} {
				n++
			}
		}
	}
	return n
}

// add counts one span. score is not NaN.
func (h *histogram) add(score float64, positive bool) {
	key := keyOf(score)
	switch {
	case h.coarse != nil && positive:
		h.coarse.add(key, 1, 0)
	case h.coarse != nil:
		h.coarse.add(key, 0, 1)
	case positive:
		h.pos = append(h.pos, key)
	default:
		h.neg = append(h.neg, key)
	}
	if len(h.pos)+len(h.neg) >= histogramBuffer {
		h.settle()
	}
}

// settle counts what was collected.
func (h *histogram) settle() {
	if len(h.pos)+len(h.neg) == 0 {
		return
	}
	h.room = slices.Grow(h.room[:0], max(len(h.pos), len(h.neg)))
	for _, keys := range [][]uint64{h.pos, h.neg} {
		sortKeys(keyed{key: keys}, keyed{key: h.room[:len(keys)]})
	}
	fresh := slices.Grow(h.fresh[:0], len(h.pos)+len(h.neg))
	for i, j := 0, 0; i < len(h.pos) || j < len(h.neg); {
		b := bin{key: nextKey(h.pos[i:], h.neg[j:])}
		for ; i < len(h.pos) && h.pos[i] == b.key; i++ {
			b.pos++
		}
		for ; j < len(h.neg) && h.neg[j] == b.key; j++ {
			b.neg++
		}
		fresh = append(fresh, b)
	}
	h.fresh = fresh
	h.pos, h.neg = h.pos[:0], h.neg[:0]
	h.addBins(fresh)
}

// nextKey is the least of the first of two lists, of which one is not empty.
func nextKey(a, b []uint64) uint64 {
	switch {
	case len(a) == 0:
		return b[0]
	case len(b) == 0:
		return a[0]
	}
	return min(a[0], b[0])
}

// addBins adds counts by ascending key.
func (h *histogram) addBins(more []bin) {
	if h.coarse == nil {
		if h.bins = mergeBins(h.bins, more); len(h.bins) > cmp.Or(h.limit, distinctMax) {
			h.coarsen()
		}
		return
	}
	for _, b := range more {
		h.coarse.add(b.key, b.pos, b.neg)
	}
}

// mergeBins adds b to a, in a's room if that is enough: from the end on, so that nothing
// is overwritten before it is read.
func mergeBins(a, b []bin) []bin {
	i, j, to := len(a)-1, len(b)-1, len(a)+len(b)
	out := a
	if cap(a) < to {
		out = make([]bin, 0, 2*to)
	}
	out = out[:to]
	for j >= 0 {
		to--
		switch {
		case i < 0 || a[i].key < b[j].key:
			out[to] = b[j]
			j--
		case a[i].key > b[j].key:
			out[to] = a[i]
			i--
		default:
			out[to] = bin{a[i].key, a[i].pos + b[j].pos, a[i].neg + b[j].neg}
			i, j = i-1, j-1
		}
	}
	copy(out, a[:i+1])
	return slices.Delete(out, i+1, to) // the places that equal keys left
}

func (h *histogram) coarsen() {
	if h.coarse != nil {
		return
	}
	h.coarse = newCoarse()
	bins := h.bins
	h.bins = nil
	h.addBins(bins)
	h.pos, h.neg, h.room, h.fresh = nil, nil, nil, nil
}

// merge adds what o counted.
func (h *histogram) merge(o *histogram) {
	h.settle()
	o.settle()
	if o.coarse == nil {
		h.addBins(o.bins)
		return
	}
	h.coarsen()
	h.coarse.merge(o.coarse)
}

// list is all scores with their counts, by ascending key, which is descending score.
func (h *histogram) list() []bin {
	h.settle()
	if h.coarse == nil {
		return h.bins
	}
	out := make([]bin, 0, h.coarse.distinct())
	for i, page := range h.coarse.pages {
		if page == nil {
			continue
		}
		for j, cell := range page {
			if cell != [2]int64{} {
				// The last key of those that round to this one is that of the lowest score.
				at := uint64(i)<<pageBits | uint64(j)
				out = append(out, bin{at<<(64-coarseBits) | (1<<(64-coarseBits) - 1), cell[1], cell[0]})
			}
		}
	}
	return out
}

// ranking is the curve of what was counted. It knows no traces.
func (h *histogram) ranking() *Ranking { return rankBins(h.list()) }
