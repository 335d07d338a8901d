package reports

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/scale-eval/scale-eval/eval"
)

// BoardFigures draws, for every dataset and condition, the average precision of each
// sampler with its interval and recall against budget; and for every dataset with two
// shock strengths or more AP and F1 against them.
func BoardFigures(b *eval.Board) (figures []Figure) {
	groups := boardGroups(b)
	for i, group := range groups {
		figures = append(figures, boardFigure(fmt.Sprintf("board_%02d", i+1), group), budgetFigure(fmt.Sprintf("budget_%02d", i+1), b.Reference, group))
	}
	for from, n := 0, 0; from < len(groups); {
		to := from
		var shocks [][]eval.BoardRow
		for ; to < len(groups) && groups[to][0].Dataset == groups[from][0].Dataset; to++ {
			if groups[to][0].Strength.Injected() {
				shocks = append(shocks, groups[to])
			}
		}
		if len(shocks) > 1 {
			n++
			slices.Reverse(shocks) // weakest first
			figures = append(figures,
				strengthFigure(fmt.Sprintf("strength_ap_%02d", n), "average precision", b.Reference, shocks, func(r eval.BoardRow) eval.Rate { return r.AP }),
				strengthFigure(fmt.Sprintf("strength_f1_%02d", n), "F1 at the own cut-off", b.Reference, shocks, func(r eval.BoardRow) eval.Rate { return r.OwnF1 }))
		}
		from = to
	}
	return figures
}

// budgetFigure is recall against the share of all spans that is kept, on a logarithmic
// axis: budgets differ by factors.
func budgetFigure(name, reference string, rows []eval.BoardRow) Figure {
	f := newCurveFigure(boardTitle(rows[0]), "share of the spans that is kept (log scale)", "recall")
	f.plot.X.Scale, f.plot.X.Min, f.plot.X.Max = plot.LogScale{}, eval.CurveBudgets[0], 1
	f.plot.X.Tick.Marker = budgetTicks()
	f.margin = 0 // gonum/plot makes room for the last label itself
	if share := float64(rows[0].Positives); share > 0 && share < 1 {
		var ideal plotter.XYs
		for _, b := range eval.CurveBudgets {
			ideal = append(ideal, plotter.XY{X: b, Y: min(1, b/share)})
		}
		// Ink and thin: no sampler's line is.
		line := &plotter.Line{XYs: ideal, LineStyle: draw.LineStyle{Color: ink.color(), Width: vg.Points(.6)}}
		f.plot.Add(line)
		f.entry("nothing but anomalies kept", line)
	}
	f.samplers(reference, rows, func(r eval.BoardRow) (path plotter.XYs) {
		for i, v := range r.RecallCurve {
			if finite(v) {
				path = append(path, plotter.XY{X: eval.CurveBudgets[i], Y: float64(v)})
			}
		}
		return path
	})
	return f.figure(name, "Recall against sampling budget: the spans of highest score are kept, whatever their label; equal scores are broken at random. Means over seeds.")
}

// samplers draws one line a row, the reference thick and over the others. The legend
// keeps the order of the rows; the styles follow the names, so that a sampler looks the
// same in all figures of a board.
func (f *curveFigure) samplers(reference string, rows []eval.BoardRow, path func(eval.BoardRow) plotter.XYs) {
	var over *plotter.Line
	var others []string
	for _, r := range rows {
		if r.Sampler != reference {
			others = append(others, r.Sampler)
		}
	}
	slices.Sort(others)
	for _, r := range rows {
		style := draw.LineStyle{Color: blue.color(), Width: vg.Points(2.2)}
		if r.Sampler != reference {
			style = lineOf(slices.Index(others, r.Sampler))
		}
		line := &plotter.Line{XYs: path(r), LineStyle: style}
		f.entry(clean(r.Sampler, nameRunes), line)
		switch {
		case len(line.XYs) == 0: // nothing to draw
		case r.Sampler == reference:
			over = line
		default:
			f.plot.Add(line)
		}
	}
	if over != nil {
		f.plot.Add(over)
	}
}

// budgetTicks are labelled at 1, 2 and 5 times the powers of ten.
func budgetTicks() (ticks plot.ConstantTicks) {
	for decade := .001; decade < .5; decade *= 10 {
		for _, digit := range []float64{1, 2, 5} {
			ticks = append(ticks, plot.Tick{Value: decade * digit, Label: level(decade * digit)})
		}
	}
	return append(ticks, plot.Tick{Value: 1, Label: level(1)})
}

