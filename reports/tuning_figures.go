package reports

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/scale-eval/scale-eval/eval"
	"github.com/scale-eval/scale-eval/tuning"
)

// drawnPoints bounds the lines and dots of a figure; tune.json has all points.
const drawnPoints = 1500

// TuningFigures lays out the figures of a study: parallel coordinates, importance, the
// trade-off between the first two objectives (recall and false-positive rate if there
// is one only) with its Pareto front, and a heat map of the two most important
// parameters. Figures that have nothing to show are left out.
func TuningFigures(r *tuning.Result) []Figure {
	figures := []Figure{parallelFigure(r), importanceFigure(r), paretoFigure(r)}
	if len(r.Params) > 1 {
		figures = append(figures, heatFigure(r, r.Importance[0].Name, r.Importance[1].Name))
	}
	return figures
}

// sampled are the points to draw, worst first: all, or the front, the chosen one and an
// even sample of the rest by loss.
func sampled(r *tuning.Result) []int {
	by := make([]int, 0, len(r.Points))
	for i := range r.Points {
		if finite(r.Points[i].Loss[0]) {
			by = append(by, i)
		}
	}
	slices.SortStableFunc(by, func(a, b int) int { return -cmp.Compare(r.Points[a].Loss[0], r.Points[b].Loss[0]) })
	if len(by) <= drawnPoints {
		return by
	}
	var out []int
	for at, i := range by {
		if at*drawnPoints/len(by) != (at+1)*drawnPoints/len(by) || i == r.Chosen || slices.Contains(r.Front, i) {
			out = append(out, i)
		}
	}
	return out
}

// hues are 0 (worst) to 1 (best) by rank of the first loss, for points worst first.
func hues(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = float64(i) / float64(max(1, n-1))
	}
	return out
}

func parallelFigure(r *tuning.Result) Figure {
	points := sampled(r)
	pc := parallel{best: slices.Index(points, r.Chosen), hue: hues(len(points))}
	pc.points = make([][]float64, len(points))
	add := func(of func(tuning.Entry) float64, finish func(*parallelAxis)) {
		numbers := make([]float64, len(points))
		for at, i := range points {
			numbers[at] = of(r.Points[i])
			pc.points[at] = append(pc.points[at], numbers[at])
		}
		a := newAxis("", numbers)
		finish(&a)
		pc.axes = append(pc.axes, a)
	}
	for k, p := range r.Params {
		add(func(e tuning.Entry) float64 { return e.Numbers[k] }, func(a *parallelAxis) {
			a.name, a.log, a.levels = p.Name, p.Log, p.Levels
			if p.Categorical {
				a.lo, a.hi = 0, float64(len(p.Levels)-1)
			}
		})
	}
	for k, o := range r.Objectives {
		add(func(e tuning.Entry) float64 { return float64(e.Objective[k].Mean) }, func(a *parallelAxis) {
			a.name, a.flipped = o, o != "f1"
			a.format = func(x float64) string { return objectiveText(o, eval.Number(x)) }
		})
	}
	p := newPlot("Parallel coordinates", "", "")
	p.HideAxes()
	p.Add(pc)
	return Figure{Name: "parallel", Title: "Parallel coordinates",
		Caption: "One line a point, from blue (best) to vermilion (worst) by the first objective on validation data; the better end of an objective is up. Black: the chosen point.",
		width:   vg.Points(max(440, float64(110*len(pc.axes)))), height: vg.Points(300), draw: p.Draw}
}

func importanceFigure(r *tuning.Result) Figure {
	p := newPlot("Importance", "share of the variance of the loss", "")
	p.X.Min, p.X.Max, p.X.Tick.Marker = 0, 1, plot.ConstantTicks([]plot.Tick{{Value: 0, Label: "0"}, {Value: .25, Label: "25%"}, {Value: .5, Label: "50%"}, {Value: .75, Label: "75%"}, {Value: 1, Label: "100%"}})
	n := len(r.Importance)
	var ticks []plot.Tick
	values := make(plotter.Values, n)
	for i, im := range r.Importance {
		values[n-1-i] = im.Share
		ticks = append(ticks, plot.Tick{Value: float64(n - 1 - i), Label: clean(im.Name, 22)})
	}
	bars, err := plotter.NewBarChart(values, vg.Points(14))
	if err == nil { // it errs for no bars only
		bars.Horizontal, bars.Color, bars.LineStyle.Width = true, blue.color(), 0
		p.Add(bars)
	}
	p.Y.Tick.Marker, p.Y.Tick.Length = plot.ConstantTicks(ticks), 0
	p.Y.Min, p.Y.Max, p.Y.LineStyle.Width = -0.6, float64(n)-0.4, 0
	return Figure{Name: "importance", Title: "Importance",
		Caption: "Main effects: how much of the variance of the loss each parameter explains on its own, corrected for chance. What is missing to 100 % is interaction and noise.",
		width:   vg.Points(440), height: vg.Points(float64(90 + 26*n)), draw: p.Draw}
}

