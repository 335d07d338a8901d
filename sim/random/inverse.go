package random

import "math"

// Inverse is a distribution that says its quantiles, which makes it possible to tie
// it to another: see [Tied].
type Inverse interface {
	Dist
	// Quantile of a probability in the open interval (0, 1).
	Quantile(p float64) float64
}

// Quantile implements [Inverse].
func (c Constant) Quantile(float64) float64 { return float64(c) }

// Quantile implements [Inverse].
func (e Exponential) Quantile(p float64) float64 { return -float64(e) * math.Log1p(-p) }

// Quantile implements [Inverse].
func (l Lognormal) Quantile(p float64) float64 {
	return math.Exp(l.mu + float64(l.sigma*normalQuantile(p)))
}

// Quantile implements [Inverse].
func (g Gamma) Quantile(p float64) float64 { return g.at(normalQuantile(p)) }

// Quantile implements [Inverse].
func (p Pareto) Quantile(q float64) float64 {
	cut := 1 - math.Pow(p.low/p.high, p.alpha)
	return p.low * math.Pow(1-float64(q*cut), -1/p.alpha)
}

// Quantile implements [Inverse].
func (e Empirical) Quantile(p float64) float64 {
	x := p * float64(len(e.sorted)-1)
	i := int(x)
	if i+1 >= len(e.sorted) {
		return e.sorted[len(e.sorted)-1]
	}
	return e.sorted[i] + float64((e.sorted[i+1]-e.sorted[i])*(x-float64(i)))
}

// Tied draws from d by a normal score with the given mean and standard deviation. When
// the mean is itself normal, with the variance 1-sd², the variate has the distribution
// d, and those that share the mean are dependent: a Gaussian copula. It takes one draw.
func Tied(d Inverse, mean, sd float64, s *Stream) float64 {
	p := math.Erfc(-(mean+float64(sd*s.Normal()))/math.Sqrt2) / 2
	return d.Quantile(min(max(p, 0x1p-54), 1-0x1p-53))
}
