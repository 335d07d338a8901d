package eval

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// source yields copies into one reused span, as real sources do, and scribbles over
// it afterwards.
func source(spans []trace.Span) trace.Source {
	return func(yield func(*trace.Span, error) bool) {
		var s trace.Span
		for _, s = range spans {
			if !yield(&s, nil) {
				return
			}
		}
		s = trace.Span{Kind: "scribbled"}
	}
}

// spansOf has one span a duration (ns), three to a trace, all normal.
func spansOf(durations ...int64) []trace.Span {
	out := make([]trace.Span, len(durations))
	for i, d := range durations {
		out[i] = trace.Span{TraceID: trace.TraceID{Lo: uint64(i/3 + 1)}, ID: trace.SpanID(i + 1),
			Start: int64(i) * 1e9, Duration: d, Label: trace.Normal}
	}
	return out
}

// scripted is a sampler whose score is the duration; it keeps from 10 on and writes
// down what it was asked.
type scripted struct {
	log     []string
	learned int
	ready   int // spans to learn before it is
	score   func(*trace.Span) float64
}

func (f *scripted) Learn(s *trace.Span) {
	f.learned++
	f.log = append(f.log, fmt.Sprintf("L%d", s.Duration))
}

func (f *scripted) Sample(s *trace.Span) trace.Decision {
	f.log = append(f.log, fmt.Sprintf("S%d", s.Duration))
	if f.learned < f.ready {
		return trace.Decision{WarmUp: true, Keep: true}
	}
	score := float64(s.Duration)
	if f.score != nil {
		score = f.score(s)
	}
	return trace.Decision{Score: score, Keep: score >= 10}
}

func entrant(s trace.Sampler, cut Cut) Entrant {
	return Entrant{Sampler: s, Name: "scripted", Cut: cut}
}

