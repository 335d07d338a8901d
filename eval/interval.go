package eval

import (
	"math"
	"slices"
)

// How an interval was made: Rate.Method.
const (
	methodWilson      = "wilson"
	methodWilsonTrace = "wilson by trace" // a bootstrap of k = 0 or k = n has no width
	methodBootTrace   = "bootstrap by trace"
	methodBootSpan    = "bootstrap by span"
)

// intervals turns counts and replicates into rates.
type intervals struct{ independent bool }

// proportion is k/n with its interval: Wilson's where spans are independent,
// otherwise that of the replicates.
func (iv intervals) proportion(k, n, traces int64, reps []float64) Rate {
	if iv.independent {
		return Wilson(k, n)
	}
	return iv.resampled(k, n, traces, reps)
}

// resampled is k/n with the middle 95 % of the replicates. Where all of them agree
// on 0 or 1, resampling says nothing of the rate's uncertainty, and Wilson's
// interval is given for as many trials as traces have a span in the denominator.
func (iv intervals) resampled(k, n, traces int64, reps []float64) Rate {
	r := iv.percentile(ratio(k, n), reps)
	if p := float64(r.Value); (p == 0 || p == 1) && traces > 0 && math.IsNaN(float64(r.Lo)) {
		lo, hi := wilson(p, float64(traces))
		r.Lo, r.Hi, r.Method = Number(lo), Number(hi), methodWilsonTrace
		if iv.independent {
			r.Method = methodWilson
		}
	}
	return r
}

// percentile is value with the 2.5 % and 97.5 % quantiles of its replicates.
// Resamples in which the measure is undefined are left out; without two different
// values left there is no interval.
func (iv intervals) percentile(value float64, reps []float64) Rate {
	r := undefined()
	r.Value = Number(value)
	if math.IsNaN(value) {
		return r
	}
	sorted := make([]float64, 0, len(reps))
	for _, x := range reps {
		if x == x {
			sorted = append(sorted, x)
		}
	}
	slices.Sort(sorted)
	if len(sorted) == 0 || sorted[0] == sorted[len(sorted)-1] {
		return r
	}
	r.Lo, r.Hi = Number(quantile(sorted, .025)), Number(quantile(sorted, .975))
	r.Method = methodBootTrace
	if iv.independent {
		r.Method = methodBootSpan
	}
	return r
}

// quantile interpolates between order statistics (Hyndman and Fan 1996, type 7).
func quantile(sorted []float64, q float64) float64 {
	at := float64(q * float64(len(sorted)-1))
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + float64((at-float64(i))*(sorted[i+1]-sorted[i]))
}

// spread is in how many traces the spans of each denominator lie.
type spread struct{ kept, positive, negative, all int64 }

func (iv intervals) metrics(c Confusion, s spread, reps []Confusion) Metrics {
	boot := func(f func(Confusion) float64) []float64 {
		out := make([]float64, len(reps))
		for i, r := range reps {
			out[i] = f(r)
		}
		return out
	}
	return Metrics{
		Precision: iv.proportion(c.TP, c.Kept(), s.kept, boot(Confusion.Precision)),
		Recall:    iv.proportion(c.TP, c.Positives(), s.positive, boot(Confusion.Recall)),
		FPR:       iv.proportion(c.FP, c.Negatives(), s.negative, boot(Confusion.FPR)),
		Accuracy:  iv.proportion(c.TP+c.TN, c.Total(), s.all, boot(Confusion.Accuracy)),
		F1:        iv.percentile(c.F1(), boot(Confusion.F1)),
		MCC:       iv.percentile(c.MCC(), boot(Confusion.MCC)),
	}
}
