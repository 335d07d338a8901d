package main

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"runtime"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/catalog"
	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/eval/shards"
)

// plannedOn is what a plan leaves in an empty storage, made on so many cores.
func plannedOn(t *testing.T, cores int, ds *catalog.Dataset, args []string) (r *streamedRun, model []byte, plan *shards.Plan) {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
	c := flagsOfRun(t, append([]string{"--dataset", ds.Path, "--shards", "3"}, args...))
	r, err := newStreamedRun(c, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.findPlan(); err != nil {
		t.Fatal(err)
	}
	if model, err = r.store.ReadModel(); err != nil {
		t.Fatal(err)
	}
	if plan, err = r.store.ReadPlan(); err != nil {
		t.Fatal(err)
	}
	return r, model, plan
}

// On several cores the sampler is trained beside the census, on one behind it: the plan and
// the model are the same, also where what was expected does not hold.
func TestTrainingBesideCensus(t *testing.T) {
	ds := folderOfSpans(t)
	for _, args := range [][]string{
		nil,
		{"--protocol", "paper"},
		{"--train", "0.6", "--sanitise", "$=>x"},
		{"--max_duration", "20"}, // some are longer
		{"--max_duration", "20", "--protocol", "paper"}, // what is kept is not known before
		{"--max-calls", "3"},
		{"--sampler", "paper"},
	} {
		_, wantModel, wantPlan := plannedOn(t, 1, ds, args)
		r, model, plan := plannedOn(t, 4, ds, args)
		if !bytes.Equal(model, wantModel) || !reflect.DeepEqual(plan, wantPlan) {
			t.Errorf("%v: on four cores the plan is %+v, on one %+v; models are equal: %v", args, plan, wantPlan, bytes.Equal(model, wantModel))
		}
		if want := len(plan.Calls) + 1; r.calls.Len() != want {
			t.Errorf("%v: the run goes on with %d calls, the plan has %d", args, r.calls.Len(), want)
		}
	}
}

// A training is taken for the one that is due only if it is of the same spans and calls.
func TestTrainingAsExpected(t *testing.T) {
	ds := folderOfSpans(t)
	for name, test := range map[string]struct {
		args   []string
		change func(*trainer, *census)
		ok     bool
	}{
		"as expected":       {nil, func(*trainer, *census) {}, true},
		"not done":          {nil, func(e *trainer, _ *census) { e.done = false }, false},
		"other spans":       {nil, func(e *trainer, _ *census) { e.spans-- }, false},
		"some are left out": {[]string{"--protocol", "paper"}, func(_ *trainer, n *census) { n.kept-- }, false},
		"some are long":     {nil, func(_ *trainer, n *census) { n.kept-- }, true}, // and no protocol minds
		"calls overflow":    {[]string{"--max-calls", "3"}, func(*trainer, *census) {}, false},
	} {
		c := flagsOfRun(t, append([]string{"--dataset", ds.Path, "--shards", "3"}, test.args...))
		r, err := newStreamedRun(c, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		early, err := r.expectTraining(newTurns())
		if err != nil || early == nil {
			t.Fatalf("%s: nothing is expected: %v", name, err)
		}
		if err := early.beside(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r.census, err = takeCensus(c, r.ds, r.calls, nil); err != nil {
			t.Fatal(err)
		}
		if r.split, err = newSplit(c, r.ds, r.census); err != nil {
			t.Fatal(err)
		}
		test.change(early, r.census)
		if got := r.asExpected(early); got != test.ok || got != (r.calls == early.calls) {
			t.Errorf("%s: taken: %v, its calls: %v", name, got, r.calls == early.calls)
		}
	}
}

// A census that fails ends the training beside it.
func TestTrainingEnds(t *testing.T) {
	ds := folderOfSpans(t)
	r, err := newStreamedRun(flagsOfRun(t, []string{"--dataset", ds.Path}), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	early, err := r.expectTraining(newTurns())
	if err != nil {
		t.Fatal(err)
	}
	early.src, early.spans = forever, 1<<62
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := early.beside(ctx); !errors.Is(err, context.Canceled) || early.done {
		t.Errorf("%v, done: %v", err, early.done)
	}
}

func forever(yield func(*trace.Span, error) bool) {
	for s := (trace.Span{Duration: 1}); yield(&s, nil); s.Start++ {
	}
}
