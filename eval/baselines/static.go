package baselines

import "github.com/scale-eval/scale-eval/datasets/trace"

// Static is one threshold on the raw duration of every span: the latency policy of
// OpenTelemetry's tail sampling processor, a span at a time. The score is the
// duration in ms.
type Static struct {
	ThresholdMS float64 // keeps spans of at least this duration, ms
}

var _ trace.Sampler = Static{}

// Sample scores the duration.
func (b Static) Sample(s *trace.Span) trace.Decision {
	ms := s.DurationMS()
	return trace.Decision{Score: ms, Keep: ms >= b.ThresholdMS}
}

// Learn does nothing: there is nothing to learn but the threshold.
func (Static) Learn(*trace.Span) {}
