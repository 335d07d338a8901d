package hst

import "math"

// tail counts how far above the location the spans of a call, a service or all
// calls lay, in units of the scale: survivors[i] is how many reached the lower
// edge of cell i. Cells widen with the distance, eight to each doubling of 1+u, so
// that the 48 of them cover 63 scales.
//
// Stored as a survival function and not as a histogram, because most spans lie
// near the location: learning one touches the few cells below it, and a look-up
// touches two.
type tail struct {
	survivors [tailCells]uint32
	n         uint32 // spans learned, faster ones included
}

const (
	tailCells    = 48
	tailDoubling = 8
)

// tailCell is the cell of u >= 0 and where in it u lies, 0 to 1.
func tailCell(u float64) (cell int, at float64) {
	x := tailDoubling * math.Log2(1+u)
	if !(x < tailCells-1) {
		return tailCells - 1, 0
	}
	cell = int(x)
	return cell, x - float64(cell)
}

// add learns a span that lies u scales above the location, below it if u < 0. At
// limit all counts are halved: the past fades with a half-life of limit/2 spans.
func (t *tail) add(u float64, limit uint32) {
	t.n++
	if u >= 0 {
		cell, _ := tailCell(u)
		for i := range t.survivors[:cell+1] {
			t.survivors[i]++
		}
	}
	if t.n >= limit {
		t.n /= 2
		for i := range t.survivors {
			t.survivors[i] /= 2
		}
	}
}

// above is how many of the n spans lie above the place in the cell.
func (t *tail) above(cell int, at float64) float64 {
	lo := float64(t.survivors[cell])
	if cell == tailCells-1 {
		return lo
	}
	return lo - float64(at*(lo-float64(t.survivors[cell+1])))
}
