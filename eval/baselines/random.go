package baselines

import (
	"math/rand/v2"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Random keeps each span with the same probability, whatever it is: the floor of
// every comparison. The score is uniform in [0, 1), drawn anew each time a span is
// sampled.
type Random struct {
	rng       *rand.Rand
	threshold float64
}

var _ trace.Sampler = (*Random)(nil)

// NewRandom keeps a share rate, 0..1, of the spans. It panics for other rates.
func NewRandom(rate float64, seed uint64) *Random {
	if !(rate >= 0 && rate <= 1) {
		panic("baselines: the rate of Random is 0..1")
	}
	return &Random{rand.New(rand.NewPCG(seed, 0)), 1 - rate}
}

// Sample draws a score. It reads nothing of s.
func (r *Random) Sample(*trace.Span) trace.Decision {
	score := r.rng.Float64()
	return trace.Decision{Score: score, Keep: score >= r.threshold}
}

// Learn does nothing.
func (r *Random) Learn(*trace.Span) {}
