package hst

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/DmitriyVTitov/size"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// trained is a sampler that has seen spans of a table's calls, in traces.
func trained(t testing.TB, calls *trace.Calls, n int) (*Adaptive, []trace.Span) {
	t.Helper()
	cfg := DefaultAdaptiveConfig(NewSeed(3))
	cfg.Calls, cfg.InFlight, cfg.Window = calls, 64, 128
	a, err := NewAdaptive(cfg)
	if err != nil {
		t.Fatal(err)
	}
	spans := adaptiveSpans(n)
	for i := range spans {
		s := &spans[i]
		s.Operation = fmt.Sprint("op", s.Call)
		s.Call = calls.Of(s.Service, s.Operation)
	}
	for i := range spans[:n/2] {
		a.Sample(&spans[i])
		a.Learn(&spans[i])
	}
	return a, spans[n/2:]
}

// The second life has another table, in which the calls have other numbers.
func TestAdaptiveSnapshotKeepsNames(t *testing.T) {
	calls := trace.NewCalls(100, nil)
	a, rest := trained(t, calls, 20_000)
	a.Sample(&rest[0]) // between a Sample and its Learn
	state, err := a.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	other := trace.NewCalls(100, nil)
	for i := range 7 {
		other.Of("elsewhere", fmt.Sprint(i))
	}
	b, err := RestoreAdaptive(state, other, 1<<24)
	if err != nil {
		t.Fatal(err)
	}
	a.Learn(&rest[0])
	first := rest[0]
	first.Call = other.Of(first.Service, first.Operation)
	b.memo.call = first.Call // as a memo knows numbers only
	b.Learn(&first)
	for i := 1; i < len(rest); i++ {
		s := rest[i]
		want := a.Sample(&s)
		s.Call = other.Of(s.Service, s.Operation)
		if got := b.Sample(&s); got != want {
			t.Fatalf("span %d: %+v, want %+v", i, got, want)
		}
		b.Learn(&s)
		a.Learn(&rest[i])
	}
	if a.Learned() != b.Learned() || a.Threshold() != b.Threshold() {
		t.Errorf("learned %d and %d, thresholds %v and %v", a.Learned(), b.Learned(), a.Threshold(), b.Threshold())
	}
}

// A table with less room forgets calls, and nothing else.
func TestAdaptiveSnapshotIntoASmallerTable(t *testing.T) {
	a, rest := trained(t, trace.NewCalls(100, nil), 8000)
	state, _ := a.Snapshot()
	small := trace.NewCalls(10, nil)
	b, err := RestoreAdaptive(state, small, 1<<24)
	if err != nil {
		t.Fatal(err)
	}
	if small.Len() != 11 || len(b.calls) != 11 {
		t.Errorf("%d calls in the table, %d in the sampler, want 11", small.Len(), len(b.calls))
	}
	for _, s := range rest {
		s.Call = small.Of(s.Service, s.Operation)
		if d := b.Sample(&s); d.Score != d.Score {
			t.Fatalf("%+v: %+v", s, d)
		}
		b.Learn(&s)
	}
}

func TestRestoreAdaptiveRefuses(t *testing.T) {
	calls := trace.NewCalls(100, nil)
	a, _ := trained(t, calls, 8000)
	state, _ := a.Snapshot()
	flipped := bytes.Clone(state)
	flipped[len(flipped)/2] ^= 1
	older := bytes.Clone(state[:len(state)-32])
	older[len(adaptiveMagic)] = 1
	for name, c := range map[string]struct {
		state []byte
		calls *trace.Calls
		max   int64
		want  string
	}{
		"empty":     {nil, calls, 1 << 24, "too few"},
		"cut":       {state[:len(state)-1], calls, 1 << 24, "checksum"},
		"flipped":   {flipped, calls, 1 << 24, "checksum"},
		"older":     {seal(older), calls, 1 << 24, "version 1: this build reads version 3"},
		"no table":  {state, nil, 1 << 24, "table of calls"},
		"too large": {state, calls, 1000, "more than the 1000 allowed"},
		"a Line":    {a.score.line.Snapshot(), calls, 1 << 24, "something else"},
	} {
		b, err := RestoreAdaptive(c.state, c.calls, c.max)
		if err == nil || b != nil || !errors.Is(err, ErrSnapshot) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an ErrSnapshot with %q", name, err, c.want)
		}
	}
}

// FuzzRestoreAdaptive changes what the checksum would find and seals it again: no
// panic, and whatever is restored gives scores and can be written down again.
func FuzzRestoreAdaptive(f *testing.F) {
	calls := trace.NewCalls(100, nil)
	a, rest := trained(f, calls, 6000)
	state, _ := a.Snapshot()
	f.Add(10, byte(1))
	f.Add(len(state)/2, byte(0xff))
	f.Add(len(state)-200, byte(0x80))
	f.Fuzz(func(t *testing.T, at int, flip byte) {
		body := bytes.Clone(state[:len(state)-32])
		if at < 0 || at >= len(body) {
			return
		}
		body[at] ^= flip
		b, err := RestoreAdaptive(seal(body), calls, 1<<24)
		if err != nil {
			if !errors.Is(err, ErrSnapshot) {
				t.Fatal(err)
			}
			return
		}
		for i := range rest[:200] {
			if d := b.Sample(&rest[i]); d.Score != d.Score {
				t.Fatalf("byte %d: NaN", at)
			}
			b.Learn(&rest[i])
		}
		if _, err := b.Snapshot(); err != nil {
			t.Fatal(err)
		}
	})
}

// The sizes that bound a restored sampler are those of the structures.
func TestAdaptiveSizes(t *testing.T) {
	if got := int64(reflect.TypeFor[callModel]().Size()); got != callBytes {
		t.Errorf("a callModel takes %d bytes, callBytes is %d", got, callBytes)
	}
	if got := int64(reflect.TypeFor[delayed]().Size()); got != flightBytes {
		t.Errorf("a delayed takes %d bytes, flightBytes is %d", got, flightBytes)
	}
}

// What a call adds is a kilobyte; the rest does not grow with the calls, and a few
// calls share it: most is the table of parents in flight, 33 bytes a place.
func TestAdaptiveMemory(t *testing.T) {
	memory := func(calls int) int {
		a, err := NewAdaptive(DefaultAdaptiveConfig(NewSeed(1)))
		if err != nil {
			t.Fatal(err)
		}
		for i := range 20 * calls {
			call := i % calls
			a.Learn(&trace.Span{Call: trace.Call(call), Service: fmt.Sprint(call / 8), Start: int64(i) * 1e6, Duration: int64(1000 * (call + i%7))})
		}
		a.calls = slices.Clip(a.calls) // the spare room of append is not the model's
		return size.Of(a)
	}
	few, many := memory(128), memory(2048)
	each := (many - few) / (2048 - 128)
	fixed := few - 128*each
	t.Logf("%d bytes a call with its share of a service, and %d bytes whatever the calls", each, fixed)
	if each > 1000 || fixed > 700_000 || fixed < 33<<14 {
		t.Errorf("%d bytes a call and %d fixed; want at most 1000, and 541 kB in flight with at most 160 kB of trees", each, fixed)
	}
}