func runOrFail(t *testing.T, p Plan) *Outcome {
	t.Helper()
	o, err := Run(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestRunModes(t *testing.T) {
	for mode, want := range map[Mode]string{
		Frozen:         "L1 L2 S30 S4",
		LearnThenScore: "L1 L2 L30 S30 L4 S4",
		ScoreThenLearn: "L1 L2 S30 L30 S4 L4",
	} {
		f := &scripted{}
		runOrFail(t, Plan{Train: source(spansOf(1, 2)), Test: source(spansOf(30, 4)), Mode: mode, Entrants: []Entrant{entrant(f, Cut{})}})
		if got := strings.Join(f.log, " "); got != want {
			t.Errorf("%v: %s, want %s", mode, got, want)
		}
		if back, err := ParseMode(mode.String()); err != nil || back != mode {
			t.Errorf("ParseMode(%q) = %v, %v", mode, back, err)
		}
	}
	if _, err := ParseMode("backwards"); err == nil {
		t.Error("mode backwards: no error")
	}
}

func TestRunCounts(t *testing.T) {
	test := spansOf(1, 20, 3, 40, 5, 60, 7, 8)
	for i, l := range []trace.Label{trace.Normal, trace.Anomalous, trace.Candidate, trace.Propagated,
		trace.Guard, trace.Unlabelled, trace.Anomalous, trace.Normal} {
		test[i].Label = l
	}
	test[6].TraceID, test[7].TraceID = trace.TraceID{}, trace.TraceID{} // none: a trace each
	f := &scripted{ready: 3}
	o := runOrFail(t, Plan{Train: source(spansOf(1, 2)), Test: source(test), Mode: ScoreThenLearn, Entrants: []Entrant{entrant(f, Cut{})}})
	c := o.Counts
	if c.Train != 2 || c.Test != 8 || c.Scored != 5 || c.Positives != 2 || c.Negatives != 3 || c.Traces != 4 {
		t.Errorf("counts %+v", c)
	}
	want := map[string]int64{"normal": 2, "anomalous": 2, "candidate": 1, "propagated": 1, "guard": 1, "": 1}
	for l, n := range want {
		if c.ByLabel[l] != n {
			t.Errorf("%q: %d spans, want %d", l, c.ByLabel[l], n)
		}
	}
	if want := []uint32{0, 0, 0, 1, 1, 1, 2, 3}; !slices.Equal(o.Scores.Trace, want) {
		t.Errorf("trace numbers %v, want %v", o.Scores.Trace, want)
	}
	r, err := o.Result(SummaryOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// The first span is warm-up (2 of 3 learned) although the sampler wanted to keep
	// it; of the scored rest, 20 is kept.
	if got := r.Samplers[0]; got.WarmUp != 1 || got.Point.Confusion != (Confusion{TP: 1, FN: 1, TN: 2}) {
		t.Errorf("warm-up %d, confusion %+v", got.WarmUp, got.Point.Confusion)
	}
	if !slices.ContainsFunc(r.Warnings, func(w string) bool { return strings.Contains(w, "1 test spans of its warm-up") }) {
		t.Errorf("warnings %q do not speak of the warm-up", r.Warnings)
	}
}

func TestRunCuts(t *testing.T) {
	train := spansOf(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
	train[9].Label = trace.Anomalous // 10
	train[7].Label = trace.Anomalous // 8
	for _, c := range []struct {
		cut  Cut
		want float64
	}{
		{CutAt(3), 3},
		{CutShare(.2), 9},  // 9 and 10 are two of ten
		{CutShare(.29), 9}, // at most 29 % of ten spans is two
		{CutShare(0), math.Nextafter(10, 11)},
		{CutShare(1), 1},
		{CutFPR(.125), 9}, // one of the eight that are not positive
		{CutBestF1(), 8},  // keeps 8, 9, 10: F1 .8; from 10 on 2/3
		{Cut{}, math.NaN()},
	} {
		o := runOrFail(t, Plan{Train: source(train), Test: source(spansOf(2, 9, 50)), Entrants: []Entrant{entrant(&scripted{}, c.cut)}})
		near(t, c.cut.String(), o.Thresholds[0], c.want, 0)
		for i, x := range o.Scores.Columns[0].Score {
			want := x >= c.want
			if c.want != c.want {
				want = x >= 10
			}
			if o.Scores.Columns[0].Keep[i] != want {
				t.Errorf("%s: score %v kept: %v", c.cut, x, !want)
			}
		}
	}
}

func TestTopShareWithTies(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 5))
	for range 500 {
		n := 1 + rng.IntN(30)
		scores := make([]float64, n)
		for i := range scores {
			scores[i] = float64(rng.IntN(6))
		}
		share := float64(rng.IntN(11)) / 10
		got := TopShare(slices.Clone(scores), share)
		reach := func(x float64) (k int) {
			for _, s := range scores {
				if s >= x {
					k++
				}
			}
			return k
		}
		allowed := int(math.Floor(share*float64(n) + 1e-6))
		if reach(got) > allowed {
			t.Fatalf("%v: %d of %v reach %v, want at most %d", share, reach(got), scores, got, allowed)
		}
		for _, lower := range scores {
			if lower < got && reach(lower) <= allowed {
				t.Fatalf("%v of %v: %v would do, got %v", share, scores, lower, got)
			}
		}
	}
}

func TestRunMatchesFlagRate(t *testing.T) {
	durations := make([]int64, 500)
	for i := range durations {
		durations[i] = int64(i*7919%100) / 5 // 0..19; the sampler keeps from 10 on
	}
	reversed := &scripted{score: func(s *trace.Span) float64 { return -float64(s.ID) }}
	o := runOrFail(t, Plan{Test: source(spansOf(durations...)), Entrants: []Entrant{
		entrant(&scripted{}, Cut{}),
		{Sampler: reversed, Name: "reversed", Cut: CutFlagRate()},
	}})
	count := func(keep []bool) (n int) {
		for _, k := range keep {
			if k {
				n++
			}
		}
		return n
	}
	a, b := count(o.Scores.Columns[0].Keep), count(o.Scores.Columns[1].Keep)
	if a != 250 || b != a {
		t.Errorf("the sampler kept %d, the other %d, want 250 each", a, b)
	}
}

func TestRunRefuses(t *testing.T) {
	ok := func() trace.Source { return source(spansOf(1, 2, 3)) }
	broken := func(yield func(*trace.Span, error) bool) { yield(nil, errors.New("file gone")) }
	nan := &scripted{score: func(*trace.Span) float64 { return math.NaN() }}
	one := []Entrant{entrant(&scripted{}, Cut{})}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for name, c := range map[string]struct {
		ctx  context.Context
		p    Plan
		want string
	}{
		"no sampler":          {p: Plan{Test: ok()}, want: "no sampler"},
		"no test part":        {p: Plan{Entrants: one}, want: "no test part"},
		"same name":           {p: Plan{Test: ok(), Entrants: append(one, one...)}, want: "twice"},
		"nil sampler":         {p: Plan{Test: ok(), Entrants: []Entrant{{Name: "x"}}}, want: "nil"},
		"own flag rate":       {p: Plan{Test: ok(), Entrants: []Entrant{entrant(&scripted{}, CutFlagRate())}}, want: "flag rate"},
		"share 2":             {p: Plan{Test: ok(), Entrants: []Entrant{entrant(&scripted{}, CutShare(2))}}, want: "0..1"},
		"cut at NaN":          {p: Plan{Test: ok(), Entrants: []Entrant{entrant(&scripted{}, CutAt(math.NaN()))}}, want: "NaN"},
		"cut, no training":    {p: Plan{Test: ok(), Entrants: []Entrant{entrant(&scripted{}, CutShare(.1))}}, want: "hold the first spans"},
		"cut, empty training": {p: Plan{Train: source(nil), Test: ok(), Entrants: []Entrant{entrant(&scripted{}, CutFPR(.1))}}, want: "no training span"},
		"cut, no positives":   {p: Plan{Train: ok(), Test: ok(), Entrants: []Entrant{entrant(&scripted{}, CutBestF1())}}, want: "no positive"},
		"mode 9":              {p: Plan{Test: ok(), Entrants: one, Mode: 9}, want: "mode 9"},
		"two faults, a name":  {p: Plan{Test: ok(), Entrants: one, Faults: []FaultResult{{Name: "f"}, {Name: "f"}}}, want: "names"},
		"broken training":     {p: Plan{Train: broken, Test: ok(), Entrants: one}, want: "training part: after 0 spans: file gone"},
		"broken test":         {p: Plan{Test: broken, Entrants: one}, want: "test part: after 0 spans: file gone"},
		"NaN score":           {p: Plan{Test: ok(), Entrants: []Entrant{entrant(nan, Cut{})}}, want: "test span 1 is NaN"},
		"cancelled":           {ctx: cancelled, p: Plan{Test: ok(), Entrants: one}, want: "canceled"},
	} {
		ctx := c.ctx
		if ctx == nil {
			ctx = context.Background()
		}
		if _, err := Run(ctx, c.p); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that says %q", name, err, c.want)
		}
	}
}

// Cancelling in the middle stops an endless source.
func TestRunCancelledUnderWay(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	endless := func(yield func(*trace.Span, error) bool) {
		for yield(&trace.Span{Label: trace.Normal}, nil) {
		}
	}
	_, err := Run(ctx, Plan{Test: endless, Entrants: []Entrant{entrant(fixed{}, Cut{})}, Progress: func(int64) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

type fixed struct{}

func (fixed) Learn(*trace.Span)                 {}
func (fixed) Sample(*trace.Span) trace.Decision { return trace.Decision{} }

func BenchmarkRun(b *testing.B) {
	const n = 1_000_000
	spans := func(yield func(*trace.Span, error) bool) {
		s := trace.Span{Label: trace.Normal}
		for i := range n {
			s.TraceID = trace.TraceID{Hi: uint64(i / 12), Lo: 1}
			if !yield(&s, nil) {
				return
			}
		}
	}
	for _, entrants := range []int{1, 5} {
		b.Run(fmt.Sprintf("entrants=%d", entrants), func(b *testing.B) {
			p := Plan{Test: spans, TestSpans: n}
			for i := range entrants {
				p.Entrants = append(p.Entrants, Entrant{Sampler: fixed{}, Name: fmt.Sprint(i)})
			}
			for range b.N {
				if _, err := Run(context.Background(), p); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/span")
		})
	}
}

// One stream for both parts gives what two give.
func TestRunWhole(t *testing.T) {
	spans := spansOf(5, 40, 7, 30, 9, 50, 2, 60, 1)
	for i := range spans {
		if i%2 == 1 {
			spans[i].Label = trace.Anomalous
		}
	}
	for train := range len(spans) {
		for _, cut := range []Cut{{}, CutShare(.5)} {
			if train == 0 && cut.needsTraining() {
				continue
			}
			two, one := &scripted{}, &scripted{}
			p := Plan{Test: source(spans[train:]), Entrants: []Entrant{entrant(two, cut)}}
			if train > 0 {
				p.Train = source(spans[:train])
			}
			want := runOrFail(t, p)
			got := runOrFail(t, Plan{Whole: source(spans), TrainSpans: int64(train), Entrants: []Entrant{entrant(one, cut)}})
			if !slices.Equal(one.log, two.log) || fmt.Sprint(got.Scores, got.Counts, got.Thresholds) != fmt.Sprint(want.Scores, want.Counts, want.Thresholds) {
				t.Errorf("%d train, cut-off %v: %v %v, want %v %v", train, cut, got.Scores, got.Counts, want.Scores, want.Counts)
			}
		}
	}
	broken := errors.New("broken")
	src := func(yield func(*trace.Span, error) bool) {
		if yield(&spans[0], nil) {
			yield(nil, broken)
		}
	}
	if _, err := Run(context.Background(), Plan{Whole: src, TrainSpans: 5, Entrants: []Entrant{entrant(&scripted{}, Cut{})}}); !errors.Is(err, broken) {
		t.Errorf("a source that breaks while training: %v", err)
	}
}
