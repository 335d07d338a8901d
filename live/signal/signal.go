// Package signal turns decisions into a number that another controller scales by.
//
// With KEDA or a HorizontalPodAutoscaler in charge, writing replicas would be a
// fight. So a [Signal] is an orchestrator that carries out an action by remembering
// the replicas that it wants; live/keda and [ExternalMetrics] tell them to whoever
// asks.
//
//  1. An action up or down sets the target's wanted replicas;
//  2. a target without one wants what it has: a restart scales nothing;
//  3. while there is no telemetry the answer is the larger of what was wanted and
//     what is there. Silence is not health: the number never falls for want of spans;
//  4. when what is there is not known either, the answer is an error, on which an
//     autoscaler changes nothing.
package signal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/scale-eval/scale-eval/live"
)

// Signal is a live.Orchestrator that wants and does not write. Safe for concurrent
// use.
type Signal struct {
	state live.Orchestrator

	mu     sync.Mutex
	wanted map[live.Target]int
	silent bool
}

var _ live.Orchestrator = (*Signal)(nil)

// New makes a Signal. state answers what a target has; its Scale is never called.
func New(state live.Orchestrator) *Signal {
	return &Signal{state: state, wanted: map[live.Target]int{}}
}

// Scale implements live.Orchestrator.
func (s *Signal) Scale(_ context.Context, a live.Action) error {
	if a.Kind != live.Horizontal {
		return fmt.Errorf("%s: a signal carries replicas, not resources: %w", a.Target, errors.ErrUnsupported)
	}
	if a.DryRun {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wanted[a.Target] = a.To
	return nil
}

// Current implements live.Orchestrator.
func (s *Signal) Current(ctx context.Context, t live.Target) (live.State, error) {
	return s.state.Current(ctx, t)
}

// SetSilent says whether there is telemetry; see live.Pipeline.Silent. Call it after
// each tick, and with true while nothing is decided.
func (s *Signal) SetSilent(silent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent = silent
}

// Value is how many replicas the target should have, and whether that is frozen for
// want of telemetry.
func (s *Signal) Value(ctx context.Context, t live.Target) (replicas int, frozen bool, err error) {
	s.mu.Lock()
	wanted, known := s.wanted[t]
	frozen = s.silent
	s.mu.Unlock()
	if known && !frozen {
		return wanted, false, nil
	}
	now, err := s.state.Current(ctx, t)
	if err != nil {
		return 0, frozen, fmt.Errorf("%s: %w", t, err)
	}
	return max(wanted, now.Replicas), frozen, nil
}

// Wanted lists the targets with wanted replicas, in order.
func (s *Signal) Wanted() []live.Target {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []live.Target
	for t := range s.wanted {
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b live.Target) int { return strings.Compare(a.String(), b.String()) })
	return out
}
