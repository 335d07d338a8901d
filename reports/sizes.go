package reports

import (
	"fmt"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// SizeRow is one run of a dataset of some size.
type SizeRow struct {
	Spans    int64   `json:"spans"`
	WallS    float64 `json:"wall_s"`
	CPUS     float64 `json:"cpu_s"`
	PeakMB   float64 `json:"peak_rss_mb"` // 10^6 bytes
	DataMB   float64 `json:"data_mb"`
	ConvertS float64 `json:"convert_cpu_s"` // CPU of writing the data
}

// WallNS and CPUNS are of one span; 0 without spans.
func (r SizeRow) WallNS() float64 { return perSpan(r.WallS, r.Spans) }

// CPUNS is the CPU time of one span in ns.
func (r SizeRow) CPUNS() float64 { return perSpan(r.CPUS, r.Spans) }

func perSpan(seconds float64, spans int64) float64 {
	if spans <= 0 {
		return 0
	}
	return seconds * 1e9 / float64(spans)
}

// SizesFigure shows what a span costs and how much memory a run took, against the number
// of spans. Rows without spans are left out; without any it is empty axes.
func SizesFigure(rows []SizeRow) Figure {
	var wall, cpu, peak plotter.XYs
	low, high := math.Inf(1), math.Inf(-1)
	for _, r := range rows {
		if r.Spans <= 0 {
			continue
		}
		x := math.Log10(float64(r.Spans))
		low, high = min(low, x), max(high, x)
		wall = append(wall, plotter.XY{X: x, Y: r.WallNS()})
		cpu = append(cpu, plotter.XY{X: x, Y: r.CPUNS()})
		peak = append(peak, plotter.XY{X: x, Y: r.PeakMB})
	}
	if len(wall) == 0 {
		low, high = 5, 8
	}
	x := [2]float64{math.Floor(low) - .1, math.Ceil(high) + .1}
	strong := draw.LineStyle{Color: blue.color(), Width: vg.Points(2.2)}
	time := newPanel("ns a span", 130, x)
	time.grid()
	time.line("wall", wall, strong)
	time.line("CPU", cpu, lineOf(0))
	memory := newPanel("peak RSS, MB", 130, x)
	memory.grid()
	memory.line("", peak, strong)
	for _, p := range []*panel{time, memory} {
		p.plot.X.Tick.Marker = powers(x)
		p.plot.Y.Min = 0
		p.plot.Y.Max = max(p.plot.Y.Max*1.1, 1)
		p.plot.Y.Tick.Marker = few(p.plot.Y.Max)
	}
	memory.plot.X.Label.Text = "spans"
	panels := []*panel{time, memory}
	return Figure{
		Name: "sizes", Title: "Time and memory against size", Caption: "One streamed run a size. Level lines mean that time grows with the number of spans and memory does not.",
		width: panelWidth, height: panelsHeight(panels) + 16,
		draw: func(dc draw.Canvas) { drawPanels(draw.Crop(dc, 4, -14, 4, -8), panels) },
	}
}

// powers are ticks at the powers of ten of an axis of logarithms.
func powers(x [2]float64) (ticks plot.ConstantTicks) {
	for e := math.Ceil(x[0]); e <= x[1]; e++ {
		ticks = append(ticks, plot.Tick{Value: e, Label: brief(math.Pow(10, e))})
	}
	return ticks
}

// SizesTable is the rows as CSV with a header, units in the names.
func SizesTable(rows []SizeRow) string {
	text := "spans,data_mb,wall_s,cpu_s,wall_ns_span,cpu_ns_span,peak_rss_mb,convert_cpu_s\n"
	for _, r := range rows {
		text += fmt.Sprintf("%d,%.1f,%.2f,%.2f,%.1f,%.1f,%.1f,%.2f\n", r.Spans, r.DataMB, r.WallS, r.CPUS, r.WallNS(), r.CPUNS(), r.PeakMB, r.ConvertS)
	}
	return text
}
