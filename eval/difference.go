package eval

import (
	"fmt"
	"math"
)

// Difference is a measure of two columns on the same spans.
type Difference struct {
	Measure string `json:"measure"`
	A       Number `json:"a"`
	B       Number `json:"b"`
	Diff    Rate   `json:"diff"` // A - B with its 95 % interval
	Tie     bool   `json:"tie"`  // the interval holds 0: these data do not tell which is better
}

// Compare says by which measures column a is better than column b: AP, ROC AUC, F1 at
// the cut-off that is best on these data (held fixed), F1 of the decisions, and recall
// at each FPR. Both are judged on the spans that both scored.
//
// Intervals are those of the paired bootstrap by trace: both columns see the same
// resamples, and the 2.5 % and 97.5 % quantiles are of the differences within them
// (Efron and Tibshirani 1993, section 13.3). What both get wrong alike cancels, so
// they are narrower than what two intervals side by side suggest. A measure that
// is undefined for a column, such as F1 of one that only scored, is left out; without
// replicates intervals are NaN and nothing is a tie. With a list of comparisons expect
// one in twenty of true ties to be called a difference.
//
// Errors are those of Summarise. Cost: two Resamples.
func Compare(s *Scores, a, b int, o SummaryOptions) ([]Difference, error) {
	o = o.withDefaults()
	pair := &Scores{Labels: s.Labels, Trace: s.Trace, Columns: onBoth(s.Columns[a], s.Columns[b])}
	var sides [2]side
	for i := range sides {
		v, err := newView(pair, i, o)
		if err != nil {
			return nil, err
		}
		sides[i] = newSide(v, v.sample.resample(o.replicates(), o.Seed))
	}
	var out []Difference
	for i, m := range sides[0].measures {
		if d, ok := difference(m, sides[1].measures[i], sides[0].iv); ok {
			out = append(out, d)
		}
	}
	return out, nil
}

// onBoth blanks what either column did not score.
func onBoth(a, b ScoreColumn) []ScoreColumn {
	out := []ScoreColumn{a, b}
	if a.Score == nil || b.Score == nil || len(a.Score) != len(b.Score) {
		return out // newView complains of lengths
	}
	for i, c := range out {
		out[i].Score = make([]float64, len(c.Score))
		for row, x := range c.Score {
			if a.Score[row] != a.Score[row] || b.Score[row] != b.Score[row] {
				x = math.NaN()
			}
			out[i].Score[row] = x
		}
	}
	return out
}

// compared is a value with its replicates; NaN: undefined.
type compared struct {
	name  string
	value float64
	reps  []float64
}

// side is one column. Both sides have the same measures in the same order.
type side struct {
	iv       intervals
	measures []compared
}

func newSide(v *view, reps *Replicates) side {
	s := side{iv: v.iv()}
	add := func(name string, value float64, reps []float64) {
		s.measures = append(s.measures, compared{name, value, reps})
	}
	nan, none := math.NaN(), []float64(nil)
	ap, auc, best, f1 := nan, nan, nan, nan
	bestReps := none
	if r := v.sample.ranking; r != nil {
		ap, auc = r.AP(), r.AUC()
		if v.sample.best >= 0 {
			best, bestReps = r.At(v.best).F1(), f1s(reps.Best)
		}
	}
	if v.decided {
		f1 = v.point.F1()
	}
	add("AP", ap, reps.AP)
	add("ROC AUC", auc, reps.AUC)
	add("F1 at best cut-off", best, bestReps)
	add("F1", f1, f1s(reps.Point))
	for i, fpr := range v.o.FPRs {
		recall, column := nan, none
		if v.sample.ranking != nil {
			recall, column = ratio(v.at[i].TP, v.sample.ranking.p), reps.RecallAt[i]
		}
		add(fmt.Sprintf("recall at FPR %g %%", 100*fpr), recall, column)
	}
	return s
}

func f1s(reps []Confusion) []float64 {
	out := make([]float64, len(reps))
	for i, c := range reps {
		out[i] = c.F1()
	}
	return out
}

// difference is ok when the measure is defined on both sides.
func difference(a, b compared, iv intervals) (d Difference, ok bool) {
	value := a.value - b.value
	if value != value {
		return d, false
	}
	reps := make([]float64, min(len(a.reps), len(b.reps)))
	for i := range reps {
		reps[i] = a.reps[i] - b.reps[i]
	}
	rate := iv.percentile(value, reps)
	if rate.Lo != rate.Lo && constant(reps) {
		// All resamples agree: for once that is an answer.
		rate.Lo, rate.Hi, rate.Method = Number(reps[0]), Number(reps[0]), methodBootTrace
	}
	tie := rate.Lo <= 0 && rate.Hi >= 0 // false for NaN
	return Difference{a.name, Number(a.value), Number(b.value), rate, tie}, true
}

// constant says whether there are replicates and all are the same number.
func constant(reps []float64) bool {
	for _, x := range reps {
		if x != reps[0] {
			return false
		}
	}
	return len(reps) > 0
}
