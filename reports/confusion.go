package reports

import (
	"fmt"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/scale-eval/scale-eval/eval"
)

// confusionFigure shows the matrix of the deployed cut-off: rows are the truth,
// columns the decision. Cells are shaded by their share of the row, because with few
// positives a shade by count would show one dark cell and nothing else.
func confusionFigure(s eval.SamplerResult) Figure {
	name := clean(s.Name, nameRunes)
	c := s.Point.Confusion
	return Figure{
		Name:    "confusion",
		Title:   "Confusion matrix of " + name + ", as deployed",
		Caption: fmt.Sprintf("Cut-off %s, chosen without the labels of the test part (%s). Shade and percentages are shares of the row.", cutoff(s.Point.Threshold), clean(s.ThresholdBy, 120)),
		width:   400, height: 300,
		draw: func(dc draw.Canvas) { drawConfusion(dc, name, c) },
	}
}

func drawConfusion(dc draw.Canvas, name string, c eval.Confusion) {
	title := textStyle(sizeTitle, true, ink)
	dc.FillText(title, vg.Point{X: dc.Center().X, Y: dc.Max.Y - 14}, name+", as deployed")
	grid := draw.Crop(dc, 92, -12, 12, -50)
	head, sub := textStyle(sizeLabel, true, ink), textStyle(sizeTick, false, muted)
	w, h := grid.Size().X/2, grid.Size().Y/2
	for j, label := range []string{"flagged", "not flagged"} {
		dc.FillText(head, vg.Point{X: grid.Min.X + w*(vg.Length(j)+0.5), Y: grid.Max.Y + 11}, label)
	}
	rows := []struct {
		truth string
		count [2]int64
		name  [2]string
	}{
		{"anomalous", [2]int64{c.TP, c.FN}, [2]string{"true positive", "false negative"}},
		{"normal", [2]int64{c.FP, c.TN}, [2]string{"false positive", "true negative"}},
	}
	for i, row := range rows {
		top := grid.Max.Y - h*vg.Length(i)
		total := row.count[0] + row.count[1]
		dc.FillText(head, vg.Point{X: grid.Min.X / 2, Y: top - h/2 + 7}, row.truth)
		dc.FillText(sub, vg.Point{X: grid.Min.X / 2, Y: top - h/2 - 8}, count(total))
		for j := range row.count {
			x := grid.Min.X + w*vg.Length(j)
			box := vg.Rectangle{Min: vg.Point{X: x + 1.5, Y: top - h + 1.5}, Max: vg.Point{X: x + w - 1.5, Y: top - 1.5}}
			drawCell(dc, box, row.count[j], total, row.name[j])
		}
	}
}

// shade is the opacity of a cell by its share of the row, and the tone of the text on
// it. Between the two branches lies the range where neither dark nor light text has
// enough contrast.
func shade(share float64) (opacity float64, text tone) {
	if share >= 0.9 {
		return 0.95 + (share-0.9)/2, onCell
	}
	return 0.05 + 0.65*share, ink
}

func drawCell(dc draw.Canvas, box vg.Rectangle, n, total int64, name string) {
	share, note := 0.0, "no spans in this row"
	if total > 0 {
		share = float64(n) / float64(total)
		note = percent(eval.Number(share)) + " of the row"
	}
	opacity, on := shade(share)
	dc.SetColor(cell.rgba(opacity))
	dc.Fill(box.Path())
	mid := vg.Point{X: (box.Min.X + box.Max.X) / 2, Y: (box.Min.Y + box.Max.Y) / 2}
	dc.FillText(textStyle(20, true, on), vg.Point{X: mid.X, Y: mid.Y + 22}, count(n))
	dc.FillText(textStyle(sizeLabel, false, on), vg.Point{X: mid.X, Y: mid.Y + 1}, note)
	dc.FillText(textStyle(sizeTick, false, on), vg.Point{X: mid.X, Y: mid.Y - 14}, name)
}
