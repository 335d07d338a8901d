package inject

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

const ms = int64(time.Millisecond)

// numbered is a source of n spans: span i has ID i+1 and duration(i) ns.
func numbered(n int64, duration func(i int64) int64) trace.Source {
	return func(yield func(*trace.Span, error) bool) {
		var s trace.Span
		for i := range n {
			s = trace.Span{TraceID: trace.TraceID{Lo: 1}, ID: trace.SpanID(i + 1), Start: 1e18, Duration: duration(i)}
			if !yield(&s, nil) {
				return
			}
		}
	}
}

func constant(d int64) func(int64) int64 { return func(int64) int64 { return d } }

func collect(t *testing.T, src trace.Source) []trace.Span {
	t.Helper()
	var out []trace.Span
	for s, err := range src {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, *s)
	}
	return out
}

func mustPlan(t *testing.T, o Options, kept int64) Plan {
	t.Helper()
	p, err := o.Plan(kept)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPlanOfThePaper: the counts are those of the authors' published per-span
// results; the third is the arithmetic of Table II's GTrace column.
func TestPlanOfThePaper(t *testing.T) {
	paper := PaperOptions(1)
	earlier := paper
	earlier.Shock.Of = OfTrain
	for _, c := range []struct {
		name                string
		opt                 Options
		kept                int64
		train, test, shocks int64
	}{
		{"paper", paper, 77_210, 19_302, 57_908, 2_895},
		{"earlier run", earlier, 77_210, 19_302, 57_908, 965},
		{"GTrace", earlier, 6_508_916, 1_627_229, 4_881_687, 81_361},
		{"nothing", paper, 0, 0, 0, 0},
	} {
		p := mustPlan(t, c.opt, c.kept)
		if p.TrainSpans != c.train || p.TestSpans != c.test || p.Shocks != c.shocks {
			t.Errorf("%s: %d train, %d test, %d shocks, want %d, %d, %d", c.name, p.TrainSpans, p.TestSpans, p.Shocks, c.train, c.test, c.shocks)
		}
	}
}

// TestFloorIsDecimal: in float64, 0.29 x 100 is 28.999999999999996.
func TestFloorIsDecimal(t *testing.T) {
	for _, c := range []struct {
		f    float64
		n    int64
		want int64
	}{{0.29, 100, 29}, {0.57, 100, 57}, {0.05, 57_908, 2_895}, {1, math.MaxInt64, math.MaxInt64}, {0, 5, 0}, {5e-324, math.MaxInt64, 0}} {
		if got := floorOf(c.f, c.n); got != c.want {
			t.Errorf("floor(%v x %d) is %d, want %d", c.f, c.n, got, c.want)
		}
	}
}

// TestApply checks every promise of Apply on a source with the paper's options.
func TestApply(t *testing.T) {
	const n = 10_000
	duration := func(i int64) int64 { return (i%50 + 1) * ms }
	plan := mustPlan(t, PaperOptions(7), n)
	shocked, ids := int64(0), []trace.SpanID{}
	for i, s := range collect(t, TrackA(numbered(n, duration), plan)) {
		d := duration(int64(i))
		if s.ID != trace.SpanID(i+1) {
			t.Fatalf("span %d is %d: order lost", i, s.ID)
		}
		if s.Label != trace.Anomalous {
			if s.Label != trace.Normal || s.Kind != "" || s.Duration != d {
				t.Fatalf("span %d: %v %q %d ns, want normal and unchanged %d ns", i, s.Label, s.Kind, s.Duration, d)
			}
			continue
		}
		shocked++
		ids = append(ids, s.ID)
		f := float64(s.Duration) / float64(d+5*ms)
		if int64(i) < plan.TrainSpans || f < 8-1e-6 || f > 10+1e-6 || s.Kind != "shock (d+5ms)*U[8,10)" {
			t.Errorf("span %d: factor %v, kind %q", i, f, s.Kind)
		}
	}
	if shocked != 375 { // floor(0.05 x 7500)
		t.Errorf("%d shocks", shocked)
	}
	// A second walk, and one with other factors, shock the same rows.
	weak := plan
	weak.Shock.FactorLo, weak.Shock.FactorHi, weak.Shock.Bump = 1.5, 1.5, 0
	for _, p := range []Plan{plan, weak} {
		k := 0
		for s := range Apply(numbered(n, duration), p) {
			if s.Label == trace.Anomalous {
				if k >= len(ids) || ids[k] != s.ID {
					t.Fatalf("%s: shock %d at span %d, want %v", s.Kind, k, s.ID, ids[min(k, len(ids)-1)])
				}
				k++
			}
		}
	}
}

func TestOneFactor(t *testing.T) {
	opt := PaperOptions(3)
	opt.Shock.OneFactor = true
	factors := map[float64]int{}
	for _, s := range collect(t, TrackA(numbered(1000, constant(ms)), mustPlan(t, opt, 1000))) {
		if s.Label == trace.Anomalous {
			factors[float64(s.Duration)/float64(6*ms)]++
		}
	}
	if len(factors) != 1 {
		t.Errorf("factors %v, want one", factors)
	}
	opt.Shock.FactorLo, opt.Shock.FactorHi = 9.51292, 9.51292 // the authors' earlier run
	if k := opt.Shock.Kind(); k != "shock (d+5ms)*9.51292" {
		t.Error(k)
	}
	for _, s := range collect(t, TrackA(numbered(1000, constant(ms)), mustPlan(t, opt, 1000))) {
		if s.Label == trace.Anomalous && s.Duration != 57_077_520 { // 6 ms x 9.51292
			t.Errorf("duration %d", s.Duration)
		}
	}
}

// TestChoiceIsUniform: over 10 000 seeds each of the 10 subsets of 2 out of 5 test
// spans is chosen equally often. Chi-square, 9 degrees of freedom: 27.9 is the
// 0.999 quantile (any table).
func TestChoiceIsUniform(t *testing.T) {
	const seeds = 10_000
	counts := map[string]float64{}
	for seed := range uint64(seeds) {
		opt := Options{Train: 0.5, Shock: Shock{Fraction: 0.4, FactorLo: 2, FactorHi: 2}, Seed: seed}
		var subset []trace.SpanID
		for s := range Apply(numbered(10, constant(1)), mustPlan(t, opt, 10)) {
			if s.Label == trace.Anomalous {
				subset = append(subset, s.ID)
			}
		}
		counts[fmt.Sprint(subset)]++
	}
	chi := 0.0
	for _, c := range counts {
		chi += (c - seeds/10) * (c - seeds/10) / (seeds / 10)
	}
	if len(counts) != 10 || chi > 27.9 {
		t.Errorf("%d subsets, chi-square %.1f: %v", len(counts), chi, counts)
	}
}

func TestFilterIsStrict(t *testing.T) {
	src := numbered(4, func(i int64) int64 { return 9_999*ms + i*ms }) // 9 999 to 10 002 ms
	c, err := Count(src, 10_000*ms)
	if err != nil || c != (Counts{Kept: 1, Filtered: 3}) {
		t.Errorf("count %+v %v", c, err)
	}
	if got := collect(t, Filter(src, 10_000*ms)); len(got) != 1 || got[0].ID != 1 {
		t.Errorf("kept %v", got)
	}
	if got := collect(t, Filter(src, 0)); len(got) != 4 {
		t.Errorf("without a filter %d spans", len(got))
	}
}

func TestOptionErrors(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for field, change := range map[string]func(*Options){
		"MaxDuration is -1":    func(o *Options) { o.MaxDuration = -1 },
		"Train is NaN":         func(o *Options) { o.Train = nan },
		"Train is 1.5":         func(o *Options) { o.Train = 1.5 },
		"Shock.Fraction is -1": func(o *Options) { o.Shock.Fraction = -1 },
		"Shock.Fraction is N":  func(o *Options) { o.Shock.Fraction = nan },
		"Shock.Of is 9":        func(o *Options) { o.Shock.Of = 9 },
		"Shock.Bump is -5":     func(o *Options) { o.Shock.Bump = -5 },
		"Shock.FactorLo is 0":  func(o *Options) { o.Shock.FactorLo = 0 },
		"Shock.FactorLo is N":  func(o *Options) { o.Shock.FactorLo = nan },
		"Shock.FactorHi is 7":  func(o *Options) { o.Shock.FactorHi = 7 },
		"Shock.FactorHi is +":  func(o *Options) { o.Shock.FactorHi = inf },
		"Shock.FactorHi is Na": func(o *Options) { o.Shock.FactorHi = nan },
		"is 80 shocks, but there are only 20": func(o *Options) {
			o.Train, o.Shock.Fraction, o.Shock.Of = 0.8, 1, OfTrain
		},
	} {
		o := PaperOptions(1)
		change(&o)
		if _, err := o.Plan(100); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("want an error with %q, got %v", field, err)
		}
	}
	if _, err := PaperOptions(1).Plan(-1); err == nil {
		t.Error("-1 spans: no error")
	}
}

