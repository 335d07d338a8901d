package reports

import (
	"fmt"
	"io"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/scale-eval/scale-eval/eval"
)

// BoardText writes a comparison as a table a dataset and condition, the best average
// precision first. It makes one call to w.Write.
func BoardText(w io.Writer, b *eval.Board, o TextOptions) error {
	d := textReport{width: max(80, min(o.Width, 160)), paint: painter(o.Color)}
	for i, group := range boardGroups(b) {
		first := group[0]
		if i > 0 {
			d.b.WriteString("\n")
		}
		d.b.WriteString(d.paint.bold(clean(first.Dataset, 60)+", "+clean(first.Condition, nameRunes)) + "\n")
		d.boardQuality(group)
		d.boardCost(group)
	}
	d.para("", fmt.Sprintf("Means over seeds, [95 %% interval of a bootstrap over seeds and traces]. Verdicts compare with %s, paired; a difference whose interval holds 0 is a tie.", clean(b.Reference, nameRunes)))
	_, err := w.Write(d.b.Bytes())
	return err
}

func (d *textReport) boardQuality(rows []eval.BoardRow) {
	t := table{columns: []column{{"", left}, {"AP", left}, {"", left}, {"F1, own cut-off", left}, {"", left}, {"best F1", right}}}
	for _, fpr := range eval.DefaultFPRs {
		t.columns = append(t.columns, column{"R@" + level(fpr), right})
	}
	for _, r := range rows {
		cells := []string{clean(r.Sampler, nameRunes), unitRate(r.AP), r.VerdictAP, unitRate(r.OwnF1), r.VerdictF1, unit3(r.BestF1)}
		for i := range eval.DefaultFPRs {
			cells = append(cells, unit3(r.RecallAtFPR[i]))
		}
		t.add(cells...)
	}
	t.write(&d.b, d.width, d.paint, true)
}

func (d *textReport) boardCost(rows []eval.BoardRow) {
	d.b.WriteString("\n")
	t := table{columns: []column{{"", left}}}
	for _, b := range eval.Budgets {
		t.columns = append(t.columns, column{"keep " + level(b), right})
	}
	t.columns = append(t.columns, column{"own FPR", right}, column{"calls", right}, column{"ns/span", right})
	faults := rows[0].Faults > 0
	if faults {
		t.columns = append(t.columns, column{"FPR fault-free", right}, column{"faults", right}, column{"delay", right})
	}
	for _, r := range rows {
		cells := []string{clean(r.Sampler, nameRunes)}
		for i := range eval.Budgets {
			cells = append(cells, unit3(r.RecallAtBudget[i]))
		}
		cells = append(cells, percent(r.OwnFPR), percent(r.CallsCovered), nanoseconds(r.NsPerSpan))
		if faults {
			cells = append(cells, percent(r.FaultFreeFPR), fmt.Sprintf("%.3g/%d", float64(r.Detected), r.Faults), seconds(r.MedianDelayS))
		}
		t.add(cells...)
	}
	t.write(&d.b, d.width, d.paint, true)
}

// boardGroups are the rows by dataset and condition, in order.
func boardGroups(b *eval.Board) (groups [][]eval.BoardRow) {
	for i, r := range b.Rows {
		if i == 0 || r.Dataset != b.Rows[i-1].Dataset || r.Condition != b.Rows[i-1].Condition {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], r)
	}
	return groups
}

// BoardFigures draws the average precision of every sampler, a figure a dataset and
// condition: a dot with its interval on a line of its own.
func BoardFigures(b *eval.Board) (figures []Figure) {
	for i, group := range boardGroups(b) {
		figures = append(figures, boardFigure(fmt.Sprintf("board_%02d", i+1), group))
	}
	return figures
}

func boardFigure(name string, rows []eval.BoardRow) Figure {
	p := newPlot(clean(rows[0].Dataset, 40)+", "+clean(rows[0].Condition, nameRunes), "average precision", "")
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
