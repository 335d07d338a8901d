package eval

import (
	"bytes"
	"compress/bzip2"
	"encoding/csv"
	"encoding/json"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

func realData(t *testing.T, name string) *os.File {
	t.Helper()
	dir := os.Getenv("SCALE_EVAL_DATA")
	if dir == "" {
		t.Skip("set SCALE_EVAL_DATA to the folder of the data sets to run this test")
	}
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// The SCALE authors published score, decision and label of every test span of one
// of their runs; the counts are those of their columns (anomaly, shocked).
func TestSummarisePublishedRun(t *testing.T) {
	f := realData(t, "results_spans_tracemesh_style_11_11_20241116-205538.csv.bz2")
	in := csv.NewReader(bzip2.NewReader(f))
	in.ReuseRecord = true
	s := &Scores{Columns: []ScoreColumn{{Name: "published"}}}
	col := &s.Columns[0]
	header, err := in.Read()
	if want := "index,operation,duration,score,anomaly,shocked,record"; err != nil || strings.Join(header, ",") != want {
		t.Fatalf("header %q (%v), want %s", header, err, want)
	}
	for {
		row, err := in.Read()
		if err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		score, err := strconv.ParseFloat(row[3], 64)
		if err != nil {
			t.Fatal(err)
		}
		label := trace.Normal
		if row[5] == "True" {
			label = trace.Anomalous
		}
		s.Labels, col.Score, col.Keep = append(s.Labels, label), append(col.Score, score), append(col.Keep, row[4] == "True")
	}
	got, err := Summarise(s, 0, SummaryOptions{Seed: 1, Replicates: 50})
	if err != nil {
		t.Fatal(err)
	}
	if want := (Confusion{TP: 965, FP: 1127, FN: 0, TN: 55816}); got.Point.Confusion != want {
		t.Errorf("confusion %+v, want %+v", got.Point.Confusion, want)
	}
	t.Logf("threshold %v, F1 %+v, AP %+v, AUC %+v, best %+v", got.Point.Threshold,
		got.Point.Metrics.F1, got.AP, got.ROCAUC, got.Best.Confusion)
}

func summariseOrFail(t *testing.T, s *Scores, o SummaryOptions) SamplerResult {
	t.Helper()
	r, err := Summarise(s, 0, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSummariseDecisionsOnly(t *testing.T) {
	s := &Scores{
		Labels:  []trace.Label{trace.Anomalous, trace.Anomalous, trace.Normal, trace.Guard},
		Columns: []ScoreColumn{{Name: "yes or no", Keep: []bool{true, false, false, true}}},
	}
	r := summariseOrFail(t, s, SummaryOptions{})
	if want := (Confusion{TP: 1, FN: 1, TN: 1}); r.Point.Confusion != want {
		t.Errorf("confusion %+v, want %+v", r.Point.Confusion, want)
	}
	if r.AP.Value == r.AP.Value || r.Curve != nil || r.Best.Threshold == r.Best.Threshold {
		t.Errorf("measures of a score that does not exist: %+v", r)
	}
}

func TestSummariseScoresOnly(t *testing.T) {
	s := &Scores{
		Labels:  []trace.Label{trace.Anomalous, trace.Anomalous, trace.Normal, trace.Normal},
		Columns: []ScoreColumn{{Name: "scores", Score: []float64{4, 2, 3, math.NaN()}}},
	}
	r := summariseOrFail(t, s, SummaryOptions{})
	if p := r.Point.Metrics.Precision.Value; p == p || r.Point.Confusion.Total() != 0 {
		t.Errorf("an operating point without decisions: %+v", r.Point)
	}
	// By hand: keep all three, TP 2, FP 1: F1 .8; keep one: F1 2/3.
	if want := (Confusion{TP: 2, FP: 1}); r.Best.Confusion != want || r.Best.Threshold != 2 {
		t.Errorf("best %+v, want %+v at 2", r.Best, want)
	}
	if r.WarmUp != 1 {
		t.Errorf("warm-up %d, want 1", r.WarmUp)
	}
	three := 3.0
	r = summariseOrFail(t, s, SummaryOptions{Threshold: &three})
	if want := (Confusion{TP: 1, FP: 1, FN: 1}); r.Point.Confusion != want || r.Point.Threshold != 3 {
		t.Errorf("at 3: %+v, want %+v", r.Point, want)
	}
}

func TestSummariseThresholdOfDecisions(t *testing.T) {
	s := &Scores{
		Labels:  []trace.Label{trace.Anomalous, trace.Normal, trace.Normal},
		Columns: []ScoreColumn{{Name: "s", Score: []float64{5, 5, 1}, Keep: []bool{true, true, false}}},
	}
	if r := summariseOrFail(t, s, SummaryOptions{}); r.Point.Threshold != 5 {
		t.Errorf("threshold %v, want the lowest kept score, 5", r.Point.Threshold)
	}
	s.Columns[0].Keep[1] = false // a tie with different decisions: no cut-off does that
	if r := summariseOrFail(t, s, SummaryOptions{}); r.Point.Threshold == r.Point.Threshold {
		t.Errorf("threshold %v, want NaN", r.Point.Threshold)
	}
}

// Recall 1 and FPR 0 have no spread in any resample; they still are uncertain.
func TestSummariseDegenerateRates(t *testing.T) {
	s := &Scores{
		Labels:  []trace.Label{trace.Anomalous, trace.Anomalous, trace.Anomalous, trace.Normal, trace.Normal},
		Trace:   []uint32{0, 0, 1, 1, 2},
		Columns: []ScoreColumn{{Name: "perfect", Score: []float64{9, 8, 7, 1, 2}, Keep: []bool{true, true, true, false, false}}},
	}
	m := summariseOrFail(t, s, SummaryOptions{}).Point.Metrics
	// Positives lie in 2 traces, so recall is as uncertain as 2 of 2.
	want := Wilson(2, 2)
	want.Method = methodWilsonTrace
	if m.Recall != want {
		t.Errorf("recall %+v, want %+v", m.Recall, want)
	}
	if m.F1.Value != 1 || m.F1.Lo == m.F1.Lo {
		t.Errorf("F1 %+v, want 1 without an interval", m.F1)
	}
}

func TestSummariseRefuses(t *testing.T) {
	two, nan, one := []trace.Label{trace.Normal, trace.Normal}, math.NaN(), 1.0
	for name, c := range map[string]struct {
		s Scores
		o SummaryOptions
	}{
		"2 labels, 1 score":    {s: Scores{Labels: two, Columns: []ScoreColumn{{Score: []float64{1}}}}},
		"2 labels, 1 decision": {s: Scores{Labels: two, Columns: []ScoreColumn{{Keep: []bool{true}}}}},
		"2 labels, 1 trace":    {s: Scores{Labels: two, Trace: []uint32{0}, Columns: []ScoreColumn{{Keep: []bool{true, true}}}}},
		"an empty column":      {s: Scores{Labels: two, Columns: []ScoreColumn{{}}}},
		"threshold, no score":  {Scores{Labels: two, Columns: []ScoreColumn{{Keep: []bool{true, true}}}}, SummaryOptions{Threshold: &one}},
		"NaN threshold":        {Scores{Labels: two, Columns: []ScoreColumn{{Score: []float64{1, 2}}}}, SummaryOptions{Threshold: &nan}},
		"FPR 2":                {Scores{Labels: two, Columns: []ScoreColumn{{Score: []float64{1, 2}}}}, SummaryOptions{FPRs: []float64{2}}},
	} {
		if _, err := Summarise(&c.s, 0, c.o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// The JSON of two runs over the same scores is the same, byte for byte, and holds
// no NaN; the operating point and the best point are on the curve.
func TestSummariseDeterministic(t *testing.T) {
	for name, kind := range scoreKinds {
		s := randomScores(rand.New(rand.NewPCG(2, 3)), kind, 3000)
		zero := 0.0
		o := SummaryOptions{Seed: 42, CurvePoints: 50, Threshold: &zero}
		r := summariseOrFail(t, s, o)
		a, err := json.Marshal(r)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		b, _ := json.Marshal(summariseOrFail(t, s, o))
		if !bytes.Equal(a, b) {
			t.Errorf("%s: two summaries differ", name)
		}
		for _, c := range []Confusion{r.Point.Confusion, r.Best.Confusion} {
			if !slices.ContainsFunc(r.Curve, func(p CurvePoint) bool { return p.TP == c.TP && p.FP == c.FP }) {
				t.Errorf("%s: point %+v is not on the curve", name, c)
			}
		}
	}
}

// benchScores is like a real set: 3 % positives, 12 spans a trace.
func benchScores(n int) *Scores {
	rng := rand.New(rand.NewPCG(1, 1))
	s := &Scores{Labels: make([]trace.Label, n), Trace: make([]uint32, n)}
	score, keep := make([]float64, n), make([]bool, n)
	for i := range score {
		s.Labels[i], s.Trace[i] = trace.Normal, uint32(i/12)
		score[i] = rng.NormFloat64()
		if rng.IntN(33) == 0 {
			s.Labels[i] = trace.Anomalous
			score[i] += 2
		}
		keep[i] = score[i] > 2
	}
	s.Columns = []ScoreColumn{{Name: "bench", Score: score, Keep: keep}}
	return s
}

func BenchmarkSummarise(b *testing.B) {
	for _, n := range []int{1_000_000, 5_000_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			s := benchScores(n)
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				if _, err := Summarise(s, 0, SummaryOptions{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkResample(b *testing.B) {
	s := benchScores(1_000_000)
	v, err := newView(s, 0, SummaryOptions{}.withDefaults())
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for range b.N {
		v.sample.resample(DefaultReplicates, 1)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1e6/DefaultReplicates, "ns/span/replicate")
}
