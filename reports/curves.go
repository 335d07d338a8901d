package reports

import (
	"fmt"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/scale-eval/scale-eval/eval"
)

// Two runs are compared by laying their figures over each other, so curves are drawn
// on axes of fixed ranges: [0, 1], and for the low rates decades from lowFPR.
const (
	lowFPR = 1e-4
	// topFPR ends the axis of the low rates: nobody samples a tenth of normal traffic
	// to find anomalies.
	topFPR = 0.1
	// curveArea is the height of a plot above its legend, in points.
	curveArea   = vg.Length(330)
	legendLine  = vg.Length(13)
	legendGap   = vg.Length(8)
	figureWidth = vg.Length(400)
)

// curveFigure is one plot of curves: how a point of a sampler's curve lands on it.
type curveFigure struct {
	plot   *plot.Plot
	legend plot.Legend
	lines  int
	margin vg.Length // to the right of the plot
}

func newCurveFigure(title, x, y string) *curveFigure {
	f := &curveFigure{plot: newPlot(title, x, y), legend: plot.NewLegend(), margin: 14}
	f.legend.Top, f.legend.Left = true, true
	f.legend.TextStyle.Font, f.legend.TextStyle.Color = sans(sizeTick, false), ink.color()
	f.legend.ThumbnailWidth = vg.Points(26)
	f.legend.Padding = vg.Points(4)
	f.legend.YPosition = draw.PosCenter
	fifths := plot.ConstantTicks{{Value: 0, Label: "0"}, {Value: 0.2, Label: "0.2"}, {Value: 0.4, Label: "0.4"}, {Value: 0.6, Label: "0.6"}, {Value: 0.8, Label: "0.8"}, {Value: 1, Label: "1"}}
	for _, a := range []*plot.Axis{&f.plot.X, &f.plot.Y} {
		a.Min, a.Max, a.Tick.Marker = 0, 1, fifths
	}
	grid := gridY()
	grid.Vertical = grid.Horizontal
	f.plot.Add(grid)
	return f
}

func (f *curveFigure) entry(name string, thumb plot.Thumbnailer) {
	f.legend.Add(name, thumb)
	f.lines++
}

// curves draws the baselines first and the sampler over them; the legend lists the
// sampler first.
func (f *curveFigure) curves(r *eval.Result, path func(eval.SamplerResult) plotter.XYs, name func(eval.SamplerResult) string) {
	lines := make([]*plotter.Line, len(r.Samplers))
	for i, s := range r.Samplers {
		style := draw.LineStyle{Color: blue.color(), Width: vg.Points(2.2)}
		if i > 0 {
			style = lineOf(i - 1)
		}
		lines[i] = &plotter.Line{XYs: path(s), LineStyle: style}
		f.entry(name(s), lines[i])
	}
	for i := len(lines) - 1; i >= 0; i-- {
		f.plot.Add(lines[i])
	}
}

// mark sets a glyph with a rim of paper, so that it stands out on its own curve.
func (f *curveFigure) mark(name string, at plotter.XY, t tone, shape draw.GlyphDrawer) {
	m := marker{at: at, tone: t, shape: shape}
	f.plot.Add(m)
	f.entry(name, m)
}

// operatingPoints marks the sampler's deployed and best cut-offs; at maps a point onto
// the axes and may refuse.
func (f *curveFigure) operatingPoints(s eval.SamplerResult, at func(eval.Point) (plotter.XY, bool)) {
	if xy, ok := at(s.Best); ok {
		f.mark("best on test, cut-off "+cutoff(s.Best.Threshold)+" (hindsight)", xy, red, diamond{})
	}
	if xy, ok := at(s.Point); ok {
		f.mark("as deployed, cut-off "+cutoff(s.Point.Threshold), xy, blue, draw.CircleGlyph{})
	}
}

