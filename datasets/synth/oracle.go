package synth

import (
	"errors"
	"math"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Oracle is the best detector that there can be for a variant of Independent
// calls: it knows the densities that generated the spans and scores by the
// likelihood ratio (Neyman and Pearson 1933), so no sampler separates the spans
// better except by luck. A [trace.Sampler] that learns nothing.
//
// With y = ln(duration) - location of the call now, the ordinary density of y is
// normal with the call's sigma; the anomalous one is its convolution with ln U(FactorMin,
// FactorMax), or the density of the sum with U(DelayMin, DelayMax), both in closed
// form.
type Oracle struct {
	cfg   Config
	sys   *system
	calls map[string]int // service -> call
	prior float64        // ln of the odds of an anomaly
}

var errNoOracle = errors.New("synth: Shape: an oracle needs Independent calls without tails, sigmas above 0, and anomalies of one kind, slow-self with FactorMin < FactorMax or network-delay with DelayMin < DelayMax")

// NewOracle is the oracle of c, or an error when c is invalid or not of the form
// whose densities are known (the variants A to F are).
func NewOracle(c Config) (*Oracle, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	k := c.Kinds
	slow := k == Mix{SlowSelf: k.SlowSelf} && c.FactorMin < c.FactorMax
	delay := k == Mix{NetworkDelay: k.NetworkDelay} && c.DelayMin < c.DelayMax
	if c.Shape != Independent || c.TailShare > 0 || c.SigmaMin == 0 || c.AnomalyRate == 0 || !slow && !delay {
		return nil, errNoOracle
	}
	o := &Oracle{cfg: c, sys: newSystem(&c), calls: map[string]int{}}
	o.prior = math.Log(c.AnomalyRate) - math.Log1p(-c.AnomalyRate)
	for i := range o.sys.calls {
		o.calls[o.sys.calls[i].service] = i
	}
	return o, nil
}

// Sample scores s by the log of the likelihood ratio, -Inf..+Inf, and keeps it
// when an anomaly is more likely than not. A service that is not in the system
// scores -Inf.
func (o *Oracle) Sample(s *trace.Span) trace.Decision {
	i, ok := o.calls[s.Service]
	if !ok {
		return trace.Decision{Score: math.Inf(-1)}
	}
	score := o.logRatio(&o.sys.calls[i], s)
	return trace.Decision{Score: score, Keep: score+o.prior > 0}
}

// Learn does nothing: there is nothing left to know.
func (o *Oracle) Learn(*trace.Span) {}

func (o *Oracle) logRatio(c *call, s *trace.Span) float64 {
	w := workload{cfg: o.cfg, driftAt: driftPosition(&o.cfg, s.Start)}
	location, d := w.location(c), float64(s.Duration)+0.5 // ns are rounded down
	z := (math.Log(d) - location) / c.sigma
	normal := -z*z/2 - math.Log(c.sigma*math.Sqrt(2*math.Pi))
	return o.logAnomalous(c.sigma, location, d, z) - normal
}

// logAnomalous is the log density of y of an anomalous span, z = y/sigma.
func (o *Oracle) logAnomalous(sigma, location, d, z float64) float64 {
	if o.cfg.Kinds.SlowSelf > 0 {
		lo, hi := o.cfg.FactorMin, o.cfg.FactorMax
		tilted := z + sigma // U(lo, hi) has density e^s in s = ln(factor)
		return z*sigma + sigma*sigma/2 - math.Log(hi-lo) +
			logBetween(tilted-math.Log(hi)/sigma, tilted-math.Log(lo)/sigma)
	}
	lo, hi := float64(o.cfg.DelayMin), float64(o.cfg.DelayMax)
	at := func(x float64) float64 {
		if x <= 0 {
			return math.Inf(-1)
		}
		return (math.Log(x) - location) / sigma
	}
	return math.Log(d) - math.Log(hi-lo) + logBetween(at(d-hi), at(d-lo))
}

// logBetween is ln P(a < Z < b) of a standard normal Z, a <= b, exact in both tails.
func logBetween(a, b float64) float64 {
	if a < 0 && b < 0 {
		a, b = -b, -a
	}
	if a <= 0 {
		return math.Log(0.5 * (math.Erf(b/math.Sqrt2) - math.Erf(a/math.Sqrt2)))
	}
	return math.Log(0.5 * (math.Erfc(a/math.Sqrt2) - math.Erfc(b/math.Sqrt2)))
}
