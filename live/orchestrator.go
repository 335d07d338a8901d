package live

import (
	"context"
	"errors"
	"fmt"
)

// Orchestrator carries out actions. Implementations are I/O; their packages are
// not this one. While one waits for an answer it may have the pipeline's goroutine
// call Span and Advance, and nothing else.
type Orchestrator interface {
	// Scale carries out a. With a.DryRun it validates as far as it can and changes
	// nothing. It must be safe to repeat: From and To are absolute. An error that
	// wraps [ErrOwned] says that something else owns the target.
	Scale(ctx context.Context, a Action) error
	// Current is the state that From and To are computed from. It is called at most
	// once a target a tick.
	Current(ctx context.Context, t Target) (State, error)
}

// State is a target as it is now.
type State struct {
	Replicas int // wanted, not ready
	Ready    int
	// Rolling says that a change of its template is not everywhere yet, whatever
	// Ready says: a rolling update keeps the old replicas ready.
	Rolling   bool
	Resources []ResourceState // of each container, in its order; nil: unknown
}

// ResourceState is what one container asks for and may use; 0: not set. CPU in
// milli-cores, memory in bytes.
type ResourceState struct {
	Container string
	Resource  Resource
	Request   int64
	Limit     int64
}

// ErrOwned says that something else scales the target, e.g. an autoscaler; fighting
// it would make both flap.
var ErrOwned = errors.New("another controller owns the target")

// ErrNoTarget says that no orchestrator knows the target.
var ErrNoTarget = errors.New("no orchestrator for the target")

// ErrStandby says that another replica of this program acts, not this one.
var ErrStandby = errors.New("another replica acts")

// Route sends the targets that Match accepts to one orchestrator. A nil Match
// accepts all.
type Route struct {
	Match func(Target) bool
	To    Orchestrator
}

// FanOut sends each target to the first route that accepts it.
type FanOut []Route

var _ Orchestrator = FanOut{}

func (f FanOut) of(t Target) (Orchestrator, error) {
	for _, r := range f {
		if r.Match == nil || r.Match(t) {
			return r.To, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", t, ErrNoTarget)
}

// Scale implements [Orchestrator].
func (f FanOut) Scale(ctx context.Context, a Action) error {
	o, err := f.of(a.Target)
	if err != nil {
		return err
	}
	return o.Scale(ctx, a)
}

// Current implements [Orchestrator].
func (f FanOut) Current(ctx context.Context, t Target) (State, error) {
	o, err := f.of(t)
	if err != nil {
		return State{}, err
	}
	return o.Current(ctx, t)
}

// Tee carries out actions with the first orchestrator, which also answers Current,
// and tells the others. All are told whatever the others say; the errors are joined.
type Tee []Orchestrator

var _ Orchestrator = Tee{}

// Scale implements [Orchestrator].
func (t Tee) Scale(ctx context.Context, a Action) error {
	var errs []error
	for _, o := range t {
		errs = append(errs, o.Scale(ctx, a))
	}
	return errors.Join(errs...)
}

// Current implements [Orchestrator].
func (t Tee) Current(ctx context.Context, target Target) (State, error) {
	if len(t) == 0 {
		return State{}, fmt.Errorf("%s: %w", target, ErrNoTarget)
	}
	return t[0].Current(ctx, target)
}
