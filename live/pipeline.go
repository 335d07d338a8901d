package live

import (
	"errors"
	"fmt"
	"io"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// The reasons that Pipeline.Span refuses a span for. Each is counted.
var (
	ErrNegative  = errors.New("live: the span ends before it starts, or its times overflow")
	ErrFuture    = errors.New("live: the span ends further ahead of the pipeline's time than the skew setting allows")
	ErrLate      = errors.New("live: the span ended before every window began")
	ErrDuplicate = errors.New("live: the span was there already")
)

// Options are what a Pipeline is made of.
type Options struct {
	Rules RuleSet
	// Extra rules, written in Go, see every admitted span after those of Rules.
	Extra []Rule
	// Sampler decides which spans break rules. nil: all are sampled, as behind a
	// sampler that runs elsewhere.
	Sampler trace.Sampler
	// Learn trains the sampler on every span after it was scored.
	Learn bool
	// Sanitiser cleans operation names; nil leaves them.
	Sanitiser *trace.Sanitiser
	// Orchestrator carries out actions. nil: every action is held for want of a
	// target.
	Orchestrator Orchestrator
	// Audit gets one JSON line a decision, except that one held for the same reason
	// as at the tick before is not repeated. nil: none.
	Audit io.Writer
}

// Pipeline is the control loop. Feed it spans and ticks; see the package comment.
type Pipeline struct {
	set      RuleSet
	rules    []*specRule
	watchers []*watcher   // in order of their first rule
	ofCall   []*callRules // by trace.Call; nil: not asked yet
	indexes  map[string]*attributeIndex
	extra    []Rule
	sampler  trace.Sampler
	learn    bool
	calls    *trace.Calls
	stats    []callStats // by trace.Call
	services services
	peers    peers
	traces   *traceBuffer
	view     traceView
	targets  targets
	orch     Orchestrator
	answers  map[Target]answer // of this tick
	wanted   wants
	// Scratch of who completes an action.
	breaches  []*breach
	durations []int64
	verdicts  []verdict
	audit     auditLog
	counters  Counters

	current   *openTrace // of the span that rules observe
	now       int64      // of the last tick
	clock     int64      // the latest time that was told
	started   int64      // the first tick
	heard     int64      // the last tick before which a span was admitted
	admitted  int64
	admittedT int64 // admitted at the last tick
	horizon   int64 // longest lookback of a rule, ns
	settles   bool  // a rule does
	ticked    bool
	resumed   *int64 // the time that was told when it was restored; nil: not, or ticked since
}

// New makes a pipeline. It errs when a setting or rule is out of range.
func New(o Options) (*Pipeline, error) {
	if err := o.Rules.Settings.Validate(); err != nil {
		return nil, err
	}
	s := o.Rules.Settings
	p := &Pipeline{
		sampler: o.Sampler, learn: o.Learn, orch: o.Orchestrator, extra: o.Extra,
		calls: trace.NewCalls(s.MaxCalls, o.Sanitiser), services: newServices(), answers: map[Target]answer{}, audit: auditLog{w: o.Audit},
	}
	p.traces = newTraceBuffer(s.MaxBufferedSpans, s.MaxTraceSpans, p.closeTrace)
	p.view.serviceOf = p.serviceOf
	if err := p.SetRules(o.Rules); err != nil {
		return nil, err
	}
	return p, nil
}

// SetRules replaces the rules and targets. Statistics, traces and what guards
// remember of targets stay, and so do the windows of rules that look for the same
// spans in the same way as one before, whatever their name and response. Other rules
// start with empty windows. The memory caps stay those of New. On an error the old
// rules stay.
func (p *Pipeline) SetRules(set RuleSet) error {
	if err := set.Settings.Validate(); err != nil {
		return err
	}
	names := map[string]bool{}
	for i := range set.Rules {
		r := &set.Rules[i]
		if err := r.Validate(); err != nil {
			return fmt.Errorf("rule %q: %w", r.Name, err)
		}
		if names[r.Name] {
			return fmt.Errorf("rule %q: want a name of its own; decisions are explained by it", r.Name)
		}
		names[r.Name] = true
	}
	if err := p.targets.set(set); err != nil {
		return err
	}
	p.set, p.horizon = set, 0
	p.useRules(set.Rules)
	return nil
}

// useRules puts rules to work. Those that watch for the same as one before go on
// where that was.
func (p *Pipeline) useRules(specs []RuleSpec) {
	began, families := p.began(), map[string]*watcher{}
	for _, w := range p.watchers {
		families[w.key] = w
	}
	p.countNotes()
	p.rules, p.watchers, p.ofCall, p.indexes, p.settles = nil, nil, nil, map[string]*attributeIndex{}, false
	members, keys := map[string][]*specRule{}, []string(nil)
	for _, spec := range specs {
		r := newSpecRule(spec, p)
		if from, ok := began[r.key]; ok {
			r.began = from
		} else if p.ticked {
			r.began = p.clock
		}
		p.rules = append(p.rules, r)
		p.horizon = max(p.horizon, int64(spec.lookback()))
		p.settles = p.settles || spec.Settle > 0
		key := familyKey(&spec)
		at(&keys, key)
		members[key] = append(members[key], r)
	}
	for _, key := range keys {
		w := newWatcher(p, members[key])
		if old := families[key]; old != nil {
			w.takeOver(old)
		}
		p.watchers = append(p.watchers, w)
	}
}

// began is when the rules began to watch, by what they watch for.
func (p *Pipeline) began() map[string]int64 {
	out := map[string]int64{}
	for _, r := range p.rules {
		out[r.key] = r.began
	}
	return out
}

// SetUsage tells the pipeline a service's resource metrics, for rules of kind auto.
// Services that have sent no span are ignored.
func (p *Pipeline) SetUsage(name string, u Usage) {
	if s := p.services.byName[name]; s != nil {
		s.usage = &u
	}
}

// Advance tells the pipeline the time between ticks, ns since the Unix epoch, so
// that a tick that is held up does not make spans look as if they were from the
// future. It decides nothing. Callers whose ticks are closer than Skew need not.
func (p *Pipeline) Advance(now int64) { p.clock = max(p.clock, now) }

// Span takes one span through the pipeline and returns the sampler's decision. It
// sets s.Call and s.Decision. An error is one of ErrNegative, ErrFuture, ErrLate
// and ErrDuplicate: the span was counted and not observed; one that is only late or
// early was still scored.
//
// Cost: 0.3 to 0.6 µs of CPU time with 100 rules, ticks and garbage collection
// included; see BenchmarkPipeline. Where each of them matches by a pattern of its own,
// 0.6 to 0.75 µs when they are for counts of slow spans, and 1.3 to 1.6 µs when three
// quarters of them look at every span.
func (p *Pipeline) Span(s *Span) (trace.Decision, error) {
	p.counters.Spans++
	if s.Duration < 0 || s.Start > maxTime || s.Start < minTime || s.Duration > maxTime {
		p.counters.Refused.Negative++
		return trace.Decision{}, ErrNegative
	}
	p.intern(s)
	p.current = nil
	if s.TraceID == (trace.TraceID{}) || s.ID == 0 {
		p.counters.Untraced++
	}
	inTime := p.inTime(s)
	if inTime == nil && !p.buffer(s) {
		p.counters.Refused.Duplicate++
		return trace.Decision{}, ErrDuplicate
	}
	p.sample(s)
	if inTime != nil {
		return s.Decision, inTime
	}
	p.observe(s)
	return s.Decision, nil
}

// maxTime leaves room to add a start and a duration, and windows to that.
const maxTime = 1 << 61

// intern gives the span its call. Names are cut first: a mebibyte of name must not
// be hashed, nor kept.
func (p *Pipeline) intern(s *Span) {
	service, operation := s.Service, s.Operation
	if len(service) > MaxName || len(operation) > MaxName {
		p.counters.Clipped++
		service, operation = service[:min(len(service), MaxName)], operation[:min(len(operation), MaxName)]
	}
	s.Call = p.calls.Of(service, operation)
	if s.Call == trace.OverflowCall {
		p.counters.Overflow++
	}
	for int(s.Call) >= len(p.stats) {
		p.stats = append(p.stats, callStats{})
	}
}

// inTime says why the span's end is out of reach of every window; nil: it is not.
func (p *Pipeline) inTime(s *Span) error {
	if !p.ticked {
		return nil // the time is not known yet
	}
	end := s.End()
	switch {
	case end > p.clock+int64(p.set.Settings.Skew):
		p.counters.Refused.Future++
		return ErrFuture
	case end <= p.now-p.horizon-int64(p.set.Settings.Lateness):
		p.counters.Refused.Late++
		return ErrLate
	}
	return nil
}

// buffer puts the span into its trace; false: it was there.
func (p *Pipeline) buffer(s *Span) bool {
	if s.TraceID == (trace.TraceID{}) || s.ID == 0 {
		return true
	}
	b := bufSpan{id: s.ID, parent: s.ParentID, start: s.Start, dur: s.Duration, call: s.Call, peer: p.peers.of(s), kind: s.SpanKind}
	if s.Status == StatusError {
		b.flags = spanFailed
	}
	// It cannot have come before it ended, and no later than a tick ago.
	t, fresh := p.traces.add(s.TraceID, &b, max(p.clock, s.End()))
	p.current = t
	return fresh
}

func (p *Pipeline) sample(s *Span) {
	s.Decision = trace.Decision{Keep: true}
	if p.sampler == nil {
		return
	}
	s.Decision = p.sampler.Sample(&s.Span)
	if p.learn {
		p.sampler.Learn(&s.Span)
	}
	if s.Decision.WarmUp {
		p.counters.WarmUp++
	}
}

func (p *Pipeline) observe(s *Span) {
	p.admitted++
	if s.Decision.Keep {
		p.counters.Sampled++
	}
	if t := p.current; t != nil && s.Decision.Keep && p.sampler != nil {
		p.traces.markSampled(t, s.ID)
	}
	p.stats[s.Call].add(s, p.sampler == nil)
	svc := p.serviceOf(s.Call)
	if st := &p.stats[s.Call]; !st.entry && s.SpanKind.entry() && s.Call != trace.OverflowCall {
		st.entry = true
		svc.entries = append(svc.entries, s.Call)
	}
	svc.observe(s)
	p.rulesOf(s.Call).observe(s)
	for _, r := range p.extra {
		r.Observe(s)
	}
}

// serviceOf is the service of a call that a span has had.
func (p *Pipeline) serviceOf(call trace.Call) *service {
	return p.services.of(call, p.calls.Service(call))
}

// Counters is what the pipeline has counted so far.
func (p *Pipeline) Counters() Counters {
	c := p.counters
	c.SpansUnbuffered = p.traces.full
	c.OpenTraces, c.BufferedSpans, c.Calls = p.traces.len(), p.traces.spans, p.calls.Len()
	c.AuditErrors = p.audit.failed
	return c
}

// Calls is the table that gave spans their Call.
func (p *Pipeline) Calls() *trace.Calls { return p.calls }

// Silent says whether the last tick held everything for want of spans.
func (p *Pipeline) Silent() bool { return p.silent(p.now) }

func (p *Pipeline) silent(now int64) bool {
	after := int64(p.set.Settings.SilenceAfter)
	return p.ticked && after > 0 && now-p.heard >= after
}
