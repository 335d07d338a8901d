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
	top       uint32 // highest cell that is not empty, 0 if all are
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
// fades; it says so.
func (t *tail) add(cell int, limit uint32) (faded bool) {
	for i := range t.survivors[:cell+1] {
		t.survivors[i]++
	}
	if cell > int(t.top) {
		t.top = uint32(cell)
	}
	if t.n++; t.n >= limit {
		t.fade()
		return true
	}
	return false
}

// fade halves all counts.
func (t *tail) fade() {
	t.n /= 2
	for i := range t.survivors {
		t.survivors[i] /= 2
	}
	t.findTop()
}

func (t *tail) findTop() {
	t.top = tailCells - 1
	for t.top > 0 && t.survivors[t.top] == 0 {
		t.top--
	}
}

// place is where a residual lies: u standard deviations sd above the location.
type place struct {
	cell  int
	at    float64 // in the cell, 0 to 1
	u, sd float64
}

func placeOf(u, sd float64) place {
	cell, at := tailCell(u)
	return place{cell, at, u, sd}
}

// above is how many of the n spans lie above p. Beyond the slowest ones seen, that
// falls in proportion to 1/duration, as the heaviest tails do that have a mean:
// what has not been seen yet is not impossible.
func (t *tail) above(p place) float64 {
	if p.cell < int(t.top) {
		lo, hi := float64(t.survivors[p.cell]), float64(t.survivors[p.cell+1])
		return lo - float64(p.at*(lo-hi))
	}
	n := float64(t.survivors[t.top])
	if n == 0 {
		return 0
	}
	return n * exp(-float64((p.u-tailEdges[t.top])*p.sd))
}

// tailEdges are the lower edges of the cells.
var tailEdges = func() (edges [tailCells]float64) {
	for i := range edges {
		edges[i] = exp(float64(i)*(math.Ln2/tailDoubling)) - 1
	}
	return edges
}()

// assumedTail is how likely a span lies u scales above the location before anything
// is known: heavier than a log-normal's, in the end u to the power of -5. Strictly
// decreasing.
func assumedTail(u float64) float64 {
	b := bodyEvidence(u)
	return 0.5 / (float64(b*b) * (1 + u))
}

// share is how likely a span lies above p, prior being the answer of those who know
// less, and weight how many spans that is worth.
func (t *tail) share(p place, prior, weight float64) float64 {
	return (t.above(p) + float64(weight*prior)) / (float64(t.n) + weight)
}
