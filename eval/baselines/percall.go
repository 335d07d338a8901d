package baselines

import "github.com/scale-eval/scale-eval/datasets/trace"

// perCall holds one histogram a call and one of all spans, for calls without
// training spans.
type perCall struct {
	calls []histogram
	all   histogram
}

func (p *perCall) learn(s *trace.Span) {
	for int(s.Call) >= len(p.calls) {
		p.calls = append(p.calls, histogram{})
	}
	p.calls[s.Call].add(s.Duration)
	p.all.add(s.Duration)
}

// of is the histogram to judge s by: its call's own, or that of all spans if the
// call was never learned. It is empty before the first Learn.
func (p *perCall) of(s *trace.Span) *histogram {
	if int(s.Call) < len(p.calls) && p.calls[s.Call].n > 0 {
		return &p.calls[s.Call]
	}
	return &p.all
}
