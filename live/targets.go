package live

import (
	"fmt"
	"slices"
	"time"
)

// targets knows which target runs a service, and remembers what was done to each.
type targets struct {
	byService map[string]Target
	specs     map[Target]TargetSpec
	fallback  Guard
	listed    bool // only listed services have a target
	states    map[Target]*targetState
}

// targetState is what guards remember of a target. What was done is remembered apart
// from what was done and what would have been: a rule on trial must not hold back one
// that acts.
type targetState struct {
	spec  TargetSpec
	done  history // without dry runs
	tried history // with them
	// missingSince is when replicas were first seen missing; minTime: none are.
	missingSince int64
}

// history is what was wanted of a target and done to it.
type history struct {
	wants   []want // oldest first, as far back as stabilisation looks
	changes []change
	changed bool
	last    int64    // the last change, when changed
	act     *lastAct // the last one, for rules that settle; nil: none
}

// history is the one that guards an action.
func (st *targetState) history(dry bool) *history {
	if dry {
		return &st.tried
	}
	return &st.done
}

// want is what the rules wanted at one tick, before the guards.
type want struct {
	at        int64
	direction Direction
	kind      Kind
	to        int
}

// change is what was done.
type change struct {
	at        int64
	direction Direction
	from, to  int // replicas; equal for a vertical change
}

// set takes over the targets of a rule set. It errs when two targets run one
// service; nothing has changed then.
func (t *targets) set(set RuleSet) error {
	byService, specs := map[string]Target{}, map[Target]TargetSpec{}
	for _, s := range set.Targets {
		if _, twice := specs[s.Target]; twice {
			return fmt.Errorf("target %s is listed twice", s.Target)
		}
		specs[s.Target] = s
		for _, name := range s.Services {
			if other, taken := byService[name]; taken {
				return fmt.Errorf("service %q is run by two targets, %s and %s", name, other, s.Target)
			}
			byService[name] = s.Target
		}
	}
	t.byService, t.specs, t.fallback, t.listed = byService, specs, set.Default, set.ListedOnly
	if t.states == nil {
		t.states = map[Target]*targetState{}
	}
	for target, st := range t.states {
		st.spec = t.spec(target)
	}
	return nil
}

func (t *targets) spec(target Target) TargetSpec {
	if s, ok := t.specs[target]; ok {
		return s
	}
	return TargetSpec{Target: target, Guard: t.fallback}
}

// of is the target that runs a service; zero: none is known. A service that sends
// spans is looked for by the orchestrator unless only listed ones count; a peer's
// name is not a workload's.
func (t *targets) of(service string, sendsSpans bool) Target {
	if target, ok := t.byService[service]; ok {
		return target
	}
	if t.listed || !sendsSpans || service == "" {
		return Target{}
	}
	return Target{Kind: "service", Name: service}
}

// state is the memory of a target. A new one has wanted nothing since started.
func (t *targets) state(target Target, started int64) *targetState {
	st := t.states[target]
	if st == nil {
		st = &targetState{spec: t.spec(target), missingSince: minTime}
		st.watched(started)
		t.states[target] = st
	}
	return st
}

// hold remembers that the targets nobody asked about at this tick were left alone.
func (t *targets) hold(now int64, asked map[Target][]*Action) {
	for target, st := range t.states {
		if _, ok := asked[target]; !ok {
			st.want(want{at: now}, false)
		}
	}
}

// watched says that nothing is known of what was wanted before at.
func (st *targetState) watched(at int64) {
	st.done.wants, st.tried.wants = []want{{at: at}}, []want{{at: at}}
}

// want remembers what was wanted; what a dry run wants, nobody wants done.
func (st *targetState) want(w want, dry bool) {
	keep := w.at - int64(max(st.spec.Guard.StabiliseUp, st.spec.Guard.StabiliseDown))
	st.tried.want(w, keep)
	if dry {
		w = want{at: w.at}
	}
	st.done.want(w, keep)
}

func (h *history) want(w want, keep int64) {
	// The last one at or before the horizon says what was wanted then.
	i := 0
	for i+1 < len(h.wants) && h.wants[i+1].at <= keep {
		i++
	}
	h.wants = append(slices.Delete(h.wants, 0, i), w)
}

// bounds are the replica bounds at now.
func (s *TargetSpec) bounds(now int64) (least, most int) {
	for _, b := range s.Schedule {
		if b.Period.Contains(now) {
			return b.Min, b.Max
		}
	}
	return s.Guard.Min, s.Guard.Max
}

// horizon is how far back changes matter.
func (g *Guard) horizon() time.Duration {
	var d time.Duration
	for _, l := range g.Limits {
		d = max(d, l.Per)
	}
	return d
}
