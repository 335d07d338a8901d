package hst

import "slices"

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
	i += atMost(t.pieces[i].upper, k)
	i += atMost(t.pieces[i].upper, k)
	for t.pieces[i].upper <= k {
		i++
	}
	return t.pieces[i].score
}

// atMost is 1 if a <= b, else 0, without a jump.
func atMost(a, b uint64) uint64 {
	var one uint64
	if a <= b {
		one = 1
	}
	return one
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

// outside is the score of values below the first border or above the last, NaN
// among them.
func (t *lineTable) outside(x float64) float64 {
	if first := &t.pieces[0]; orderKey(x) < first.upper {
		return first.score
	}
	return t.pieces[len(t.pieces)-1].score
}

func (t *lineTable) clone() lineTable {
	return lineTable{t.at, slices.Clone(t.index), slices.Clone(t.pieces)}
}
