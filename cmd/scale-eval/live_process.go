package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/urfave/cli/v2"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"

	walk "github.com/scale-eval/scale-eval/datasets/otlp"
	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/acts"
	"github.com/scale-eval/scale-eval/live/ops"
	"github.com/scale-eval/scale-eval/live/otlp"
	"github.com/scale-eval/scale-eval/live/record"
	"github.com/scale-eval/scale-eval/live/stream"
	"github.com/scale-eval/scale-eval/live/training"
)

// process is a running "scale-eval live". What is below pipeline belongs to the
// goroutine of the stage.
type process struct {
	c         *cli.Context
	log       *slog.Logger
	processor bool
	backend   *backend
	job       *training.Job
	trainer   *training.Trainer
	state     *stateFolder  // nil: no state
	store     *ops.Store    // with state
	journal   *acts.Journal // with state
	audit     *os.File
	hub       *stream.Hub
	forward   *otlp.Forwarder
	recorder  *record.Recorder
	stage     *otlp.Stage
	board     ops.Board
	metrics   *ops.Metrics
	tracing   *selfTracing

	pipeline  *live.Pipeline
	swap      training.Swap
	model     string // how the model came to be
	trained   *training.Trained
	notes     ops.Notes
	reloads   ops.Reloads
	snapshots struct {
		failed int64
		at     time.Time
	}
	problem  string
	started  time.Time
	draining bool
}

// newProcess opens everything but listeners, so that mistakes end it at once.
func newProcess(c *cli.Context, processor bool) (_ *process, err error) {
	p := &process{c: c, log: liveLog(c), processor: processor, started: time.Now(), model: "warming up"}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if p.tracing, err = newSelfTracing(c.Context, c.String("trace-to"), replicaName(c)); err != nil {
		return nil, usagef("--trace-to %s: %w", c.String("trace-to"), err)
	}
	set, err := readRuleSet(c.String("rules"), !c.Bool("act"))
	if err != nil {
		return nil, err
	}
	if p.backend, err = openBackend(c, p.log); err != nil {
		return nil, err
	}
	if file := c.String("audit"); file != "" {
		if p.audit, err = os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640); err != nil {
			return nil, err
		}
	}
	state, undone, err := p.openState()
	if err != nil {
		return nil, err
	}
	if err := p.newPipeline(set, state); err != nil {
		return nil, err
	}
	if err := p.restore(state, undone); err != nil {
		return nil, err
	}
	return p, p.newStage(set)
}

func (p *process) openState() (*ops.State, []acts.Act, error) {
	at := p.c.String("state")
	if at == "" {
		return nil, nil, nil
	}
	var err error
	if p.state, err = openStateFolder(p.c.Context, at, p.c.Duration("act-timeout")/2); err != nil {
		return nil, nil, err
	}
	p.store = &ops.Store{Path: p.state.path(stateFile)}
	state, err := p.store.Load()
	if err != nil {
		return nil, nil, err
	}
	var list []acts.Act
	p.journal, list, err = acts.OpenJournal(p.state.path(actsFile))
	return state, list, err
}

// newPipeline continues with the pipeline of an earlier process, or begins a new one.
func (p *process) newPipeline(set live.RuleSet, state *ops.State) error {
	o := live.Options{Rules: set, Orchestrator: p.backend.orchestrator}
	if p.journal != nil {
		o.Orchestrator = acts.Gate{Log: actsLog{p.journal, p.state}, To: o.Orchestrator}
	}
	if o.Orchestrator != nil {
		o.Orchestrator = aside{p, o.Orchestrator}
	}
	if p.audit != nil {
		o.Audit = p.audit
	}
	if !p.processor {
		clean, err := newSanitiser(p.c)
		if err != nil {
			return err
		}
		o.Sampler, o.Learn, o.Sanitiser = &p.swap, p.c.Bool("learn"), clean
	}
	var err error
	if state != nil && state.Pipeline != nil {
		if p.pipeline, err = live.Restore(o, state.Pipeline); err == nil {
			p.log.Info("windows, traces and statistics restored", "of", state.At)
			return nil
		} else if !errors.Is(err, live.ErrSnapshot) {
			return err
		}
		p.log.Warn("windows, traces and statistics begin anew; what was done is remembered", "error", err)
	}
	p.pipeline, err = live.New(o)
	if err == nil && state != nil {
		p.pipeline.Remember(state.Memory)
	}
	return err
}

