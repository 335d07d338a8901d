package hst

import (
	"math"
	"strings"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Adaptive is the sampler to deploy: Half-Space Trees over how surprising a span is
// to its own call, instead of over its duration.
type Adaptive struct {
	cfg      AdaptiveConfig
	calls    []callModel
	services map[string]int32
	groups   []group // of services
	all      group
	scale    surpriseScale
	point    operatingPoint
	flight   flight
	learned  int64
	memo     memo
}

var _ trace.Sampler = (*Adaptive)(nil)

// memo is the verdict on the span that was judged last, for the Learn that follows
// a Sample.
type memo struct {
	valid   bool
	trace   trace.TraceID
	id      trace.SpanID
	call    trace.Call
	start   int64
	ns      int64
	verdict verdict
}

// verdict is what the model makes of a span.
type verdict struct {
	x         float64 // ln(duration + resolution)
	u         float64 // standardised residual
	raw       float64 // surprise of the duration
	surprise  float64 // of what its children do not explain of it
	explained int64   // ns
}

// NewAdaptive grows the trees. It errs when cfg is invalid.
func NewAdaptive(cfg AdaptiveConfig) (*Adaptive, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	scale, err := newSurpriseScale(cfg)
	if err != nil {
		return nil, err
	}
	a := &Adaptive{cfg: cfg, services: map[string]int32{}, scale: scale, flight: newFlight(cfg.InFlight)}
	a.point.reset(cfg)
	return a, nil
}

// Sample scores s and decides.
func (a *Adaptive) Sample(s *trace.Span) trace.Decision {
	v := a.judge(s)
	if !a.scale.line.Ready() {
		return trace.Decision{WarmUp: true}
	}
	d := trace.Decision{Score: a.scale.score(v.surprise)}
	if a.cfg.Mode == ThresholdScore {
		d.Keep = d.Score >= a.cfg.Target
	} else {
		d.Keep = v.surprise >= a.point.value
	}
	return d
}

// Learn trains the model on s.
func (a *Adaptive) Learn(s *trace.Span) {
	v := a.judge(s)
	a.memo.valid = false
	c := a.model(s)
	if c.learned == 0 {
		c.group = a.serviceOf(s)
		c.inherit(a.group(c), &a.all)
	}
	a.learned++
	end := s.End()
	suspect := v.raw >= a.point.suspect && c.learned >= youngCall
	incident, relearn := c.shift.observe(end, v.x, suspect, int64(a.cfg.RelearnAfter))
	switch {
	case relearn:
		c.location, c.variance = c.shift.recent, c.spread/4
		c.shift.age, c.shift.flagged = 0, 0
	case !c.shift.admit(suspect) || incident:
		c.refused++
	default:
		a.point.add(v.surprise, end, &a.cfg)
		if v.raw < a.point.value {
			c.learn(v.x)
		} else {
			c.learned++
		}
		a.learnTails(c, v.u)
		a.scale.learn(v.surprise)
	}
	if n := c.learned; n&(n-1) == 0 || n%64 == 0 {
		if g := a.group(c); g != nil {
			c.count(g, &a.all)
		} else {
			c.count(&a.all)
		}
	}
}

const youngCall = 16

func (a *Adaptive) learnTails(c *callModel, u float64) {
	c.tail.add(u, callMemory)
	if g := a.group(c); g != nil {
		g.tail.add(u, groupMemory)
	}
	a.all.tail.add(u, groupMemory)
}

// model is the model of s's call, made if it is new.
func (a *Adaptive) model(s *trace.Span) *callModel {
	for int(s.Call) >= len(a.calls) {
		a.calls = append(a.calls, callModel{group: -1})
	}
	return &a.calls[s.Call]
}

// group is the group of c's service, nil if there is none.
func (a *Adaptive) group(c *callModel) *group {
	if c.group < 0 {
		return nil
	}
	return &a.groups[c.group]
}

// serviceOf is the number of s's service; -1 for spans without one.
func (a *Adaptive) serviceOf(s *trace.Span) int32 {
	if s.Service == "" || s.Call == trace.OverflowCall {
		return -1
	}
	if n, ok := a.services[s.Service]; ok {
		return n
	}
	n := int32(len(a.groups))
	a.services[strings.Clone(s.Service)] = n
	a.groups = append(a.groups, group{})
	return n
}

// known is the model of s's call, what it inherits if the call is new.
func (a *Adaptive) known(s *trace.Span) callModel {
	if int(s.Call) < len(a.calls) && a.calls[s.Call].learned > 0 {
		return a.calls[s.Call]
	}
	c := callModel{group: -1}
	if n, ok := a.services[s.Service]; ok {
		c.group = n
	}
	c.inherit(a.group(&c), &a.all)
	return c
}

// judge says how surprising s is, and remembers a slow span for its parent.
func (a *Adaptive) judge(s *trace.Span) verdict {
	m := &a.memo
	if m.valid && m.ns == s.Duration && m.call == s.Call && m.id == s.ID && m.trace == s.TraceID && m.start == s.Start {
		return m.verdict
	}
	known := a.known(s)
	c := &known
	ns := max(s.Duration, 0)
	v := verdict{x: math.Log(float64(ns) + resolution)}
	var z float64
	v.raw, v.u = a.surprise(c, v.x)
	v.surprise = v.raw
	if v.explained = min(a.flight.explained(s), ns); v.explained > 0 && v.u > 0 {
		v.surprise, _ = a.surprise(c, math.Log(float64(ns-v.explained)+resolution))
	}
	z = v.u
	if z > 1 {
		a.flight.add(s, ns-int64(math.Exp(c.location)))
	}
	*m = memo{true, s.TraceID, s.ID, s.Call, s.Start, s.Duration, v}
	return v
}

const bodyLimit = 4

// surprise of x to call c, in nats.
func (a *Adaptive) surprise(c *callModel, x float64) (surprise, u float64) {
	total := c.variance + c.spread
	r := x - c.location
	u = r / math.Sqrt(total)
	if r <= 0 {
		return -math.Log(a.survival(c, 0, 1)) * math.Exp(r), u
	}
	effect := r * math.Sqrt(c.spread/total)
	q := a.survival(c, u, math.Exp(-effect))
	z := min(u, bodyLimit)
	body := 1 + float64(z*z)/3
	return effect - math.Log(q/(body*body)), u
}

// survival is how likely a span of c is at least u scales above the location.
func (a *Adaptive) survival(c *callModel, u, ratio float64) float64 {
	cell, at := tailCell(u)
	q0 := 1 + float64(u*u)/3
	q := (a.all.tail.above(cell, at) + float64(allPrior*0.5*ratio/(q0*q0))) / (float64(a.all.tail.n) + allPrior)
	if c.group >= 0 {
		g := &a.groups[c.group].tail
		q = (g.above(cell, at) + float64(tailPrior*q)) / float64(g.n+tailPrior)
	}
	return (c.tail.above(cell, at) + float64(tailPrior*q)) / float64(c.tail.n+tailPrior)
}
