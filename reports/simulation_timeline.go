package reports

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/scale-eval/scale-eval/sim/experiment/measure"
)

// shownServices is how many targets a timeline has room for.
const shownServices = 3

// SimulationTimelines draws the courses of one case, a figure each, on the same axes:
// load, the replicas of the targets that somebody changed, their queues, latency, and
// when the objective was missed. The courses must be of one case.
func SimulationTimelines(courses []*measure.Timeline) (figures []Figure) {
	f := frameOf(courses)
	for _, t := range courses {
		figures = append(figures, f.figure(t))
	}
	return figures
}

// frame is what the timelines of a case have in common, so that they can be compared.
type frame struct {
	shown      []int // indices of services
	load       float64
	replicas   []float64 // by service
	queue      float64
	fast, slow float64 // ms, powers of ten
	unit       float64 // seconds
	unitName   string
	end        float64 // units
}

func frameOf(courses []*measure.Timeline) *frame {
	f := &frame{unit: 60, unitName: "minutes", fast: math.Inf(1)}
	changed := map[int]int{}
	for _, t := range courses {
		f.end = max(f.end, float64(len(t.Load)*t.Step))
		f.load = max(f.load, highest(t.Load))
		f.slow = max(f.slow, highest(t.P95), t.SLO)
		for _, v := range t.P50 {
			if v > 0 {
				f.fast = min(f.fast, v)
			}
		}
		for i, s := range t.Services {
			if i == len(f.replicas) {
				f.replicas = append(f.replicas, 0)
			}
			for k := range s.Want {
				f.replicas[i] = max(f.replicas[i], float64(s.Want[k]), float64(s.Ready[k]))
				f.queue = max(f.queue, float64(s.Queue[k]))
			}
			f.replicas[i] = max(f.replicas[i], highest(s.Demand))
			for _, a := range t.Actions {
				if a.Service == s.Service {
					changed[i]++
				}
			}
			if len(s.Demand) > 0 && slices.Max(s.Demand) != slices.Min(s.Demand) {
				changed[i] += 1 << 20 // what needs it is shown first
			}
		}
	}
	for i := range f.replicas {
		if changed[i] > 0 {
			f.shown = append(f.shown, i)
		}
	}
	slices.SortStableFunc(f.shown, func(a, b int) int { return cmp.Compare(changed[b], changed[a]) })
	f.shown = f.shown[:min(len(f.shown), shownServices)]
	slices.Sort(f.shown)
	if len(f.shown) == 0 && len(f.replicas) > 0 {
		f.shown = []int{0}
	}
	if f.end > 3*3600 {
		f.unit, f.unitName = 3600, "hours"
	}
	f.end /= f.unit
	if math.IsInf(f.fast, 1) {
		f.fast = 1
	}
	f.fast, f.slow = math.Pow10(int(math.Floor(math.Log10(f.fast)))), math.Pow10(int(math.Ceil(math.Log10(max(f.slow, f.fast*2)))))
	return f
}

// shownOf are the shown services that a course has.
func (f *frame) shownOf(t *measure.Timeline) (shown []int) {
	for _, i := range f.shown {
		if i < len(t.Services) {
			shown = append(shown, i)
		}
	}
	return shown
}

func highest(values []float64) (top float64) {
	for _, v := range values {
		top = max(top, v)
	}
	return top
}

func (f *frame) figure(t *measure.Timeline) Figure {
	panels := []*panel{f.loadPanel(t)}
	for _, i := range f.shownOf(t) {
		panels = append(panels, f.replicaPanel(t, &t.Services[i]))
	}
	panels = append(panels, f.queuePanel(t), f.latencyPanel(t), f.missedPanel(t))
	for i, p := range panels {
		p.plot.X.Tick.Marker = timeTicks(f.end)
		if i == len(panels)-1 {
			p.plot.X.Label.Text = f.unitName + " of the measured time"
		}
	}
	fig := Figure{
		Name:  "timeline_" + fileName(t.Case) + "_" + fileName(t.Policy),
		Title: clean(t.Case, 60) + ", " + clean(t.Policy, nameRunes),
		width: panelWidth, height: panelsHeight(panels) + 26,
		Caption: f.caption(t),
	}
	fig.draw = func(dc draw.Canvas) {
		style := textStyle(sizeTitle, true, ink)
		style.XAlign = draw.XLeft
		dc.FillText(style, vg.Point{X: dc.Min.X + 8, Y: dc.Max.Y - 12}, fig.Title)
		drawPanels(draw.Crop(dc, 8, -14, 4, -22), panels)
	}
	return fig
}