// restore takes over what an earlier process knew, then the plan's model, then a cold
// one.
func (p *process) restore(state *ops.State, undone []acts.Act) error {
	p.pipeline.Remember(acts.Merge(p.pipeline.Memory(), undone))
	if p.processor {
		p.model = "none: spans come sampled"
		return nil
	}
	var err error
	if p.job, err = trainingJob(p.c); err != nil {
		return err
	}
	if p.job != nil {
		if p.job.Sanitiser, err = newSanitiser(p.c); err != nil {
			return err
		}
		p.trainer = &training.Trainer{Job: *p.job, Every: p.c.Duration("train-every"), Log: p.log}
	}
	plan, err := planModel(p.c)
	if err != nil {
		return err
	}
	sampler := p.c.String("sampler")
	switch {
	case state != nil && state.Model != nil && state.Sampler == sampler:
		p.model, p.trained, plan = "restored", state.Trained, state.Model
	case plan != nil:
		p.model = "from the plan"
	case p.c.Bool("cold"):
		m, err := newModel(p.c, p.pipeline.Calls())
		if err != nil {
			return err
		}
		p.swap.Set(m)
		p.model = "cold"
		return nil
	case p.job == nil:
		return usagef("no model: give --train-from, a --plan or --state that has one, or --cold to learn from live spans")
	default:
		return nil
	}
	m, err := restoreModel(sampler, plan, p.pipeline.Calls())
	if err != nil {
		return fmt.Errorf("the model of --state or --plan: %w", err)
	}
	p.swap.Set(m)
	if p.trainer != nil {
		p.trainer.Skip = true
	}
	return nil
}

func (p *process) newStage(set live.RuleSet) error {
	var next otlp.Recorder
	if dir := p.c.String("record"); dir != "" {
		p.recorder = record.New(record.Options{Create: record.InFolder(dir), Meta: map[string]string{"scale_eval_dataset": "live", "scale_eval_version": version}})
		next = p.recorder
	}
	// The stage is asked only once it is there: metrics are served after that.
	p.metrics = ops.NewMetrics(&p.board, func() otlp.Counters { return p.stage.Counters() }, next)
	o := otlp.Options{Judge: p.pipeline, Record: p.metrics, Timed: p.metrics.Timed, Wire: p.wire(set)}
	if !p.processor {
		p.hub = stream.NewHub(stream.Options{})
		o.Outputs = []otlp.Output{p.hub}
	}
	if mib := p.c.Int64("memory-limit"); mib > 0 {
		o.Overloaded = otlp.MemoryLimit(mib << 20)
	}
	if err := p.forwarder(&o); err != nil {
		return err
	}
	p.stage = otlp.NewStage(o)
	return nil
}

func (p *process) wire(set live.RuleSet) walk.Options {
	return walk.Options{ServiceAttr: p.c.String("service-attr"), Attributes: set.AttributeKeys()}
}

// ready says whether there is a model to decide with.
func (p *process) ready() bool { return p.processor || p.swap.Model() != nil }

// tick decides, and publishes what happened. It runs in the stage's goroutine.
func (p *process) tick(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, p.c.Duration("act-timeout"))
	defer cancel()
	ctx, span := p.tracing.Start(ctx, "tick")
	defer span.End()
	p.problem = ""
	if p.backend.elector != nil {
		var taken []acts.Act
		var err error
		p.stage.Meanwhile(func() { taken, err = p.backend.elector.Taken(ctx) })
		switch {
		case err != nil:
			p.problem = "what other replicas did is not known: " + err.Error()
		case len(taken) > 0:
			p.pipeline.Remember(acts.Merge(p.pipeline.Memory(), taken))
		}
	}
	acted := false
	if p.ready() {
		decisions, err := p.pipeline.Tick(ctx, time.Now().UnixNano())
		if err != nil {
			p.problem = "audit log: " + err.Error()
		}
		acted = p.note(decisions)
		span.SetAttributes(attribute.Int("decisions", len(decisions)), attribute.Bool("acted", acted))
	} else {
		p.pipeline.Advance(time.Now().UnixNano())
	}
	if p.backend.signal != nil {
		p.backend.signal.SetSilent(p.pipeline.Silent() || !p.ready())
	}
	if acted {
		p.snapshot(ctx, p.stage)
	}
	p.publish()
}

// note logs decisions and keeps the recent ones; true: something was done.
func (p *process) note(decisions []live.Decision) (acted bool) {
	for _, d := range decisions {
		acted = acted || d.Outcome == live.Acted
		if d.Outcome != live.Held {
			p.log.Info("decision", "outcome", d.Outcome, "what", d.Action.String(), "error", d.Err, "why", d.Why.String())
		}
		p.notes.Add(d)
	}
	return acted
}

// threshold is that of the sampler for a call; nil: it has none as a duration.
func (p *process) threshold() func(trace.Call) time.Duration {
	if m, ok := p.swap.Model().(interface {
		KeptFrom(trace.Call) time.Duration
	}); ok {
		return m.KeptFrom
	}
	return nil
}

