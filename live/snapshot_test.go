package live

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// randomSpan is one of 12 calls, late or early by seconds, in traces of up to five
// spans that come in any order.
func randomSpan(rng *rand.Rand, now int64) *Span {
	s := &Span{SpanKind: SpanKind(rng.IntN(6)), Status: Status(rng.IntN(12) / 10)}
	s.TraceID = trace.TraceID{Hi: 1, Lo: uint64(now/second)*3 + rng.Uint64N(9)}
	s.ID, s.ParentID = trace.SpanID(rng.IntN(6)), trace.SpanID(rng.IntN(6))
	s.Service, s.Operation = string(rune('a'+rng.IntN(4))), fmt.Sprint("op", rng.IntN(3))
	s.Duration = int64(rng.ExpFloat64() * 1e6)
	s.Start = now - s.Duration + rng.Int64N(4*second) - 3*second
	if rng.IntN(3) == 0 {
		s.Attributes = []Attribute{{"peer.service", "db"}}
	}
	return s
}

// keepRandom decides by the span alone, so two pipelines see the same.
type keepRandom struct{}

func (keepRandom) Sample(s *trace.Span) trace.Decision {
	return trace.Decision{Score: .5, Keep: s.Duration%3 > 0}
}
func (keepRandom) Learn(*trace.Span) {}

// play is a pipeline with its own world.
type play struct {
	p     *Pipeline
	o     Options
	audit *bytes.Buffer
	out   bytes.Buffer // decisions
}

func newPlay(t testing.TB, set RuleSet) *play {
	w := &play{audit: &bytes.Buffer{}}
	w.o = Options{Rules: set, Sampler: keepRandom{}, Audit: w.audit,
		Orchestrator: NewLedger(nil, State{Replicas: 2, Resources: []ResourceState{{Resource: CPU, Request: 100, Limit: 200}}})}
	w.p = newTestPipeline(t, w.o)
	return w
}

func (w *play) span(s Span) error { _, err := w.p.Span(&s); return err }

func (w *play) tick(t testing.TB, now int64) {
	t.Helper()
	d, err := w.p.Tick(context.Background(), now)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	w.out.Write(append(b, '\n'))
}

func (w *play) snapshot(t testing.TB) []byte {
	t.Helper()
	b, err := w.p.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (w *play) restart(t *testing.T) {
	t.Helper()
	p, err := Restore(w.o, w.snapshot(t))
	if err != nil {
		t.Fatal(err)
	}
	w.p = p
}

// TestARestoredPipelineGoesOnAsIfNothingHadHappened: random spans and ticks, late,
// early, out of order and repeated ones included. The straight pipeline and one that
// is restored from a snapshot at random points refuse, decide and log the same, and
// end in the same state, to the byte.
func TestARestoredPipelineGoesOnAsIfNothingHadHappened(t *testing.T) {
	set := everyRule()
	set.Rules[0].Settle = 20 * time.Second
	set.Default = Guard{StabiliseUp: 5 * time.Second, CooldownDown: time.Minute, Limits: []RateLimit{{Direction: Up, Replicas: 4, Per: time.Minute}}}
	set.Settings.MaxBufferedSpans, set.Settings.MaxCalls = 60, 10
	acted, seeds := int64(0), uint64(4)
	if raceEnabled {
		seeds = 2
	}
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(seed, 44))
		straight, broken := newPlay(t, set), newPlay(t, set)
		now := int64(1e15)
		for range 2000 {
			if rng.IntN(25) == 0 {
				now += rng.Int64N(4 * second)
				straight.tick(t, now)
				broken.tick(t, now)
			}
			if rng.IntN(100) == 0 {
				broken.restart(t)
			}
			if rng.IntN(400) == 0 {
				u := Usage{At: now, CPU: rng.Float64()}
				straight.p.SetUsage("a", u)
				broken.p.SetUsage("a", u)
			}
			s := randomSpan(rng, now)
			if e1, e2 := straight.span(*s), broken.span(*s); e1 != e2 {
				t.Fatalf("seed %d: %v, restored %v", seed, e1, e2)
			}
		}
		straight.tick(t, now+second)
		broken.tick(t, now+second)
		if !bytes.Equal(straight.out.Bytes(), broken.out.Bytes()) || straight.audit.String() != broken.audit.String() {
			t.Fatalf("seed %d: the restored one decides or logs otherwise", seed)
		}
		if !bytes.Equal(straight.snapshot(t), broken.snapshot(t)) || straight.p.Counters() != broken.p.Counters() {
			t.Fatalf("seed %d: the restored one ends otherwise: %+v\n%+v", seed, straight.p.Counters(), broken.p.Counters())
		}
		c := straight.p.Counters()
		acted += c.Acted
		if c.TracesEvicted == 0 || c.Overflow == 0 || c.Refused.Duplicate == 0 || c.Breaches == 0 || c.Held == 0 {
			t.Errorf("seed %d: not everything happened: %+v", seed, c)
		}
	}
	if acted < 40 {
		t.Errorf("%d actions", acted)
	}
}