func (f *frame) caption(t *measure.Timeline) string {
	text := fmt.Sprintf("Seed %d, a point every %d s: mean load and median, highest p95 and queue, fewest ready replicas.", t.Seed, t.Step)
	if t.To > t.From && float64(t.To-t.From) < f.end*f.unit {
		text += " Grey: the fault."
	}
	if n := len(t.Services) - len(f.shownOf(t)); n > 0 {
		text += fmt.Sprintf(" %d more targets are not shown.", n)
	}
	return text
}

// panel is one with the fault in the background.
func (f *frame) panel(t *measure.Timeline, title string, height vg.Length) *panel {
	p := newPanel(title, height, [2]float64{0, f.end})
	if from, to := float64(t.From)/f.unit, float64(t.To)/f.unit; to-from < f.end {
		p.plot.Add(stretch{from, to, faint, .55})
	}
	p.grid()
	return p
}

func (f *frame) x(t *measure.Timeline, i int) float64 { return float64(i*t.Step) / f.unit }

func (f *frame) loadPanel(t *measure.Timeline) *panel {
	p := f.panel(t, "load", 52)
	p.plot.Y.Min, p.plot.Y.Max = 0, max(1, f.load*1.08)
	p.plot.Y.Tick.Marker = few(p.plot.Y.Max)
	var points plotter.XYs
	for i, v := range t.Load {
		points = append(points, plotter.XY{X: f.x(t, i), Y: v})
	}
	p.line("requests a second of clients with an objective", points, draw.LineStyle{Color: ink.color(), Width: vg.Points(1.1)})
	return p
}

func (f *frame) replicaPanel(t *measure.Timeline, s *measure.ServiceLine) *panel {
	p := f.panel(t, "replicas of "+clean(s.Service, nameRunes), 66)
	top := 1.0
	for i := range t.Services {
		if t.Services[i].Service == s.Service {
			top = max(top, f.replicas[i])
		}
	}
	p.plot.Y.Min, p.plot.Y.Max = 0, top*1.15
	p.plot.Y.Tick.Marker = few(p.plot.Y.Max)
	var demand plotter.XYs
	for k, v := range s.Demand {
		demand = step(demand, float64(k*60)/f.unit, v)
	}
	p.line("least needed", extend(demand, f.end), draw.LineStyle{Color: amber.color(), Width: vg.Points(1.6)})
	p.line("wanted", extend(f.steps(t, s.Want), f.end), draw.LineStyle{Color: ink.color(), Width: vg.Points(1), Dashes: []vg.Length{3, 2}})
	p.line("ready", extend(f.steps(t, s.Ready), f.end), draw.LineStyle{Color: blue.color(), Width: vg.Points(1.9)})
	p.actions(f, t, s)
	return p
}

// actions marks the changes of a service.
func (p *panel) actions(f *frame, t *measure.Timeline, s *measure.ServiceLine) {
	used := map[string]bool{}
	mark := func(name string, shape draw.GlyphDrawer, x, y float64) {
		p.plot.Add(glyphAt{plotter.XY{X: x, Y: y}, shape})
		if !used[name] {
			used[name] = true
			p.keys = append(p.keys, key{name: name, glyph: shape})
		}
	}
	for _, a := range t.Actions {
		x := a.At / f.unit
		if a.Service != s.Service || x < 0 {
			continue
		}
		if a.To != a.From {
			name := "up"
			if a.To < a.From {
				name = "down"
			}
			mark(name, triangle{a.To < a.From}, x, float64(a.To))
		}
		if a.Vertical {
			mark("resized", diamond{}, x, float64(a.To))
		}
	}
}

// step continues a line that jumps: equal values need no points.
func step(path plotter.XYs, x, y float64) plotter.XYs {
	if n := len(path); n > 0 {
		if path[n-1].Y == y {
			return path
		}
		path = append(path, plotter.XY{X: x, Y: path[n-1].Y})
	}
	return append(path, plotter.XY{X: x, Y: y})
}

// extend carries the last value on to x.
func extend(path plotter.XYs, x float64) plotter.XYs {
	if n := len(path); n > 0 && path[n-1].X < x {
		path = append(path, plotter.XY{X: x, Y: path[n-1].Y})
	}
	return path
}

func (f *frame) steps(t *measure.Timeline, values []int) (path plotter.XYs) {
	for i, v := range values {
		path = step(path, f.x(t, i), float64(v))
	}
	return path
}

