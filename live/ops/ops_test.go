package ops

import (
	"bytes"
	"encoding/binary"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/otlp"
)

func state() *State {
	return &State{At: time.Unix(5, 0).UTC(), Sampler: "adaptive", Model: []byte("1\n\x00"), Pipeline: []byte("\n\n{}"), Memory: []live.TargetMemory{{Target: live.Target{Kind: "deployment", Name: "cart"}, Acted: true, Last: 7}}}
}

// full is a file on a full disk.
type full struct{ *os.File }

func (f full) Write(b []byte) (int, error) {
	n, _ := f.File.Write(b[:len(b)/2])
	return n, syscall.ENOSPC
}

// TestStore: what was saved is there, whole; on a full disk the old one stays and
// nothing is left behind.
func TestStore(t *testing.T) {
	dir := t.TempDir()
	s := &Store{Path: filepath.Join(dir, "state.json")}
	if st, err := s.Load(); st != nil || err != nil {
		t.Fatalf("%v, %v: there is none yet", st, err)
	}
	if err := s.Save(state()); err != nil {
		t.Fatal(err)
	}
	got, err := s.Load()
	if err != nil || !reflect.DeepEqual(got, state()) {
		t.Fatalf("%+v, %v", got, err)
	}
	later := state()
	later.Model = make([]byte, 1<<16)
	broken := *s
	broken.Create = func(dir, pattern string) (File, error) {
		f, err := os.CreateTemp(dir, pattern)
		return full{f}, err
	}
	if err := broken.Save(later); err == nil || !strings.Contains(err.Error(), "no space left") || !strings.Contains(err.Error(), "the last one is kept") {
		t.Errorf("full disk: %v", err)
	}
	if got, err := s.Load(); err != nil || !reflect.DeepEqual(got, state()) {
		t.Errorf("after a full disk: %+v, %v", got, err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("%v was left behind", files)
	}
	if err := s.Save(later); err != nil {
		t.Error("the disk has room again:", err)
	}
}

// hanging is a file on a disk that does not answer until it is released.
type hanging struct {
	*os.File
	released chan struct{}
}

func (h hanging) Write(b []byte) (int, error) { <-h.released; return h.File.Write(b) }

// TestSavingNeverWaits: while the disk hangs all of it is taken, and it is there when
// the disk works again. What is given up leaves nothing.
func TestSavingNeverWaits(t *testing.T) {
	dir := t.TempDir()
	released := make(chan struct{})
	s := &Store{Path: filepath.Join(dir, "state.json"), Create: func(dir, pattern string) (File, error) {
		f, err := os.CreateTemp(dir, pattern)
		return hanging{f, released}, err
	}}
	want := state()
	want.Pipeline = nil
	v, err := s.Begin(want)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3000 {
		part := bytes.Repeat([]byte{byte(i)}, i%500)
		v.Write(part)
		want.Pipeline = append(want.Pipeline, part...)
		clear(part) // it is the caller's again
	}
	close(released)
	if err := v.Commit(); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Load(); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	if v, err = s.Begin(state()); err != nil {
		t.Fatal(err)
	}
	v.Abort()
	if got, err := s.Load(); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("after one that was given up: %+v, %v", got, err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("%v was left behind", files)
	}
}

// TestStoreRefusesDamage: a bit that fell over, another version, another file.
func TestStoreRefusesDamage(t *testing.T) {
	s := &Store{Path: filepath.Join(t.TempDir(), "state.json")}
	if err := s.Save(state()); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(s.Path)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"a bit":       strings.Replace(string(good), "adaptive", "adaptivf", 1),
		"version":     strings.Replace(string(good), `"version":4`, `"version":3`, 1),
		"another end": string(good) + "x",
		"cut off":     string(good[:len(good)/2]), "empty": "", "other": "PK\x03\x04",
	} {
		if err := os.WriteFile(s.Path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if st, err := s.Load(); err == nil || !strings.Contains(err.Error(), "state.json") || !strings.Contains(err.Error(), "move it away") {
			t.Errorf("%s: %v, %v", name, st, err)
		}
	}
}

// FuzzState: no file makes Load panic.
func FuzzState(f *testing.F) {
	for _, text := range []string{"", "{}\n", `{"version":4,"at":"2026-01-01T00:00:00Z","model_bytes":2}` + "\nabc", `{"version":4,"model_bytes":-1}` + "\n"} {
		f.Add(binary.BigEndian.AppendUint64([]byte(text), xxhash.Sum64String(text)))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if st, err := parseState(text); err == nil && st == nil {
			t.Error("neither")
		}
	})
}

