package main

import (
	"context"
	"runtime"

	"github.com/scale-eval/scale-eval/datasets"
	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/eval"
)

// snapshotter is a sampler whose training can be carried to other processes.
type snapshotter interface{ Snapshot() ([]byte, error) }

// trainer teaches a sampler the first spans of a dataset, one after another: it is work
// for one core, whatever the protocol says of spans behind them.
type trainer struct {
	r       *streamedRun
	src     trace.Source
	spans   int64
	calls   *trace.Calls // of src and of the sampler
	entrant eval.Entrant
	done    bool
	yields  bool // now and then, to what decodes for it
}

func (r *streamedRun) newTrainer(src trace.Source, spans int64, calls *trace.Calls) (*trainer, error) {
	e, err := samplerEntrant(r.c, r.c.String("sampler"), calls)
	return &trainer{r: r, src: src, spans: spans, calls: calls, entrant: e}, err
}

// expectTraining is the training that is due after the census if that finds what the files
// state of themselves, to be done beside it on a core of its own. It is nil where they do
// not say enough, or there is nothing to train on. It decodes in its turn on the cores.
func (r *streamedRun) expectTraining(cores turns) (*trainer, error) {
	_, split := expected(r.c, r.ds)
	if split == nil || split.train == 0 {
		return nil, nil
	}
	calls, err := newCalls(r.c)
	if err != nil {
		return nil, err
	}
	open := func() (datasets.Reader, error) {
		reader, err := r.ds.Open(samplerColumns)
		return inTurn{reader, cores}, err
	}
	t, err := r.newTrainer(passesOf(open, calls), split.train, calls)
	t.yields = true
	return t, err
}

// asExpected says whether t, which may be nil, is the training that the split asks for,
// and makes its calls those of the run.
func (r *streamedRun) asExpected(t *trainer) bool {
	n := r.census
	if t == nil || !t.done || t.spans != r.split.train || r.split.shocks != nil && n.read != n.kept || n.overflow > 0 || !takeOver(t.calls, r.calls) {
		return false
	}
	// Both numbered calls in the order in which they came, the census to the end.
	r.calls = t.calls
	return true
}

// beside is run for a census, which has the bar. There may be no training.
func (t *trainer) beside(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.run(ctx, &progress{})
}

func (t *trainer) run(ctx context.Context, bar *progress) error {
	n := int64(0)
	for s, err := range take(t.src, 0, t.spans) {
		if err != nil {
			return err
		}
		t.entrant.Sampler.Learn(s)
		if n++; t.yields && n%4096 == 0 {
			runtime.Gosched() // or, on busy cores, what decodes cannot even queue for a turn
		}
		if n%65536 == 0 {
			bar.set(n)
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	t.done = true
	return nil
}

// train keeps a snapshot of the sampler that early has trained, or which is trained now.
func (r *streamedRun) train(early *trainer) (err error) {
	t := early
	if !r.asExpected(early) {
		if t, err = r.newTrainer(r.split.labelled(r.source()), r.split.train, r.calls); err != nil {
			return err
		}
		if t.spans > 0 {
			bar := newProgress(r.c.App.ErrWriter, "training", t.spans)
			if err := t.run(r.c.Context, bar); err != nil {
				return err
			}
			bar.finish()
		}
	}
	r.trained = &t.entrant
	model, ok := t.entrant.Sampler.(snapshotter)
	if !ok {
		if r.shardCount() > 1 || r.c.String("storage") != "" {
			return usagef("--sampler %s has no snapshot that shards could share: use adaptive or paper", t.entrant.Name)
		}
		return nil
	}
	snapshot, err := model.Snapshot()
	if err != nil {
		return err
	}
	return r.store.WriteModel(snapshot)
}
