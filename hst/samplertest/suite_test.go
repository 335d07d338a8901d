package samplertest

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// honest keeps all the rules: its score is the duration over the mean so far.
type honest struct{ n, mean float64 }

func (h *honest) Learn(s *trace.Span) {
	h.n++
	h.mean += (float64(s.Duration) - h.mean) / h.n
}

func (h *honest) Sample(s *trace.Span) trace.Decision {
	if h.n == 0 {
		return trace.Decision{WarmUp: true}
	}
	score := float64(s.Duration) / max(math.Abs(h.mean), 1)
	return trace.Decision{Score: score, Keep: score > 5}
}

func (h *honest) Snapshot() ([]byte, error) {
	b := binary.BigEndian.AppendUint64(nil, math.Float64bits(h.n))
	return binary.BigEndian.AppendUint64(b, math.Float64bits(h.mean)), nil
}

func restoreHonest(b []byte) (trace.Sampler, error) {
	if len(b) != 16 {
		return nil, fmt.Errorf("%d bytes, want 16", len(b))
	}
	return &honest{
		n:    math.Float64frombits(binary.BigEndian.Uint64(b)),
		mean: math.Float64frombits(binary.BigEndian.Uint64(b[8:])),
	}, nil
}

func newHonest() trace.Sampler { return &honest{} }

func TestHonestSamplerPasses(t *testing.T) {
	Run(t, newHonest, Options{Restore: restoreHonest, DurationOnly: true, AllocFree: true})
}

// broken is honest but for one thing.
type broken struct {
	honest
	learn  func(b *broken, s *trace.Span)
	sample func(b *broken, s *trace.Span, d trace.Decision) trace.Decision
	kept   *trace.Span
	names  map[string]int
	count  int
}

func (b *broken) Learn(s *trace.Span) {
	b.honest.Learn(s)
	if b.learn != nil {
		b.learn(b, s)
	}
}

func (b *broken) Sample(s *trace.Span) trace.Decision {
	d := b.honest.Sample(s)
	if b.sample != nil {
		d = b.sample(b, s, d)
	}
	return d
}

// Each rule has a sampler that breaks it, and its check says so.
func TestBrokenSamplersAreFound(t *testing.T) {
	found, made := 0, 0
	stop := make(chan struct{})
	defer close(stop)
	type sampleFunc = func(*broken, *trace.Span, trace.Decision) trace.Decision
	type learnFunc = func(*broken, *trace.Span)
	for name, b := range map[string]struct {
		learn  learnFunc
		sample sampleFunc
	}{
		"same seed, same result": {learn: func(b *broken, _ *trace.Span) {
			if b.count++; b.count == 1 {
				made++
				b.mean += float64(made)
			}
		}},
		"span not modified": {sample: func(_ *broken, s *trace.Span, d trace.Decision) trace.Decision {
			s.Operation = "mine"
			return d
		}},
		"span not kept": {
			learn: func(b *broken, s *trace.Span) { b.kept = s },
			sample: func(b *broken, _ *trace.Span, d trace.Decision) trace.Decision {
				if b.kept != nil {
					d.Score += float64(b.kept.Duration)
				}
				return d
			},
		},
		"label not read": {sample: func(_ *broken, s *trace.Span, d trace.Decision) trace.Decision {
			d.Keep = s.Label.Positive()
			return d
		}},
		"Sample does not train": {sample: func(b *broken, s *trace.Span, d trace.Decision) trace.Decision {
			b.honest.Learn(s)
			return d
		}},
		"leaves its warm-up": {sample: func(*broken, *trace.Span, trace.Decision) trace.Decision {
			return trace.Decision{WarmUp: true}
		}},
		"first span": {sample: func(b *broken, _ *trace.Span, d trace.Decision) trace.Decision {
			return trace.Decision{Score: d.Score / b.n}
		}},
		"new calls": {sample: func(_ *broken, s *trace.Span, d trace.Decision) trace.Decision {
			if s.Call > 12 {
				d.Score = math.NaN()
			}
			return d
		}},
		"any duration": {sample: func(_ *broken, s *trace.Span, d trace.Decision) trace.Decision {
			d.Score = math.Log(float64(s.Duration))
			return d
		}},
		"learns any duration": {learn: func(b *broken, s *trace.Span) { b.mean += 0 * math.Log(float64(s.Duration)) }},
		"bounded memory": {learn: func(b *broken, s *trace.Span) {
			if b.names == nil {
				b.names = map[string]int{}
			}
			b.names[s.Operation]++
		}},
		"no goroutine left": {learn: func(*broken, *trace.Span) { go func() { <-stop }() }},
		"monotone in duration": {sample: func(_ *broken, s *trace.Span, d trace.Decision) trace.Decision {
			d.Score = float64(s.Duration % 1000)
			return d
		}},
		"Sample without allocation": {sample: func(b *broken, s *trace.Span, d trace.Decision) trace.Decision {
			b.kept = &trace.Span{Duration: s.Duration}
			return d
		}},
		"snapshot continues": {
			learn: func(b *broken, _ *trace.Span) { b.count++ },
			sample: func(b *broken, _ *trace.Span, d trace.Decision) trace.Decision {
				d.Score += float64(b.count) // not in the snapshot
				return d
			},
		},
	} {
		made = 0
		factory := func() trace.Sampler { return &broken{learn: b.learn, sample: b.sample} }
		err := checkNamed(t, name).run(factory, testOptions())
		if err == nil {
			t.Errorf("%s: the check finds nothing wrong with a sampler that breaks the rule", name)
		}
		t.Logf("%s: %v", name, err)
		found++
	}
	if found != len(checks) {
		t.Errorf("%d of %d checks have a sampler here that breaks their rule", found, len(checks))
	}
}

func testOptions() Options {
	o := Options{Restore: restoreHonest, Train: 300, MaxBytes: 16 << 20}
	return o.withDefaults()
}

func checkNamed(t *testing.T, name string) check {
	t.Helper()
	for _, c := range checks {
		if c.name == name {
			return c
		}
	}
	t.Fatalf("no check is named %q", name)
	return check{}
}

func TestWorkload(t *testing.T) {
	a, b, other := Workload(5000, 1), Workload(5000, 1), Workload(5000, 2)
	same, slow, calls := true, 0, map[trace.Call]bool{}
	for i := range a {
		if a[i] != b[i] {
			t.Fatalf("span %d: %+v and %+v with one seed", i, a[i], b[i])
		}
		same = same && a[i] == other[i]
		calls[a[i].Call] = true
		if a[i].Label.Positive() {
			slow++
		}
	}
	if same {
		t.Error("another seed gave the same spans")
	}
	// 2 % of 5 000 is 100, standard deviation 10.
	if len(calls) != 12 || slow < 60 || slow > 140 {
		t.Errorf("%d calls and %d anomalous spans, want 12 and about 100", len(calls), slow)
	}
}
