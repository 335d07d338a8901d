package eval

import (
	"math"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.IsNaN(want) != math.IsNaN(got) || math.Abs(got-want) > tolerance {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

// The counts are those of Table II of the SCALE paper (TraceMesh column: 57 908 test
// spans, 2 895 shocked, 1 449 false positives, no false negative), which prints
// precision .666, F1 .800 and, as "accuracy", the recall.
func TestConfusionOfPaperTableII(t *testing.T) {
	c := Confusion{TP: 2895, FP: 1449, FN: 0, TN: 57908 - 2895 - 1449}
	near(t, "precision", c.Precision(), .666, .0005)
	near(t, "recall", c.Recall(), 1, 0)
	near(t, "F1", c.F1(), .800, .0005)
	near(t, "FPR", c.FPR(), .0263, .00005)
	near(t, "accuracy", c.Accuracy(), .97498, .000005)
}

// The example of Wikipedia's article on the phi coefficient: 6 of 8 cats and 3 of 4
// dogs recognised; MCC = (6*3-1*2)/sqrt(7*8*4*5) = .478.
func TestMCC(t *testing.T) {
	near(t, "MCC", Confusion{TP: 6, FN: 2, FP: 1, TN: 3}.MCC(), .478, .0005)
	near(t, "MCC, all wrong", Confusion{FN: 3, FP: 4}.MCC(), -1, 1e-15)
	// By symmetry (a-d)/(a+d) for TP = TN = a, FP = FN = d; the product of the
	// margins would overflow int64.
	near(t, "MCC, large", Confusion{TP: 3e9, TN: 3e9, FP: 1e9, FN: 1e9}.MCC(), .5, 1e-12)
}

func TestConfusionUndefined(t *testing.T) {
	var c Confusion
	for name, got := range map[string]float64{
		"precision": c.Precision(), "recall": c.Recall(), "FPR": c.FPR(),
		"accuracy": c.Accuracy(), "F1": c.F1(), "MCC": c.MCC(),
	} {
		if !math.IsNaN(got) {
			t.Errorf("%s of an empty matrix = %v, want NaN", name, got)
		}
	}
	keepsNothing := Confusion{FN: 5, TN: 5}
	near(t, "F1 when nothing is kept", keepsNothing.F1(), 0, 0)
	near(t, "precision when nothing is kept", keepsNothing.Precision(), math.NaN(), 0)
}

func TestConfusionAdd(t *testing.T) {
	var c Confusion
	for l := trace.Unlabelled; l <= trace.Guard; l++ {
		c.Add(l, true)
		c.Add(l, false)
	}
	// Anomalous is the positive; Normal and Candidate are negatives; the rest is out.
	if want := (Confusion{TP: 1, FN: 1, FP: 2, TN: 2}); c != want {
		t.Errorf("one span a label and decision gives %+v, want %+v", c, want)
	}
}

// Table I of Newcombe, "Two-sided confidence intervals for the single proportion",
// Statistics in Medicine 17 (1998), method 3 (score without continuity correction).
func TestWilsonNewcombe(t *testing.T) {
	for _, c := range []struct {
		k, n   int64
		lo, hi float64
	}{
		{81, 263, .2553, .3662},
		{15, 148, .0624, .1605},
		{0, 20, 0, .1611},
		{1, 29, .0061, .1718},
	} {
		r := Wilson(c.k, c.n)
		near(t, "lo", float64(r.Lo), c.lo, .00005)
		near(t, "hi", float64(r.Hi), c.hi, .00005)
		near(t, "value", float64(r.Value), float64(c.k)/float64(c.n), 0)
		mirrored := Wilson(c.n-c.k, c.n)
		near(t, "1-lo of the complement", 1-float64(mirrored.Lo), float64(r.Hi), 1e-15)
	}
	if r := Wilson(0, 0); r.Value == r.Value || r.Lo == r.Lo || r.Hi == r.Hi {
		t.Errorf("Wilson without trials = %+v, want NaN", r)
	}
}

func BenchmarkConfusionAdd(b *testing.B) {
	labels := [...]trace.Label{trace.Normal, trace.Normal, trace.Anomalous, trace.Candidate}
	var c Confusion
	for i := range b.N {
		c.Add(labels[i&3], i&7 == 2)
	}
	if c.Total() != int64(b.N) {
		b.Fatal(c)
	}
}
