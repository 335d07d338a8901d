package eval

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// The twin breaks ties by drawing: it shuffles, sorts stably and counts, many times.
// Four standard errors of a mean of 4 000 recalls.
func TestRecallAtShareIsTheExpectation(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 0))
	for range 20 {
		n := 10 + rng.IntN(40)
		labels, score := make([]trace.Label, n), make([]float64, n)
		for i := range labels {
			labels[i], score[i] = trace.Normal, float64(rng.IntN(4))
			if rng.IntN(3) == 0 {
				labels[i] = trace.Anomalous
			}
		}
		labels[0] = trace.Anomalous
		keep := rng.IntN(n + 1)
		got := Rank(labels, score).RecallAtShare(float64(keep) / float64(n))
		const draws = 4000
		var sum, squares float64
		order := make([]int, n)
		for i := range order {
			order[i] = i
		}
		for range draws {
			rng.Shuffle(n, func(i, j int) { order[i], order[j] = order[j], order[i] })
			slices.SortStableFunc(order, func(a, b int) int { return int(score[b] - score[a]) })
			tp, p := 0., 0.
			for place, i := range order {
				if labels[i].Positive() {
					p++
					if place < keep {
						tp++
					}
				}
			}
			sum += tp / p
			squares += tp / p * tp / p
		}
		mean := sum / draws
		if se := math.Sqrt(max(0, squares/draws-mean*mean) / draws); math.Abs(got-mean) > 4*se+1e-9 {
			t.Errorf("keeping %d of %d: recall %v, by drawing %v +- %v", keep, n, got, mean, se)
		}
	}
	flat := Rank([]trace.Label{trace.Anomalous, trace.Normal, trace.Normal}, make([]float64, 3))
	if got := flat.RecallAtShare(.1); math.Abs(got-.1) > 1e-12 {
		t.Errorf("one score for all: recall %v at a share of .1", got)
	}
	if !math.IsNaN(Rank(nil, nil).RecallAtShare(.1)) {
		t.Error("recall without positives is undefined")
	}
}

func TestByTrace(t *testing.T) {
	nan := math.NaN()
	s := &Scores{
		Labels:  []trace.Label{trace.Normal, trace.Anomalous, trace.Propagated, trace.Guard, trace.Candidate, trace.Anomalous},
		Trace:   []uint32{0, 1, 0, 2, 1, 3},
		Columns: []ScoreColumn{{Score: []float64{-2, 3, 99, 7, 5, nan}}},
	}
	labels, score := s.ByTrace(0)
	if want := []trace.Label{trace.Normal, trace.Anomalous, trace.Unlabelled, trace.Anomalous}; !slices.Equal(labels, want) {
		t.Errorf("labels %v, want %v", labels, want)
	}
	if score[0] != -2 || score[1] != 5 || score[2] == score[2] || score[3] == score[3] {
		t.Errorf("scores %v, want -2, 5, NaN, NaN", score)
	}
}