// TestStreamErrors: a plan made for another number of spans, a duration beyond
// int64, and an error of the source each end the stream once, with a message.
func TestStreamErrors(t *testing.T) {
	broken := errors.New("disk")
	plan := mustPlan(t, PaperOptions(1), 100)
	huge := plan
	huge.Shock.Bump = math.MaxInt64
	year2262 := plan
	year2262.Shock.FactorLo, year2262.Shock.FactorHi = 8e12, 8e12 // fits as a duration, not as an end
	for want, src := range map[string]trace.Source{
		"after 99 spans":                  Apply(numbered(99, constant(ms)), plan),
		"more than the 100":               Apply(numbered(101, constant(ms)), plan),
		"lower Shock.FactorHi":            Apply(numbered(100, constant(ms)), huge),
		"ends beyond 64-bit ns":           Apply(numbered(100, constant(ms)), year2262),
		"lower Shock.FactorHi or Shock.B": Apply(numbered(100, constant(math.MaxInt64-1)), plan),
		"disk": TrackA(func(yield func(*trace.Span, error) bool) {
			_ = yield(&trace.Span{}, nil) && yield(nil, broken)
		}, plan),
	} {
		var got []error
		for s, err := range src {
			if (s == nil) != (err != nil) {
				t.Errorf("%s: span %v with error %v", want, s, err)
			}
			if err != nil {
				got = append(got, err)
			}
		}
		if len(got) != 1 || !strings.Contains(got[0].Error(), want) {
			t.Errorf("want one error with %q, got %v", want, got)
		}
	}
}

