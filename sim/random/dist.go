package random

import (
	"fmt"
	"math"
	"slices"
)

// Dist is a distribution of non-negative numbers. The unit is the caller's.
type Dist interface {
	// Sample draws from s. It never returns a negative or infinite number or NaN.
	Sample(s *Stream) float64
	// Mean is the exact mean.
	Mean() float64
}

// Must returns d and panics on an error: for numbers that are known to be good.
func Must(d Dist, err error) Dist {
	if err != nil {
		panic(err)
	}
	return d
}

func positive(dist, field string, x float64) error {
	if !(x > 0) || math.IsInf(x, 0) {
		return fmt.Errorf("%s: %s %v: want a positive number", dist, field, x)
	}
	return nil
}

// Constant is always the same.
type Constant float64

// NewConstant takes x >= 0.
func NewConstant(x float64) (Dist, error) {
	if !(x >= 0) || math.IsInf(x, 0) {
		return nil, fmt.Errorf("constant: value %v: want a number >= 0", x)
	}
	return Constant(x), nil
}

// Sample implements [Dist]. It takes no draw.
func (c Constant) Sample(*Stream) float64 { return float64(c) }

// Mean implements [Dist].
func (c Constant) Mean() float64 { return float64(c) }

// Exponential is given by its mean.
type Exponential float64

// NewExponential takes mean > 0.
func NewExponential(mean float64) (Dist, error) {
	return Exponential(mean), positive("exponential", "mean", mean)
}

// Sample implements [Dist].
func (e Exponential) Sample(s *Stream) float64 { return float64(e) * s.Exp() }

// Mean implements [Dist].
func (e Exponential) Mean() float64 { return float64(e) }

// Lognormal is exp of a normal variate.
type Lognormal struct{ mu, sigma float64 }

// NewLognormal takes the mean and the squared coefficient of variation, both > 0.
func NewLognormal(mean, scv float64) (Dist, error) {
	if err := positive("lognormal", "mean", mean); err != nil {
		return nil, err
	}
	if err := positive("lognormal", "scv", scv); err != nil {
		return nil, err
	}
	variance := math.Log1p(scv)
	return Lognormal{math.Log(mean) - float64(variance/2), math.Sqrt(variance)}, nil
}

// NewLognormalMedian takes the median > 0 and sigma, the standard deviation of the
// logarithm, >= 0: how start-up times are usually quoted.
func NewLognormalMedian(median, sigma float64) (Dist, error) {
	if err := positive("lognormal", "median", median); err != nil {
		return nil, err
	}
	if !(sigma >= 0) || math.IsInf(sigma, 0) {
		return nil, fmt.Errorf("lognormal: sigma %v: want a number >= 0", sigma)
	}
	return Lognormal{math.Log(median), sigma}, nil
}

// Sample implements [Dist].
func (l Lognormal) Sample(s *Stream) float64 {
	return math.Exp(l.mu + float64(l.sigma*s.Normal()))
}

// Mean implements [Dist].
func (l Lognormal) Mean() float64 { return math.Exp(l.mu + float64(l.sigma*l.sigma/2)) }

// Erlang is the sum of k exponentials; its squared coefficient of variation is 1/k.
type Erlang struct {
	k    int
	mean float64
}

// NewErlang takes k >= 1 phases and the mean of the sum > 0.
func NewErlang(k int, mean float64) (Dist, error) {
	if k < 1 || k > 1000 {
		return nil, fmt.Errorf("erlang: phases %d: want 1..1000", k)
	}
	return Erlang{k, mean}, positive("erlang", "mean", mean)
}

// Sample implements [Dist]. It takes k draws.
func (e Erlang) Sample(s *Stream) float64 {
	sum := 0.0
	for range e.k {
		sum += s.Exp()
	}
	return sum * (e.mean / float64(e.k))
}

// Mean implements [Dist].
func (e Erlang) Mean() float64 { return e.mean }

// HyperExponential is one of two exponentials, with balanced means: each branch
// contributes half of the mean. It models services with a few slow requests.
type HyperExponential struct {
	p          float64 // of the fast branch
	fast, slow float64 // means
	mean       float64
}

// NewHyperExponential takes the mean > 0 and the squared coefficient of variation >= 1
// (Tijms, A First Course in Stochastic Models, appendix B: the H2 fit with balanced
// means).
func NewHyperExponential(mean, scv float64) (Dist, error) {
	if err := positive("hyperexponential", "mean", mean); err != nil {
		return nil, err
	}
	if !(scv >= 1) || math.IsInf(scv, 0) {
		return nil, fmt.Errorf("hyperexponential: scv %v: want a number >= 1", scv)
	}
	p := (1 + math.Sqrt((scv-1)/(scv+1))) / 2
	return HyperExponential{p, mean / (2 * p), mean / (2 * (1 - p)), mean}, nil
}

// Sample implements [Dist]. It takes two draws.
func (h HyperExponential) Sample(s *Stream) float64 {
	branch := h.slow
	if s.Uniform() < h.p {
		branch = h.fast
	}
	return branch * s.Exp()
}

// Mean implements [Dist].
func (h HyperExponential) Mean() float64 { return h.mean }

// Pareto is the power law cut off at a largest value, so that every moment exists.
type Pareto struct{ alpha, low, high float64 }

// NewPareto takes the exponent alpha > 0 and the range 0 < low < high.
func NewPareto(alpha, low, high float64) (Dist, error) {
	for _, f := range []struct {
		name string
		x    float64
	}{{"alpha", alpha}, {"low", low}, {"high", high}} {
		if err := positive("pareto", f.name, f.x); err != nil {
			return nil, err
		}
	}
	if low >= high {
		return nil, fmt.Errorf("pareto: high %v: want more than low, %v", high, low)
	}
	return Pareto{alpha, low, high}, nil
}

// Sample implements [Dist].
func (p Pareto) Sample(s *Stream) float64 { return p.Quantile(s.Uniform()) }

// Mean implements [Dist].
func (p Pareto) Mean() float64 {
	r := p.low / p.high
	cut := 1 - math.Pow(r, p.alpha)
	if math.Abs(p.alpha-1) < 1e-9 {
		return -p.low * math.Log(r) / cut
	}
	return p.alpha * p.low / (p.alpha - 1) * (1 - math.Pow(r, p.alpha-1)) / cut
}

// Empirical interpolates linearly between the order statistics of a sample.
type Empirical struct {
	sorted []float64
	mean   float64
}

// NewEmpirical copies values, of which it wants one or more, all >= 0.
func NewEmpirical(values []float64) (Dist, error) {
	if len(values) == 0 {
		return nil, fmt.Errorf("empirical: no values: want one or more")
	}
	e := Empirical{sorted: slices.Clone(values)}
	slices.Sort(e.sorted)
	for i, v := range values {
		if !(v >= 0) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("empirical: value %d is %v: want numbers >= 0", i, v)
		}
	}
	last := len(e.sorted) - 1
	if last == 0 {
		e.mean = e.sorted[0]
	}
	for i := range last {
		e.mean += (e.sorted[i]/2 + e.sorted[i+1]/2) / float64(last)
	}
	return e, nil
}

// Sample implements [Dist].
func (e Empirical) Sample(s *Stream) float64 { return e.Quantile(s.Uniform()) }

// Mean implements [Dist].
func (e Empirical) Mean() float64 { return e.mean }
