package reports

import (
	"fmt"
	"io"

	"github.com/scale-eval/scale-eval/eval"
)

// BoardText writes a comparison as a table a dataset and condition, the best average
// precision first. It makes one call to w.Write.
func BoardText(w io.Writer, b *eval.Board, o TextOptions) error {
	d := textReport{width: max(80, min(o.Width, 160)), paint: painter(o.Color)}
	groups := boardGroups(b)
	for i, group := range groups {
		first := group[0]
		if i > 0 {
			d.b.WriteString("\n")
		}
		d.b.WriteString(d.paint.bold(clean(first.Dataset, 60)+", "+clean(first.Condition, nameRunes)) + "\n")
		d.boardQuality(group)
		d.boardBudget(group)
		d.boardCover(group)
		d.boardDelays(group)
		if last := i+1 == len(groups) || groups[i+1][0].Dataset != first.Dataset; last {
			if a, ok := b.Labels[first.Dataset]; ok {
				d.labelBias(biases(&a, nil))
			}
		}
	}
	d.para("", boardNote(b))
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

func (d *textReport) boardBudget(rows []eval.BoardRow) {
	d.b.WriteString("\n")
	t := table{columns: []column{{"", left}}}
	for _, b := range eval.Budgets {
		t.columns = append(t.columns, column{"R, keep " + level(b), right})
	}
	t.columns = append(t.columns, column{"own FPR", right})
	faults := rows[0].Faults > 0
	if faults {
		t.columns = append(t.columns, column{"FPR fault-free", right}, column{"faults", right}, column{"by chance", right}, column{"delay", right})
	}
	for _, r := range rows {
		cells := []string{clean(r.Sampler, nameRunes)}
		for i := range eval.Budgets {
			cells = append(cells, unit3(r.RecallAtBudget[i]))
		}
		cells = append(cells, percent(r.OwnFPR))
		if faults {
			cells = append(cells, percent(r.FaultFreeFPR), detectedOf(r), chance(r.ByChance), seconds(r.MedianDelayS))
		}
		t.add(cells...)
	}
	t.write(&d.b, d.width, d.paint, true)
}

// boardCover is what the kept traces cover and what keeping them costs.
func (d *textReport) boardCover(rows []eval.BoardRow) {
	d.b.WriteString("\n")
	t := table{columns: []column{{"", left}, {"calls kept", right}}}
	cover := len(rows[0].CallsAtBudget) > 0
	if cover {
		for _, what := range []string{"calls ", "types "} {
			for i, b := range eval.Budgets {
				if i > 0 {
					what = "" // stands over the first of its columns
				}
				t.columns = append(t.columns, column{what + level(b), right})
			}
		}
	}
	t.columns = append(t.columns, column{"a span", right}, column{"B/call", right})
	for _, r := range rows {
		cells := []string{clean(r.Sampler, nameRunes), percent(r.CallsCovered)}
		if cover {
			for i := range eval.Budgets {
				cells = append(cells, meanCount(r.CallsAtBudget[i]))
			}
			for i := range eval.Budgets {
				cells = append(cells, meanCount(r.TypesAtBudget[i]))
			}
		}
		t.add(append(cells, nanoseconds(r.NsPerSpan), bytesOf(r.BytesPerCall))...)
	}
	t.write(&d.b, d.width, d.paint, true)
	if cover {
		d.para(indent, fmt.Sprintf("Of %s calls and %s types of traces, in the traces of highest score, kept whole.", meanCount(rows[0].AllCalls), meanCount(rows[0].AllTypes)))
	}
}

// boardNote says how numbers of a comparison came about.
func boardNote(b *eval.Board) string {
	return fmt.Sprintf("Means over seeds, [95 %% interval of a bootstrap over seeds and traces]. Verdicts compare with %s, paired: both samplers see the same resamples. A difference whose interval holds 0 is a tie. R: recall, at a false-positive rate of at most the one in the heading, or when that share of all spans is kept.", clean(b.Reference, nameRunes))
}

func detectedOf(r eval.BoardRow) string {
	return fmt.Sprintf("%.3g/%d", float64(r.Detected), r.Faults)
}

// meanCount writes a mean of counts: whole ones without decimals.
func meanCount(n eval.Number) string {
	switch {
	case !finite(n):
		return undefined
	case float64(n) >= 100 || n == eval.Number(int64(n)):
		return count(int64(n + .5))
	}
	return fmt.Sprintf("%.1f", float64(n))
}

// bytesOf writes a size with three digits.
func bytesOf(n eval.Number) string {
	if !finite(n) {
		return undefined
	}
	v, unit := float64(n), " B"
	for _, next := range []string{" kB", " MB", " GB"} {
		if v < 999.5 {
			break
		}
		v, unit = v/1000, next
	}
	return fmt.Sprintf("%.3g%s", v, unit)
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