// TestASnapshotIsOfTheTimeWhenItBegan: spans, evictions and ticks come between its
// steps, and it restores the same pipeline as one that was written at once.
func TestASnapshotIsOfTheTimeWhenItBegan(t *testing.T) {
	set := everyRule()
	set.Rules[0].Settle = 20 * time.Second
	set.Settings.MaxBufferedSpans = 60
	var left, evicted int64
	for seed := range uint64(4) {
		rng := rand.New(rand.NewPCG(seed, 45))
		w := newPlay(t, set)
		now := int64(1e15)
		more := func() {
			if rng.IntN(20) == 0 {
				now += rng.Int64N(3 * second)
				w.tick(t, now)
			}
			_ = w.span(*randomSpan(rng, now)) // some are refused
		}
		for range 15 {
			for range rng.IntN(100) {
				more()
			}
			want := w.snapshot(t)
			before := w.p.Counters()
			var got bytes.Buffer
			s, err := w.p.BeginSnapshot(&got)
			if err != nil {
				t.Fatal(err)
			}
			for {
				done, err := s.Step(rng.IntN(12))
				if err != nil {
					t.Fatal(err)
				}
				if done {
					break
				}
				left++
				for range rng.IntN(12) {
					more()
				}
			}
			evicted += w.p.Counters().TracesEvicted - before.TracesEvicted
			if a, b := restored(t, w.o, want), restored(t, w.o, got.Bytes()); !bytes.Equal(a, b) {
				t.Fatalf("seed %d: another state, %d and %d bytes", seed, len(a), len(b))
			}
		}
	}
	if left < 100 || evicted < 20 {
		t.Errorf("%d steps had something left, %d traces were evicted between steps: too few to show anything", left, evicted)
	}
}

