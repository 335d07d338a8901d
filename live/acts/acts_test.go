package acts_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/acts"
)

var (
	cart = live.Target{Kind: "deployment", Namespace: "shop", Name: "cart"}
	db   = live.Target{Kind: "statefulset", Namespace: "shop", Name: "db"}
)

// recorder is an orchestrator and a log that note the order of what they see.
type recorder struct {
	seen []string
	err  error
}

func (r *recorder) Record(_ context.Context, a acts.Act) error {
	r.seen = append(r.seen, "record "+a.Target.Name)
	return r.err
}
func (r *recorder) Scale(_ context.Context, a live.Action) error {
	r.seen = append(r.seen, "scale "+a.Target.Name)
	return nil
}
func (r *recorder) Current(context.Context, live.Target) (live.State, error) {
	return live.State{Replicas: 3}, nil
}

// TestGate: first the log, then the deed; no log, no deed; a dry run is no deed.
func TestGate(t *testing.T) {
	r := &recorder{}
	g := acts.Gate{Log: r, To: r}
	if err := g.Scale(t.Context(), live.Action{Target: cart, DryRun: true}); err != nil {
		t.Error(err)
	}
	if err := g.Scale(t.Context(), live.Action{Target: db}); err != nil {
		t.Error(err)
	}
	r.err = errors.New("conflict")
	if err := g.Scale(t.Context(), live.Action{Target: cart}); !errors.Is(err, r.err) {
		t.Error(err)
	}
	if want := []string{"scale cart", "record db", "scale db", "record cart"}; !slices.Equal(r.seen, want) {
		t.Errorf("%q, want %q", r.seen, want)
	}
	if s, err := g.Current(t.Context(), cart); err != nil || s.Replicas != 3 {
		t.Error(s, err)
	}
}

// TestMerge: an act that a snapshot has is not counted twice; one that it does not
// have starts the cooldown.
func TestMerge(t *testing.T) {
	old := live.ChangeMemory{At: 10, Direction: 1, From: 2, To: 4}
	memory := []live.TargetMemory{{Target: cart, Acted: true, Last: 10, Changes: []live.ChangeMemory{old}}}
	got := acts.Merge(memory, []acts.Act{
		{Target: cart, At: 10, Direction: 1, From: 2, To: 4},
		{Target: cart, At: 30, Direction: -1, From: 4, To: 3},
		{Target: db, At: 20, Direction: 1, From: 1, To: 2},
		{Target: cart, At: 20, Direction: 1, From: 4, To: 4},
	})
	want := []live.TargetMemory{
		{Target: cart, Acted: true, Last: 30, Changes: []live.ChangeMemory{old, {At: 20, Direction: 1, From: 4, To: 4}, {At: 30, Direction: -1, From: 4, To: 3}}},
		{Target: db, Acted: true, Last: 20, Changes: []live.ChangeMemory{{At: 20, Direction: 1, From: 1, To: 2}}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	if len(memory[0].Changes) != 1 {
		t.Error("the argument was changed")
	}
}

// TestJournal: what was recorded is there after a crash; a torn last line is not an
// act, and what is written after it is.
func TestJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "acts.jsonl")
	j, before, err := acts.OpenJournal(path)
	if err != nil || before != nil {
		t.Fatal(before, err)
	}
	a, b := acts.Act{Target: cart, At: 1, Direction: 1, From: 1, To: 2}, acts.Act{Target: db, At: 2, Direction: -1, From: 3, To: 2}
	j.Record(t.Context(), a)
	f, _ := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	f.WriteString(`{"target":{"kind":"dep`)
	f.Close()
	again, got, err := acts.OpenJournal(path)
	if err != nil || !slices.Equal(got, []acts.Act{a}) {
		t.Errorf("%+v, %v", got, err)
	}
	j.Close()
	j = again
	j.Record(t.Context(), b)
	if _, got, err := acts.OpenJournal(path); err != nil || !slices.Equal(got, []acts.Act{a, b}) {
		t.Errorf("behind a torn line: %+v, %v", got, err)
	}
	if err := j.Reset(); err != nil {
		t.Fatal(err)
	}
	j.Record(t.Context(), a)
	j.Record(t.Context(), b)
	if _, got, err := acts.OpenJournal(path); err != nil || !slices.Equal(got, []acts.Act{a, b}) {
		t.Errorf("%+v, %v", got, err)
	}
	if err := j.Reset(); err != nil {
		t.Fatal(err)
	}
	j.Record(t.Context(), b)
	if _, got, err := acts.OpenJournal(path); err != nil || !slices.Equal(got, []acts.Act{b}) {
		t.Errorf("after a reset: %+v, %v", got, err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	// A disk that takes nothing: the action goes on, and it is told.
	if err := j.Record(t.Context(), b); err != nil {
		t.Error(err)
	}
	if n, err := j.Failed(); n != 1 || err == nil {
		t.Error(n, err)
	}
	if err := os.WriteFile(path, []byte("no json\n{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := acts.OpenJournal(path); err == nil || !strings.Contains(err.Error(), "acts.jsonl:1") {
		t.Errorf("garbage: %v", err)
	}
}