// figure puts the legend below the plot: inside, it would cover data in one run or
// another.
func (f *curveFigure) figure(name, caption string) Figure {
	below := legendLine*vg.Length(f.lines) + legendGap + 6
	return Figure{Name: name, Title: f.plot.Title.Text, Caption: caption, width: figureWidth, height: curveArea + below,
		draw: func(dc draw.Canvas) {
			f.plot.Draw(draw.Crop(dc, 8, -f.margin, below, -8))
			f.legend.Draw(draw.Crop(dc, 52, 0, 0, -curveArea-legendGap))
		}}
}

// empty says in the middle of the plot why there is no curve.
func (f *curveFigure) empty(why string) { f.plot.Add(notice(why)) }

// totals are the scored positives and negatives of one sampler. They differ between
// samplers by their warm-up. A sampler that gave scores but no decisions has none at
// its deployed cut-off, and then the best one knows them.
func totals(s eval.SamplerResult) (pos, neg float64) {
	c := s.Point.Confusion
	if !decided(s) {
		c = s.Best.Confusion
	}
	return float64(c.TP + c.FN), float64(c.FP + c.TN)
}

// decided says whether any span was counted at the deployed cut-off.
func decided(s eval.SamplerResult) bool { return s.Point.Confusion != eval.Confusion{} }

// lacking says why a sampler has no ROC or precision-recall curve, "" when it has.
func lacking(r *eval.Result) string {
	own := r.Samplers[0]
	switch pos, neg := totals(own); {
	case pos == 0 && neg == 0:
		return "undefined: no span was scored"
	case pos == 0:
		return "undefined: no positive span in the test part"
	case neg == 0:
		return "undefined: no negative span in the test part"
	case len(own.Curve) == 0:
		return "no curve: the sampler gave decisions without scores"
	}
	return ""
}

func rocFigure(r *eval.Result) Figure {
	f := newCurveFigure("ROC", "false-positive rate", "recall (true-positive rate)")
	if why := lacking(r); why != "" {
		f.empty(why)
	} else {
		f.plot.Add(&plotter.Line{XYs: plotter.XYs{{X: 0, Y: 0}, {X: 1, Y: 1}}, LineStyle: draw.LineStyle{Color: faint.color(), Width: vg.Points(1)}})
		f.curves(r, rocPath, func(s eval.SamplerResult) string { return legendName(s, "AUC", s.ROCAUC) })
		f.operatingPoints(r.Samplers[0], rocPoint)
	}
	return f.figure("roc", "All cut-offs of the test part. The diagonal is a coin toss.")
}

// rocPath runs from the origin; ties of a score are crossed in a straight line.
func rocPath(s eval.SamplerResult) plotter.XYs {
	pos, neg := totals(s)
	path := plotter.XYs{{X: 0, Y: 0}}
	for _, p := range s.Curve {
		path = append(path, plotter.XY{X: ratio(p.FP, neg), Y: ratio(p.TP, pos)})
	}
	return path
}

func rocPoint(p eval.Point) (plotter.XY, bool) {
	x, y := p.Metrics.FPR.Value, p.Metrics.Recall.Value
	return plotter.XY{X: float64(x), Y: float64(y)}, finite(x) && finite(y)
}

// lowFPRFigure is the corner of the ROC that matters, on a logarithmic axis: there a
// linear one shows a vertical line.
func lowFPRFigure(r *eval.Result) Figure {
	f := newCurveFigure("Recall at low false-positive rates", "false-positive rate (log scale)", "recall")
	f.plot.X.Scale, f.plot.X.Min, f.plot.X.Max = plot.LogScale{}, lowFPR, topFPR
	f.plot.X.Tick.Marker = decades()
	f.margin = 0 // gonum/plot makes room for the last label itself
	if why := lacking(r); why != "" {
		f.empty(why)
	} else {
		f.curves(r, lowPath, func(s eval.SamplerResult) string { return clean(s.Name, nameRunes) })
		f.plot.Add(intervals(r.Samplers[0].RecallAt))
		f.operatingPoints(r.Samplers[0], func(p eval.Point) (plotter.XY, bool) {
			xy, ok := rocPoint(p)
			return xy, ok && xy.X >= lowFPR && xy.X <= topFPR
		})
	}
	return f.figure("recall_at_fpr", "Highest recall whose false-positive rate does not exceed the value on the axis; bars are 95 % intervals. An operating point outside the axis is not drawn.")
}

