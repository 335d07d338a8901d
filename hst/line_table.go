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

// score is the score of x. The index covers nearly all values of the window
// before, so that both jumps go the same way nearly always, and most buckets hold
// at most one border, so that the first comparison, which is arithmetic, settles it.
func (t *lineTable) score(x float64) float64 {
	k := orderBits(x)
	d := k - t.at.low
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

// scoreAll writes the score of each x to dst, of the same length: score, without
// the call.
func (t *lineTable) scoreAll(dst, xs []float64) {
	low, width, shift := t.at.low, t.at.width, t.at.shift&63
	index, pieces := t.index, t.pieces
	dst = dst[:len(xs)]
	for j, x := range xs {
		k := orderBits(x)
		d := k - low
		if d > width {
			dst[j] = t.outside(x)
			continue
		}
		i := uint64(index[d>>shift])
		_, below := bits.Sub64(k, pieces[i].upper, 0)
		i += 1 - below
		_, below = bits.Sub64(k, pieces[i].upper, 0)
		i += 1 - below
		for pieces[i].upper <= k {
			i++
		}
		dst[j] = pieces[i].score
	}
}

// outside is the score of values that the index does not cover, NaN among them.
func (t *lineTable) outside(x float64) float64 {
	if orderKey(x) < t.at.low {
		return t.pieces[0].score
	}
	return t.pieces[len(t.pieces)-1].score
}

func (t *lineTable) clone() lineTable {
	return lineTable{t.at, slices.Clone(t.index), slices.Clone(t.pieces)}
}
