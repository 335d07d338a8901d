package baselines

import "github.com/scale-eval/scale-eval/datasets/trace"

// EWMA is the z-score of ln(duration) against moving averages of the call: a
// location that follows the last 20 spans or so, a scale that follows the last 200,
// and neither learns a span that was flagged.
//
// Source: the control chart of Roberts, Technometrics 1959, with the variance
// averaged as well (MacGregor and Harris, Journal of Quality Technology 1993).
//
// Choices: rate .05 for the location and .005 for the variance, 1/n while that is
// more, so that the start is a plain average; spans of z > 4 are not learned. There
// is no way back from a permanent shift of more than 4 scales: such a call is
// flagged for ever. Calls of few spans and the least scale are as in Welford, and
// calls of few spans learn everything.
//
// Cost: Learn about 40 ns, Sample 15 ns, most of it the logarithm; 24 bytes a call.
type EWMA struct {
	Threshold float64 // keeps spans of at least this z

	model logMoments
}

var _ trace.Sampler = (*EWMA)(nil)

const (
	ewmaLocation = .05
	ewmaScale    = .005
	ewmaUnlearnt = 4 // z above which a span is not learned
)

// NewEWMA keeps spans at least threshold scales above the location.
func NewEWMA(threshold float64) *EWMA {
	return &EWMA{Threshold: threshold, model: logMoments{location: ewmaLocation, scale: ewmaScale}}
}

// Sample scores s; WarmUp before 10 spans.
func (b *EWMA) Sample(s *trace.Span) trace.Decision {
	z, ok := b.model.z(s)
	return trace.Decision{Score: z, Keep: ok && z >= b.Threshold, WarmUp: !ok}
}

// Learn moves the averages of the call towards s, unless it is flagged.
func (b *EWMA) Learn(s *trace.Span) {
	if int(s.Call) < len(b.model.calls) && b.model.calls[s.Call].n >= fewSpans {
		if z, _ := b.model.z(s); z > ewmaUnlearnt {
			return
		}
	}
	b.model.learn(s)
}
