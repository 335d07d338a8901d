package hst

import "github.com/scale-eval/scale-eval/datasets/trace"

// verdict is what the model makes of a span.
type verdict struct {
	x         float64 // ln(duration + resolution)
	u         float64 // scales above the location
	body      float64 // surprise of the duration to who knows no plateaus
	raw       float64 // surprise of the duration
	surprise  float64 // surprise of what its children do not explain of it
	plateau   float64 // share of the call's spans that are known to take as long
	known     bool    // the plateau decides the surprise
	explained int64   // by its children, ns
}

// memo is the verdict on the span that was judged last, for the Learn that follows
// a Sample.
type memo struct {
	valid     bool
	trace     trace.TraceID
	id        trace.SpanID
	call      trace.Call
	start, ns int64
	verdict   verdict
}

// is says whether the memo is of s.
func (m *memo) is(s *trace.Span) bool {
	return m.valid && m.ns == s.Duration && m.start == s.Start && m.call == s.Call && m.id == s.ID && m.trace == s.TraceID
}

// slowChild is how many scales above its location a child is slow enough to
// explain its parent.
const slowChild = 1

// judge says how surprising s is, and remembers a slow span for its parent.
func (a *Adaptive) judge(s *trace.Span) *verdict {
	if !a.memo.is(s) {
		a.assess(s)
	}
	return &a.memo.verdict
}

// assess makes the memo that of s and returns the surprise.
func (a *Adaptive) assess(s *trace.Span) float64 {
	m := &a.memo
	m.valid, m.trace, m.id, m.call, m.start, m.ns = true, s.TraceID, s.ID, s.Call, s.Start, s.Duration
	c := a.modelOf(s)
	ns := max(s.Duration, 0)
	x := ln(float64(ns) + resolution)
	body, u := a.surprise(c, x)
	plateau := c.plateau(x, u)
	raw, known := tempered(body, plateau)
	v := &m.verdict
	v.x, v.u, v.body, v.raw, v.explained = x, u, body, raw, min(a.flight.explained(s), ns)
	nats := raw
	if v.explained > 0 && u > 0 {
		nats, plateau, known = a.unexplained(c, ns-v.explained)
	}
	v.surprise, v.plateau, v.known = nats, plateau, known
	if u > slowChild && s.ParentID != 0 {
		a.flight.add(s, ns-usualNs(c))
	}
	return nats
}

// unexplained is the surprise of what children leave of a duration.
func (a *Adaptive) unexplained(c *callModel, ns int64) (nats, plateau float64, known bool) {
	x := ln(float64(ns) + resolution)
	body, u := a.surprise(c, x)
	plateau = c.plateau(x, u)
	nats, known = tempered(body, plateau)
	return nats, plateau, known
}

// longest is a duration that none exceeds, ns: 146 years.
const longest = 1 << 62

// usualNs is the location as a duration, ns.
func usualNs(c *callModel) int64 {
	return int64(min(max(exp(c.location)-resolution, 0), longest))
}
