package hst

import "github.com/scale-eval/scale-eval/datasets/trace"

// sampleAhead is how many spans SampleAll judges alone before it asks for their children:
// some kilobytes of spans.
const sampleAhead = 64

// alone is what the duration of a span says, whatever its children explain of it.
type alone struct{ raw, u float64 }

var _ trace.BatchSampler = (*Adaptive)(nil)

// SampleAll is Sample of each span, in two passes over some of them at a time. The first
// judges them alone. It needs nothing of the span before, so a core does several at the
// same time, where Sample waits for one logarithm after the other. The second is what has
// to be in order: children explain their parents.
func (a *Adaptive) SampleAll(spans []*trace.Span, out []trace.Decision) {
	for len(spans) > 0 {
		n := min(len(spans), sampleAhead)
		if a.Ready() && !a.repeats(spans[:n]) {
			a.sampleSome(spans[:n], out[:n])
		} else {
			for i, s := range spans[:n] {
				out[i] = a.Sample(s)
			}
		}
		spans, out = spans[n:], out[n:]
	}
}

// repeats says whether one of the spans is the one before it, which the memo is for.
func (a *Adaptive) repeats(spans []*trace.Span) bool {
	if a.memo.is(spans[0]) {
		return true
	}
	for i, s := range spans[1:] {
		if b := spans[i]; s.ID == b.ID && s.Start == b.Start && s.Duration == b.Duration && s.Call == b.Call && s.TraceID == b.TraceID {
			return true
		}
	}
	return false
}

func (a *Adaptive) sampleSome(spans []*trace.Span, out []trace.Decision) {
	last := len(spans) - 1
	for i, s := range spans[:last] {
		c := a.modelOf(s)
		x := ln(float64(max(s.Duration, 0)) + resolution)
		body, u := a.surprise(c, x)
		raw, _ := tempered(body, c.plateau(x, u))
		a.ahead[i] = alone{raw, u}
	}
	for i, s := range spans[:last] {
		j := &a.ahead[i]
		nats, ns := j.raw, max(s.Duration, 0)
		if by := min(a.flight.explained(s), ns); by > 0 && j.u > 0 {
			nats, _, _ = a.unexplained(a.modelOf(s), ns-by)
		}
		if j.u > slowChild && s.ParentID != 0 {
			a.flight.add(s, ns-usualNs(a.modelOf(s)))
		}
		out[i] = a.decide(nats)
	}
	out[last] = a.Sample(spans[last]) // leaves its verdict for a Learn that may follow
}
