package live

import (
	"context"
	"errors"
	"slices"
)

// Tick moves the pipeline's time to now, ns since the Unix epoch, decides, and
// carries the decisions out. There is one decision a target that a rule wanted
// something of, in the order of targets. A tick back in time is counted and taken
// as a tick at the time of the last one.
//
// The error is that of the audit log; what the orchestrator says is in the
// decisions. When ctx ends, the rest of the decisions fail.
func (p *Pipeline) Tick(ctx context.Context, now int64) ([]Decision, error) {
	p.advance(now)
	clear(p.answers)
	p.watchEffects(ctx)
	p.evaluate()
	p.holdDependents()
	decisions := p.decide(ctx)
	for i := range decisions {
		p.count(&decisions[i])
	}
	return decisions, p.audit.write(decisions)
}

// evaluate asks every rule what it wants.
func (p *Pipeline) evaluate() {
	p.wanted.reset()
	p.countNotes()
	for _, w := range p.watchers {
		w.prepare(p.now)
	}
	for _, r := range p.rules {
		r.evaluate(p.now)
	}
	for _, r := range p.extra {
		for _, a := range r.Evaluate(p.now) {
			*p.wanted.next() = a
			p.wanted.keep()
		}
	}
}

// advance moves time, closes traces and turns statistics.
func (p *Pipeline) advance(now int64) {
	p.counters.Ticks++
	if p.ticked && now < p.now {
		p.counters.Backward++
		now = p.now
	}
	dt := now - p.now
	if !p.ticked {
		p.ticked, p.started, p.heard, p.clock, dt = true, now, now, now, 0
	}
	if p.admitted > p.admittedT {
		p.admittedT, p.heard = p.admitted, now
	}
	if p.resumed != nil && now-*p.resumed > int64(p.set.Settings.Skew) {
		p.missed(now)
		dt = 0 // a rate over time that nobody watched would be too low
	}
	p.resumed = nil
	p.now = now
	p.Advance(now)
	p.traces.expire(now - int64(p.set.Settings.TraceWait))
	for i := range p.stats {
		p.stats[i].tick(now, dt, int64(p.set.Settings.BaselineWindow)/2)
	}
}

// missed says that nobody watched up to now: that nothing was wanted, or too slow, in
// that time is not known.
func (p *Pipeline) missed(now int64) {
	p.started = now
	for _, st := range p.targets.states {
		st.watched(now)
	}
}

// closeTrace learns self times from a trace and settles who is to blame for its
// breaches.
func (p *Pipeline) closeTrace(t *openTrace, evicted bool) {
	p.counters.TracesClosed++
	if evicted {
		p.counters.TracesEvicted++
	}
	p.view.build(p.traces.spansOf(t, p.view.spans))
	if p.view.orphans > 0 {
		p.counters.TracesIncomplete++
	}
	for _, w := range t.watched {
		if i := p.view.find(w.span); i >= 0 {
			*w.where = p.judge(&p.view, i)
		}
	}
	if p.view.orphans > 0 {
		return // a missing child would teach a self time that is too long
	}
	for i := range p.view.spans {
		if s := &p.view.spans[i]; !s.sampled() {
			p.stats[s.call].addSelf(p.view.self[i])
		}
	}
}

// holdDependents holds what must wait while another service is in trouble.
func (p *Pipeline) holdDependents() {
	trouble := map[string]bool{}
	for a := range p.wanted.all {
		if a.Direction == Up || a.trouble && a.held != ReasonPending { // whose fault that is, is not known
			trouble[a.cause()] = true
		}
	}
	for a := range p.wanted.all {
		if a.Direction == Hold {
			continue
		}
		for _, other := range a.holdWhile {
			if other != a.Service && trouble[other] {
				a.hold(ReasonDependency, "not while "+other+" is in trouble")
				break
			}
		}
	}
}

