package hst

import "math"

// tail counts how far above the location the spans of a call, a service or all
// calls lay, in scales: survivors[i] is how many reached the lower edge of cell i.
// Cells widen with the distance, eight to each doubling of 1+u, so that the 48 of
// them cover 57 scales, the last one being open.
//
// A survival function and not a histogram, because most spans lie near the
// location: learning one touches the few cells below it, a look-up touches two.
type tail struct {
	survivors [tailCells]uint32
	n         uint32 // spans learned, faster ones included
}

const (
	tailCells    = 48
	tailDoubling = 8
	// tailPrior is how many spans of its own outweigh what a call inherits of its tail
	// from its service, and a service from all calls.
	tailPrior = 32
	// allPrior is how many spans the assumed tail counts for, among those of all calls.
	allPrior = 256
	// callMemory, groupMemory: after so many spans a tail halves its counts.
	callMemory  = 1 << 14
	groupMemory = 1 << 20
)

// tailCell is the cell of u >= 0 and where in it u lies, 0 to 1.
func tailCell(u float64) (cell int, at float64) {
	x := ln(1+u) * (tailDoubling / math.Ln2)
	if !(x < tailCells-1) {
		return tailCells - 1, 0
	}
	cell = int(x)
	return cell, x - float64(cell)
}

// below is the cell of spans faster than the location.
const below = -1

// add learns a span in a cell, or below. At limit all counts are halved: the past
// fades.
func (t *tail) add(cell int, limit uint32) {
	for i := range t.survivors[:cell+1] {
		t.survivors[i]++
	}
	if t.n++; t.n >= limit {
		t.n /= 2
		for i := range t.survivors {
			t.survivors[i] /= 2
		}
	}
}

// above is how many of the n spans lie above a place in a cell.
func (t *tail) above(cell int, at float64) float64 {
	lo := float64(t.survivors[cell])
	if cell == tailCells-1 {
		return lo
	}
	return lo - float64(at*(lo-float64(t.survivors[cell+1])))
}

// assumedTail is how likely a span lies u scales above the location before anything
// is known: heavier than a log-normal's, in the end u to the power of -5. Strictly
// decreasing.
func assumedTail(u float64) float64 {
	b := bodyEvidence(u)
	return 0.5 / (float64(b*b) * (1 + u))
}

// share is how likely a span lies above the place, prior being the answer for
// those who know less, and weight how many spans that is worth.
func (t *tail) share(cell int, at, prior, weight float64) float64 {
	return (t.above(cell, at) + float64(weight*prior)) / (float64(t.n) + weight)
}
