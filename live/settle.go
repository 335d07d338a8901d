package live

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// effectDeadline is how long a change may take to become effective before a rule
// no longer waits for it: a pod that never starts must not silence a rule for good.
// It is Kubernetes' own default for the progress of a Deployment.
const effectDeadline = int64(10 * time.Minute)

// pendingEffect stands for the time of an effect that was not seen yet.
const pendingEffect = int64(-1) << 63

// lastAct is what was done to a target last, and when that took effect. What was seen
// before the target had settled does not count against it again: pods were starting
// then, and a backlog draining. Several rules may see the same trouble, at different
// ticks, so it does not matter which of them it was that acted.
type lastAct struct {
	at        int64
	direction Direction
	to        int // replicas; -1: a vertical change
	changes   []ResourceChange
	effective int64 // pendingEffect: not yet
	// prompted is whose spans asked for it, see group.name; "": not known, as behind a
	// record of another process.
	prompted string
}

// isEffective says whether cur shows what was done. Whoever changed the target
// afterwards has the last word on how many replicas there should be.
func (l *lastAct) isEffective(cur State) bool {
	switch {
	case cur.Rolling:
		return false
	case l.to < 0:
		return cur.Ready >= cur.Replicas && l.changed(cur)
	case l.direction == Down:
		return cur.Ready <= max(l.to, cur.Replicas)
	}
	return cur.Ready >= min(l.to, cur.Replicas)
}

func (l *lastAct) changed(cur State) bool {
	for _, c := range l.changes {
		if !slices.ContainsFunc(cur.Resources, func(r ResourceState) bool {
			return r.Container == c.Container && r.Resource == c.Resource && (c.Limit && r.Limit == c.To || !c.Limit && r.Request == c.To)
		}) {
			return false
		}
	}
	return true
}

func newLastAct(a *Action, now int64) *lastAct {
	l := &lastAct{at: now, direction: a.Direction, to: a.To, effective: pendingEffect, prompted: a.prompted}
	if a.Kind == Vertical {
		l.to, l.changes = -1, slices.Clone(a.Changes)
	}
	if a.DryRun {
		l.effective = now // nothing will change
	}
	return l
}

// watchEffects looks at the targets whose last change is not effective yet, where a
// rule waits for that.
func (p *Pipeline) watchEffects(ctx context.Context) {
	if !p.settles {
		return
	}
	var pending []Target
	for target, st := range p.targets.states {
		if l := st.done.act; l != nil && l.effective == pendingEffect {
			pending = append(pending, target)
		}
	}
	slices.SortFunc(pending, Target.compare)
	for _, target := range pending {
		cur, err := p.currentState(ctx, target)
		if l := p.targets.states[target].done.act; err == nil && l.isEffective(cur) || p.now-l.at >= effectDeadline {
			l.effective = p.now
		}
	}
}

// answered is when the latest change upwards that the spans of a group asked for, of
// whatever target, had settled; minTime when there was none of late, or none that has
// taken effect. done is when it was made.
func (t *targets) answered(group string, settle time.Duration, now int64, dry bool) (since, done int64) {
	since = minTime
	for _, st := range t.states {
		l := st.history(dry).act
		if l == nil || l.prompted != group || l.direction != Up || l.effective == pendingEffect || now-l.at >= effectDeadline {
			continue
		}
		if s := l.effective + int64(settle); s > since || s == since && l.at > done {
			since, done = s, l.at
		}
	}
	return since, done
}

// answer is what the orchestrator said of a target at this tick.
type answer struct {
	state State
	err   error
}

// currentState asks the orchestrator once a target a tick.
func (p *Pipeline) currentState(ctx context.Context, t Target) (State, error) {
	a, ok := p.answers[t]
	if !ok {
		a.state, a.err = p.orch.Current(ctx, t)
		p.answers[t] = a
	}
	return a.state, a.err
}

// settled is the time before which nothing counts any more for a rule that settles in
// settle; minTime when nothing was done to the target. wait says what it is that is
// waited for; "" when the time has come.
func (t *targets) settled(target Target, settle time.Duration, now int64, dry bool) (since int64, wait string) {
	st := t.states[target]
	if st == nil || st.history(dry).act == nil {
		return minTime, ""
	}
	l := st.history(dry).act
	if l.effective == pendingEffect {
		return 0, fmt.Sprintf("what was done %v ago is not effective yet", time.Duration(now-l.at))
	}
	since = l.effective + int64(settle)
	if since > now {
		return 0, fmt.Sprintf("settling for %v more", time.Duration(since-now))
	}
	return since, ""
}