// restored is the snapshot of the pipeline that a snapshot restores.
func restored(t *testing.T, o Options, snapshot []byte) []byte {
	t.Helper()
	p, err := Restore(o, snapshot)
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// fullDisk fails after some bytes.
type fullDisk struct{ left int }

func (d *fullDisk) Write(b []byte) (int, error) {
	if d.left -= len(b); d.left < 0 {
		return 0, errors.New("no space left")
	}
	return len(b), nil
}

// TestASnapshotIsGivenUp: after an error of the writer, and when another one begins, the
// pipeline goes on and the next snapshot is whole.
func TestASnapshotIsGivenUp(t *testing.T) {
	w, good := someSnapshot(t, 400)
	for left := 0; left < len(good); left += 1 + len(good)/97 {
		if err := w.p.WriteSnapshot(&fullDisk{left}); err == nil || w.p.traces.saving != nil {
			t.Fatalf("%d bytes fit: %v", left, err)
		}
	}
	first, err := w.p.BeginSnapshot(&bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(w.snapshot(t), good) {
		t.Error("the next snapshot is another one")
	}
	if done, err := first.Step(1); done || !errors.Is(err, ErrSnapshot) {
		t.Errorf("the first one goes on: %v, %v", done, err)
	}
}

// someSnapshot is of a pipeline that holds something of everything.
func someSnapshot(t testing.TB, spans int) (*play, []byte) {
	w := newPlay(t, everyRule())
	rng := rand.New(rand.NewPCG(5, 5))
	now := int64(1e15)
	for i := range spans {
		if i%(spans/5) == 0 {
			now += 2 * second
			w.tick(t, now)
		}
		_ = w.span(*randomSpan(rng, now)) // some are refused
	}
	w.p.SetUsage("a", Usage{At: now, CPU: .5})
	return w, w.snapshot(t)
}

// TestRestoreRefusesDamage: a bit that fell over, another version, another file, a
// table of calls that is too small. Nothing is lost but the snapshot.
func TestRestoreRefusesDamage(t *testing.T) {
	w, good := someSnapshot(t, 400)
	flip := bytes.Clone(good)
	flip[len(flip)/2] ^= 4
	newer := bytes.Clone(good)
	newer[len(snapshotMagic)]++
	small := w.o
	small.Rules.Settings.MaxCalls = 3
	for name, c := range map[string]struct {
		b    []byte
		o    Options
		want string
	}{
		"a bit": {flip, w.o, "checksum"}, "half": {good[:len(good)/2], w.o, "checksum"}, "nothing": {nil, w.o, "0 bytes are too few"},
		"version": {newer, w.o, "version 5, this program reads version 4"}, "other": {bytes.Repeat([]byte("x"), 99), w.o, `starts with "xxxxxx"`},
		"max_calls": {good, small, "max_calls is less than the 12 calls"},
		"longer":    {sealed(append(bytes.Clone(good[snapshotHead:len(good)-snapshotSum]), 0)), w.o, "1 bytes too long"},
	} {
		if p, err := Restore(c.o, c.b); p != nil || !errors.Is(err, ErrSnapshot) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	small.Rules.Settings.MaxCalls = 0
	if _, err := Restore(small, good); err == nil || errors.Is(err, ErrSnapshot) {
		t.Errorf("settings out of range: %v", err)
	}
}

// sealed is a snapshot with this body.
func sealed(body []byte) []byte {
	b := append([]byte(snapshotMagic), byte(snapshotVersion), 0)
	b = append(b, body...)
	return binary.BigEndian.AppendUint64(b, xxhash.Sum64(b))
}

// TestWindowsGoToTheRulesThatWatchForTheSame: over a reload and over a restart, a
// rule that was renamed and answers otherwise goes on; one with another threshold
// starts empty; one that is gone is forgotten.
func TestWindowsGoToTheRulesThatWatchForTheSame(t *testing.T) {
	changed := everyRule()
	changed.Rules[0].Name, changed.Rules[0].Priority, changed.Rules[0].When.Times = "renamed", 9, 5
	changed.Rules[2].When.Latency *= 2
	changed.Rules = append(changed.Rules[:3], changed.Rules[4:]...)
	for _, how := range []string{"reload", "restart"} {
		w, state := someSnapshot(t, 400)
		before := map[string]int{}
		for _, r := range w.p.rules {
			before[r.key] = r.seen()
		}
		if how == "reload" {
			if err := w.p.SetRules(changed); err != nil {
				t.Fatal(err)
			}
		} else {
			o := w.o
			o.Rules = changed
			p, err := Restore(o, state)
			if err != nil {
				t.Fatal(err)
			}
			w.p = p
		}
		for _, r := range w.p.rules {
			was, fresh := before[r.key], r.spec.Name == "share"
			if fresh != (r.began > minTime) || !fresh && r.seen() != was {
				t.Errorf("%s: rule %s has %d breaches, was %d; it began at %d", how, r.spec.Name, r.seen(), was, r.began)
			}
		}
		w.tick(t, 1e15+60*second)
	}
}

// seen is how many breaches the rule's windows hold.
func (r *specRule) seen() (n int) {
	for _, g := range r.w.groups {
		n += int(g.reached(0, len(g.breaches.entries), len(r.w.levels))[r.level])
	}
	return n
}

// FuzzRestore: no bytes make Restore panic, nor a pipeline that it made; what it
// accepts can be written again.
func FuzzRestore(f *testing.F) {
	_, good := someSnapshot(f, 15)
	f.Add(good[snapshotHead : len(good)-snapshotSum])
	f.Add([]byte{2, 0})
	f.Fuzz(func(t *testing.T, body []byte) {
		w := newPlay(t, everyRule())
		p, err := Restore(w.o, sealed(body))
		if err != nil {
			if !errors.Is(err, ErrSnapshot) {
				t.Fatal(err)
			}
			return
		}
		now := min(max(p.now, -1<<60), 1<<60)
		for i := range int64(3) {
			s := randomSpan(rand.New(rand.NewPCG(1, uint64(i))), now)
			_, _ = p.Span(s)
			if _, err := p.Tick(context.Background(), now+i*20*second); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := p.Snapshot(); err != nil {
			t.Fatal(err)
		}
	})
}
