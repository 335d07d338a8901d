package tracesamplers

import (
	"context"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/eval"
)

// workload is seeded traces of two ordinary kinds, of 3 and 5 spans, log-normal in
// time. With rare > 0 every rare-th trace has a call path that no other has, labelled
// anomalous.
func workload(seed uint64, traces, rare int) []trace.Span {
	rng := rand.New(rand.NewPCG(seed, 0))
	var out []trace.Span
	for i := range traces {
		label, shape := trace.Normal, []trace.Call{1, 2, 3}
		if rng.IntN(3) == 0 {
			shape = []trace.Call{4, 2, 5, 5, 6}
		}
		if rare > 0 && i%rare == rare-1 {
			label, shape = trace.Anomalous, []trace.Call{1, 2, trace.Call(20 + rng.IntN(6)), 3}
		}
		id := trace.TraceID{Hi: seed, Lo: uint64(i + 1)}
		for j, call := range shape {
			s := trace.Span{TraceID: id, ID: trace.SpanID(len(out) + 1), Call: call, Label: label,
				Start: int64(i)*1e8 + int64(j)*1e6, Duration: int64(1e7 * math.Exp(.3*rng.NormFloat64()))}
			if j > 0 {
				s.ParentID = trace.SpanID(len(out) + 1 - min(j, 2))
			}
			out = append(out, s)
		}
	}
	return out
}

// makers of every sampler that learns.
var makers = map[string]func(seed uint64) Sampler{
	"sieve":     func(seed uint64) Sampler { return NewSieve(SieveOptions{Seed: seed, Trees: 10, TreeSize: 64}) },
	"tracemesh": func(seed uint64) Sampler { return NewTraceMesh(TraceMeshOptions{Seed: seed}) },
	"sifter":    func(seed uint64) Sampler { return NewSifter(SifterOptions{Seed: seed}) },
	"weighted":  func(seed uint64) Sampler { return NewWeighted(WeightedOptions{Seed: seed, Traces: 128}) },
}

