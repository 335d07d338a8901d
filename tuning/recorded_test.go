package tuning

import (
	"math"
	"strings"
	"testing"

	"github.com/scale-eval/scale-eval/eval"
)

const recordedLog = `
Testing combination: n_trees=12, height=8, shock_range=(8, 10), shock_static_bump=5, sample_score=0.4
Testing combination: n_trees=12, height=8, shock_range=(8, 10), shock_static_bump=5, sample_score=0.4
 - Shocked detection rate: 100.00%
 - False positive rate: 6.46%

Testing combination: n_trees=12, height=8, shock_range=(10, 15), shock_static_bump=5, sample_score=0.4
 - Shocked detection rate: 73.62%
 - False positive rate: 2.60%

### Best Parameter Combination Found ###
n_trees: 16
`

func TestReadRecorded(t *testing.T) {
	got, err := ReadRecorded(strings.NewReader(recordedLog))
	if err != nil || len(got) != 2 {
		t.Fatalf("%d combinations, %v", len(got), err)
	}
	r := got[1]
	if r.Values["n_tree"] != "12" || r.Values["shock-factor"] != "10..15" || r.Values["shock-bump"] != "5ms" || r.Values["min_score"] != "0.4" ||
		math.Abs(r.Recall-.7362) > 1e-12 || math.Abs(r.FPR-.026) > 1e-12 {
		t.Errorf("%+v", r)
	}
	for _, bad := range []string{"", "no log", "Testing combination: trees=1\n", "Testing combination: height=1\n - False positive rate: 1%\n",
		"Testing combination: height=1\n - False positive rate: 101%\n - Shocked detection rate: 1%\n",
		"Testing combination: height=1\nTesting combination: height=2\n", "Testing combination: shock_range=(1, 2\n"} {
		if _, err := ReadRecorded(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestLayBeside(t *testing.T) {
	s := mustSpace(t, "n_tree=12", "height=8,9", "shock-factor=8..10,10..15", "shock-bump=5ms,10ms", "min_score=.4,.5")
	block := func(tp, fp int64) []eval.Confusion {
		return []eval.Confusion{{TP: tp, FN: 100 - tp, FP: fp, TN: 1000 - fp}, {}}
	}
	recorded, _ := ReadRecorded(strings.NewReader(recordedLog))
	rows := []Row{
		{Model: Point{"8", "12", "5ms", "8..10"}, Threshold: ".4", Blocks: [][]eval.Confusion{block(100, 60), block(90, 70)}},
		{Model: Point{"8", "12", "5ms", "10..15"}, Threshold: ".4", Blocks: [][]eval.Confusion{block(10, 60), block(20, 70)}},
	}
	got, err := LayBeside(s, rows, recorded)
	if err != nil || len(got) != 2 {
		t.Fatal(err)
	}
	if b := got[0]; math.Abs(b.MeanFPR-.065) > 1e-12 || !b.RecordedIn || !b.RecallIsIn || b.FPRQuantile != .5 {
		t.Errorf("%+v", b)
	}
	if b := got[1]; b.RecordedIn || b.RecallIsIn || b.FPRQuantile != 0 {
		t.Errorf("%+v", b)
	}
	if _, err := LayBeside(s, rows[:1], recorded); err == nil {
		t.Error("a combination without a row is accepted")
	}
	if _, err := LayBeside(mustSpace(t, "n_tree=12"), nil, recorded); err == nil {
		t.Error("another space is accepted")
	}
}

func TestKolmogorovSmirnov(t *testing.T) {
	for _, c := range []struct {
		a, b []float64
		want float64
	}{
		{[]float64{1, 2, 3}, []float64{3, 2, 1}, 0},
		{[]float64{1, 2}, []float64{3, 4}, 1},
		{[]float64{1, 2, 3, 4}, []float64{3, 4, 5, 6}, .5},
		{[]float64{1, 1, 1, 2}, []float64{1, 2, 2, 2}, .5},
	} {
		if got := KolmogorovSmirnov(c.a, c.b); got != c.want {
			t.Errorf("%v and %v: %v, want %v", c.a, c.b, got, c.want)
		}
	}
}

func FuzzReadRecorded(f *testing.F) {
	f.Add(recordedLog)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ReadRecorded(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, r := range got {
			if !(r.FPR >= 0 && r.FPR <= 1 && r.Recall >= 0 && r.Recall <= 1) {
				t.Fatalf("%+v", r)
			}
		}
	})
}
