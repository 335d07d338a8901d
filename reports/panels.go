package reports

import (
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// panel is one plot of several that stand above each other over one axis of time. Its
// title and key stand above it, where they cover no data whatever the run.
type panel struct {
	title  string
	keys   []key
	plot   *plot.Plot
	height vg.Length // of the data
}

// key is a line or a glyph and what it means.
type key struct {
	name  string
	line  draw.LineStyle
	glyph draw.GlyphDrawer // nil: a line
}

const (
	panelHead  = vg.Length(18)
	panelGap   = vg.Length(7)
	panelWidth = vg.Length(520)
	axisBelow  = vg.Length(34) // ticks and label of the one axis of time
)

func newPanel(title string, height vg.Length, x [2]float64) *panel {
	p := &panel{title: title, plot: newPlot("", "", ""), height: height}
	p.plot.X.Min, p.plot.X.Max = x[0], x[1]
	p.plot.X.Label.Text = ""
	return p
}

// grid draws level lines; it comes behind what must lie under them.
func (p *panel) grid() { p.plot.Add(gridY()) }

func (p *panel) line(name string, points plotter.XYs, style draw.LineStyle) {
	if len(points) > 0 {
		p.plot.Add(&plotter.Line{XYs: points, LineStyle: style})
	}
	if name != "" {
		p.keys = append(p.keys, key{name: name, line: style})
	}
}

// panelsHeight is that of all panels with the axis.
func panelsHeight(panels []*panel) (h vg.Length) {
	for _, p := range panels {
		h += panelHead + p.height + panelGap
	}
	return h + axisBelow
}

// drawPanels draws them from top to bottom, the edges of their data in line.
func drawPanels(dc draw.Canvas, panels []*panel) {
	for _, p := range panels[:len(panels)-1] {
		var bare plot.ConstantTicks
		for _, t := range p.plot.X.Tick.Marker.Ticks(p.plot.X.Min, p.plot.X.Max) {
			bare = append(bare, plot.Tick{Value: t.Value})
		}
		p.plot.X.Tick.Marker, p.plot.X.Tick.Length = bare, 2
	}
	// What stands beside the data differs in width from panel to panel.
	left, right := dc.Min.X, dc.Max.X
	for _, p := range panels {
		own := p.plot.DataCanvas(dc)
		left, right = max(left, own.Min.X), min(right, own.Max.X)
	}
	top := dc.Max.Y
	for _, p := range panels {
		p.head(dc, left, top)
		area := dc
		area.Max.Y = top - panelHead
		area.Min.Y = area.Max.Y - p.height
		own := p.plot.DataCanvas(area)
		area.Min.X, area.Max.X = area.Min.X+left-own.Min.X, area.Max.X+right-own.Max.X
		area.Min.Y, area.Max.Y = area.Min.Y+top-panelHead-p.height-own.Min.Y, area.Max.Y+top-panelHead-own.Max.Y
		p.plot.Draw(area)
		top -= panelHead + p.height + panelGap
	}
}

// otherFonts is how much wider than measured a text may come out: a page without the
// fonts that were measured falls back to wider ones.
const otherFonts = 1.2

// head writes the title and the key in one line.
func (p *panel) head(dc draw.Canvas, x, top vg.Length) {
	y := top - panelHead/2 - 1
	title, label := textStyle(sizeTick, true, ink), textStyle(sizeTick, false, muted)
	title.XAlign, label.XAlign = draw.XLeft, draw.XLeft
	dc.FillText(title, vg.Point{X: x, Y: y}, p.title)
	x += title.Width(p.title)*otherFonts + 12
	for _, k := range p.keys {
		if k.glyph != nil {
			dc.DrawGlyphNoClip(draw.GlyphStyle{Color: ink.color(), Radius: 3, Shape: k.glyph}, vg.Point{X: x + 4, Y: y})
			x += 12
		} else {
			dc.StrokeLine2(k.line, x, y, x+18, y)
			x += 22
		}
		dc.FillText(label, vg.Point{X: x, Y: y}, k.name)
		x += label.Width(k.name)*otherFonts + 10
	}
}

// stretch fills a stretch of time over the height of a panel.
type stretch struct {
	from, to float64
	tone     tone
	opacity  float64
}

// Plot implements plot.Plotter.
func (s stretch) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	from, to := max(x(s.from), c.Min.X), min(x(s.to), c.Max.X)
	if to <= from {
		return
	}
	c.FillPolygon(s.tone.rgba(s.opacity), []vg.Point{{X: from, Y: c.Min.Y}, {X: to, Y: c.Min.Y}, {X: to, Y: c.Max.Y}, {X: from, Y: c.Max.Y}})
}

// glyphAt is a mark at a point of a panel.
type glyphAt struct {
	at    plotter.XY
	shape draw.GlyphDrawer
}

// Plot implements plot.Plotter.
func (g glyphAt) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	at := vg.Point{X: x(g.at.X), Y: y(g.at.Y)}
	c.DrawGlyphNoClip(draw.GlyphStyle{Color: paper.color(), Radius: 4.2, Shape: g.shape}, at)
	c.DrawGlyphNoClip(draw.GlyphStyle{Color: ink.color(), Radius: 3, Shape: g.shape}, at)
}

// triangle points up or down: a change is told apart by its shape, not by a colour.
type triangle struct{ down bool }

// DrawGlyph implements draw.GlyphDrawer.
func (t triangle) DrawGlyph(c *draw.Canvas, sty draw.GlyphStyle, at vg.Point) {
	r := sty.Radius * 1.1
	tip := r
	if t.down {
		tip = -r
	}
	c.FillPolygon(sty.Color, []vg.Point{{X: at.X, Y: at.Y + tip}, {X: at.X + r, Y: at.Y - tip*.8}, {X: at.X - r, Y: at.Y - tip*.8}})
}

// few are ticks at 0 and at two or three round values up to the top.
func few(top float64) plot.ConstantTicks {
	if !(top > 0) {
		return plot.ConstantTicks{{Value: 0, Label: "0"}}
	}
	step := math.Pow10(int(math.Floor(math.Log10(top))))
	for _, f := range []float64{.2, .25, .5, 1, 2, 5} {
		if top/(step*f) <= 4 {
			step *= f
			break
		}
	}
	var ticks plot.ConstantTicks
	for i := 0; float64(i)*step <= top*1.0001; i++ {
		ticks = append(ticks, plot.Tick{Value: float64(i) * step, Label: brief(float64(i) * step)})
	}
	return ticks
}

// brief writes 12000 as 12k: labels of an axis stay narrow.
func brief(v float64) string {
	switch {
	case v >= 1e6:
		return strconv.FormatFloat(v/1e6, 'g', 3, 64) + "M"
	case v >= 1e3:
		return strconv.FormatFloat(v/1e3, 'g', 3, 64) + "k"
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}
