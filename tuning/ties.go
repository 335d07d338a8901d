package tuning

import (
	"math"
	"slices"

	"github.com/scale-eval/scale-eval/eval"
)

// Difference is how much worse a point is than the chosen one, as a loss, with its
// 95 % interval over paired resamples of the traces.
type Difference struct {
	Loss eval.Number `json:"loss"` // mean over the resamples
	Lo   eval.Number `json:"lo"`
	Hi   eval.Number `json:"hi"`
	// Tie says that the interval holds 0: the data cannot tell the two apart.
	Tie bool `json:"tie"`
}

// Paired compares a point with the chosen one on one objective. Entry [s][i] of
// either is the confusion matrix of seed s on resample i; resample i of both are the
// same traces (eval.Resample). Matrices are pooled over the seeds. Intervals are
// percentiles, not corrected for the number of comparisons. Everything is NaN, and
// no tie, where a loss is undefined on too many resamples (more than one in ten).
//
// It panics unless both have the same shape and at least one resample.
func Paired(chosen, other [][]eval.Confusion, o Objective) Difference {
	n := len(chosen[0])
	var diffs []float64
	mean := 0.0
	for i := range n {
		var a, b []eval.Confusion
		for s := range chosen {
			a, b = append(a, chosen[s][i]), append(b, other[s][i])
		}
		d := o.Loss(sum(b), 0) - o.Loss(sum(a), 0)
		if !math.IsNaN(d) && !math.IsInf(d, 0) {
			diffs = append(diffs, d)
			mean += d
		}
	}
	if len(diffs)*10 < n*9 {
		nan := eval.Number(math.NaN())
		return Difference{nan, nan, nan, false}
	}
	slices.Sort(diffs)
	d := Difference{Loss: eval.Number(mean / float64(len(diffs))), Lo: eval.Number(quantile(diffs, .025)), Hi: eval.Number(quantile(diffs, .975))}
	d.Tie = d.Lo <= 0 && d.Hi >= 0
	return d
}

// quantile of sorted values, nearest rank.
func quantile(sorted []float64, p float64) float64 {
	return sorted[min(len(sorted)-1, max(0, int(math.Ceil(p*float64(len(sorted))))-1))]
}
