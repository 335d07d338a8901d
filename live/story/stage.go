package story

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/rulefile"
)

// stage is where a story plays.
type stage struct {
	pipeline *live.Pipeline
	set      live.RuleSet
	// restarts makes a new pipeline of a snapshot of the old one before every tick.
	restarts bool
	orch     orchestrator
	backends backends
	sampler  scripted
	audit    bytes.Buffer
	zero     time.Time
	nextID   uint64
	due      []delayed
}

// delayed is a span on its way.
type delayed struct {
	at    int64
	span  live.Span
	words scripted
}

func newStage() *stage {
	return &stage{
		zero: time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC),
		orch: orchestrator{Ledger: live.NewLedger(nil, live.State{Replicas: 1, Ready: 1}), refuse: map[live.Target]error{}, slow: map[live.Target]bool{}},
	}
}

// scripted is a sampler that keeps what the story says.
type scripted struct{ drop bool }

// Sample implements trace.Sampler.
func (s *scripted) Sample(*trace.Span) trace.Decision {
	if s.drop {
		return trace.Decision{}
	}
	return trace.Decision{Score: 1, Keep: true}
}

// Learn implements trace.Sampler.
func (s *scripted) Learn(*trace.Span) {}

// orchestrator is a ledger that refuses what the story says.
type orchestrator struct {
	*live.Ledger
	refuse map[live.Target]error
	slow   map[live.Target]bool
}

// Scale implements live.Orchestrator.
func (o orchestrator) Scale(ctx context.Context, a live.Action) error {
	if err := o.refuse[a.Target]; err != nil {
		return err
	}
	before, err := o.Current(ctx, a.Target)
	if err != nil {
		return err
	}
	if err := o.Ledger.Scale(ctx, a); err != nil || !o.slow[a.Target] {
		return err
	}
	after, err := o.Current(ctx, a.Target)
	after.Ready, after.Rolling = before.Ready, a.Kind == live.Vertical
	o.Set(a.Target, after)
	return err
}

// errFirst answers commands that need a pipeline.
var errFirst = errors.New("give the rules first")

// do carries out one command.
func (s *stage) do(ctx context.Context, b *Block) (string, error) {
	switch b.Cmd {
	case "rules":
		return s.rules(b)
	case "replicas", "resources", "slow", "owned", "broken":
		return "", s.target(b)
	case "clock":
		return "", s.clock(b)
	case "backend":
		return "", s.backend(b)
	}
	if s.pipeline == nil {
		return "", errFirst
	}
	switch b.Cmd {
	case "trace":
		return "", s.trace(b)
	case "tick":
		return s.tick(ctx, b)
	case "restart":
		return "", s.restart()
	case "usage":
		return "", s.usage(b)
	case "counters":
		return s.counters(), nil
	case "stats":
		return s.stats(), nil
	case "told":
		return s.told(), nil
	case "audit":
		out := s.audit.String()
		s.audit.Reset()
		return out, nil
	}
	return "", errors.New("unknown command; want rules, replicas, resources, slow, owned, broken, backend, clock, trace, tick, restart, usage, counters, stats, told or audit")
}

func (s *stage) rules(b *Block) (string, error) {
	name := "rules"
	if len(b.Args) > 0 {
		name = b.Args[0]
	}
	if err := s.useRules(name, []byte(b.Input)); err != nil {
		return err.Error() + "\n", nil
	}
	return "ok\n", nil
}

func (s *stage) useRules(name string, text []byte) error {
	set, err := rulefile.Parse(name, text)
	if err != nil {
		return err
	}
	if s.pipeline == nil {
		s.pipeline, err = live.New(s.options(set))
	} else {
		err = s.pipeline.SetRules(set)
	}
	if err == nil {
		s.set = set
	}
	return err
}

func (s *stage) options(set live.RuleSet) live.Options {
	return live.Options{Rules: set, Sampler: &s.sampler, Orchestrator: s.orchestrator(), Audit: &s.audit}
}

// restart makes a new process of a snapshot of the old one.
func (s *stage) restart() error {
	state, err := s.pipeline.Snapshot()
	if err != nil {
		return err
	}
	s.pipeline, err = live.Restore(s.options(s.set), state)
	return err
}

func (s *stage) clock(b *Block) (err error) {
	if len(b.Args) != 1 {
		return errors.New("want one time")
	}
	s.zero, err = time.Parse(time.RFC3339, b.Args[0])
	return err
}

// tick moves time: once, or again and again.
func (s *stage) tick(ctx context.Context, b *Block) (string, error) {
	o, err := parseOptions(b.Args)
	if err != nil {
		return "", err
	}
	at, err := o.duration("")
	if err != nil {
		return "", err
	}
	until, every := at, time.Second
	if _, ok := o["until"]; ok {
		if until, err = o.duration("until"); err != nil {
			return "", err
		}
		if every, err = o.duration("every"); err != nil {
			return "", err
		}
	}
	if every <= 0 || (until-at)/every > 100_000 {
		return "", errors.New("want at most 100 000 ticks, some time apart")
	}
	var out strings.Builder
	for ; at <= until; at += every {
		if err := s.tickAt(ctx, at, &out); err != nil {
			return "", err
		}
	}
	return out.String(), nil
}

func (s *stage) tickAt(ctx context.Context, at time.Duration, out *strings.Builder) error {
	now := s.zero.Add(at).UnixNano()
	out.WriteString(s.deliver(now))
	if s.restarts {
		s.pipeline.Advance(now)
		if err := s.restart(); err != nil {
			return err
		}
	}
	decisions, err := s.pipeline.Tick(ctx, now)
	if err != nil {
		return err
	}
	for i := range decisions {
		fmt.Fprintf(out, "%v %s\n", at, decisions[i].String())
	}
	return nil
}

// deliver sends what has arrived by now, in the order of arrival.
func (s *stage) deliver(now int64) string {
	slices.SortStableFunc(s.due, func(a, b delayed) int { return cmp.Compare(a.at, b.at) })
	refused, n := map[string]int{}, 0
	for ; n < len(s.due) && s.due[n].at <= now; n++ {
		d := &s.due[n]
		s.sampler = d.words
		s.pipeline.Advance(d.at)
		if _, err := s.pipeline.Span(&d.span); err != nil {
			refused[err.Error()]++
		}
	}
	s.due = slices.Delete(s.due, 0, n)
	return refusedText(refused)
}