func run(t *testing.T, spans []trace.Span, s Sampler) *Outcome {
	t.Helper()
	o, err := Run(context.Background(), source(spans), []Entrant{{"sampler", s}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// What all of them are for: a span of a rare structure scores above an ordinary one
// with a probability of at least .9, once the first 300 traces are over. For Weighted
// it is .7: the six rare kinds resemble one ordinary kind and share its branch.
func TestRareStructureScoresHigh(t *testing.T) {
	spans := workload(5, 1500, 40)
	atLeast := map[string]float64{"sieve": .9, "tracemesh": .9, "sifter": .9, "weighted": .7}
	for name, make := range makers {
		o := run(t, spans, make(1))
		score := o.Scores.Columns[0].Score
		for row, n := range o.Scores.Trace {
			if n < 300 {
				score[row] = math.NaN() // not ranked
			}
		}
		if auc := eval.Rank(o.Scores.Labels, score).AUC(); auc < atLeast[name] {
			t.Errorf("%s: AUC %v", name, auc)
		}
	}
}

func TestSamplersAreDeterministic(t *testing.T) {
	spans := workload(6, 500, 30)
	for name, make := range makers {
		a, b, c := run(t, spans, make(1)).Scores.Columns[0], run(t, spans, make(1)).Scores.Columns[0], run(t, spans, make(2)).Scores.Columns[0]
		for i := range a.Score {
			if math.Float64bits(a.Score[i]) != math.Float64bits(b.Score[i]) || a.Keep[i] != b.Keep[i] {
				t.Fatalf("%s: row %d: %v and %v with one seed", name, i, a.Score[i], b.Score[i])
			}
		}
		if slices.Equal(a.Keep, c.Keep) {
			t.Errorf("%s: another seed keeps the same", name)
		}
	}
}

// Structures and times at which arithmetic breaks first: Run would report a NaN.
func TestSamplersSurviveAnything(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 0))
	extremes := []int64{math.MinInt64, -1, 0, 1, 1 << 53, math.MaxInt64}
	for name, make := range makers {
		s := make(1)
		for range 400 {
			tr := randomTrace(rng, 1+rng.IntN(9), 5)
			for i := range tr.Spans {
				if rng.IntN(3) == 0 {
					tr.Spans[i].Duration, tr.Spans[i].Start = extremes[rng.IntN(6)], extremes[rng.IntN(6)]
				}
			}
			if d := s.Observe(tr); d.Score != d.Score && !d.WarmUp {
				t.Fatalf("%s: NaN for %+v", name, tr)
			}
		}
	}
}

// 5 000 traces of calls never seen before, in a call table without bound, leave at
// most 1 MiB; without its bound the model of Sifter alone would take 3.
func TestSamplersAreBounded(t *testing.T) {
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	small := map[string]Sampler{
		"sieve":     NewSieve(SieveOptions{Trees: 2, TreeSize: 32, MaxPaths: 20}),
		"tracemesh": NewTraceMesh(TraceMeshOptions{MaxClusters: 50}),
		"sifter":    NewSifter(SifterOptions{MaxCalls: 50}),
		"weighted":  NewWeighted(WeightedOptions{Traces: 32, MaxCalls: 20}),
	}
	for name, s := range small {
		before := heap()
		for i := range 5000 {
			c := trace.Call(3 * i)
			s.Observe(&Trace{Spans: []Span{{ID: 1, Call: c}, {ID: 2, Parent: 1, Call: c + 1, Duration: 1e6}, {ID: 3, Parent: 2, Call: c + 2}}})
		}
		if grown := heap() - before; grown > 1<<20 {
			t.Errorf("%s: %d KiB", name, grown>>10)
		}
		runtime.KeepAlive(s)
	}
}

func TestLatency(t *testing.T) {
	const ms = 1_000_000
	tr := &Trace{Spans: []Span{{Start: 10 * ms, Duration: 5 * ms}, {Start: 8 * ms, Duration: 1 * ms}, {Start: 9 * ms, Duration: 41*ms + 999_999}}}
	for _, c := range []struct {
		p    Latency
		want bool
	}{
		{Latency{ThresholdMS: 42}, true}, // 42.999999 ms
		{Latency{ThresholdMS: 43}, false},
		{Latency{ThresholdMS: 4, UpperMS: 100}, true},
		{Latency{ThresholdMS: 4, UpperMS: 5}, true},   // its first span alone lasts 5
		{Latency{ThresholdMS: 5, UpperMS: 7}, true},   // its first two 7
		{Latency{ThresholdMS: 7, UpperMS: 41}, false}, // and then 42
		{Latency{ThresholdMS: 42, UpperMS: 99}, false},
	} {
		if d := c.p.Observe(tr); d.Keep != c.want || d.Score != 42.999999 {
			t.Errorf("%+v: %+v, want keep %v and 42.999999 ms", c.p, d, c.want)
		}
	}
	far := &Trace{Spans: []Span{{Start: math.MinInt64, Duration: -5}, {Start: math.MaxInt64, Duration: 7}}}
	if d := (Latency{ThresholdMS: 1}).Observe(far); !d.Keep || d.Score != math.MaxInt64/1e6 {
		t.Errorf("%+v: want the longest duration there is", d)
	}
}

func TestOptionsOutOfRangePanic(t *testing.T) {
	for name, f := range map[string]func(){
		"sieve tree of one":   func() { NewSieve(SieveOptions{TreeSize: 1}) },
		"sieve window":        func() { NewSieve(SieveOptions{Window: 2}) },
		"tracemesh heavy":     func() { NewTraceMesh(TraceMeshOptions{Heavy: 1}) },
		"tracemesh lambda":    func() { NewTraceMesh(TraceMeshOptions{Lambda: math.NaN()}) },
		"sifter rate":         func() { NewSifter(SifterOptions{Rate: -1}) },
		"weighted one trace":  func() { NewWeighted(WeightedOptions{Traces: 1}) },
		"weighted budget > 1": func() { NewWeighted(WeightedOptions{Budget: 2}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

func BenchmarkObserve(b *testing.B) {
	rng := rand.New(rand.NewPCG(9, 0))
	traces := make([]*Trace, 2000)
	for i := range traces { // 60 call paths in traces of 10 spans
		traces[i] = &Trace{}
		for j := range 10 {
			s := Span{ID: trace.SpanID(j + 1), Call: trace.Call(6*j + rng.IntN(6)), Duration: rng.Int64N(1e7)}
			if j > 0 {
				s.Parent = 1
			}
			traces[i].Spans = append(traces[i].Spans, s)
		}
		traces[i].Spans[0].Call = 0
	}
	makers := map[string]func(uint64) Sampler{"sieve": func(uint64) Sampler { return NewSieve(SieveOptions{}) },
		"weighted":  func(uint64) Sampler { return NewWeighted(WeightedOptions{}) },
		"tracemesh": makers["tracemesh"], "sifter": makers["sifter"], "latency": func(uint64) Sampler { return Latency{} }}
	for _, name := range []string{"latency", "sieve", "sifter", "tracemesh", "weighted"} {
		b.Run(name, func(b *testing.B) {
			s := makers[name](1)
			for i := range b.N {
				s.Observe(traces[i%len(traces)])
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10, "ns/span")
		})
	}
}
