package tracesamplers

import (
	"math"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Latency is the latency policy of the OpenTelemetry Collector's tail sampling
// processor: it keeps a trace whose duration, latest end less earliest start, is at
// least a threshold.
//
// Source: opentelemetry-collector-contrib at 0a3557b, tailsamplingprocessor,
// internal/sampling/latency.go. Durations are compared in whole ms. With an upper
// bound it wants a duration above the threshold and at most the bound, and it
// compares after every span that came: a trace is kept when any beginning of it, in
// order of arrival, lasted as long. Both are reproduced.
//
// Choices: the score is the duration of the trace in ms, whatever the bound.
//
// Cost: a few ns a span.
type Latency struct {
	ThresholdMS int64 // 0 or more
	UpperMS     int64 // 0: none
}

var _ Sampler = Latency{}

// Observe learns nothing.
func (p Latency) Observe(t *Trace) trace.Decision {
	keep := false
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	for i := range t.Spans {
		s := &t.Spans[i]
		first, last = min(first, s.Start), max(last, end(s))
		keep = keep || p.passes(lasted(first, last)/1_000_000)
	}
	return trace.Decision{Score: float64(lasted(first, last)) / 1e6, Keep: keep}
}

func (p Latency) passes(ms int64) bool {
	if p.UpperMS == 0 {
		return ms >= p.ThresholdMS
	}
	return p.ThresholdMS < ms && ms <= p.UpperMS
}

// end is the end of s, ns; one beyond 64 bits is the last ns there is.
func end(s *Span) int64 {
	d := max(s.Duration, 0)
	if s.Start > math.MaxInt64-d {
		return math.MaxInt64
	}
	return s.Start + d
}

// lasted is last - first, ns, at most 2^63-1.
func lasted(first, last int64) int64 {
	return int64(min(uint64(last)-uint64(first), math.MaxInt64))
}