// TestEarlyStop: a consumer may stop anywhere.
func TestEarlyStop(t *testing.T) {
	plan := mustPlan(t, PaperOptions(1), 100)
	for stop := range 100 {
		k := 0
		for range TrackA(numbered(100, constant(ms)), plan) {
			if k == stop {
				break
			}
			k++
		}
	}
}

// TestApplyLeavesTheSource: spans of a source that yields pointers into a slice
// stay as they are.
func TestApplyLeavesTheSource(t *testing.T) {
	spans := collect(t, numbered(100, constant(ms)))
	src := func(yield func(*trace.Span, error) bool) {
		for i := range spans {
			if !yield(&spans[i], nil) {
				return
			}
		}
	}
	collect(t, Apply(src, mustPlan(t, PaperOptions(1), 100)))
	for _, s := range spans {
		if s.Duration != ms || s.Label != trace.Unlabelled {
			t.Fatalf("modified: %+v", s)
		}
	}
}

// TestApplyMemory: the work of a walk does not allocate by the span.
func TestApplyMemory(t *testing.T) {
	allocs := func(n int64) float64 {
		plan := mustPlan(t, PaperOptions(1), n)
		return testing.AllocsPerRun(1, func() {
			for range TrackA(numbered(n, constant(ms)), plan) {
			}
		})
	}
	// Other goroutines of the test binary are counted too, so a handful more is
	// noise; one a span would be 100 000 more.
	if small, large := allocs(100), allocs(100_000); large > small+100 {
		t.Errorf("%v allocations for 100 spans, %v for 100 000", small, large)
	}
}

func BenchmarkTrackA(b *testing.B) {
	n := int64(1_000_000)
	plan, err := PaperOptions(1).Plan(n)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		for range TrackA(numbered(n, constant(ms)), plan) {
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/span")
}

// Entering the source anywhere gives what a walk from the beginning gives from there on.
func TestApplyFromAnywhere(t *testing.T) {
	for _, one := range []bool{false, true} {
		o := PaperOptions(7)
		o.Shock.OneFactor, o.Shock.Fraction = one, .3
		const n = 400
		plan := mustPlan(t, o, n)
		want := collect(t, Apply(numbered(n, constant(5e6)), plan))
		for _, from := range []int64{0, 1, 99, 100, 101, 250, n} {
			rest := func(yield func(*trace.Span, error) bool) {
				i := int64(0)
				for s, err := range numbered(n, constant(5e6)) {
					if i++; i > from && !yield(s, err) {
						return
					}
				}
			}
			if got := collect(t, ApplyFrom(rest, plan, from)); !slices.Equal(got, want[from:]) {
				t.Errorf("from span %d, one factor %v: other spans than from the beginning", from, one)
			}
		}
	}
}
