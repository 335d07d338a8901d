package hst

import "math"

// tail counts how far above the location the spans of a call, a service or all
// calls lay, in scales: survivors[i] is how many reached the lower edge of cell i.
// Cells widen with the distance, eight equal ones to each doubling of 1+u, so that
// the 48 of them cover 57 scales, the last one being open, and the bits of 1+u say
// which one it is.
//
// A survival function and not a histogram, because most spans lie near the
// location: learning one touches the few cells below it, a look-up touches two.
type tail struct {
	n         uint32  // spans learned, faster ones included
	top       uint32  // highest cell that is not empty, 0 if all are
	inverse   float64 // 1 / (n + what the prior counts for); 0 while n is 0
	own       float64 // n * inverse: how much n counts for beside the prior
	survivors [tailCells]uint32
}

const (
	tailCells    = 48
	tailDoubling = 1 << tailBits
	tailBits     = 3
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
	const rest = 52 - tailBits // bits of the mantissa that say where in the cell
	b := math.Float64bits(1 + u)
	cell = int(b>>rest) - 1023<<tailBits
	if cell >= tailCells-1 {
		return tailCells - 1, 0
	}
	return cell, float64(float64(b&(1<<rest-1)) * (1.0 / (1 << rest)))
}

// tailReach is how many cells a span reaches that lies u scales above the location,
// or below it: 0 to tailCells. One at the location reaches it. A call of which every
// span takes the same time, such as a timer's, would otherwise be one of which no span
// had ever come so far, and each would be more surprising than the one before.
func tailReach(u float64) int {
	cell, _ := tailCell(max(u, 0))
	return (cell + 1) * int(isAbove(u, -tie))
}

// tie is what the location, a sum that was rounded a thousand times, may be off.
const tie = 1e-9

// isAbove is 1 if x > y, else 0, without a jump.
func isAbove(x, y float64) uint64 { return math.Float64bits(y-x) >> 63 }

// add learns a span that reaches so many cells; weight is what the prior counts for.
// At limit all counts are halved: the past fades; it says so.
func (t *tail) add(cells int, limit uint32, weight float64) (faded bool) {
	// Most spans end in the first cells, each in another: no jump for these.
	for i := range tailDoubling {
		t.survivors[i] += uint32(uint64(i-cells) >> 63)
	}
	if cells > tailDoubling {
		for i := range t.survivors[tailDoubling:cells] {
			t.survivors[tailDoubling+i]++
		}
	}
	t.top = max(t.top, uint32(max(cells, 1)-1))
	if t.n++; t.n >= limit {
		t.fade()
		faded = true
	}
	t.weigh(weight)
	return faded
}

// weigh sets what follows from n and what the prior counts for.
func (t *tail) weigh(weight float64) {
	t.inverse = 1 / (float64(t.n) + weight)
	t.own = float64(t.n) * t.inverse
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

// above is how many of the n spans lie above p.
func (t *tail) above(p place) float64 {
	if p.cell < int(t.top) {
		return t.within(p)
	}
	return t.beyond(p)
}

// within is above for a place in a cell below the top.
func (t *tail) within(p place) float64 {
	lo, hi := float64(t.survivors[p.cell]), float64(t.survivors[p.cell+1])
	return lo - float64(p.at*(lo-hi))
}

// beyond is above for a place beyond the slowest spans seen. There it falls in
// proportion to 1/duration, as the heaviest tails do that have a mean: what has not
// been seen yet is not impossible.
func (t *tail) beyond(p place) float64 {
	n := float64(t.survivors[t.top])
	if n == 0 {
		return 0
	}
	return n * exp(-float64((p.u-tailEdges[t.top])*p.sd))
}

// tailEdges are the lower edges of the cells, assumedShares what assumedTail says of
// them.
var tailEdges, assumedShares = func() (edges, shares [tailCells]float64) {
	for i := range edges {
		edges[i] = math.Ldexp(1+float64(i%tailDoubling)/tailDoubling, i/tailDoubling) - 1
		shares[i] = assumedTail(edges[i])
	}
	return edges, shares
}()

// assumedTail is how likely a span lies u scales above the location before anything
// is known: heavier than a log-normal's, in the end u to the power of -5. Strictly
// decreasing.
func assumedTail(u float64) float64 {
	b := bodyEvidence(u)
	return 0.5 / (float64(b*b) * (1 + u))
}

// assumed is the assumedTail at p, interpolated as above interpolates.
func (p place) assumed() float64 {
	if p.cell == tailCells-1 {
		return assumedTail(p.u)
	}
	return p.assumedWithin()
}

// assumedWithin is assumed for a place that is not in the last cell.
func (p place) assumedWithin() float64 {
	lo, hi := assumedShares[p.cell], assumedShares[p.cell+1]
	return lo - float64(p.at*(lo-hi))
}

// share is how likely a span lies above p, prior being the answer of those who know
// less: (above + weight prior) / (n + weight).
func (t *tail) share(p place, prior float64) float64 { return t.mix(t.above(p), prior) }

// mix is share when what lies above is known.
func (t *tail) mix(above, prior float64) float64 {
	return float64(prior*(1-t.own)) + float64(above*t.inverse)
}
