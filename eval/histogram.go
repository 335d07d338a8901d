package eval

import (
	"cmp"
	"iter"
	"slices"
)

const (
	// distinctMax is how many distinct scores a histogram keeps apart.
	distinctMax = 1 << 20
	// histogramBuffer is how many scores are collected before they are counted.
	histogramBuffer = 1 << 18
	// manyScores are followed by more.
	manyScores = 1 << 12
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
// Scores are collected, sorted and counted some at a time, and what comes of it is left
// as it is, a run beside others, until the runs together might hold too many distinct
// scores. Then that is found out, and they become one run or rounded scores.
//
// Memory: 24 bytes a distinct score and room to count more, at most 70 MB, and 64 kB a page of 4096 rounded
// scores: 16 MB for those from one half to one.
type histogram struct {
	pos, neg []uint64 // keys that are not counted yet
	runs     [][]bin  // each by ascending key, without equal ones
	size     int      // bins of all runs; no more than limit once settled
	coarse   *coarse  // in the place of runs once there were too many distinct scores
	sorting  []uint64 // to sort in
	free     []bin    // to make runs of
	limit    int      // of distinct scores; 0: distinctMax
}

// bin is a score, as a key, with the spans that have it.
type bin struct {
	key      uint64
	pos, neg int64
}

// coarse is a page table over the leading coarseBits of a key.
type coarse struct {
	numbers []uint32 // from 1, of the page; 0: it has no score
	pages   []*page
	free    []page
}

// page is the negatives and positives of scores that follow each other.
type page [1 << pageBits][2]int64

// pagesAtOnce are made together, which are more than the system's large pages are long.
const pagesAtOnce = 64

func newCoarse() *coarse {
	return &coarse{numbers: makeArray[uint32](1 << (coarseBits - pageBits))}
}

func (c *coarse) add(key uint64, pos, neg int64) {
	at := key >> (64 - coarseBits)
	cell := &c.page(at >> pageBits)[at&(1<<pageBits-1)]
	cell[0] += neg
	cell[1] += pos
}

// page is number i of all pages that there can be, made if it is new.
func (c *coarse) page(i uint64) *page {
	if n := c.numbers[i]; n != 0 {
		return c.pages[n-1]
	}
	return c.newPage(i)
}

func (c *coarse) newPage(i uint64) *page {
	if len(c.free) == 0 {
		c.free = makeArray[page](pagesAtOnce)
	}
	p := &c.free[0]
	c.free = c.free[1:]
	c.pages = append(c.pages, p)
	c.numbers[i] = uint32(len(c.pages))
	return p
}

// ordered yields the pages with the number of each among all that there can be.
func (c *coarse) ordered(yield func(int, *page) bool) {
	for i, n := range c.numbers {
		if n != 0 && !yield(i, c.pages[n-1]) {
			return
		}
	}
}

// merge adds the counts of o.
func (c *coarse) merge(o *coarse) {
	for i, more := range o.ordered {
		p := c.page(uint64(i))
		for j, cell := range more {
			p[j][0] += cell[0]
			p[j][1] += cell[1]
		}
	}
}

// all yields the counts by ascending key.
func (c *coarse) all(yield func(bin) bool) {
	for i, p := range c.ordered {
		for j, cell := range p {
			if cell == [2]int64{} {
				continue
			}
			// The last key of those that round to this one is that of the lowest score.
			at := uint64(i)<<pageBits | uint64(j)
			if !yield(bin{at<<(64-coarseBits) | (1<<(64-coarseBits) - 1), cell[1], cell[0]}) {
				return
			}
		}
	}
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
		if len(h.neg) == manyScores && cap(h.neg) < histogramBuffer {
			both := makeArray[uint64](2 * histogramBuffer)
			h.neg, h.sorting = append(both[:0:histogramBuffer], h.neg...), both[histogramBuffer:]
		}
		h.neg = append(h.neg, key)
	}
	if len(h.pos)+len(h.neg) >= histogramBuffer {
		h.settle()
	}
}

