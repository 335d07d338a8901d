package live

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
)

// Ledger is an orchestrator that only writes down. Current answers what the actions
// so far would have made of a target, so a rule set can be watched at work without
// anything to scale. Put it into a [Tee] behind a real one to log actions.
//
// Not safe for concurrent use, like the Pipeline.
type Ledger struct {
	w       io.Writer
	initial State
	states  map[Target]State
}

var _ Orchestrator = (*Ledger)(nil)

// NewLedger writes each action as a JSON line to w, nil for nowhere. Every target
// begins as initial, with all its replicas ready.
func NewLedger(w io.Writer, initial State) *Ledger {
	initial.Ready = initial.Replicas
	return &Ledger{w: w, initial: initial, states: map[Target]State{}}
}

// Set makes the target's current state s.
func (l *Ledger) Set(t Target, s State) { l.states[t] = s }

// Targets are those that were set or scaled, in order.
func (l *Ledger) Targets() []Target {
	return slices.SortedFunc(maps.Keys(l.states), Target.compare)
}

// Current implements [Orchestrator]. It never errs.
func (l *Ledger) Current(_ context.Context, t Target) (State, error) {
	if s, ok := l.states[t]; ok {
		return s, nil
	}
	return l.initial, nil
}

// Scale implements [Orchestrator]. The error is the writer's; the action then did
// not happen.
func (l *Ledger) Scale(ctx context.Context, a Action) error {
	if err := l.log(a); err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	if a.DryRun {
		return nil
	}
	s, _ := l.Current(ctx, a.Target)
	if a.Kind == Horizontal {
		s.Replicas, s.Ready = a.To, a.To
	}
	s.Resources = slices.Clone(s.Resources)
	for _, c := range a.Changes {
		c.apply(s.Resources)
	}
	l.states[a.Target] = s
	return nil
}

func (l *Ledger) log(a Action) error {
	if l.w == nil {
		return nil
	}
	return writeLine(l.w, a)
}

func (c *ResourceChange) apply(resources []ResourceState) {
	for i := range resources {
		r := &resources[i]
		switch {
		case r.Container != c.Container || r.Resource != c.Resource:
		case c.Limit:
			r.Limit = c.To
		default:
			r.Request = c.To
		}
	}
}
