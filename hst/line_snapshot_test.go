package hst

import (
	"bytes"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

func snapshotLine(t testing.TB) *Line {
	l, err := NewLine(Config{Trees: 3, Height: 4, Window: 5, Seed: NewSeed(1)}, "x")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 13 {
		l.Learn(float64(i) / 13)
	}
	return l
}

func TestRestoreLineRefuses(t *testing.T) {
	good := snapshotLine(t).Snapshot()
	body := good[: len(good)-32 : len(good)-32]
	change := func(at int, b byte) []byte {
		c := bytes.Clone(body)
		c[at] = b
		return seal(c)
	}
	forest, err := NewForest(DefaultConfig(NewSeed(1)), []string{"x"})
	if err != nil {
		t.Fatal(err)
	}
	for want, snapshot := range map[string][]byte{
		"cut short?":              good[:20],
		"checksum":                good[:len(good)-1],
		"version 9":               change(4, 9),
		"of something else":       forest.Snapshot(),
		"Trees is 0":              change(7, 0),
		"not a number":            seal(changed(t, func(l *Line) { l.last[0] = keyAbove })),
		"ends within":             seal(bytes.Clone(body[:len(body)-40])),
		"1 bytes too long":        seal(append(bytes.Clone(body), 0)),
		"window of 5 that is not": seal(changed(t, func(l *Line) { l.filling = append(l.filling, l.last[:2]...) })),
	} {
		l, err := RestoreLine(snapshot, 1<<20)
		if l != nil || !errors.Is(err, ErrSnapshot) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want an error with %q", err, want)
		}
	}
	if _, err := RestoreLine(good, 100); err == nil || !strings.Contains(err.Error(), "100 allowed") {
		t.Errorf("a limit of 100 bytes: %v", err)
	}
}

// changed is the body of a snapshot of a Line in a state that it cannot be in.
func changed(t testing.TB, change func(l *Line)) []byte {
	l := snapshotLine(t)
	change(l)
	s := l.Snapshot()
	return s[:len(s)-32]
}

// FuzzRestoreLine gives arbitrary bodies a valid checksum, so that what lies behind
// it is reached. What restores must survive a round trip and go on the same.
func FuzzRestoreLine(f *testing.F) {
	s := snapshotLine(f).Snapshot()
	f.Add(s[:len(s)-32], true)
	f.Add(s, false)
	f.Add(changed(f, func(l *Line) { l.windows = -1 }), true)
	f.Fuzz(func(t *testing.T, data []byte, fix bool) {
		if fix {
			data = seal(bytes.Clone(data))
		}
		const maxBytes = 1 << 16
		l, err := RestoreLine(data, maxBytes)
		if err != nil {
			if l != nil || !errors.Is(err, ErrSnapshot) {
				t.Fatalf("error %v with a model", err)
			}
			return
		}
		again, err := RestoreLine(l.Snapshot(), maxBytes)
		if err != nil {
			t.Fatalf("its own snapshot: %v", err)
		}
		for i := range 10 {
			x := float64(i) / 10
			l.Learn(x)
			again.Learn(x)
			if a, b := l.Score(x), again.Score(x); a != b || a < 0 || a > 1 {
				t.Fatalf("scores %v and, after a round trip, %v", a, b)
			}
		}
	})
}

// FuzzRestoreSampler is FuzzRestoreLine for samplers.
func FuzzRestoreSampler(f *testing.F) {
	for _, encoding := range []Encoding{EncodingPaper, EncodingFixed} {
		s, err := NewSampler(SamplerConfig{NTree: 2, Height: 3, WindowSize: 4, MaxDuration: 10, Encoding: encoding})
		if err != nil {
			f.Fatal(err)
		}
		for i := range 7 {
			s.learn(trace.Call(i%2), float64(i))
		}
		b, _ := s.Snapshot()
		f.Add(b[:len(b)-32], true)
		f.Add(b, false)
	}
	f.Fuzz(func(t *testing.T, data []byte, fix bool) {
		if fix {
			data = seal(bytes.Clone(data))
		}
		s, err := RestoreSampler(data, trace.NewCalls(10, nil), 1<<16)
		if err != nil {
			if s != nil || !errors.Is(err, ErrSnapshot) {
				t.Fatalf("error %v with a sampler", err)
			}
			return
		}
		if err := s.Config().Validate(); err != nil {
			t.Fatal(err)
		}
		if again, _ := s.Snapshot(); !bytes.Equal(again, data) && !fix {
			t.Fatal("a second snapshot differs")
		}
		s.Learn(&trace.Span{Duration: 1e6})
		if d := s.Sample(&trace.Span{Duration: 1e6}); !(d.Score >= 0 && d.Score <= 1) {
			t.Fatalf("decision %+v", d)
		}
	})
}

// Derived lines are what NewLine makes of their configuration.
func TestLineDerive(t *testing.T) {
	cfg := Config{Trees: 7, Height: 5, Window: 40, Seed: NewSeed(3)}
	l, err := NewLine(cfg, "x")
	if err != nil {
		t.Fatal(err)
	}
	l.Learn(0.5)
	cfg.Trees, cfg.Window = 4, 11
	derived, err := l.Derive(4, 11)
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := NewLine(cfg, "x")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		x := math.Mod(float64(i)*0.618, 1)
		derived.Learn(x)
		fresh.Learn(x)
		if a, b := derived.Score(x), fresh.Score(x); a != b {
			t.Fatalf("observation %d: %v, NewLine has %v", i, a, b)
		}
	}
	if !bytes.Equal(derived.Snapshot(), fresh.Snapshot()) {
		t.Error("snapshots differ")
	}
	for _, bad := range [][2]int{{0, 5}, {8, 5}, {3, 0}} {
		if _, err := l.Derive(bad[0], bad[1]); err == nil {
			t.Errorf("Derive%v: want an error", bad)
		}
	}
}

// MemoryBytes is what the heap says, for the forest whose memory the documentation
// states.
func TestLineMemory(t *testing.T) {
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	xs := logNormal(2000)
	before := heap()
	l := benchLine(t, 25, 15, 250)
	for _, x := range xs {
		l.Learn(x)
	}
	got, want := heap()-before, l.MemoryBytes()
	t.Logf("25 trees of height 15: heap %d bytes, MemoryBytes %d", got, want)
	if math.Abs(float64(got-want)) > 0.1*float64(want) {
		t.Errorf("heap grew by %d bytes, MemoryBytes is %d", got, want)
	}
	runtime.KeepAlive(l)
}
