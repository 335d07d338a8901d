package reports

import (
	"fmt"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/scale-eval/scale-eval/sim/experiment/measure"
)

// SimulationTradeoff draws what a case costs under each policy against how long it
// missed the objective: the nearer to the origin, the better in both.
func SimulationTradeoff(s *measure.Summary, name string) Figure {
	f := newCurveFigure(clean(name, 60), "pod hours", "seconds with the objective missed")
	f.plot.X.Min, f.plot.Y.Min = 0, 0
	f.plot.X.Max, f.plot.Y.Max = 0, 0
	var reference *measure.Cell
	n := 0
	for i := range s.Cells {
		c := &s.Cells[i]
		if c.Case != name {
			continue
		}
		f.plot.X.Max = max(f.plot.X.Max, c.PodSeconds.Mean/3600, c.PodSeconds.High/3600)
		f.plot.Y.Max = max(f.plot.Y.Max, c.ViolatedSeconds.Mean, c.ViolatedSeconds.High)
		if c.Policy == s.Reference {
			reference = c
			f.entry(clean(c.Policy, nameRunes), outcome{cell: c, tone: blue, shape: draw.CircleGlyph{}, radius: 5})
			continue
		}
		o := outcomeOf(c, n)
		n++
		f.plot.Add(o)
		f.entry(clean(c.Policy, nameRunes)+coincides(s, i), o)
	}
	if reference != nil { // over the others
		f.plot.Add(outcome{cell: reference, tone: blue, shape: draw.CircleGlyph{}, radius: 5})
	}
	f.plot.X.Max, f.plot.Y.Max = max(f.plot.X.Max*1.06, 1e-3), max(f.plot.Y.Max*1.06, 1)
	f.plot.X.Tick.Marker, f.plot.Y.Tick.Marker = few(f.plot.X.Max), few(f.plot.Y.Max)
	return f.figure("tradeoff_"+fileName(name),
		fmt.Sprintf("Means over %d seeds with 95 %% intervals; down and to the left is better. oracle and static know the future.", s.Seeds))
}

// coincides names an earlier policy of the case whose mark is hidden by that of cell i.
func coincides(s *measure.Summary, i int) string {
	c := &s.Cells[i]
	for j := range s.Cells[:i] {
		if o := &s.Cells[j]; o.Case == c.Case && o.PodSeconds.Mean == c.PodSeconds.Mean && o.ViolatedSeconds.Mean == c.ViolatedSeconds.Mean {
			return " (the same as " + clean(o.Policy, nameRunes) + ")"
		}
	}
	return ""
}

// outcome is one policy: a mark with the intervals of both measures.
type outcome struct {
	cell   *measure.Cell
	tone   tone
	shape  draw.GlyphDrawer
	radius vg.Length
}

// outcomeOf tells policies apart by shape and by colour.
func outcomeOf(c *measure.Cell, i int) outcome {
	shapes := []draw.GlyphDrawer{draw.SquareGlyph{}, triangle{}, diamond{}, triangle{down: true}, draw.BoxGlyph{}, draw.RingGlyph{}, draw.PlusGlyph{}, draw.CrossGlyph{}}
	tones := []tone{red, green, pink, amber, ink, muted}
	return outcome{cell: c, tone: tones[i%len(tones)], shape: shapes[i%len(shapes)], radius: 4}
}

var (
	_ plot.Plotter     = outcome{}
	_ plot.Thumbnailer = outcome{}
)

// Plot implements plot.Plotter.
func (o outcome) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	at := plotter.XY{X: o.cell.PodSeconds.Mean / 3600, Y: o.cell.ViolatedSeconds.Mean}
	bar := draw.LineStyle{Color: o.tone.color(), Width: vg.Points(.9)}
	within := func(v vg.Length, low, high vg.Length) vg.Length { return min(max(v, low), high) }
	left, right := within(x(o.cell.PodSeconds.Low/3600), c.Min.X, c.Max.X), within(x(o.cell.PodSeconds.High/3600), c.Min.X, c.Max.X)
	low, high := within(y(o.cell.ViolatedSeconds.Low), c.Min.Y, c.Max.Y), within(y(o.cell.ViolatedSeconds.High), c.Min.Y, c.Max.Y)
	c.StrokeLine2(bar, left, y(at.Y), right, y(at.Y))
	c.StrokeLine2(bar, x(at.X), low, x(at.X), high)
	o.glyph(&c, vg.Point{X: x(at.X), Y: y(at.Y)})
}

// Thumbnail implements plot.Thumbnailer.
func (o outcome) Thumbnail(c *draw.Canvas) { o.glyph(c, c.Center()) }

func (o outcome) glyph(c *draw.Canvas, at vg.Point) {
	c.DrawGlyphNoClip(draw.GlyphStyle{Color: o.tone.color(), Radius: o.radius, Shape: o.shape}, at)
}