func (p *process) publish() {
	v := ops.View{At: time.Now(), Started: p.started, Mode: "dry-run", Leading: true, Ready: p.ready(), Draining: p.draining, Silent: p.pipeline.Silent(),
		Model: p.model, Trained: p.trained, Counters: p.pipeline.Counters(), Receiver: p.stage.Counters(), Calls: ops.Calls(p.pipeline, p.threshold()),
		Reloads: p.reloads, SnapshotFailures: p.snapshots.failed, SnapshotAt: p.snapshots.at}
	p.notes.View(&v)
	if p.c.Bool("act") {
		v.Mode = "acting"
	}
	if p.backend.elector != nil {
		v.Leading = p.backend.elector.Leading()
	}
	if p.problem != "" {
		v.Problems = append(v.Problems, p.problem)
	}
	if p.trainer != nil {
		var last error
		if v.TrainingFailures, last = p.trainer.Failures(); last != nil {
			v.Problems = append(v.Problems, last.Error())
		}
	}
	if p.journal != nil {
		if n, last := p.journal.Failed(); n > 0 {
			v.Problems = append(v.Problems, fmt.Sprintf("%d actions could not be written down: %v", n, last))
		}
		if n, last := p.state.failures(); n > 0 {
			v.Problems = append(v.Problems, fmt.Sprintf("%d actions could not be written to --state: %v", n, last))
		}
	}
	p.board.Publish(v)
}

// judging is who goes on judging exports while a snapshot is written: the stage, or
// nobody after its end.
type judging interface {
	Between(step func() (more bool))
	Meanwhile(g func())
}

type nobody struct{}

func (nobody) Between(step func() bool) {
	for step() {
	}
}
func (nobody) Meanwhile(g func()) { g() }

// snapshot writes the state. It runs in the stage's goroutine, or after its end.
func (p *process) snapshot(ctx context.Context, on judging) {
	if p.state == nil {
		return
	}
	_, span := p.tracing.Start(ctx, "snapshot")
	defer span.End()
	st := &ops.State{At: time.Now(), Sampler: p.c.String("sampler"), Trained: p.trained, Memory: p.pipeline.Memory()}
	saving, err := p.walkInto(st, on)
	if err == nil {
		on.Meanwhile(func() {
			if err = saving.Commit(); err == nil {
				err = p.state.publish(ctx, stateFile)
			}
			if err == nil {
				err = p.journal.Reset() // now that the snapshot has them wherever it is read
			}
			if err == nil {
				_ = p.state.publish(ctx, actsFile) // an old list says nothing that the snapshot does not
			}
		})
	}
	if err != nil {
		p.snapshots.failed++
		span.SetStatus(codes.Error, err.Error())
		p.log.Warn("no snapshot", "error", err)
		return
	}
	p.snapshots.at = st.At
}

// snapshotStep is how many buffered spans are written between two exports, which wait
// some 0.1 ms for them.
const snapshotStep = 400

// walkInto hands the state to a file that is being written, without waiting for it.
func (p *process) walkInto(st *ops.State, on judging) (saving *ops.Saving, err error) {
	if m := p.swap.Model(); m != nil {
		if st.Model, err = m.Snapshot(); err != nil {
			return nil, err
		}
	}
	if saving, err = p.store.Begin(st); err != nil {
		return nil, err
	}
	w, err := p.pipeline.BeginSnapshot(saving)
	if err == nil {
		on.Between(func() bool {
			var done bool
			done, err = w.Step(snapshotStep)
			return err == nil && !done
		})
	}
	if err != nil {
		saving.Abort()
		return nil, err
	}
	return saving, nil
}

// use puts a trained model in place of the old one.
func (p *process) use(ctx context.Context, t *training.Trained) {
	_ = p.stage.Do(ctx, func() { // it errs when the process ends
		m, err := restoreModel(p.c.String("sampler"), t.Model, p.pipeline.Calls())
		if err != nil {
			p.log.Error("the trained model does not fit", "error", err)
			return
		}
		p.swap.Set(m)
		p.model, p.trained = "trained", t
		p.publish()
	})
}

// reload reads the rules again.
func (p *process) reload(ctx context.Context) {
	set, err := readRuleSet(p.c.String("rules"), !p.c.Bool("act"))
	_ = p.stage.Do(ctx, func() { // it errs when the process ends
		if err == nil {
			err = p.pipeline.SetRules(set)
		}
		if err != nil {
			p.reloads.Bad++
			p.log.Error("rules with errors: the old ones stay in force", "error", err)
			return
		}
		p.reloads.Good++
		p.log.Info("rules loaded", "file", p.c.String("rules"), "rules", len(set.Rules))
	})
	if err == nil {
		p.stage.SetWire(p.wire(set))
	}
}

func (p *process) close() {
	if p.audit != nil {
		p.audit.Close()
	}
	if p.journal != nil {
		p.journal.Close()
	}
	if p.state != nil {
		p.state.close()
	}
}