// settle counts what was collected.
func (h *histogram) settle() {
	n := len(h.pos) + len(h.neg)
	if n == 0 {
		return
	}
	if most := max(len(h.pos), len(h.neg)); cap(h.sorting) < most {
		h.sorting = makeArray[uint64](most)
	}
	for _, keys := range [][]uint64{h.pos, h.neg} {
		sortKeys(keyed{key: keys}, keyed{key: h.sorting[:len(keys)]})
	}
	if cap(h.free) < n {
		h.free = makeArray[bin](h.roomFor(n))[:0]
	}
	run := h.free
	for i, j := 0, 0; i < len(h.pos) || j < len(h.neg); {
		b := bin{key: nextKey(h.pos[i:], h.neg[j:])}
		for ; i < len(h.pos) && h.pos[i] == b.key; i++ {
			b.pos++
		}
		for ; j < len(h.neg) && h.neg[j] == b.key; j++ {
			b.neg++
		}
		run = append(run, b)
	}
	h.pos, h.neg = h.pos[:0], h.neg[:0]
	h.free = run[len(run):]
	h.addRun(run[:len(run):len(run)])
}

// roomFor is how many bins to make room for, n at least: with few scores, none more; where
// more follow, all that can come.
func (h *histogram) roomFor(n int) int {
	if n < histogramBuffer {
		return n
	}
	return max(n, h.most()+n-h.size)
}

// most is how many distinct scores are kept apart.
func (h *histogram) most() int { return cmp.Or(h.limit, distinctMax) }

// makeArray is ArrayOf on the heap, which has no errors.
func makeArray[T Plain](n int) []T {
	s, _ := ArrayOf[T](nil, n)
	return s
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

// addRun adds counts by ascending key. The histogram keeps the slice.
func (h *histogram) addRun(run []bin) {
	if h.coarse != nil {
		h.round(run)
		return
	}
	h.runs = append(h.runs, run)
	if h.size += len(run); h.size <= h.most() {
		return
	}
	distinct := h.distinct()
	if distinct > h.most() {
		h.coarsen()
		return
	}
	one := makeArray[bin](distinct)[:0]
	for b := range h.all() {
		one = append(one, b)
	}
	h.runs, h.size, h.free = append(h.runs[:0], one), distinct, nil
}

func (h *histogram) round(run []bin) {
	for _, b := range run {
		h.coarse.add(b.key, b.pos, b.neg)
	}
}

// coarsen rounds all scores, from now on.
func (h *histogram) coarsen() {
	if h.coarse != nil {
		return
	}
	h.coarse = newCoarse()
	for _, run := range h.runs {
		h.round(run)
	}
	h.runs, h.size, h.sorting, h.free = nil, 0, nil, nil
	if len(h.pos)+len(h.neg) == 0 {
		h.pos, h.neg = nil, nil
	}
}

// merge adds what o counted, and may keep memory of it.
func (h *histogram) merge(o *histogram) {
	h.settle()
	o.settle()
	if o.coarse != nil {
		h.coarsen()
		h.coarse.merge(o.coarse)
		return
	}
	for _, run := range o.runs {
		h.addRun(run)
	}
}

// all yields the scores that are counted, by ascending key, which is descending score.
func (h *histogram) all() iter.Seq[bin] {
	if h.coarse != nil {
		return h.coarse.all
	}
	return func(yield func(bin) bool) {
		left := slices.Clone(h.runs)
		for {
			left = slices.DeleteFunc(left, func(run []bin) bool { return len(run) == 0 })
			if !merged(left, yield) {
				return
			}
		}
	}
}

// merged yields bins of the runs, of which none is empty, until one is or, false, there is
// nothing more to do.
func merged(runs [][]bin, yield func(bin) bool) bool {
	if len(runs) == 0 {
		return false
	}
	for {
		b := bin{key: runs[0][0].key}
		for _, run := range runs[1:] {
			b.key = min(b.key, run[0].key)
		}
		ended := false
		for i, run := range runs {
			if run[0].key == b.key {
				b.pos, b.neg, runs[i] = b.pos+run[0].pos, b.neg+run[0].neg, run[1:]
				ended = ended || len(run) == 1
			}
		}
		if !yield(b) {
			return false
		}
		if ended {
			return true
		}
	}
}

// distinct is how many scores there are.
func (h *histogram) distinct() (n int) {
	for range h.all() {
		n++
	}
	return n
}

// ranking is the curve of what was counted. It knows no traces.
func (h *histogram) ranking() *Ranking {
	h.settle()
	bins := makeArray[bin](h.distinct())[:0]
	for b := range h.all() {
		bins = append(bins, b)
	}
	return rankBins(bins)
}
