package reports

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/scale-eval/scale-eval/eval"
	"github.com/scale-eval/scale-eval/tuning"
)

// heatBins bounds the cells along an axis; more values than that share cells.
const heatBins = 24

// heat is a grid of cells as a plot.Plotter: cell (i, j) is the square around (i, j).
type heat struct {
	columns, rows int
	value         []float64 // a cell, row by row; NaN: empty
	worst, best   float64
	text          func(float64) string // nil: none
}

var (
	_ plot.Plotter    = heat{}
	_ plot.DataRanger = heat{}
)

// DataRange implements plot.DataRanger.
func (h heat) DataRange() (xmin, xmax, ymin, ymax float64) {
	return -0.5, float64(h.columns) - 0.5, -0.5, float64(h.rows) - 0.5
}

// Plot implements plot.Plotter.
func (h heat) Plot(c draw.Canvas, p *plot.Plot) {
	trX, trY := p.Transforms(&c)
	for j := range h.rows {
		for i := range h.columns {
			v := h.value[j*h.columns+i]
			if math.IsNaN(v) {
				continue
			}
			x0, x1, y0, y1 := trX(float64(i)-.5), trX(float64(i)+.5), trY(float64(j)-.5), trY(float64(j)+.5)
			c.FillPolygon(ramp(h.hue(v), 0.85), []vg.Point{{X: x0, Y: y0}, {X: x1, Y: y0}, {X: x1, Y: y1}, {X: x0, Y: y1}})
			if h.text != nil && h.columns <= 10 {
				c.FillText(textStyle(sizeTick-1, false, onCell), vg.Point{X: (x0 + x1) / 2, Y: (y0 + y1) / 2}, h.text(v))
			}
		}
	}
}

func (h heat) hue(v float64) float64 {
	if h.best == h.worst {
		return 1
	}
	return (v - h.worst) / (h.best - h.worst)
}

// heatAxis sorts the values of a parameter into cells.
type heatAxis struct {
	cell   []int // of each point
	labels []string
}

func newHeatAxis(r *tuning.Result, k int) heatAxis {
	numbers := []float64{}
	for _, e := range r.Points {
		numbers = append(numbers, e.Numbers[k])
	}
	distinct := slices.Compact(slices.Sorted(slices.Values(numbers)))
	a := heatAxis{cell: make([]int, len(numbers))}
	bins := min(heatBins, len(distinct))
	for i, x := range numbers {
		at, _ := slices.BinarySearch(distinct, x)
		a.cell[i] = at * bins / len(distinct)
	}
	a.labels = make([]string, bins)
	least := make([]float64, bins)
	for i, e := range r.Points {
		if c := a.cell[i]; a.labels[c] == "" || numbers[i] < least[c] {
			a.labels[c], least[c] = clean(e.Values[k], 14), numbers[i]
		}
	}
	return a
}

func (a heatAxis) ticks() plot.ConstantTicks {
	var ticks plot.ConstantTicks
	every := (len(a.labels) + 11) / 12
	for i, l := range a.labels {
		if i%every != 0 {
			l = ""
		}
		ticks = append(ticks, plot.Tick{Value: float64(i), Label: l})
	}
	return ticks
}

// heatFigure is the best first objective that was reached in each cell of two
// parameters, whatever the others are.
func heatFigure(r *tuning.Result, xName, yName string) Figure {
	index := func(name string) int {
		return slices.IndexFunc(r.Params, func(a tuning.Axis) bool { return a.Name == name })
	}
	x, y := newHeatAxis(r, index(xName)), newHeatAxis(r, index(yName))
	h := heat{columns: len(x.labels), rows: len(y.labels)}
	h.value = make([]float64, h.columns*h.rows)
	loss := make([]float64, len(h.value))
	for i := range h.value {
		h.value[i], loss[i] = math.NaN(), math.Inf(1)
	}
	for i, e := range r.Points {
		at := y.cell[i]*h.columns + x.cell[i]
		if l := float64(e.Loss[0]); l < loss[at] {
			loss[at], h.value[at] = l, float64(e.Objective[0].Mean)
		}
	}
	h.worst, h.best = bounds(h.value)
	if r.Objectives[0] != "f1" {
		h.worst, h.best = h.best, h.worst
	}
	h.text = func(v float64) string { return objectiveText(r.Objectives[0], eval.Number(v)) }
	p := newPlot(fmt.Sprintf("Best %s", r.Objectives[0]), clean(xName, nameRunes), clean(yName, nameRunes))
	p.X.Tick.Marker, p.Y.Tick.Marker = x.ticks(), y.ticks()
	p.X.Tick.Length, p.Y.Tick.Length = 0, 0
	p.Add(h)
	return Figure{Name: "heatmap", Title: "Heat map",
		Caption: fmt.Sprintf("The best %s on validation data in each cell of %s and %s, whatever the other parameters are; blue is better.", r.Objectives[0], clean(xName, nameRunes), clean(yName, nameRunes)),
		width:   vg.Points(440), height: vg.Points(330), draw: p.Draw}
}

func bounds(values []float64) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if !math.IsNaN(v) {
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	return lo, hi
}
