package reports

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/eval"
)

// violin draws the distribution of one group of values as a plot.Plotter: a mirrored
// kernel density, inside it a box from the first to the third quartile with the median
// as a dot, and the thinned outliers. Below violinFew values the density would be
// made of the kernel alone, so the values themselves are drawn.
type violin struct {
	x     float64 // position on the horizontal axis
	width float64 // of the widest place, on the horizontal axis
	tone  tone

	sorted     []float64
	density    density
	q1, q2, q3 float64
}

const (
	violinFew = 10
	// violinSlots bounds the outliers drawn of one violin.
	violinSlots = 150
	// maxScore bounds what can be drawn: differences of larger values overflow.
	maxScore = 1e150
	// violinWidest is the largest half width, in points: two violins across a page
	// would look like plates.
	violinWidest = vg.Length(52)
)

var (
	_ plot.Plotter    = (*violin)(nil)
	_ plot.DataRanger = (*violin)(nil)
)

// newViolin takes the values over and sorts them; they must be finite.
func newViolin(x float64, t tone, values []float64) *violin {
	slices.Sort(values)
	v := &violin{x: x, width: 0.8, tone: t, sorted: values}
	if len(values) > 0 {
		v.density = newDensity(values)
		v.q1, v.q2, v.q3 = quantile(values, 0.25), quantile(values, 0.5), quantile(values, 0.75)
	}
	return v
}

// DataRange implements plot.DataRanger.
func (v *violin) DataRange() (xmin, xmax, ymin, ymax float64) {
	if len(v.sorted) == 0 {
		return v.x, v.x, math.Inf(1), math.Inf(-1)
	}
	return v.x, v.x, v.sorted[0], v.sorted[len(v.sorted)-1]
}

// Plot implements plot.Plotter.
func (v *violin) Plot(c draw.Canvas, p *plot.Plot) {
	if len(v.sorted) == 0 {
		return
	}
	trX, trY := p.Transforms(&c)
	mid := trX(v.x)
	half := min(trX(v.x+v.width/2)-mid, violinWidest)
	switch {
	case len(v.sorted) < violinFew:
		v.dots(&c, mid, trY, v.sorted, 2.2)
	case v.density.at == nil:
		// All values are equal: a violin of no height.
		y := trY(v.sorted[0])
		c.StrokeLine2(draw.LineStyle{Color: v.tone.color(), Width: vg.Points(2)}, mid-half, y, mid+half, y)
		v.median(&c, mid, trY)
	default:
		v.body(&c, mid, half, trY)
		v.dots(&c, mid, trY, outliers(v.sorted, v.q1, v.q3, p.Y.Min, p.Y.Max, violinSlots), 1)
		v.box(&c, mid, trY)
		v.median(&c, mid, trY)
	}
}

// body is the outline: up the right side and down the left.
func (v *violin) body(c *draw.Canvas, mid, widest vg.Length, trY func(float64) vg.Length) {
	d := v.density
	peak := slices.Max(d.at)
	n := len(d.at)
	outline := make([]vg.Point, 2*n)
	for i, f := range d.at {
		y := trY(d.lo + (d.hi-d.lo)*float64(i)/float64(n-1))
		half := widest * vg.Length(f/peak)
		outline[i] = vg.Point{X: mid + half, Y: y}
		outline[2*n-1-i] = vg.Point{X: mid - half, Y: y}
	}
	c.FillPolygon(v.tone.rgba(0.28), outline)
	c.StrokeLines(draw.LineStyle{Color: v.tone.color(), Width: vg.Points(0.9)}, append(outline, outline[0]))
}

func (v *violin) box(c *draw.Canvas, mid vg.Length, trY func(float64) vg.Length) {
	lo, hi := trY(v.q1), trY(v.q3)
	c.FillPolygon(ink.color(), []vg.Point{{X: mid - 2.5, Y: lo}, {X: mid + 2.5, Y: lo}, {X: mid + 2.5, Y: hi}, {X: mid - 2.5, Y: hi}})
}

func (v *violin) median(c *draw.Canvas, mid vg.Length, trY func(float64) vg.Length) {
	at := vg.Point{X: mid, Y: trY(v.q2)}
	c.DrawGlyphNoClip(draw.GlyphStyle{Color: ink.color(), Radius: 4, Shape: draw.CircleGlyph{}}, at)
	c.DrawGlyphNoClip(draw.GlyphStyle{Color: paper.color(), Radius: 2.6, Shape: draw.CircleGlyph{}}, at)
}

func (v *violin) dots(c *draw.Canvas, mid vg.Length, trY func(float64) vg.Length, values []float64, radius vg.Length) {
	style := draw.GlyphStyle{Color: v.tone.color(), Radius: radius, Shape: draw.CircleGlyph{}}
	for _, y := range values {
		c.DrawGlyphNoClip(style, vg.Point{X: mid, Y: trY(y)})
	}
}

