package baselines

import (
	"math"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// TraceIDRatio is consistent head sampling: it keeps a trace, whole, when the 56
// low bits of its id, taken as a number R, reach the rejection threshold T of the
// probability. Every participant that knows the id decides alike, without talking.
//
// Source: OpenTelemetry specification, "TraceState: Probability Sampling"
// (rejection threshold, ot=th), and opentelemetry-collector-contrib at 07841e5,
// probabilisticsamplerprocessor in its default mode, proportional, for spans that
// carry no earlier threshold; pkg/sampling rounds T to the precision of 4 hex digits.
//
// Choices: a span without trace id has no randomness, and the processor (fail
// closed) drops it; so does this one. The score is R / 2^56, 0..1: highest for the
// traces that a sampler of any probability keeps. Ids that are not random, such as
// counters, break the sampler, here as there.
//
// Cost: a few ns; no state, no allocation.
type TraceIDRatio struct {
	threshold uint64 // T, of 2^56
}

var _ trace.Sampler = (*TraceIDRatio)(nil)

const (
	randomBits   = 56
	hexDigits    = randomBits / 4
	otelRounding = 4 // hex digits of precision, the processor's default
)

// NewTraceIDRatio keeps a share p of the traces, 2^-56 <= p <= 1. It panics for
// other shares.
func NewTraceIDRatio(p float64) *TraceIDRatio {
	if !(p >= 1.0/(1<<randomBits) && p <= 1) {
		panic("baselines: the probability of TraceIDRatio is 2^-56..1")
	}
	return &TraceIDRatio{rejection(p)}
}

// rejection is T: (1-p) 2^56, rounded to otelRounding significant hex digits, not
// counting leading zeros or fs.
func rejection(p float64) uint64 {
	t := uint64(1)<<randomBits - uint64(math.Round(math.Ldexp(p, randomBits)))
	_, kept := math.Frexp(p)
	_, dropped := math.Frexp(1 - p)
	digits := min(hexDigits, otelRounding+max(-kept/4, -dropped/4))
	if shift := 4 * (hexDigits - digits); shift > 0 && p < 1 {
		t = (t + 1<<(shift-1)) >> shift << shift
	}
	return t
}

// Sample decides by the id of the trace alone.
func (b *TraceIDRatio) Sample(s *trace.Span) trace.Decision {
	if s.TraceID == (trace.TraceID{}) {
		return trace.Decision{}
	}
	r := s.TraceID.Lo & (1<<randomBits - 1)
	return trace.Decision{Score: math.Ldexp(float64(r), -randomBits), Keep: r >= b.threshold}
}

// Learn does nothing.
func (*TraceIDRatio) Learn(*trace.Span) {}
