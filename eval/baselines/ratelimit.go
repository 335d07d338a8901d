package baselines

import (
	"math"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// RateLimit keeps spans as long as a token bucket has tokens: at most rate spans a
// second in the long run and burst at once. It knows nothing of what is unusual;
// what it does is bound the cost.
//
// Source: the token bucket of the Collector's rate limiting policy
// (opentelemetry-collector-contrib at 026e182, tailsamplingprocessor,
// internal/sampling/rate_limiting.go), which takes as many tokens as a trace has
// spans; here each span pays for itself.
//
// Choices: time is span time, the latest end seen so far, so that a replay decides
// as the live system did; a span that is late earns nothing and costs as much. The
// bucket starts full. The score is the number of tokens before the decision, kept
// from 1 on: a span is not more anomalous for it, but one threshold means the same
// for all. Tokens are paid by the sampler's own decision, whatever cut-off an
// evaluation applies to the score.
//
// Cost: about 5 ns, in integers; no allocation.
type RateLimit struct {
	cost   int64 // ns of waiting that one span uses up
	full   int64 // ns, the most that is saved
	credit int64 // ns
	now    int64 // latest end seen, ns since the Unix epoch
	begun  bool
}

var _ trace.Sampler = (*RateLimit)(nil)

// NewRateLimit keeps at most spansPerSecond, above 0 and up to 1e9, and burst at
// once, 1 to 1e9; burst 0 is the Collector's default, twice the rate, at least 1. It
// panics for other values, and when the bucket would take more than 292 years to fill.
func NewRateLimit(spansPerSecond float64, burst int64) *RateLimit {
	if !(spansPerSecond > 0 && spansPerSecond <= 1e9) || burst < 0 || burst > 1e9 {
		panic("baselines: RateLimit wants a rate in (0, 1e9] and a burst in 0..1e9")
	}
	if burst == 0 {
		burst = max(1, int64(2*spansPerSecond))
	}
	cost := math.Round(1e9 / spansPerSecond)
	full := float64(burst) * cost
	if full >= math.MaxInt64/2 {
		panic("baselines: the bucket of RateLimit never fills: give a higher rate or a smaller burst")
	}
	return &RateLimit{cost: int64(cost), full: int64(full), credit: int64(full)}
}

// Sample takes a token if there is one.
func (b *RateLimit) Sample(s *trace.Span) trace.Decision {
	b.refill(endOf(s))
	d := trace.Decision{Score: float64(b.credit) / float64(b.cost), Keep: b.credit >= b.cost}
	if d.Keep {
		b.credit -= b.cost
	}
	return d
}

func (b *RateLimit) refill(end int64) {
	if b.begun && end > b.now {
		// The difference of two int64 may overflow; unsigned it does not.
		b.credit = int64(min(uint64(b.full), uint64(b.credit)+min(uint64(end)-uint64(b.now), uint64(b.full))))
	}
	if !b.begun || end > b.now {
		b.now, b.begun = end, true
	}
}

// endOf is the end of s, ns; one beyond 64 bits is the last ns there is.
func endOf(s *trace.Span) int64 {
	d := max(s.Duration, 0)
	if s.Start > math.MaxInt64-d {
		return math.MaxInt64
	}
	return s.Start + d
}

// Learn does nothing.
func (*RateLimit) Learn(*trace.Span) {}