// violinGroups are the labels in the order they are drawn.
var violinGroups = []struct {
	label trace.Label
	tone  tone
}{{trace.Normal, blue}, {trace.Anomalous, red}, {trace.Candidate, amber}, {trace.Propagated, pink}, {trace.Guard, grey}}

// violinFigure draws the scores of Columns[0] by label, with the deployed cut-off.
func violinFigure(s eval.SamplerResult, scores *eval.Scores) Figure {
	groups, left := scoresByLabel(scores)
	p := newPlot("Scores of "+clean(s.Name, nameRunes)+" by label", "", "score")
	p.Add(gridY())
	var names []plot.Tick
	var notes []string
	x := 0.0
	for _, g := range violinGroups {
		values := groups[g.label]
		if len(values) == 0 && !g.label.Positive() && g.label != trace.Normal {
			continue
		}
		v := newViolin(x, g.tone, values)
		p.Add(v)
		names = append(names, plot.Tick{Value: x, Label: g.label.String() + "\nn = " + count(int64(len(values)))})
		if v.density.at != nil && len(values) >= violinFew {
			notes = append(notes, fmt.Sprintf("%s %.2g", g.label, v.density.bandwidth))
		}
		x++
	}
	fitViolins(p, names, x)
	if finite(s.Point.Threshold) {
		p.Add(cutLine{float64(s.Point.Threshold), "cut-off " + cutoff(s.Point.Threshold)})
	}
	return Figure{Name: "scores", Title: p.Title.Text, Caption: violinCaption(notes, left), width: 400, height: 330,
		draw: func(dc draw.Canvas) { p.Draw(draw.Crop(dc, 8, -12, 8, -8)) }}
}

// fitViolins sets the axes once all groups are known: a range for y that leaves room
// and exists for constant or no scores, and a width by the number of groups.
func fitViolins(p *plot.Plot, names []plot.Tick, groups float64) {
	p.X.Min, p.X.Max = -0.5, groups-0.5
	p.X.Tick.Marker, p.X.Tick.Length = plot.ConstantTicks(names), 0
	p.X.Tick.Label.Color = ink.color()
	lo, hi := p.Y.Min, p.Y.Max
	if lo > hi {
		lo, hi = 0, 1
	}
	pad := (hi - lo) * 0.04
	if pad == 0 {
		pad = math.Max(math.Abs(hi)*0.1, 0.1)
	}
	p.Y.Min, p.Y.Max = lo-pad, hi+pad
}

func violinCaption(bandwidths []string, left int) string {
	var b strings.Builder
	b.WriteString("Gaussian kernel density, each scaled to the same width and cut at its extremes; box from the first to the third quartile, ring at the median, dots are outliers, thinned.")
	if len(bandwidths) > 0 {
		b.WriteString(" Bandwidth by Silverman's rule: " + strings.Join(bandwidths, ", ") + ".")
	}
	if left > 0 {
		b.WriteString(" " + count(int64(left)) + " spans without a finite score (warm-up) are not shown.")
	}
	return b.String()
}

// scoresByLabel splits Columns[0]; left counts the labelled spans without a finite
// score.
func scoresByLabel(s *eval.Scores) (groups map[trace.Label][]float64, left int) {
	groups = map[trace.Label][]float64{}
	for i, v := range s.Columns[0].Score {
		switch l := s.Labels[i]; {
		case l == trace.Unlabelled:
		case !(math.Abs(v) <= maxScore):
			left++
		default:
			groups[l] = append(groups[l], v)
		}
	}
	return groups, left
}

// gridY is a faint grid for reading values off the vertical axis.
func gridY() *plotter.Grid {
	g := plotter.NewGrid()
	g.Vertical.Color = nil
	g.Horizontal = draw.LineStyle{Color: faint.color(), Width: vg.Points(0.6)}
	return g
}

// cutLine is a dashed line across the plot with its name above it at the right, on a patch
// of paper since a violin may be there.
type cutLine struct {
	y    float64
	name string
}

// Plot implements plot.Plotter. A cut-off outside the axis is not drawn.
func (l cutLine) Plot(c draw.Canvas, p *plot.Plot) {
	_, trY := p.Transforms(&c)
	y := trY(l.y)
	if !c.ContainsY(y) {
		return
	}
	c.StrokeLine2(draw.LineStyle{Color: ink.color(), Width: vg.Points(0.9), Dashes: []vg.Length{4, 3}}, c.Min.X, y, c.Max.X, y)
	style := textStyle(sizeTick, false, ink)
	style.XAlign, style.YAlign = draw.XRight, draw.YBottom
	at := vg.Point{X: c.Max.X, Y: y + 2}
	c.SetColor(paper.rgba(0.75))
	c.Fill(style.Rectangle(l.name).Add(at).Path())
	c.FillText(style, at, l.name)
}
