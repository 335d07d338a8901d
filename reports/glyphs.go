package reports

import (
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/scale-eval/scale-eval/eval"
)

// marker is one operating point, the same on the plot and in the legend.
type marker struct {
	at    plotter.XY
	tone  tone
	shape draw.GlyphDrawer
}

var (
	_ plot.Plotter     = marker{}
	_ plot.Thumbnailer = marker{}
)

// Plot implements plot.Plotter.
func (m marker) Plot(c draw.Canvas, p *plot.Plot) {
	trX, trY := p.Transforms(&c)
	m.draw(&c, vg.Point{X: trX(m.at.X), Y: trY(m.at.Y)})
}

// Thumbnail implements plot.Thumbnailer.
func (m marker) Thumbnail(c *draw.Canvas) { m.draw(c, c.Center()) }

func (m marker) draw(c *draw.Canvas, at vg.Point) {
	c.DrawGlyphNoClip(draw.GlyphStyle{Color: paper.color(), Radius: 6, Shape: m.shape}, at)
	c.DrawGlyphNoClip(draw.GlyphStyle{Color: m.tone.color(), Radius: 4.4, Shape: m.shape}, at)
}

// diamond is a filled square on its tip.
type diamond struct{}

// DrawGlyph implements draw.GlyphDrawer.
func (diamond) DrawGlyph(c *draw.Canvas, sty draw.GlyphStyle, at vg.Point) {
	r := sty.Radius * 1.15
	c.FillPolygon(sty.Color, []vg.Point{{X: at.X - r, Y: at.Y}, {X: at.X, Y: at.Y - r}, {X: at.X + r, Y: at.Y}, {X: at.X, Y: at.Y + r}})
}

// intervals draws the interval of each recall as a bar with ends.
type intervals []eval.RecallAt

// Plot implements plot.Plotter.
func (all intervals) Plot(c draw.Canvas, p *plot.Plot) {
	trX, trY := p.Transforms(&c)
	style := draw.LineStyle{Color: blue.color(), Width: vg.Points(1.1)}
	for _, at := range all {
		if at.FPR < p.X.Min || at.FPR > p.X.Max || !finite(at.Recall.Lo) || !finite(at.Recall.Hi) {
			continue
		}
		x, lo, hi := trX(at.FPR), trY(float64(at.Recall.Lo)), trY(float64(at.Recall.Hi))
		c.StrokeLine2(style, x, lo, x, hi)
		c.StrokeLine2(style, x-3, lo, x+3, lo)
		c.StrokeLine2(style, x-3, hi, x+3, hi)
	}
}

// notice is a line of text in the middle of an empty plot.
type notice string

// Plot implements plot.Plotter.
func (n notice) Plot(c draw.Canvas, _ *plot.Plot) {
	c.FillText(textStyle(sizeLabel, false, muted), c.Center(), string(n))
}
