package reports

import (
	"fmt"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/scale-eval/scale-eval/sim/experiment/measure"
)

// SimulationTuningFigures are one a load: where each policy stands by its defaults and
// where tuning has moved it, violated seconds against pods.
func SimulationTuningFigures(t *measure.Tuning) (figures []Figure) {
	for i := range t.Held {
		figures = append(figures, tuningMoves(t, &t.Held[i]))
	}
	return figures
}

func tuningMoves(t *measure.Tuning, h *measure.HeldOut) Figure {
	f := newCurveFigure(fmt.Sprintf("Autoscalers tuned, load %g", h.Load), "pods, mean over scenarios", "violated seconds an hour")
	f.plot.X.Min, f.plot.X.Max, f.plot.Y.Min, f.plot.Y.Max = 0, 0, 0, 0
	for i := range h.Scores {
		s := &h.Scores[i]
		for _, m := range []*measure.Means{&s.Default, &s.Tuned} {
			f.plot.X.Max = max(f.plot.X.Max, m.Pods.Mean)
			f.plot.Y.Max = max(f.plot.Y.Max, m.Violated.Mean, m.Violated.High)
		}
		m := move{score: s, look: lookOf(i)}
		f.plot.Add(m)
		f.entry(clean(s.Policy, nameRunes), m)
	}
	f.plot.X.Max, f.plot.Y.Max = max(f.plot.X.Max*1.06, 1e-3), max(f.plot.Y.Max*1.06, 1)
	f.plot.X.Tick.Marker, f.plot.Y.Tick.Marker = few(f.plot.X.Max), few(f.plot.Y.Max)
	return f.figure(fmt.Sprintf("tuning_load_%s", fileName(fmt.Sprint(h.Load))),
		fmt.Sprintf("A line from the defaults (ring) to the mark of the tuned configuration, %d seeds; the vertical bar is its 95 %% interval. Down and to the left is better; a pod-hour costs %g violated seconds.",
			h.Seeds, t.Objective.Price))
}

// look is how a policy is drawn.
type look struct {
	tone  tone
	shape draw.GlyphDrawer
}

// lookOf tells policies apart by shape and by colour; the first is the reference.
func lookOf(i int) look {
	if i == 0 {
		return look{blue, draw.CircleGlyph{}}
	}
	o := outcomeOf(nil, i-1)
	return look{o.tone, o.shape}
}

// move is a policy on its way from its defaults to what it was tuned to.
type move struct {
	score *measure.Score
	look
}

var (
	_ plot.Plotter     = move{}
	_ plot.Thumbnailer = move{}
)

// Plot implements plot.Plotter.
func (m move) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	from, to := &m.score.Default, &m.score.Tuned
	at := vg.Point{X: x(to.Pods.Mean), Y: y(to.Violated.Mean)}
	thin := draw.LineStyle{Color: m.tone.color(), Width: vg.Points(.9)}
	c.StrokeLine2(thin, x(from.Pods.Mean), y(from.Violated.Mean), at.X, at.Y)
	low, high := max(y(to.Violated.Low), c.Min.Y), min(y(to.Violated.High), c.Max.Y)
	c.StrokeLine2(thin, at.X, low, at.X, high)
	c.DrawGlyphNoClip(draw.GlyphStyle{Color: m.tone.color(), Radius: 2.5, Shape: draw.RingGlyph{}}, vg.Point{X: x(from.Pods.Mean), Y: y(from.Violated.Mean)})
	m.glyph(&c, at)
}

// Thumbnail implements plot.Thumbnailer.
func (m move) Thumbnail(c *draw.Canvas) { m.glyph(c, c.Center()) }

func (m move) glyph(c *draw.Canvas, at vg.Point) {
	c.DrawGlyphNoClip(draw.GlyphStyle{Color: m.tone.color(), Radius: 4, Shape: m.shape}, at)
}