// strengthFigure is a measure against the shocks, weakest first. They stand at equal
// distances, because they may differ by factor, bump or both.
func strengthFigure(name, measure, reference string, shocks [][]eval.BoardRow, of func(eval.BoardRow) eval.Rate) Figure {
	f := newCurveFigure(clean(shocks[0][0].Dataset, 40)+": "+measure, "shock", measure)
	var ticks plot.ConstantTicks
	bySampler := map[string]plotter.XYs{}
	var order []eval.BoardRow // a row a sampler, the best mean first
	for i, group := range shocks {
		ticks = append(ticks, plot.Tick{Value: float64(i), Label: strengthLabel(group[0].Strength)})
		for _, r := range group {
			if _, seen := bySampler[r.Sampler]; !seen {
				bySampler[r.Sampler] = nil
				order = append(order, r)
			}
			if v := of(r).Value; finite(v) {
				bySampler[r.Sampler] = append(bySampler[r.Sampler], plotter.XY{X: float64(i), Y: float64(v)})
			}
		}
	}
	slices.SortStableFunc(order, func(a, b eval.BoardRow) int {
		return cmp.Compare(meanY(bySampler[b.Sampler]), meanY(bySampler[a.Sampler]))
	})
	f.plot.X.Min, f.plot.X.Max, f.plot.X.Tick.Marker = -.15, float64(len(shocks))-.85, ticks
	f.margin = 24
	f.samplers(reference, order, func(r eval.BoardRow) plotter.XYs { return bySampler[r.Sampler] })
	return f.figure(name, "Means over seeds, the weakest shock on the left. A shock makes a duration d into (d + bump) x factor. Intervals are in the table.")
}

func meanY(path plotter.XYs) (mean float64) {
	for _, p := range path {
		mean += p.Y / float64(len(path))
	}
	return mean
}

// strengthLabel is two lines: the factor and, below it, the bump.
func strengthLabel(s eval.Strength) string {
	label := fmt.Sprintf("x%g", s.FactorLo)
	if s.FactorHi != s.FactorLo {
		label += fmt.Sprintf("..%g", s.FactorHi)
	}
	return label + "\n+" + time.Duration(s.BumpNs).String()
}

func boardTitle(r eval.BoardRow) string {
	return clean(r.Dataset, 40) + ", " + clean(r.Condition, nameRunes)
}

func boardFigure(name string, rows []eval.BoardRow) Figure {
	p := newPlot(boardTitle(rows[0]), "average precision", "")
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 1, -.5, float64(len(rows))-.5
	ticks := make(plot.ConstantTicks, len(rows))
	grid := gridY()
	grid.Vertical = grid.Horizontal
	p.Add(grid)
	for i, r := range rows {
		y := float64(len(rows) - 1 - i) // the best on top
		ticks[i] = plot.Tick{Value: y, Label: clean(r.Sampler, nameRunes)}
		t := amber
		if r.VerdictAP == "reference" {
			t = blue
		}
		p.Add(dot{row: r, y: y, tone: t})
	}
	p.Y.Tick.Marker = ticks
	return Figure{Name: name, Title: p.Title.Text, Caption: "Means over seeds with 95 % intervals; the sampler that the others are compared with in blue.",
		width: figureWidth, height: vg.Length(90 + 22*len(rows)), draw: func(dc draw.Canvas) { p.Draw(draw.Crop(dc, 8, -14, 6, -8)) }}
}

// dot is an average precision with its interval.
type dot struct {
	row  eval.BoardRow
	y    float64
	tone tone
}

// Plot implements plot.Plotter.
func (d dot) Plot(c draw.Canvas, p *plot.Plot) {
	if !finite(d.row.AP.Value) {
		return
	}
	x, y := p.Transforms(&c)
	style := draw.LineStyle{Color: d.tone.color(), Width: vg.Points(1.2)}
	if lo, hi := d.row.AP.Lo, d.row.AP.Hi; finite(lo) && finite(hi) {
		c.StrokeLine2(style, x(float64(lo)), y(d.y), x(float64(hi)), y(d.y))
		for _, end := range []eval.Number{lo, hi} {
			c.StrokeLine2(style, x(float64(end)), y(d.y)-boardCap, x(float64(end)), y(d.y)+boardCap)
		}
	}
	c.DrawGlyph(draw.GlyphStyle{Color: d.tone.color(), Radius: vg.Points(2), Shape: draw.CircleGlyph{}},
		vg.Point{X: x(float64(d.row.AP.Value)), Y: y(d.y)})
}

// boardCap is half the height of an interval's ends: taller than the dot, which would
// hide a narrow interval.
const boardCap = vg.Length(4.5)
