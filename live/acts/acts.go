// Package acts remembers actions where a crash cannot reach them, so that none is
// taken twice.
//
// An action that was carried out by a process that then died is known to nobody: the
// snapshot is older. So it is written down before it is carried out:
//
//  1. [Gate] puts a log in front of an orchestrator. Each action, other than a dry
//     run, goes to the log first, and to the orchestrator only then;
//  2. [Journal] is a log in a file, synced to the disk: for the next process on this
//     machine. live/kube/lead has one in a Lease, for the other replica;
//  3. [Merge] adds logged actions to what a snapshot says, for Pipeline.Remember. A
//     logged action counts as done, because it may have been: cooldowns and rate
//     limits then hold too long rather than too short.
package acts

import (
	"context"
	"slices"

	"github.com/scale-eval/scale-eval/live"
)

// Act is an action that was about to be taken.
type Act struct {
	Target    live.Target `json:"target"`
	At        int64       `json:"at"`        // the tick that decided, ns since the Unix epoch
	Direction int8        `json:"direction"` // -1 or 1
	From      int         `json:"from"`      // replicas; equal for a vertical action
	To        int         `json:"to"`
}

// Of is what is written down of an action.
func Of(a *live.Action) Act { return Act{a.Target, a.At, int8(a.Direction), a.From, a.To} }

// Log takes actions before they are carried out. An error holds the action back.
type Log interface {
	Record(context.Context, Act) error
}

// Gate writes actions down before To carries them out.
type Gate struct {
	Log Log
	To  live.Orchestrator
}

var _ live.Orchestrator = Gate{}

// Scale implements live.Orchestrator.
func (g Gate) Scale(ctx context.Context, a live.Action) error {
	if !a.DryRun {
		if err := g.Log.Record(ctx, Of(&a)); err != nil {
			return err
		}
	}
	return g.To.Scale(ctx, a)
}

// Current implements live.Orchestrator.
func (g Gate) Current(ctx context.Context, t live.Target) (live.State, error) {
	return g.To.Current(ctx, t)
}

// Merge is memory with the acts that it does not have, in the order of memory and
// then of first sight. Neither argument is changed.
func Merge(memory []live.TargetMemory, acts []Act) []live.TargetMemory {
	out := slices.Clone(memory)
	at := map[live.Target]int{}
	for i := range out {
		at[out[i].Target] = i
		out[i].Changes = slices.Clone(out[i].Changes)
	}
	for _, a := range acts {
		i, ok := at[a.Target]
		if !ok {
			i = len(out)
			at[a.Target], out = i, append(out, live.TargetMemory{Target: a.Target})
		}
		m, c := &out[i], live.ChangeMemory{At: a.At, Direction: a.Direction, From: a.From, To: a.To}
		if slices.Contains(m.Changes, c) {
			continue
		}
		m.Changes = append(m.Changes, c)
		slices.SortStableFunc(m.Changes, func(x, y live.ChangeMemory) int { return int(min(max(x.At-y.At, -1), 1)) })
		m.Acted, m.Last = true, max(m.Last, a.At)
	}
	return out
}
