package random

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mathext"
)

// The quantiles, means and coefficients of variation below are the textbook
// formulas of each distribution, evaluated by hand or by the closed form given.
var cases = []struct {
	name string
	d    Dist
	mean float64
	scv  float64
	q    map[float64]float64 // quantiles
}{
	{"constant", Must(NewConstant(3)), 3, 0, map[float64]float64{.5: 3}},
	{"exponential", Must(NewExponential(2)), 2, 1, map[float64]float64{.5: 2 * math.Ln2, .95: 2 * math.Log(20)}},
	{"lognormal scv=4", Must(NewLognormal(1, 4)), 1, 4, map[float64]float64{
		.5: 1 / math.Sqrt(5), .95: math.Exp(1.6448536269514722*math.Sqrt(math.Log(5))) / math.Sqrt(5)}},
	{"lognormal median", Must(NewLognormalMedian(6, .35)), 6 * math.Exp(.35*.35/2), math.Expm1(.35 * .35),
		map[float64]float64{.5: 6, .95: 6 * math.Exp(.35*1.6448536269514722)}},
	{"erlang-2", Must(NewErlang(2, 1)), 1, .5, map[float64]float64{.5: 1.678346990016661 / 2}},
	// One degree of freedom of chi-square: the squares of normal quantiles.
	{"gamma scv=2", Must(NewGamma(1, 2)), 1, 2, map[float64]float64{.5: .45493642311957, .95: 3.84145882069412}},
	{"gamma scv=4", Must(NewGamma(1, 4)), 1, 4, nil},
	{"hyperexponential", Must(NewHyperExponential(1, 4)), 1, 4, nil},
	{"pareto", Must(NewPareto(1.5, 1, 100)), 3 * (1 - .1) / (1 - .001), math.NaN(), map[float64]float64{
		.5: math.Pow(1-.5*.999, -1/1.5)}},
	{"pareto alpha=1", Must(NewPareto(1, 1, 100)), math.Log(100) / .99, math.NaN(), nil},
	{"empirical", Must(NewEmpirical([]float64{4, 0, 2})), 2, 1. / 3, map[float64]float64{.5: 2, .25: 1}},
	{"empirical of one", Must(NewEmpirical([]float64{7})), 7, 0, nil},
}

func TestDistributions(t *testing.T) {
	const n = 400_000
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := NewStream(1, c.name)
			x := make([]float64, n)
			sum, squares := 0.0, 0.0
			for i := range x {
				x[i] = c.d.Sample(s)
				sum += x[i]
				squares += x[i] * x[i]
			}
			mean := sum / n
			variance := squares/n - mean*mean
			if math.Abs(c.d.Mean()-c.mean) > 1e-12*c.mean {
				t.Errorf("Mean %v, want %v", c.d.Mean(), c.mean)
			}
			// Five standard errors of the mean.
			if math.Abs(mean-c.mean) > 5*math.Sqrt(variance/n)+1e-12 {
				t.Errorf("sample mean %v, want %v", mean, c.mean)
			}
			if !math.IsNaN(c.scv) && math.Abs(variance/(mean*mean)-c.scv) > .08*c.scv+1e-12 {
				t.Errorf("sample scv %v, want %v", variance/(mean*mean), c.scv)
			}
			slices.Sort(x)
			for p, want := range c.q {
				if got := x[int(p*n)]; math.Abs(got-want) > .015*want {
					t.Errorf("quantile %v: %v, want %v", p, got, want)
				}
			}
		})
	}
}

func TestBadParametersAreErrors(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, bad := range []func() (Dist, error){
		func() (Dist, error) { return NewConstant(-1) },
		func() (Dist, error) { return NewConstant(nan) },
		func() (Dist, error) { return NewExponential(0) },
		func() (Dist, error) { return NewExponential(inf) },
		func() (Dist, error) { return NewLognormal(1, 0) },
		func() (Dist, error) { return NewLognormal(nan, 1) },
		func() (Dist, error) { return NewLognormalMedian(0, 1) },
		func() (Dist, error) { return NewLognormalMedian(1, -1) },
		func() (Dist, error) { return NewErlang(0, 1) },
		func() (Dist, error) { return NewErlang(2, -1) },
		func() (Dist, error) { return NewGamma(1, 0) },
		func() (Dist, error) { return NewGamma(1, 101) },
		func() (Dist, error) { return NewGamma(nan, 1) },
		func() (Dist, error) { return NewHyperExponential(1, .5) },
		func() (Dist, error) { return NewPareto(1, 2, 1) },
		func() (Dist, error) { return NewPareto(0, 1, 2) },
		func() (Dist, error) { return NewEmpirical(nil) },
		func() (Dist, error) { return NewEmpirical([]float64{1, nan}) },
	} {
		if _, err := bad(); err == nil {
			t.Error("accepted")
		} else {
			t.Log(err)
		}
	}
}

