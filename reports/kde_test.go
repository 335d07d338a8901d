package reports

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// slowDensity is the definition: a sum of Gaussians at every value and at its mirror
// images in both ends, half a bin outside as in smooth.
func slowDensity(values []float64, d density) []float64 {
	step := (d.hi - d.lo) / (kdeBins - 1)
	out := make([]float64, kdeBins)
	for i := range out {
		x := d.lo + float64(i)*step
		for _, v := range values {
			for _, m := range []float64{v, 2*(d.lo-step/2) - v, 2*(d.hi+step/2) - v} {
				z := (x - m) / d.bandwidth
				out[i] += math.Exp(-z*z/2) / (math.Sqrt(2*math.Pi) * d.bandwidth * float64(len(values)))
			}
		}
	}
	return out
}

func TestDensityAgainstDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for name, draw := range map[string]func() float64{
		"normal":      rng.NormFloat64,
		"uniform":     rng.Float64,
		"exponential": rng.ExpFloat64,
		"two humps":   func() float64 { return rng.NormFloat64() + float64(8*rng.IntN(2)) },
		"ties":        func() float64 { return float64(rng.IntN(7)) },
		"mostly one":  func() float64 { return math.Floor(rng.Float64() * 1.1) },
	} {
		values := make([]float64, 400)
		for i := range values {
			values[i] = draw()
		}
		slices.Sort(values)
		d := newDensity(values)
		want := slowDensity(values, d)
		peak, area := slices.Max(want), 0.0
		for i := range want {
			// The kernel is cut at four sigma and values are shared between two bins of
			// at most half a bandwidth: 2 % of the peak at worst.
			if diff := math.Abs(d.at[i] - want[i]); diff > 0.02*peak {
				t.Errorf("%s: bin %d is %g, definition %g, peak %g", name, i, d.at[i], want[i], peak)
				break
			}
			area += d.at[i] * (d.hi - d.lo) / (kdeBins - 1)
		}
		if math.Abs(area-1) > 1e-9 {
			t.Errorf("%s: area %g", name, area)
		}
	}
}

// TestSilverman: for a standard normal sample the rule is close to 0.9 n^(-1/5)
// (Silverman 1986, section 3.4.2).
func TestSilverman(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	values := make([]float64, 20000)
	for i := range values {
		values[i] = rng.NormFloat64()
	}
	slices.Sort(values)
	want := 0.9 * math.Pow(20000, -0.2)
	if h := silverman(values); math.Abs(h/want-1) > 0.03 {
		t.Errorf("bandwidth %g, want about %g", h, want)
	}
}

func TestDensityDegenerate(t *testing.T) {
	for _, values := range [][]float64{{1}, {2, 2, 2}, {0, 5e-324}, {1, math.Nextafter(1, 2)}, {1e150, math.Nextafter(1e150, 2e150)}} {
		if d := newDensity(values); d.at != nil {
			t.Errorf("%v: a density where there is no width", values)
		}
	}
	d := newDensity([]float64{0, 0, 0, 0, 0, 0, 0, 0, 0, 1})
	for _, f := range d.at {
		if math.IsNaN(f) || f < 0 {
			t.Fatalf("tied quartiles: density %g", f)
		}
	}
}

// TestQuantile: the expected values are R's quantile(c(1,2,4,8), …), type 7.
func TestQuantile(t *testing.T) {
	x := []float64{1, 2, 4, 8}
	for p, want := range map[float64]float64{0: 1, 0.25: 1.75, 0.5: 3, 0.75: 5, 1: 8} {
		if got := quantile(x, p); got != want {
			t.Errorf("quantile %g is %g, want %g", p, got, want)
		}
	}
}

func TestOutliersAreThinned(t *testing.T) {
	values := make([]float64, 0, 30000)
	for i := range 20000 {
		values = append(values, float64(i)/20000)
	}
	for i := range 10000 {
		values = append(values, 3+float64(i)/1000)
	}
	out := outliers(values, 0.25, 0.75, 0, 13, 150)
	if len(out) > 151 || len(out) < 100 {
		t.Errorf("%d dots for 10,000 outliers", len(out))
	}
	for _, v := range out {
		if v <= 1.5 {
			t.Errorf("%g is no outlier", v)
		}
	}
	if got := outliers([]float64{-9, 0, 1, 2, 9}, 0, 2, -9, 9, 150); !slices.Equal(got, []float64{-9, 9}) {
		t.Errorf("got %v, want both ends", got)
	}
}

func BenchmarkViolin5M(b *testing.B) {
	rng := rand.New(rand.NewPCG(5, 6))
	values := make([]float64, 5_000_000)
	for i := range values {
		values[i] = rng.Float64()
	}
	work := make([]float64, len(values))
	for b.Loop() {
		copy(work, values)
		newViolin(0, blue, work)
	}
}
