package story

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/scale-eval/scale-eval/live"
)

// backends are several orchestrators in front of the story's world, as a program would
// compose them: each kind of target goes to one of them, and a log is told of all.
type backends struct {
	routes live.FanOut
	told   []string // since they were asked for last
}

// teller notes what it was told before it does it.
type teller struct {
	live.Orchestrator
	name string
	told *[]string
}

// Scale implements live.Orchestrator.
func (t teller) Scale(ctx context.Context, a live.Action) error {
	*t.told = append(*t.told, fmt.Sprintf("%s: %s", t.name, a))
	return t.Orchestrator.Scale(ctx, a)
}

// backend sends targets of a kind to a backend of their own.
func (s *stage) backend(b *Block) error {
	if len(b.Args) != 2 || s.pipeline != nil {
		return errors.New("want a name and a kind of targets, before the rules")
	}
	kind := b.Args[1]
	s.backends.routes = append(s.backends.routes, live.Route{
		Match: func(t live.Target) bool { return t.Kind == kind },
		To:    teller{s.orch, b.Args[0], &s.backends.told},
	})
	return nil
}

// orchestrator is the world itself, or the backends in front of it.
func (s *stage) orchestrator() live.Orchestrator {
	if s.backends.routes == nil {
		return s.orch
	}
	return live.Tee{s.backends.routes, teller{live.NewLedger(nil, live.State{}), "log", &s.backends.told}}
}

// told prints what the backends were told.
func (s *stage) told() string {
	var out strings.Builder
	for _, line := range s.backends.told {
		fmt.Fprintln(&out, line)
	}
	s.backends.told = nil
	return out.String()
}
