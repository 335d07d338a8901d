package hst

import (
	"math/bits"
	"slices"
)

// lineTable is the score as a function of one number: piecewise constant, because
// a walk goes on only where a tenth of the window is, so that at most ten nodes a
// level are live in each tree. The zero value is not usable: see reset.
type lineTable struct {
	at     keyIndex
	index  []uint32 // first piece that reaches into a bucket
	pieces []piece  // ascending; the last one is open
}

// piece is a range of values with one score: from the piece before up to, not
// including, upper.
type piece struct {
	upper uint64
	score float64
}

// reset makes t score everything 0, as in the first window.
func (t *lineTable) reset() {
	t.at = keyIndex{}
	t.index = append(t.index[:0], 0)
	t.pieces = append(t.pieces[:0], piece{upper: keyAbove})
}

// score is the score of x. The index covers all borders, so that few values of the
// window before lie outside, and most buckets hold two borders at most, so that two
// comparisons, which are arithmetic, settle it: jumps go the same way nearly always.
func (t *lineTable) score(x float64) float64 {
	k := orderBits(x)
	d := k - t.at.low
	if t.at.linear {
		d = orderBits(x+t.at.offset) - t.at.low
	}
	if d > t.at.width {
		return t.outside(x)
	}
	i := uint64(t.index[d>>(t.at.shift&63)])
	_, below := bits.Sub64(k, t.pieces[i].upper, 0)
	i += 1 - below
	_, below = bits.Sub64(k, t.pieces[i].upper, 0)
	i += 1 - below
	for t.pieces[i].upper <= k {
		i++
	}
	return t.pieces[i].score
}

// piece is the number of the piece that holds the number with key k.
func (t *lineTable) piece(k uint64) int {
	i, _ := slices.BinarySearchFunc(t.pieces, k, func(p piece, k uint64) int {
		if p.upper <= k {
			return -1
		}
		return 1
	})
	return i
}

// scoreAll writes the score of each x to dst, of the same length.
func (t *lineTable) scoreAll(dst, xs []float64) {
	dst = dst[:len(xs)]
	for i, x := range xs {
		dst[i] = t.score(x)
	}
}

// outside is the score of values that the index does not cover, NaN among them.
func (t *lineTable) outside(x float64) float64 { return t.pieces[t.piece(orderKey(x))].score }

func (t *lineTable) clone() lineTable {
	return lineTable{t.at, slices.Clone(t.index), slices.Clone(t.pieces)}
}