// TestNotes: actions are kept, whatever is said again at every tick; and what is said
// again is one entry.
func TestNotes(t *testing.T) {
	decision := func(at int64, o live.Outcome, to int) live.Decision {
		return live.Decision{Action: live.Action{At: at, Target: live.Target{Kind: "deployment", Name: "cart"}, From: 3, To: to}, Outcome: o}
	}
	var n Notes
	n.Add(decision(0, live.Acted, 4))
	n.Add(decision(1, live.Acted, 4)) // somebody scaled it down meanwhile
	n.Add(decision(2, live.Failed, 5))
	n.Add(decision(3, live.Failed, 5))
	var seen View
	n.View(&seen)
	for at := range int64(1000) {
		n.Add(decision(4+at, live.DryRan, 4))
		n.Add(decision(4+at, live.Held, 5+int(at%200)))
	}
	if len(n.Done) != 3 || n.Done[0].At != 3 || n.Done[0].Times != 2 || n.Done[1].At != 1 || n.Done[2].At != 0 {
		t.Errorf("actions %+v", n.Done)
	}
	if len(n.Held) != MaxDecisions || n.Held[0].Outcome != live.Held || n.Held[1].Times != 1000 {
		t.Errorf("%d others, %+v", len(n.Held), n.Held[:2])
	}
	if len(seen.Done) != 3 || len(seen.Held) != 0 {
		t.Errorf("a view changed: %+v", seen)
	}
}

// TestHealth: alive while it ticks, ready with a model, not while it drains.
func TestHealth(t *testing.T) {
	var b Board
	now := time.Unix(100, 0)
	h := Health{&b, 10 * time.Second, func() time.Time { return now }}
	codes := func() (alive, ready int) {
		a, r := httptest.NewRecorder(), httptest.NewRecorder()
		h.Alive(a, nil)
		h.Ready(r, nil)
		return a.Code, r.Code
	}
	for _, tc := range []struct {
		v            View
		alive, ready int
	}{
		{View{}, 503, 503},
		{View{At: now.Add(-time.Second)}, 200, 503},
		{View{At: now, Ready: true}, 200, 200},
		{View{At: now, Ready: true, Draining: true}, 200, 503},
		{View{At: now.Add(-11 * time.Second), Ready: true}, 503, 200},
	} {
		b.Publish(tc.v)
		if a, r := codes(); a != tc.alive || r != tc.ready {
			t.Errorf("%+v: %d, %d, want %d, %d", tc.v, a, r, tc.alive, tc.ready)
		}
	}
}

// TestMetrics: each counter is under its name, and Prometheus' own linter has nothing
// to say.
func TestMetrics(t *testing.T) {
	var b Board
	b.Publish(View{Mode: "acting", Leading: true, Ready: true, Counters: live.Counters{Acted: 3, Held: 4}, Reloads: Reloads{Bad: 2}})
	m := NewMetrics(&b, func() otlp.Counters { return otlp.Counters{Sampled: 5, Full: 6} }, nil)
	m.Judged(&live.Span{Decision: trace.Decision{Score: .95}}, nil)
	m.Judged(&live.Span{Decision: trace.Decision{WarmUp: true}}, nil)
	m.Timed(otlp.Timing{Decode: time.Millisecond})
	want := `
# HELP scale_eval_acting 1: it acts and leads; 0: dry run or standby.
# TYPE scale_eval_acting gauge
scale_eval_acting 1
# HELP scale_eval_decisions_total Decisions, by outcome.
# TYPE scale_eval_decisions_total counter
scale_eval_decisions_total{outcome="acted"} 3
scale_eval_decisions_total{outcome="dry_run"} 0
scale_eval_decisions_total{outcome="failed"} 0
scale_eval_decisions_total{outcome="held"} 4
# HELP scale_eval_rule_reloads_total Changed rule files, by result.
# TYPE scale_eval_rule_reloads_total counter
scale_eval_rule_reloads_total{result="bad"} 2
scale_eval_rule_reloads_total{result="good"} 0
`
	if err := testutil.CollectAndCompare(m, strings.NewReader(want), "scale_eval_acting", "scale_eval_decisions_total", "scale_eval_rule_reloads_total"); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.CollectAndLint(m); err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
	if n := testutil.CollectAndCount(m, "scale_eval_score"); n != 1 {
		t.Error(n)
	}
}
