package live

import (
	"fmt"
	"math"
	"time"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// specRule is a RuleSpec at work.
type specRule struct {
	spec   RuleSpec
	p      *Pipeline
	groups []*group // in order of first sight
	ofCall []*group // by trace.Call; nil: not seen or no match
	seen   []bool   // by trace.Call
	limit  []int64  // by trace.Call, ns: longer breaks the rule; noLimit: unknown yet
	byKey  map[groupKey]*group
	fixed  int64 // the absolute threshold, ns; 0: none
	all    bool
	totals bool // the condition needs every span of the window
	// leader watches for this rule too, when both look for the same spans over the
	// same window; nil: this rule watches itself. rules is how many it watches for.
	leader    *specRule
	rules     int64
	condition string
	// key says what is watched for, and how: rules of one key have the same windows.
	key   string
	began int64 // when the rule began to watch; minTime: with the pipeline
}

const noLimit = math.MaxInt64

type groupKey struct {
	service string
	call    trace.Call
}

// group is what one rule counts for one service, one call or all it matches.
type group struct {
	service  *service
	call     trace.Call // ByCall only
	calls    []trace.Call
	breaches window[breach]
	total    window[struct{}]
	burns    []buckets[goodBad] // one a burn
	calm     *buckets[int64]    // spans
	lastHot  int64              // latest end of a span above the calm mark
	began    int64              // when it was first seen; minTime: before the first tick
	peak     peak               // the last one that was looked for
	seen     *evidence          // the last that was made
}

type goodBad struct{ good, bad int64 }

// breach is one span over the threshold: 64 bytes with its end, and a verdict
// where blame is asked for.
type breach struct {
	trace   trace.TraceID
	dur     int64
	limit   int64
	span    trace.SpanID
	verdict *verdict
}

func newSpecRule(spec RuleSpec, p *Pipeline) *specRule {
	w := spec.When
	return &specRule{
		spec: spec, p: p, byKey: map[groupKey]*group{}, fixed: int64(w.Latency),
		all: spec.Spans == All, totals: w.Share > 0 || w.Always, rules: 1, condition: spec.When.String(), began: minTime,
		key: watchKey(&spec, p.set.Settings.Skew),
	}
}

// takeOver takes the windows of a rule that has watched for the same.
func (r *specRule) takeOver(o *specRule) {
	r.groups, r.byKey, r.ofCall, r.seen, r.limit, r.began = o.groups, o.byKey, o.ofCall, o.seen, o.limit, o.began
}

// watchKey says which spans a rule looks at and what it keeps of them: all that its
// windows depend on, and nothing of what it does about them.
func watchKey(s *RuleSpec, skew time.Duration) string {
	m, w := &s.Match, s.When
	key := fmt.Sprintf("%q %q %v %d %d %t %v %v %v %g %g %d %t %v %t", m.Service, m.Operation, m.Kinds, s.By, s.Spans, s.Blame == BlameOff, skew,
		w.Window, w.Latency, w.Multiple, w.Quantile, w.MinBaseline, w.Errors, w.Share > 0 || w.Always, w.Always)
	for _, a := range m.Attributes {
		key += fmt.Sprintf(" %q=%q", a.Key, a.Value)
	}
	if w.SLO != nil {
		for _, b := range w.SLO.Burns {
			key += fmt.Sprintf(" burn %v %v", b.Long, b.Short)
		}
	}
	if c := s.Calm; c != nil {
		key += fmt.Sprintf(" calm %g %v", c.Below, c.For)
	}
	return key
}

// matches says whether the rule looks at spans of a call at all; the answer and the
// call's group are kept.
func (r *specRule) matches(call trace.Call) bool {
	r.reach(call)
	if !r.seen[call] {
		r.seen[call] = true
		if call != trace.OverflowCall && r.spec.Match.call(r.p.calls.Service(call), r.p.calls.Operation(call)) {
			r.join(call)
		}
	}
	return r.ofCall[call] != nil
}

// reach makes room for a call.
func (r *specRule) reach(call trace.Call) {
	for int(call) >= len(r.seen) {
		r.seen, r.ofCall, r.limit = append(r.seen, false), append(r.ofCall, nil), append(r.limit, noLimit)
	}
}

func (r *specRule) join(call trace.Call) {
	svc := r.p.serviceOf(call)
	key := r.groupKey(svc, call)
	g := r.byKey[key]
	if g == nil {
		g = r.newGroup(svc, key.call)
		if r.p.ticked {
			g.began = r.p.clock
		}
		r.byKey[key] = g
		r.groups = append(r.groups, g)
	}
	g.calls = append(g.calls, call)
	r.ofCall[call] = g
	if r.spec.When.Multiple == 0 && r.fixed > 0 {
		r.limit[call] = r.fixed
	}
}

// groupKey is what the rule counts a call of a service under.
func (r *specRule) groupKey(svc *service, call trace.Call) (key groupKey) {
	switch r.spec.By {
	case ByService:
		key.service = svc.name
	case ByCall:
		key = groupKey{svc.name, call}
	}
	return key
}

func (r *specRule) newGroup(svc *service, call trace.Call) *group {
	g := &group{service: svc, call: call, lastHot: minTime, began: minTime, breaches: newWindow[breach](MaxWindow), total: newWindow[struct{}](maxTotals)}
	if slo := r.spec.When.SLO; slo != nil {
		for _, b := range slo.Burns {
			g.burns = append(g.burns, newBuckets[goodBad](max(1, int64(b.Short)/30), int64(b.Long)))
		}
	}
	if c := r.spec.Calm; c != nil {
		span := int64(c.For) + int64(r.p.set.Settings.Skew)
		b := newBuckets[int64](max(1, span/64), span)
		g.calm = &b
	}
	return g
}

// Observe implements [Rule]. The commonest span breaks nothing and is not counted.
func (r *specRule) Observe(s *Span) {
	if !r.matches(s.Call) || !r.spec.Match.span(s) {
		return
	}
	g, limit := r.ofCall[s.Call], r.limit[s.Call]
	broken := s.Duration > limit || r.spec.When.Errors && s.Status == StatusError
	if g.calm != nil {
		r.observeCalm(g, s, limit)
	}
	if r.totals {
		g.total.add(s.End(), struct{}{})
	}
	if g.burns != nil {
		g.burn(s.End(), broken)
	}
	if !broken {
		if limit == noLimit && !r.spec.When.Errors && !r.spec.When.Always {
			r.p.counters.Unproven += r.rules
		}
		return
	}
	if r.all || s.Decision.Keep {
		r.breach(g, s, limit)
	}
}

func (r *specRule) breach(g *group, s *Span, limit int64) {
	r.p.counters.Breaches += r.rules
	b := breach{trace: s.TraceID, span: s.ID, dur: s.Duration, limit: limit}
	if t := r.p.current; t != nil && r.spec.Blame != BlameOff {
		b.verdict = &verdict{}
		t.watch(s.ID, b.verdict)
	}
	g.breaches.add(s.End(), b)
}

func (g *group) burn(end int64, broken bool) {
	for i := range g.burns {
		if c := g.burns[i].at(end); c != nil {
			if broken {
				c.bad++
			} else {
				c.good++
			}
		}
	}
}

func (r *specRule) observeCalm(g *group, s *Span, limit int64) {
	if n := g.calm.at(s.End()); n != nil {
		*n++
	}
	// Without a threshold nothing can be called well below it.
	if limit == noLimit || float64(s.Duration) > float64(r.spec.Calm.Below*float64(limit)) || s.Status == StatusError && r.spec.When.Errors {
		g.lastHot = max(g.lastHot, s.End())
	}
}

// refreshLimits takes the thresholds of a baseline rule from the baselines.
func (r *specRule) refreshLimits() {
	w := r.spec.When
	if w.Multiple == 0 {
		return
	}
	for call, g := range r.ofCall {
		if g == nil {
			continue
		}
		r.limit[call] = noLimit
		if q := r.p.stats[call].duration.quantile(w.Quantile, w.MinBaseline); !math.IsNaN(q) {
			r.limit[call] = int64(min(float64(q*w.Multiple), math.MaxInt64/2))
		}
	}
}
