package baselines

import "github.com/scale-eval/scale-eval/datasets/trace"

// Ratio compares a duration with the median of the training spans of the same
// call: the score is duration / median, 1 for a typical span. A call without
// training spans is compared with the median of all training spans; a median below
// 1 ns counts as 1 ns. Medians come from a histogram whose buckets are 3.1 % wide,
// with interpolation.
//
// Cost: Learn about 10 ns; Sample 5 ns, and a pass over the call's histogram after
// a Learn of the same call.
type Ratio struct {
	Threshold float64 // keeps spans at least this many times their call's median

	model perCall
}

var _ trace.Sampler = (*Ratio)(nil)

// NewRatio keeps spans of at least threshold times the median of their call.
func NewRatio(threshold float64) *Ratio { return &Ratio{Threshold: threshold} }

// Sample scores s; WarmUp before the first Learn.
func (b *Ratio) Sample(s *trace.Span) trace.Decision {
	h := b.model.of(s)
	if h.n == 0 {
		return trace.Decision{WarmUp: true}
	}
	score := float64(s.Duration) / h.median()
	return trace.Decision{Score: score, Keep: score >= b.Threshold}
}

// Learn adds s to its call's durations.
func (b *Ratio) Learn(s *trace.Span) { b.model.learn(s) }
