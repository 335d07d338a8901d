package hst

import "math"

// mass is how many spans of a call took how long: cells of duration itself, eight to
// a doubling, and not of distance from the location, which drifts. It is there to
// know plateaus: durations far above the location to which a call keeps coming
// back, such as a timeout, a poll interval or the slower of two code paths. Those
// are ordinary for the call, however far out they are, and the smooth tail cannot
// say so. Mass is what Half-Space Trees measure (Ting, Zhou, Liu and Tan, Mass
// Estimation and Its Applications, KDD 2010): here of a single level of equal
// cells, because a plateau has a width of its own, that of a timer's jitter.
//
// Anomalies must not pass for a plateau. They scatter over factors, a plateau does
// not: what counts is the mass in excess of that around it, less what chance adds.
// And what is flagged does not count, unless it proves to recur (recurrence).
type mass [massCells]uint16

const (
	massDoubling = 8
	// massCells reach from 1 µs, the resolution, to 73 minutes; the last one is open.
	massCells = 256
	// plateauAround is how many cells to each side of a plateau say what mass would be
	// there without it: a factor of two.
	plateauAround = 8
	// plateauNoise is how many standard deviations of a count chance may add to it.
	plateauNoise = 3
)

var lnResolution = ln(resolution)

// massCell is the cell of x = ln(ns + resolution), and the one beside it that is
// nearer to x. Both are in range.
func massCell(x float64) (cell, beside int) {
	at := (x - lnResolution) * (massDoubling / math.Ln2)
	if !(at < massCells-1) {
		return massCells - 1, massCells - 2
	}
	cell = max(int(at), 0)
	if at-float64(cell) < 0.5 && cell > 0 {
		return cell, cell - 1
	}
	return cell, cell + 1
}

// add learns n spans in a cell.
func (m *mass) add(cell int, n uint16) { m[cell] += min(n, math.MaxUint16-m[cell]) }

// fade halves all counts: the past fades.
func (m *mass) fade() {
	for i := range m {
		m[i] /= 2
	}
}

// excess is how many spans took as long as x beyond what the mass around and chance
// account for; 0 where x is not above the cell of the body's end. Cost: some 20 ns.
func (m *mass) excess(x, bodyEnd float64) float64 {
	cell, beside := massCell(x)
	body, _ := massCell(bodyEnd)
	if cell <= body {
		return 0
	}
	if beside <= body {
		beside = cell
	}
	lo, hi := min(cell, beside), max(cell, beside)
	n := float64(m.sum(lo, hi+1))
	if n <= plateauNoise {
		return 0
	}
	expected := float64(m.sum(lo-plateauAround, lo)+m.sum(hi+1, hi+1+plateauAround)) / (2 * plateauAround)
	// What is not twice as heavy as the cells beside it is a slope, or an end of one.
	expected = max(expected, float64(max(m.sum(lo-2, lo), m.sum(hi+1, hi+3)))/4)
	expected *= float64(hi - lo + 1)
	return max(0, n-expected-float64(plateauNoise*math.Sqrt(expected+1)))
}

// sum is the mass of the cells [from, to).
func (m *mass) sum(from, to int) (n int) {
	for _, c := range m[max(from, 0):min(to, massCells)] {
		n += int(c)
	}
	return n
}

// plateau is the share of c's spans that are known to come back to x, at least; 0 if
// it is no plateau.
func (c *callModel) plateau(x, u float64) float64 {
	if u <= bodyLimit {
		return 0
	}
	return c.plateauShare(x)
}

// plateauShare is plateau beyond the body.
//
//go:noinline so that plateau, which rarely asks it, is inlined.
func (c *callModel) plateauShare(x float64) float64 {
	return min(1, c.mass.excess(x, c.location+float64(bodyLimit*c.sd))/(float64(c.tail.n)+tailPrior))
}

// tempered is the surprise of a span whose body evidence is known, on a plateau of a
// share of its call's spans: no more than that of an ordinary span as rare. The
// second result says whether the plateau decides.
func tempered(body, share float64) (nats float64, known bool) {
	if share == 0 {
		return body, false
	}
	return temper(body, share)
}

// temper is tempered on a plateau.
//
//go:noinline so that tempered, which rarely asks it, is inlined.
func temper(body, share float64) (nats float64, known bool) {
	if s := -nominalSlope * ln(share); s < body {
		return s, true
	}
	return body, false
}

// recurrence finds a plateau among the spans that are flagged, which teach nothing:
// one to which most of them come back for RelearnAfter is the call's new normal, as a
// shift that lasts as long is. A vote by majority (Boyer and Moore, 1981), so that it
// takes the memory of one candidate.
type recurrence struct {
	age   int64 // of the candidate, ns by the call's clock
	votes uint16
	cell  uint8
}

// pass lets time pass.
func (r *recurrence) pass(ns int64) {
	if r.votes > 0 {
		r.age += ns
	}
}

// vote is told the cell of a flagged span. After RelearnAfter it returns how many
// spans the candidate's cell has gained, and begins anew.
func (r *recurrence) vote(cell int, after int64) (gained uint16) {
	switch distance := cell - int(r.cell); {
	case r.votes == 0:
		*r = recurrence{votes: 1, cell: uint8(cell)}
	case distance < -1 || distance > 1:
		r.votes--
	case r.age >= after:
		gained = r.votes + 1
		*r = recurrence{cell: r.cell}
	case r.votes < math.MaxUint16-1:
		r.votes++
	}
	return gained
}