// leastRate is where a logarithmic axis of rates starts: lower ones stand there, too.
const leastRate = 1e-5

// isRate says whether an axis shows a false-positive rate.
func isRate(name string) bool { return strings.HasPrefix(name, "f") && name != "f1" }

// tradeOff is the two losses of the Pareto figure, its axes' names and formats.
func tradeOff(r *tuning.Result) (losses [][]float64, xy plotter.XYs, x, y string) {
	x, y = "false-positive rate", "recall"
	if len(r.Objectives) > 1 {
		x, y = r.Objectives[0], r.Objectives[1]
	}
	for _, e := range r.Points {
		l := []float64{float64(e.Validation.FPR), 1 - float64(e.Validation.Recall)}
		at := plotter.XY{X: float64(e.Validation.FPR), Y: float64(e.Validation.Recall)}
		if len(r.Objectives) > 1 {
			l = []float64{float64(e.Loss[0]), float64(e.Loss[1])}
			at = plotter.XY{X: float64(e.Objective[0].Mean), Y: float64(e.Objective[1].Mean)}
		}
		for k := range l {
			if math.IsNaN(l[k]) {
				l[k] = math.Inf(1)
			}
		}
		if isRate(x) {
			at.X = max(at.X, leastRate)
		}
		if isRate(y) {
			at.Y = max(at.Y, leastRate)
		}
		losses, xy = append(losses, l), append(xy, at)
	}
	return losses, xy, x, y
}

func paretoFigure(r *tuning.Result) Figure {
	losses, xy, x, y := tradeOff(r)
	p := newPlot("Trade-off", x, y)
	points := sampled(r)
	dots := make(plotter.XYs, 0, len(points))
	hue := []float64{}
	for at, i := range points {
		if finite(eval.Number(xy[i].X)) && finite(eval.Number(xy[i].Y)) {
			dots, hue = append(dots, xy[i]), append(hue, hues(len(points))[at])
		}
	}
	if s, err := plotter.NewScatter(dots); err == nil {
		s.GlyphStyleFunc = func(i int) draw.GlyphStyle {
			return draw.GlyphStyle{Color: ramp(hue[i], 0.55), Radius: vg.Points(1.8), Shape: draw.CircleGlyph{}}
		}
		p.Add(s)
	}
	var front plotter.XYs
	for _, i := range tuning.Front(losses) {
		if finite(eval.Number(xy[i].X)) && finite(eval.Number(xy[i].Y)) {
			front = append(front, xy[i])
		}
	}
	if line, err := plotter.NewLine(front); err == nil {
		line.Width, line.Color, line.StepStyle = vg.Points(1.2), ink.color(), plotter.PostStep
		p.Add(line)
	}
	if c := xy[r.Chosen]; finite(eval.Number(c.X)) && finite(eval.Number(c.Y)) {
		if s, err := plotter.NewScatter(plotter.XYs{c}); err == nil {
			s.GlyphStyle = draw.GlyphStyle{Color: ink.color(), Radius: vg.Points(5), Shape: draw.RingGlyph{}}
			p.Add(s)
		}
	}
	for name, a := range map[string]*plot.Axis{x: &p.X, y: &p.Y} {
		if isRate(name) { // the whole range: a logarithm wants no margin below 0
			a.Scale, a.Tick.Marker, a.Min, a.Max = plot.LogScale{}, percentTicks{}, leastRate, 1
		}
	}
	return Figure{Name: "pareto", Title: "Trade-off",
		Caption: "One dot a point on validation data; the line is the Pareto front: nothing is better in both. The ring is the chosen point, of several objectives the knee.",
		width:   vg.Points(440), height: vg.Points(330), draw: p.Draw}
}

// percentTicks labels the powers of ten as percent.
type percentTicks struct{}

// Ticks implements plot.Ticker.
func (percentTicks) Ticks(lo, hi float64) []plot.Tick {
	ticks := plot.LogTicks{}.Ticks(lo, hi)
	for i := range ticks {
		if ticks[i].Label != "" {
			ticks[i].Label = percent(eval.Number(ticks[i].Value))
		}
	}
	return ticks
}
