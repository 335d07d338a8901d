package baselines

import "github.com/scale-eval/scale-eval/datasets/trace"

// Quantile asks how rare a duration is within its own call: the score is 1 over the
// share of the call's training spans that last at least as long, so that 100 is the
// call's p99 and 1000 its p99.9, whatever the call.
//
// With n training spans the shares are (n+1-rank)/(n+1), Weibull's plotting
// position, which leaves 1/(n+1) beyond the longest. That share is spread over
// longer durations as max/duration, a Pareto tail of index 1: scores go on rising
// beyond the longest, from the same rarity for calls with as many spans, and a call
// with few spans must be exceeded by far before it is called rare.
//
// A call without training spans is judged by all training spans together.
// Durations come from a histogram whose buckets are 3.1 % wide, with interpolation.
//
// Cost: Learn about 10 ns; Sample 20 ns, and a pass over the call's histogram after
// a Learn of the same call.
type Quantile struct {
	Threshold float64 // keeps spans of at least this score, e.g. 100 for p99

	model perCall
}

var _ trace.Sampler = (*Quantile)(nil)

// NewQuantile keeps spans above the quantile q, 0 <= q < 1, of their call, such as
// .99. It panics for other q.
func NewQuantile(q float64) *Quantile {
	if !(q >= 0 && q < 1) {
		panic("baselines: the quantile of Quantile is 0 <= q < 1")
	}
	return &Quantile{Threshold: 1 / (1 - q)}
}

// Sample scores s; WarmUp before the first Learn.
func (b *Quantile) Sample(s *trace.Span) trace.Decision {
	h := b.model.of(s)
	if h.n == 0 {
		return trace.Decision{WarmUp: true}
	}
	score := rarity(h, s.Duration)
	return trace.Decision{Score: score, Keep: score >= b.Threshold}
}

// rarity is one in how many spans lasts at least ns, from 1. It never falls as ns
// grows.
func rarity(h *histogram, ns int64) float64 {
	total := float64(h.n + 1)
	if ns > h.max {
		return total * (float64(ns) / float64(max(h.max, 1)))
	}
	// The bucket of the longest may reach beyond it.
	return total / (total - min(h.rank(ns), float64(h.n)))
}

// Learn adds s to its call's durations.
func (b *Quantile) Learn(s *trace.Span) { b.model.learn(s) }
