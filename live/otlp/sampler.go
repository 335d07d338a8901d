package otlp

import (
	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/live"
)

// NewSampler is a Judge without rules: for a process that samples and leaves the
// decisions to a processor elsewhere. learn trains the sampler on each span after
// it was scored. calls must be the table of the sampler's snapshot, if it has one.
func NewSampler(sampler trace.Sampler, calls *trace.Calls, learn bool) Judge {
	return &samplerJudge{sampler, calls, learn}
}

type samplerJudge struct {
	sampler trace.Sampler
	calls   *trace.Calls
	learn   bool
}

func (j *samplerJudge) Span(s *live.Span) (trace.Decision, error) {
	service, operation := s.Service, s.Operation
	s.Call = j.calls.Of(service[:min(len(service), live.MaxName)], operation[:min(len(operation), live.MaxName)])
	s.Decision = j.sampler.Sample(&s.Span)
	if j.learn {
		j.sampler.Learn(&s.Span)
	}
	return s.Decision, nil
}