func TestStreamsOfDifferentPurposesAreUnrelated(t *testing.T) {
	const n = 100_000
	names := [][]string{{"a", "cpu"}, {"a", "wait"}, {"ac", "pu"}, {"acpu"}, {"a", "cpu", ""}}
	for i, p := range names {
		for _, q := range names[i+1:] {
			a, b := NewStream(7, p...), NewStream(7, q...)
			r := 0.0
			for range n {
				r += (a.Uniform() - .5) * (b.Uniform() - .5) * 12
			}
			if math.Abs(r/n) > 5/math.Sqrt(n) {
				t.Errorf("%v and %v correlate by %v", p, q, r/n)
			}
		}
	}
	if a, b := NewStream(7, "x"), NewStream(7, "x"); a.Uint64() != b.Uint64() {
		t.Error("one name, two streams")
	}
	if a, b := NewStream(7, "x"), NewStream(8, "x"); a.Uint64() == b.Uint64() {
		t.Error("two seeds, one stream")
	}
}

func TestBelowCoversItsRangeEvenly(t *testing.T) {
	s, counts := NewStream(3), [7]int{}
	for range 70_000 {
		counts[s.Below(7)]++
	}
	chi := 0.0
	for _, c := range counts {
		chi += float64((c-10_000)*(c-10_000)) / 10_000
	}
	if chi > 22.5 { // 0.999 quantile of chi-squared with 6 degrees
		t.Errorf("chi-squared %v: %v", chi, counts)
	}
}

func BenchmarkSample(b *testing.B) {
	for _, c := range cases {
		b.Run(fmt.Sprint(c.name), func(b *testing.B) {
			s := NewStream(1)
			b.ReportAllocs()
			for b.Loop() {
				c.d.Sample(s)
			}
		})
	}
}

// The table against the quantile function itself, far tails included.
func TestGammaQuantiles(t *testing.T) {
	for _, scv := range []float64{.01, .3, 1, 4, 20} {
		g := Must(NewGamma(1, scv)).(Gamma)
		for seed := range uint64(500) {
			u := NewStream(seed, "gamma").Uniform()
			got, want := g.Sample(NewStream(seed, "gamma")), scv*mathext.GammaIncRegInv(1/scv, u)
			if math.Abs(got-want) > 1e-6*want+1e-9 {
				t.Fatalf("scv %v: quantile %v is %v, want %v", scv, u, got, want)
			}
		}
	}
	for _, scv := range []float64{.01, 1, 100} {
		g := Must(NewGamma(1, scv)).(Gamma)
		for i, x := range g.table {
			if math.IsNaN(x) || math.IsInf(x, 0) || i > 0 && x <= g.table[i-1] {
				t.Fatalf("scv %v: entry %d of the table is %v", scv, i, x)
			}
		}
	}
}

// A variate tied to a factor keeps its distribution, and two that are tied to one
// factor have scores with the product of the loadings as correlation.
func TestTied(t *testing.T) {
	const a, b, n = .8, -.5, 200_000
	s := NewStream(1, "tied")
	x, y := Must(NewLognormal(1, 1)).(Lognormal), Lognormal{0, 1}
	values, product := make([]float64, n), 0.0
	for i := range values {
		factor := s.Normal()
		values[i] = Tied(x, a*factor, math.Sqrt(1-a*a), s)
		product += (math.Log(values[i]) - x.mu) / x.sigma * math.Log(Tied(y, b*factor, math.Sqrt(1-b*b), s)) / n
	}
	if math.Abs(product-a*b) > .01 {
		t.Errorf("correlation %v, want %v", product, a*b)
	}
	slices.Sort(values)
	for _, p := range []float64{.05, .5, .95} {
		if got, want := values[int(p*n)], x.Quantile(p); math.Abs(got-want) > .02*want {
			t.Errorf("quantile %v: %v, want %v", p, got, want)
		}
	}
	for _, mean := range []float64{-40, 40} {
		if v := Tied(x, mean, 0, s); !(v > 0) || math.IsInf(v, 0) {
			t.Errorf("score %v: %v", mean, v)
		}
	}
}

// Quantile and Sample are one distribution.
func TestQuantiles(t *testing.T) {
	for _, c := range cases {
		d, ok := c.d.(Inverse)
		if !ok {
			continue
		}
		s, below := NewStream(1, "quantiles", c.name), [3]int{}
		for range 100_000 {
			x := c.d.Sample(s)
			for i, p := range []float64{.1, .5, .9} {
				if x <= d.Quantile(p) {
					below[i]++
				}
			}
		}
		for i, p := range []float64{.1, .5, .9} {
			if got := float64(below[i]) / 100_000; math.Abs(got-p) > .006 && c.scv != 0 {
				t.Errorf("%s: %v of the samples are below the quantile of %v", c.name, got, p)
			}
		}
	}
}
