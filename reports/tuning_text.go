package reports

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/scale-eval/scale-eval/eval"
	"github.com/scale-eval/scale-eval/tuning"
)

// TuningText writes a study as compact terminal tables: the choice and how it did on
// spans that it was not chosen on, the best models and which of them are ties, the
// front, nested selection, importance. It makes one call to w.Write.
func TuningText(w io.Writer, r *tuning.Result, o TextOptions) error {
	if o.Width == 0 {
		o.Width = 100
	}
	d := tuningText{r: r, width: max(80, min(o.Width, 160)), paint: painter(o.Color)}
	d.header()
	d.finalists()
	d.front()
	d.nested()
	d.importance()
	_, err := w.Write(d.b.Bytes())
	return err
}

// textFront bounds the table of the front; the page and the JSON have all of it.
const textFront = 20

type tuningText struct {
	b     bytes.Buffer
	r     *tuning.Result
	width int
	paint painter
}

func (d *tuningText) para(text string) {
	for _, line := range wrap(text, d.width-len(indent)) {
		d.b.WriteString(indent + line + "\n")
	}
}

func (d *tuningText) heading(text string) { d.b.WriteString("\n" + d.paint.bold(text) + "\n") }

func (d *tuningText) header() {
	r := d.r
	d.b.WriteString(d.paint.bold(fmt.Sprintf("%s, protocol %s, %s search for %s", clean(r.Dataset, 60), clean(r.Protocol, nameRunes), r.Method, strings.Join(r.Objectives, ", "))) + "\n")
	d.para(fmt.Sprintf("%s models, %s points, %d seeds from %d.", count(int64(r.Models)), count(int64(len(r.Points))), len(r.Seeds), r.Seeds[0]))
	for _, w := range r.Warnings {
		for _, line := range wrap("warning: "+clean(w, 600), d.width-len(indent)) {
			d.b.WriteString(indent + d.paint.warn(line) + "\n")
		}
	}
	e := r.Points[r.Chosen]
	d.heading("CHOSEN on the validation part")
	d.para(pointName(r, e))
	for i, name := range r.Objectives {
		d.para(fmt.Sprintf("%s: %s on validation, %s on test", name, spreadText(name, e.Objective[i]), spreadText(name, e.OnTest[i])))
	}
	d.para("test: " + ratesText(e.Test))
}

func ratesText(r tuning.Rates) string {
	return fmt.Sprintf("F1 %s, recall %s, precision %s, FPR %s, kept %s", unit3(r.F1), unit3(r.Recall), unit3(r.Precision), percent(r.FPR), percent(r.Kept))
}

// pointName is the parameters of a point in one line.
func pointName(r *tuning.Result, e tuning.Entry) string {
	parts := make([]string, len(r.Params))
	for i, p := range r.Params {
		parts[i] = clean(p.Name, nameRunes) + "=" + clean(e.Values[i], nameRunes)
	}
	return strings.Join(parts, " ")
}

// pointNames names points by the parameters that they differ in; all of them if they
// do not.
func pointNames(r *tuning.Result, points []int) []string {
	differ := make([]bool, len(r.Params))
	any := false
	for _, i := range points {
		for k := range differ {
			if r.Points[i].Values[k] != r.Points[points[0]].Values[k] {
				differ[k], any = true, true
			}
		}
	}
	names := make([]string, len(points))
	for n, i := range points {
		var parts []string
		for k, p := range r.Params {
			if differ[k] || !any {
				parts = append(parts, clean(p.Name, nameRunes)+"="+clean(r.Points[i].Values[k], nameRunes))
			}
		}
		names[n] = strings.Join(parts, " ")
	}
	return names
}

// objectiveText writes a value of an objective in its unit.
func objectiveText(objective string, n eval.Number) string {
	switch {
	case objective == "time":
		return nanoseconds(n)
	case strings.HasPrefix(objective, "fpr"):
		return percent(n)
	}
	return unit3(n)
}

