package baselines

import "github.com/scale-eval/scale-eval/datasets/trace"

// Welford is the z-score of ln(duration) within the call: how many standard
// deviations above the mean of the call's training spans, one-sided.
//
// Source: Welford, Technometrics 1962, for the updating mean and variance.
//
// Choices: the logarithm, because durations of a call are closer to log-normal than
// to normal; the variance with n in the denominator; it learns whatever it is given,
// anomalies included, and never forgets. A call of fewer than 10 training spans has
// its own mean but the standard deviation within calls; one of none is judged by all
// spans together. Standard deviations below 0.01 (1 % of the duration) count as 0.01.
//
// Cost: Learn about 25 ns, Sample 15 ns, most of it the logarithm; 24 bytes a call.
type Welford struct {
	Threshold float64 // keeps spans of at least this z

	model logMoments
}

var _ trace.Sampler = (*Welford)(nil)

// NewWelford keeps spans at least threshold standard deviations above the mean.
func NewWelford(threshold float64) *Welford { return &Welford{Threshold: threshold} }

// Sample scores s; WarmUp before 10 spans.
func (b *Welford) Sample(s *trace.Span) trace.Decision {
	z, ok := b.model.z(s)
	return trace.Decision{Score: z, Keep: ok && z >= b.Threshold, WarmUp: !ok}
}

// Learn adds s to its call's moments.
func (b *Welford) Learn(s *trace.Span) { b.model.learn(s) }
