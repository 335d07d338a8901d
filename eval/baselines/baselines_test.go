package baselines

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/hst/samplertest"
)

func TestConformance(t *testing.T) {
	perCall := samplertest.Options{DurationOnly: true, AllocFree: true}
	for _, c := range []struct {
		name    string
		factory samplertest.Factory
		options samplertest.Options
	}{
		{"random", func() trace.Sampler { return NewRandom(.02, 7) }, samplertest.Options{AllocFree: true, SampleAdvances: true}},
		{"static", func() trace.Sampler { return Static{ThresholdMS: 40} }, perCall},
		{"ratio", func() trace.Sampler { return NewRatio(3) }, perCall},
		{"quantile", func() trace.Sampler { return NewQuantile(.99) }, perCall},
	} {
		t.Run(c.name, func(t *testing.T) { samplertest.Run(t, c.factory, c.options) })
	}
}

// The count of kept spans is binomial: 2 % of 50 000, within four standard errors.
func TestRandomRate(t *testing.T) {
	const n, rate = 50_000, .02
	r := NewRandom(rate, 1)
	kept := 0
	for range n {
		if r.Sample(nil).Keep {
			kept++
		}
	}
	if math.Abs(float64(kept)-n*rate) > 4*math.Sqrt(n*rate*(1-rate)) {
		t.Errorf("kept %d of %d at a rate of %v", kept, n, rate)
	}
	if NewRandom(0, 1).Sample(nil).Keep || !NewRandom(1, 1).Sample(nil).Keep {
		t.Error("rate 0 keeps or rate 1 drops")
	}
}

func TestStaticUnit(t *testing.T) {
	b := Static{ThresholdMS: 40}
	d := b.Sample(&trace.Span{Duration: 40_000_000})
	if d.Score != 40 || !d.Keep || b.Sample(&trace.Span{Duration: 39_999_999}).Keep {
		t.Errorf("40 ms: %+v, want score 40 and kept, and a ns less not", d)
	}
}

func train(s trace.Sampler, call trace.Call, durations ...int64) {
	for _, d := range durations {
		s.Learn(&trace.Span{Call: call, Duration: d})
	}
}

func score(s trace.Sampler, call trace.Call, ns int64) float64 {
	return s.Sample(&trace.Span{Call: call, Duration: ns}).Score
}

func TestRatio(t *testing.T) {
	b := NewRatio(3)
	train(b, 1, 1e6, 2e6, 3e6)
	train(b, 2, 1e9, 1e9, 1e9, 1e9)
	for _, c := range []struct {
		call trace.Call
		ns   int64
		want float64
	}{
		{1, 6e6, 3},
		{2, 5e8, .5},
		{9, 1e9, 1},     // never learned: the median of all seven is 1 s
		{5000, 2e9, 2},  // nor is a call beyond the table
		{1, -6e6, -3},   // nonsense stays in order
		{1, 0, 0},       //
		{2, 4e18, 4e18}, // see below
	} {
		want := c.want
		if c.ns == 4e18 {
			want = 4e9
		}
		if got := score(b, c.call, c.ns); math.Abs(got-want) > .032*math.Abs(want) {
			t.Errorf("call %d, %d ns: score %v, want %v to a bucket's width", c.call, c.ns, got, want)
		}
	}
	if d := NewRatio(3).Sample(&trace.Span{}); !d.WarmUp {
		t.Errorf("before the first span: %+v, want warm-up", d)
	}
}

// By the definition: of n = 999 durations 1..999 µs, k µs has rank about k-1, so one
// in 1000/(1001-k) lasts as long; beyond 999 µs the Pareto tail of index 1.
func TestQuantile(t *testing.T) {
	b := NewQuantile(.99)
	for k := range int64(999) {
		train(b, 1, 1000*(k+1))
	}
	for _, c := range []struct {
		ns   int64
		want float64
	}{
		{500_000, 2}, {900_000, 10}, {2 * 999_000, 2000}, {100 * 999_000, 100_000},
	} {
		// A bucket is up to 3.1 % of the duration wide; at rank .9 that is 28 ranks.
		if got := score(b, 1, c.ns); math.Abs(got-c.want) > .1*c.want {
			t.Errorf("%d ns: one in %v, want one in %v", c.ns, got, c.want)
		}
	}
	if got := b.Threshold; math.Abs(got-100) > 1e-9 {
		t.Errorf("the threshold of p99 is one in %v, want 100", got)
	}
	// Few spans: exceeding the longest of 3 tenfold is 1 in 40, of 999 1 in 10 000.
	train(b, 2, 1000, 1000, 1000)
	if few, many := score(b, 2, 10_000), score(b, 1, 9_990_000); few != 40 || many != 10_000 {
		t.Errorf("tenfold the longest: one in %v of 3 and %v of 999, want 40 and 10 000", few, many)
	}
}

// The histogram against the sorted list, at any insertion order.
func TestHistogramEqualsSortedList(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	for range 100 {
		var h histogram
		var all []int64
		for range 1 + rng.IntN(300) {
			ns := int64(math.Exp(rng.Float64() * 40))
			h.add(ns)
			all = append(all, ns)
			if rng.IntN(20) == 0 {
				h.refresh() // queries in between must not matter
			}
		}
		slices.Sort(all)
		if lo, hi := float64(all[(len(all)-1)/2]), float64(all[len(all)/2]); h.median() < lo*.969 || h.median() > max(hi*1.032, hi+1) {
			t.Fatalf("median %v, want %v..%v to a bucket's width", h.median(), lo, hi)
		}
		for range 20 {
			ns := int64(math.Exp(rng.Float64() * 43))
			checkRank(t, &h, all, ns)
		}
	}
}

// checkRank: at least those that are a bucket shorter are below, and none that is a
// bucket longer.
func checkRank(t *testing.T, h *histogram, sorted []int64, ns int64) {
	t.Helper()
	low, high := bounds(bucketOf(ns))
	if float64(ns) < low || float64(ns) >= high && ns < 1<<53 || high-low > max(1, low/32) {
		t.Fatalf("%d ns is in a bucket %v..%v", ns, low, high)
	}
	var least, most float64
	for _, x := range sorted {
		if float64(x) < low {
			least++
		}
		if float64(x) < high {
			most++
		}
	}
	if got := h.rank(ns); got < least || got > most {
		t.Fatalf("rank of %d is %v, want %v..%v", ns, got, least, most)
	}
}

func BenchmarkSample(b *testing.B) {
	spans := samplertest.Workload(4096, 1)
	for _, c := range []struct {
		name    string
		sampler trace.Sampler
	}{
		{"random", NewRandom(.02, 1)}, {"static", Static{40}}, {"ratio", NewRatio(3)}, {"quantile", NewQuantile(.99)},
	} {
		for i := range spans {
			c.sampler.Learn(&spans[i])
		}
		b.Run(c.name+"/sample", func(b *testing.B) {
			for i := range b.N {
				c.sampler.Sample(&spans[i%len(spans)])
			}
		})
		b.Run(c.name+"/sample+learn", func(b *testing.B) {
			for i := range b.N {
				c.sampler.Sample(&spans[i%len(spans)])
				c.sampler.Learn(&spans[i%len(spans)])
			}
		})
	}
}