// holdDowns holds what would make a target smaller while a rule fires on it: that the
// rule may do nothing about it just now does not make it calm.
func holdDowns(wanted []*Action) {
	i := slices.IndexFunc(wanted, func(a *Action) bool { return a.trouble && !a.DryRun })
	if i < 0 {
		return
	}
	for _, a := range wanted {
		if a.Direction == Down {
			a.hold(ReasonTrouble, "rule "+wanted[i].Why.Rule+" fires on it")
		}
	}
}

// cause is the service that the action's evidence points at.
func (a *Action) cause() string {
	if a.blamed != "" {
		return a.blamed
	}
	return a.Service
}

// decide makes one decision a target.
func (p *Pipeline) decide(ctx context.Context) []Decision {
	var keys []Target
	byTarget := map[Target][]*Action{}
	for a := range p.wanted.all {
		a.Target = p.targetOf(a)
		key := a.Target
		if key.IsZero() {
			key.Name = a.Service
		}
		if byTarget[key] == nil {
			keys = append(keys, key)
		}
		byTarget[key] = append(byTarget[key], a)
	}
	slices.SortFunc(keys, Target.compare)
	p.targets.hold(p.now, byTarget)
	var out []Decision
	for _, k := range keys {
		out = append(out, p.decideTarget(ctx, byTarget[k]))
	}
	return out
}

// targetOf is the target that the action names, or that of its service.
func (p *Pipeline) targetOf(a *Action) Target {
	if a.Target.IsZero() {
		return p.targets.of(a.Service, p.sendsSpans(a.Service))
	}
	return a.Target
}

func (p *Pipeline) sendsSpans(service string) bool {
	_, ok := p.services.byName[service]
	return ok
}

// decideTarget settles what the rules want of one target, and does it.
func (p *Pipeline) decideTarget(ctx context.Context, wanted []*Action) Decision {
	a := *wanted[0]
	if a.Target.IsZero() || p.orch == nil {
		a = conflate(wanted)
		if a.Direction != Hold {
			a.hold(ReasonNoTarget, "nothing is known that scales "+a.Service)
		}
		return p.finish(a)
	}
	st := p.targets.state(a.Target, p.started)
	cur, err := p.currentState(ctx, a.Target)
	if err != nil {
		a = conflate(wanted)
		return p.failed(a, err)
	}
	st.see(cur, p.now)
	for _, w := range wanted {
		st.resolve(w, cur, p.now)
	}
	holdDowns(wanted)
	a = conflate(wanted)
	if a.Direction != Hold && p.silent(p.now) {
		a.hold(ReasonSilence, "no spans: silence is not health")
	}
	a.At, a.DryRun = p.now, a.DryRun || p.set.Settings.DryRun
	if !st.guard(&a, p.now) {
		return p.finish(a)
	}
	if err := p.orch.Scale(ctx, a); err != nil {
		return p.failed(a, err)
	}
	st.remember(&a, p.now)
	return p.finish(a)
}

func (p *Pipeline) finish(a Action) Decision {
	a.At = p.now
	d := Decision{Action: a, Outcome: Acted}
	switch {
	case a.Direction == Hold:
		d.Outcome, d.Reason = Held, a.held
	case a.DryRun:
		d.Outcome = DryRan
	}
	return d
}

// failed is a decision that the orchestrator did not carry out.
func (p *Pipeline) failed(a Action, err error) Decision {
	a.At = p.now
	d := Decision{Action: a, Outcome: Failed, Err: clip(err.Error(), maxText)}
	switch {
	case errors.Is(err, ErrOwned):
		d.Outcome, d.Reason = Held, ReasonOwned
	case errors.Is(err, ErrNoTarget):
		d.Outcome, d.Reason = Held, ReasonNoTarget
	case errors.Is(err, ErrStandby):
		d.Outcome, d.Reason = Held, ReasonStandby
	}
	return d
}

func (p *Pipeline) count(d *Decision) {
	switch d.Outcome {
	case Acted:
		p.counters.Acted++
	case DryRan:
		p.counters.DryRun++
	case Held:
		p.counters.Held++
	case Failed:
		p.counters.Failed++
	}
}