// Ten traces, of which the two that score highest hold types 0 and 2 and calls 1, 2, 9.
func TestDiversity(t *testing.T) {
	s, c := &Scores{Columns: []ScoreColumn{{Name: "x"}}}, Cover{}
	for n := range uint32(10) {
		for j := range uint32(2) {
			s.Labels, s.Trace = append(s.Labels, trace.Guard), append(s.Trace, n)
			c.Calls = append(c.Calls, trace.Call(1+j))
			s.Columns[0].Score = append(s.Columns[0].Score, float64(n))
		}
		c.Types = append(c.Types, n%2)
	}
	c.Types[8], c.Calls[2*9] = 2, 9
	c.Types[9] = 0
	s.Columns[0].Score[0] = math.NaN() // a warming-up trace comes last
	s.Columns[0].Score[1] = math.NaN()
	got, err := Diversity(s, 0, c, []float64{0, .2, 1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	want := []Coverage{
		{Budget: 0, AllCalls: 3, AllTypes: 3},
		{Budget: .2, Traces: 2, Spans: 4, Calls: 3, Types: 2, AllCalls: 3, AllTypes: 3},
		{Budget: 1, Traces: 10, Spans: 20, Calls: 3, Types: 3, AllCalls: 3, AllTypes: 3},
	}
	if !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	// Equal scores: which are kept depends on the seed, how many does not. Trace 3 is
	// told by its third span.
	s.Labels, s.Trace, c.Calls = append(s.Labels, trace.Normal), append(s.Trace, 3), append(c.Calls, 1)
	s.Columns[0].Score = make([]float64, 21)
	spans := map[int64]int{}
	for seed := range uint64(200) {
		got, _ := Diversity(s, 0, c, []float64{.1}, seed)
		if got[0].Traces != 1 || got[0].Types != 1 {
			t.Fatalf("%+v, want one trace of one type", got[0])
		}
		spans[got[0].Spans]++
	}
	// Binomial: 20 of 200, four standard errors are 17.
	if spans[3] < 3 || spans[3] > 37 || spans[2]+spans[3] != 200 {
		t.Errorf("one trace of ten was kept %d times of 200", spans[3])
	}
	if _, err := Diversity(s, 0, c, []float64{2}, 1); err == nil {
		t.Error("budget 2: no error")
	}
	if _, err := Diversity(s, 0, Cover{}, []float64{.1}, 1); err == nil {
		t.Error("no calls: no error")
	}
}

// twoColumns has noisy views of one truth: the second by the factor as sharp.
func twoColumns(rng *rand.Rand, spans int, factor float64) *Scores {
	s := &Scores{Columns: []ScoreColumn{{Name: "a"}, {Name: "b"}}}
	for i := range spans {
		label, signal := trace.Normal, 0.
		if rng.IntN(10) == 0 {
			label, signal = trace.Anomalous, 1.5
		}
		s.Labels, s.Trace = append(s.Labels, label), append(s.Trace, uint32(i/3))
		for k, f := range []float64{1, factor} {
			c := &s.Columns[k]
			x := f*signal + rng.NormFloat64()
			c.Score, c.Keep = append(c.Score, x), append(c.Keep, x > 1.5)
		}
	}
	return s
}

// Columns that are equally good are a tie in 95 % of data sets, by the definition of
// the interval; of 120 at least 103, four standard errors less. Columns of which one
// is twice as sharp are not.
func TestCompareCallsTiesTies(t *testing.T) {
	const sets = 120
	ties := map[string]int{}
	for seed := range uint64(sets) {
		s := twoColumns(rand.New(rand.NewPCG(seed, 0)), 600, 1)
		d, err := Compare(s, 0, 1, SummaryOptions{Seed: seed, Replicates: 200, FPRs: []float64{.05}})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range d {
			if m.Tie {
				ties[m.Measure]++
			}
		}
	}
	// The best cut-off is chosen on the data, so its interval is not held to this.
	for _, m := range []string{"AP", "ROC AUC", "F1", "recall at FPR 5 %"} {
		if ties[m] < 103 {
			t.Errorf("%s: %d ties of %d", m, ties[m], sets)
		}
	}
	s := twoColumns(rand.New(rand.NewPCG(1, 1)), 3000, 2)
	d, err := Compare(s, 0, 1, SummaryOptions{Seed: 1})
	if err != nil || len(d) != 4+len(DefaultFPRs) {
		t.Fatalf("%d measures, %v", len(d), err)
	}
	for _, m := range d {
		if m.Tie != (m.Diff.Lo <= 0 && m.Diff.Hi >= 0) || m.Diff.Value != m.A-m.B {
			t.Errorf("%+v contradicts itself", m)
		}
		if (m.Measure == "AP" || m.Measure == "ROC AUC") && (m.Tie || m.Diff.Hi >= 0) {
			t.Errorf("%+v: b is twice as sharp", m)
		}
	}
}

func TestCompareEdges(t *testing.T) {
	s := twoColumns(rand.New(rand.NewPCG(2, 0)), 300, 1)
	d, err := Compare(s, 0, 0, SummaryOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range d {
		if !m.Tie || m.Diff.Value != 0 || m.Diff.Lo != 0 || m.Diff.Hi != 0 {
			t.Errorf("a column and itself: %+v", m)
		}
	}
	// Spans that one did not score count for neither: blanking b's blanks a's.
	blanked := twoColumns(rand.New(rand.NewPCG(2, 0)), 300, 1)
	for i := range 100 {
		blanked.Columns[1].Score[i] = math.NaN()
	}
	d, _ = Compare(blanked, 0, 1, SummaryOptions{Replicates: -1})
	if want := Rank(s.Labels[100:], s.Columns[0].Score[100:]).AP(); float64(d[0].A) != want || d[0].Tie {
		t.Errorf("AP %v tie %v, want %v of the spans that both scored, and no verdict without replicates", d[0].A, d[0].Tie, want)
	}
	s.Columns[1].Score = nil
	d, err = Compare(s, 0, 1, SummaryOptions{})
	if err != nil || len(d) != 1 || d[0].Measure != "F1" {
		t.Errorf("decisions only: %+v %v, want F1 alone", d, err)
	}
	s.Columns[1].Keep = s.Columns[1].Keep[:5]
	if _, err = Compare(s, 0, 1, SummaryOptions{}); err == nil {
		t.Error("5 decisions for 300 spans: no error")
	}
}