// spreadText is "0.912 ± .004".
func spreadText(objective string, s tuning.Spread) string {
	text := objectiveText(objective, s.Mean)
	if finite(s.SD) && objective != "time" {
		text += " ± " + strings.Replace(objectiveText(objective, s.SD), "0.", ".", 1)
	}
	return text
}

func (d *tuningText) finalists() {
	r := d.r
	if len(r.Finalists) == 0 {
		return
	}
	d.heading("BEST MODELS, each at its best cut-off")
	t := table{columns: []column{{"point", left}, {"validation", right}, {"test", right}, {"F1", right}, {"recall", right}, {"FPR", right}, {"worse by (95 %)", right}}}
	ties := 0
	points := make([]int, len(r.Finalists))
	for i, f := range r.Finalists {
		points[i] = f.Point
	}
	names := pointNames(r, points)
	for i, f := range r.Finalists {
		e, verdict := r.Points[f.Point], "chosen"
		if i > 0 {
			verdict = differenceText(f.Diff)
			if f.Diff.Tie {
				ties++
			}
		}
		t.add(names[i], spreadText(r.Objectives[0], e.Objective[0]), spreadText(r.Objectives[0], e.OnTest[0]),
			unit3(e.Test.F1), unit3(e.Test.Recall), percent(e.Test.FPR), verdict)
	}
	t.write(&d.b, d.width, d.paint, true)
	if ties > 0 {
		d.para(fmt.Sprintf("%d of %d are ties with the chosen one: resampling the traces cannot tell them apart.", ties, len(r.Finalists)-1))
	}
}

func differenceText(d tuning.Difference) string {
	if !finite(d.Lo) || !finite(d.Hi) {
		return undefined
	}
	text := "[" + fmt.Sprintf("%.4f", float64(d.Lo)) + "," + fmt.Sprintf("%.4f", float64(d.Hi)) + "]"
	if d.Tie {
		return "tie " + text
	}
	return text
}

func (d *tuningText) front() {
	r := d.r
	if len(r.Front) == 0 {
		return
	}
	d.heading("PARETO FRONT, the knee first")
	t := table{columns: []column{{"point", left}}}
	for _, o := range r.Objectives {
		t.columns = append(t.columns, column{o, right})
	}
	points := []int{r.Chosen}
	for _, i := range r.Front {
		if i != r.Chosen && len(points) < textFront {
			points = append(points, i)
		}
	}
	for n, name := range pointNames(r, points) {
		cells := []string{name}
		for k, o := range r.Objectives {
			cells = append(cells, spreadText(o, r.Points[points[n]].Objective[k]))
		}
		t.add(cells...)
	}
	t.write(&d.b, d.width, d.paint, true)
	if more := len(r.Front) - len(points); more > 0 {
		d.para(fmt.Sprintf("%d more are in tune.json.", more))
	}
}

func (d *tuningText) nested() {
	if len(d.r.Nested) < 2 {
		return
	}
	d.heading("NESTED SELECTION, as time goes on")
	t := table{columns: []column{{"chosen before the block", left}, {"block", right}, {"before it", right}, {"on it", right}}}
	points := make([]int, len(d.r.Nested))
	for i, f := range d.r.Nested {
		points[i] = f.Point
	}
	names := pointNames(d.r, points)
	for i, f := range d.r.Nested {
		block := fmt.Sprintf("validation %d", f.Block+1)
		if i == len(d.r.Nested)-1 {
			block = "test"
		}
		t.add(names[i], block, objectiveText(d.r.Objectives[0], f.Before), objectiveText(d.r.Objectives[0], f.After))
	}
	t.write(&d.b, d.width, d.paint, false)
}

func (d *tuningText) importance() {
	d.heading("IMPORTANCE, share of the variance of the loss")
	for _, im := range d.r.Importance {
		bar := strings.Repeat("█", int(im.Share*40+0.5))
		d.b.WriteString(fmt.Sprintf("%s%-16s %5.1f%% %s\n", indent, clean(im.Name, 16), 100*im.Share, bar))
	}
}
