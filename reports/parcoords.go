package reports

import (
	"image/color"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// parallel draws points of many dimensions as a plot.Plotter: one vertical axis a
// dimension, one line a point from axis to axis (Inselberg, "The plane with parallel
// coordinates", 1985). Axis i stands at x = i, and every axis runs from 0 to 1.
type parallel struct {
	axes []parallelAxis
	// points have one number an axis; hue is 0 (worst) to 1 (best) a point. Those that
	// come later are drawn over the others.
	points [][]float64
	hue    []float64
	best   int // highlighted, -1: none
}

// parallelAxis maps numbers to 0..1, and to words below and along the axis.
type parallelAxis struct {
	name    string
	lo, hi  float64
	log     bool
	flipped bool      // the low end is up
	levels  []string  // categories; number i is levels[i]
	few     []float64 // all numbers, where they are few
	format  func(float64) string
}

var (
	_ plot.Plotter    = parallel{}
	_ plot.DataRanger = parallel{}
)

// newAxis spans the finite numbers.
func newAxis(name string, numbers []float64) parallelAxis {
	a := parallelAxis{name: name, lo: math.Inf(1), hi: math.Inf(-1)}
	for _, x := range numbers {
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			a.lo, a.hi = min(a.lo, x), max(a.hi, x)
		}
	}
	if distinct := slices.Compact(slices.Sorted(slices.Values(numbers))); len(distinct) <= 8 {
		a.few = distinct
	}
	return a
}

// at is the height of a number, 0 to 1; one half where all numbers are the same.
func (a parallelAxis) at(x float64) float64 {
	lo, hi := a.lo, a.hi
	if a.log && lo > 0 {
		x, lo, hi = math.Log(x), math.Log(lo), math.Log(hi)
	}
	switch {
	case !(hi > lo):
		return 0.5
	case a.flipped:
		return (hi - x) / (hi - lo)
	}
	return (x - lo) / (hi - lo)
}

// ticks are the numbers to label: every one where they are few, or five places of the
// axis.
func (a parallelAxis) ticks() (numbers []float64, labels []string) {
	if a.levels != nil {
		for i, l := range a.levels {
			numbers, labels = append(numbers, float64(i)), append(labels, clean(l, 14))
		}
		return numbers, labels
	}
	if a.few != nil {
		for _, x := range a.few {
			numbers, labels = append(numbers, x), append(labels, a.label(x))
		}
		return numbers, labels
	}
	for i := range 5 {
		u := float64(i) / 4
		x := a.lo + u*(a.hi-a.lo)
		if a.log && a.lo > 0 {
			x = a.lo * math.Exp(u*math.Log(a.hi/a.lo))
		}
		numbers, labels = append(numbers, x), append(labels, a.label(x))
	}
	return numbers, labels
}

func (a parallelAxis) label(x float64) string {
	if a.format != nil {
		return a.format(x)
	}
	return strconv.FormatFloat(x, 'g', 4, 64)
}

// DataRange implements plot.DataRanger.
func (p parallel) DataRange() (xmin, xmax, ymin, ymax float64) {
	return -0.25, float64(len(p.axes)-1) + 0.35, -0.03, 1.1 // room for names and labels
}

// Plot implements plot.Plotter.
func (p parallel) Plot(c draw.Canvas, pl *plot.Plot) {
	trX, trY := pl.Transforms(&c)
	opacity := max(0.12, min(0.8, 40/math.Sqrt(float64(len(p.points)+1))/4))
	for i := range p.points {
		if i != p.best {
			p.line(&c, trX, trY, i, draw.LineStyle{Color: ramp(p.hue[i], opacity), Width: vg.Points(0.7)})
		}
	}
	for i, a := range p.axes {
		x := trX(float64(i))
		c.StrokeLine2(draw.LineStyle{Color: ink.color(), Width: vg.Points(0.9)}, x, trY(0), x, trY(1))
		p.label(&c, a, x, trY)
	}
	if p.best >= 0 {
		p.line(&c, trX, trY, p.best, draw.LineStyle{Color: ink.color(), Width: vg.Points(2)})
	}
}

func (p parallel) line(c *draw.Canvas, trX, trY func(float64) vg.Length, i int, style draw.LineStyle) {
	var run []vg.Point
	flush := func() {
		if len(run) > 1 {
			c.StrokeLines(style, run)
		}
		run = nil
	}
	for k, a := range p.axes {
		y := a.at(p.points[i][k])
		if math.IsNaN(y) || math.IsInf(y, 0) { // not measured: the line has a gap
			flush()
			continue
		}
		run = append(run, vg.Point{X: trX(float64(k)), Y: trY(y)})
	}
	flush()
}

func (p parallel) label(c *draw.Canvas, a parallelAxis, x vg.Length, trY func(float64) vg.Length) {
	name := textStyle(sizeTick, true, ink)
	name.YAlign = draw.YBottom
	c.FillText(name, vg.Point{X: x, Y: trY(1) + vg.Points(9)}, clean(a.name, 22))
	tick := textStyle(sizeTick-1, false, muted)
	tick.XAlign = draw.XLeft
	numbers, labels := a.ticks()
	for i, v := range numbers {
		y := trY(a.at(v))
		c.StrokeLine2(draw.LineStyle{Color: ink.color(), Width: vg.Points(0.7)}, x-vg.Points(2), y, x+vg.Points(2), y)
		w, h := tick.Width(labels[i])+vg.Points(2), vg.Points(5) // lines behind the text fade
		c.FillPolygon(paper.rgba(0.72), []vg.Point{{X: x + 3, Y: y - h}, {X: x + 3 + w, Y: y - h}, {X: x + 3 + w, Y: y + h}, {X: x + 3, Y: y + h}})
		c.FillText(tick, vg.Point{X: x + vg.Points(4), Y: y}, labels[i])
	}
}

// ramp is the colour of a hue of 0 (worst, vermilion) over 0.5 (grey) to 1 (best,
// blue), in 16 steps. Its ends stay apart under the common forms of colour blindness,
// and all of it shows on light and on dark.
func ramp(hue, opacity float64) color.NRGBA {
	hue = math.Round(max(0, min(1, hue))*15) / 15
	from, to, u := red.light, grey.light, hue*2
	if hue > 0.5 {
		from, to, u = grey.light, blue.light, hue*2-1
	}
	mix := func(shift int) uint8 {
		a, b := float64(from>>shift&0xff), float64(to>>shift&0xff)
		return uint8(a + u*(b-a) + 0.5)
	}
	return color.NRGBA{R: mix(16), G: mix(8), B: mix(0), A: uint8(opacity*255 + 0.5)}
}