// lowPath is a staircase: between two cut-offs the recall of the lower rate is what
// can be had. Rates below the axis start at its edge.
func lowPath(s eval.SamplerResult) plotter.XYs {
	pos, neg := totals(s)
	path := plotter.XYs{{X: lowFPR, Y: 0}}
	for _, p := range s.Curve {
		x, y := ratio(p.FP, neg), ratio(p.TP, pos)
		last := path[len(path)-1]
		if x <= lowFPR {
			path[0].Y = y
			continue
		}
		x = math.Min(x, topFPR)
		path = append(path, plotter.XY{X: x, Y: last.Y})
		if x == topFPR {
			return path
		}
		path = append(path, plotter.XY{X: x, Y: y})
	}
	return append(path, plotter.XY{X: topFPR, Y: path[len(path)-1].Y})
}

func prFigure(r *eval.Result) Figure {
	f := newCurveFigure("Precision and recall", "recall", "precision")
	if why := lacking(r); why != "" {
		f.empty(why)
	} else {
		pos, neg := totals(r.Samplers[0])
		base := pos / (pos + neg)
		f.plot.Add(&plotter.Line{XYs: plotter.XYs{{X: 0, Y: base}, {X: 1, Y: base}}, LineStyle: draw.LineStyle{Color: faint.color(), Width: vg.Points(1)}})
		f.curves(r, prPath, func(s eval.SamplerResult) string { return legendName(s, "AP", s.AP) })
		f.operatingPoints(r.Samplers[0], func(p eval.Point) (plotter.XY, bool) {
			x, y := p.Metrics.Recall.Value, p.Metrics.Precision.Value
			return plotter.XY{X: float64(x), Y: float64(y)}, finite(x) && finite(y)
		})
	}
	return f.figure("precision_recall", "All cut-offs of the test part. The level line is the share of positives: the precision of a coin toss.")
}

// prPath is a staircase whose area is the average precision: straight lines between
// points would promise precision that no cut-off has (Davis and Goadrich 2006).
func prPath(s eval.SamplerResult) plotter.XYs {
	pos, _ := totals(s)
	var path plotter.XYs
	recall := 0.0
	for _, p := range s.Curve {
		if p.TP+p.FP == 0 {
			continue
		}
		precision := ratio(p.TP, float64(p.TP+p.FP))
		path = append(path, plotter.XY{X: recall, Y: precision})
		recall = ratio(p.TP, pos)
		path = append(path, plotter.XY{X: recall, Y: precision})
	}
	return path
}

// ratio is n/of, 0 for nothing of nothing: a path must not hold NaN.
func ratio(n int64, of float64) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / of
}

func legendName(s eval.SamplerResult, measure string, r eval.Rate) string {
	return fmt.Sprintf("%s (%s %s)", clean(s.Name, nameRunes), measure, unit3(r.Value))
}

// decades are labelled ticks at 1 and 3 times the powers of ten, bare ones between.
func decades() plot.ConstantTicks {
	var ticks plot.ConstantTicks
	for exp := -4; exp < -1; exp++ {
		for digit := 1; digit <= 9; digit++ {
			v := float64(digit) * math.Pow10(exp)
			t := plot.Tick{Value: v}
			if digit == 1 || digit == 3 {
				t.Label = level(v)
			}
			ticks = append(ticks, t)
		}
	}
	return append(ticks, plot.Tick{Value: topFPR, Label: level(topFPR)})
}
