package synth

import (
	"math"
	"testing"
)

// The oracle is package math, whose functions are within 1 ulp.
func TestExpAndLogAgreeWithMath(t *testing.T) {
	const tolerance = 1e-15
	r := newRNG(1, 1)
	for range 200_000 {
		x := r.between(-60, 60)
		if got, want := exp(x), math.Exp(x); math.Abs(got-want) > tolerance*want {
			t.Fatalf("exp(%v) = %v, math.Exp %v", x, got, want)
		}
		y := math.Exp(x)
		if got, want := log(y), math.Log(y); math.Abs(got-want) > tolerance*max(math.Abs(want), 1e-3) {
			t.Fatalf("log(%v) = %v, math.Log %v", y, got, want)
		}
	}
	for _, x := range []float64{1, math.Nextafter(1, 2), math.Nextafter(1, 0), math.Sqrt2, 0x1p-53, 0.5} {
		if got, want := log(x), math.Log(x); math.Abs(got-want) > tolerance*math.Abs(want) {
			t.Errorf("log(%v) = %v, math.Log %v", x, got, want)
		}
	}
	if got := exp(1e9); got != exp(700) || math.IsInf(got, 0) {
		t.Errorf("exp(1e9) = %v, want the value at the bound", got)
	}
}

// ksCritical is the distance that the empirical distribution of n draws keeps
// within with probability 1-alpha (Kolmogorov's asymptotic form; alpha 0.001).
func ksCritical(n int) float64 { return 1.949 / math.Sqrt(float64(n)) }

// ksDistance to the cumulative distribution cdf; xs must be sorted.
func ksDistance(xs []float64, cdf func(float64) float64) float64 {
	d, n := 0.0, float64(len(xs))
	for i, x := range xs {
		p := cdf(x)
		d = max(d, p-float64(i)/n, float64(i+1)/n-p)
	}
	return d
}

func normalCDF(x float64) float64 { return 0.5 * math.Erfc(-x/math.Sqrt2) }
