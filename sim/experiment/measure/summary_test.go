package measure

import (
	"math"
	"testing"
)

// Holm's procedure on the p-values 0.01, 0.04, 0.03, 0.005: by hand 0.03, 0.06, 0.06, 0.02.
func TestHolm(t *testing.T) {
	cs := []Comparison{{P: .01}, {P: .04}, {P: .03}, {P: .005}}
	holm(cs)
	for i, want := range []float64{.03, .06, .06, .02} {
		if math.Abs(cs[i].Holm-want) > 1e-12 {
			t.Errorf("%d: %v, want %v", i, cs[i].Holm, want)
		}
	}
}

// Differences 1, 2, 3: mean 2, standard error 1/sqrt(3), t = 3.4641 with 2 degrees of
// freedom, p = 0.0742 (tables of Student's t).
func TestPairedDifferences(t *testing.T) {
	d := []float64{1, 2, 3}
	if p := pairedT(d); math.Abs(p-.0742) > 1e-4 {
		t.Errorf("p = %v, want 0.0742", p)
	}
	e := estimate(d)
	if want := 4.30265 / math.Sqrt(3); math.Abs(e.High-2-want) > 1e-4 || math.Abs(2-e.Low-want) > 1e-4 {
		t.Errorf("%+v, want 2 ± %v", e, want)
	}
	if pairedT([]float64{0, 0}) != 1 || pairedT([]float64{4, 4}) != 0 {
		t.Error("differences without spread")
	}
	a := []*Measures{{Seed: 1, ViolatedSeconds: 5}, {Seed: 3, ViolatedSeconds: 7}}
	b := []*Measures{{Seed: 2, ViolatedSeconds: 1}, {Seed: 3, ViolatedSeconds: 4}}
	if d := paired(a, b, "violated_s"); len(d) != 1 || d[0] != 3 {
		t.Errorf("%v", d)
	}
}