// queuePanel has a scale that is logarithmic and yet begins at 0: queues differ by
// orders between policies.
func (f *frame) queuePanel(t *measure.Timeline) *panel {
	p := f.panel(t, "queue", 52)
	scale := func(n float64) float64 { return math.Log10(1 + n) }
	p.plot.Y.Min, p.plot.Y.Max = 0, max(1.1, scale(f.queue)*1.05)
	ticks := plot.ConstantTicks{{Value: 0, Label: "0"}}
	every := 1 + int(p.plot.Y.Max)/4
	for e := every; float64(e) <= p.plot.Y.Max; e += every {
		ticks = append(ticks, plot.Tick{Value: scale(math.Pow10(e)), Label: brief(math.Pow10(e))})
	}
	p.plot.Y.Tick.Marker = ticks
	styles := []draw.LineStyle{
		{Color: blue.color(), Width: vg.Points(1.5)},
		{Color: red.color(), Width: vg.Points(1.2), Dashes: []vg.Length{5, 2}},
		{Color: green.color(), Width: vg.Points(1.2), Dashes: []vg.Length{2, 1.5}},
	}
	for n, i := range f.shownOf(t) {
		var points plotter.XYs
		for k, v := range t.Services[i].Queue {
			points = step(points, f.x(t, k), scale(float64(v)))
		}
		p.line(clean(t.Services[i].Service, nameRunes), extend(points, f.end), styles[n])
	}
	return p
}

func (f *frame) latencyPanel(t *measure.Timeline) *panel {
	p := f.panel(t, "latency, ms", 66)
	p.plot.Y.Scale, p.plot.Y.Min, p.plot.Y.Max = plot.LogScale{}, f.fast, f.slow
	var ticks plot.ConstantTicks
	every := 1 + int(math.Log10(f.slow/f.fast)+.5)/5
	for v, n := f.fast, 0; v <= f.slow*1.001; v, n = v*10, n+1 {
		tick := plot.Tick{Value: v}
		if n%every == 0 {
			tick.Label = brief(v)
		}
		ticks = append(ticks, tick)
	}
	p.plot.Y.Tick.Marker = ticks
	objective := plotter.XYs{{X: 0, Y: t.SLO}, {X: f.end, Y: t.SLO}}
	if t.SLO > 0 {
		p.line("objective", objective, draw.LineStyle{Color: red.color(), Width: vg.Points(1.1), Dashes: []vg.Length{6, 3}})
	}
	f.answered(p, t, "p50", t.P50, draw.LineStyle{Color: grey.color(), Width: vg.Points(1.1)})
	f.answered(p, t, "p95", t.P95, draw.LineStyle{Color: blue.color(), Width: vg.Points(1.5)})
	return p
}

// answered leaves a gap where nothing is known: a line across it would invent values.
func (f *frame) answered(p *panel, t *measure.Timeline, name string, values []float64, style draw.LineStyle) {
	var points plotter.XYs
	for i := 0; i <= len(values); i++ {
		if i < len(values) && values[i] > 0 {
			points = append(points, plotter.XY{X: f.x(t, i), Y: max(values[i], f.fast)})
			continue
		}
		p.line("", points, style)
		points = nil
	}
	p.keys = append(p.keys, key{name: name, line: style})
}

func (f *frame) missedPanel(t *measure.Timeline) *panel {
	p := newPanel("objective missed", 9, [2]float64{0, f.end})
	p.plot.Y.Min, p.plot.Y.Max, p.plot.Y.Tick.Marker = 0, 1, plot.ConstantTicks{}
	for i := 0; i < len(t.Violated); i++ {
		if !t.Violated[i] {
			continue
		}
		from := i
		for i < len(t.Violated) && t.Violated[i] {
			i++
		}
		p.plot.Add(stretch{f.x(t, from), f.x(t, i), red, 1})
	}
	return p
}

// timeTicks are at most ten, at round times.
func timeTicks(end float64) (ticks plot.ConstantTicks) {
	every := 1.0
	for _, s := range []float64{1, 2, 5, 10, 20, 50, 100, 200} {
		if every = s; end/s <= 10 {
			break
		}
	}
	for v := 0.0; v <= end*1.0001; v += every {
		ticks = append(ticks, plot.Tick{Value: v, Label: brief(v)})
	}
	return ticks
}

// fileName makes a name from the outside part of a file's.
func fileName(name string) string {
	b := []byte(clean(name, 60))
	for i, c := range b {
		if c != '-' && c != '_' && c != '.' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			b[i] = '_'
		}
	}
	return string(b)
}
