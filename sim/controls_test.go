package sim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/scale-eval/scale-eval/sim/random"
)

// Control variates: a replication in which more requests came than usual, or longer
// ones, has longer queues than usual, and how many came and how long they were on
// average has a mean that is known. A regression on it takes that part of the noise out
// of an estimate and loses a degree of freedom a control (Lavenberg and Welch, A
// perspective on the use of control variables, Management Science 27, 1981).

// control is an estimate whose mean is known: that of an input of the model.
type control struct {
	name string
	want float64
	of   func(*probe) float64
}

// counted adds up powers of what a distribution draws.
type counted struct {
	random.Dist
	n    float64
	sums [3]float64
	seen func(x float64) // nil: nothing else
}

func (c *counted) Sample(s *random.Stream) float64 {
	x := c.Dist.Sample(s)
	c.n++
	for k, power := 0, x; k < len(c.sums); k, power = k+1, power*x {
		c.sums[k] += power
	}
	if c.seen != nil {
		c.seen(x)
	}
	return x
}

// service is what counts the service times of a replication; nil: nothing does.
func (p *probe) service() *counted {
	c, _ := p.sys.services[0].ops[0].courses[0].stages[0].CPU.(*counted)
	return c
}

// controlled has the rate of arrivals and the first moments of the service times as
// controls, at its first service. The topology of each replication counts for itself.
func (e experiment) controlled(lambda float64, moments ...float64) experiment {
	plain := e.topology
	e.topology = func() *Topology {
		t := plain()
		ops := slices.Clone(t.Services[0].Operations)
		ops[0].Stages = slices.Clone(ops[0].Stages)
		ops[0].Stages[0].CPU = &counted{Dist: ops[0].Stages[0].CPU}
		t.Services[0].Operations = ops
		return t
	}
	e.controls = []control{{"arrivals", lambda, stats("m", func(s Stats) float64 { return float64(s.Arrivals) / s.Seconds() })}}
	for k, want := range moments {
		e.controls = append(e.controls, control{fmt.Sprintf("moment %d of the service times", k+1), want, func(p *probe) float64 { return p.service().sums[k] / p.service().n }})
	}
	return e
}

// confidence is 95 % for a number of intervals together.
func confidence(tests, freedom int) float64 {
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(freedom)}.Quantile(1 - .05/float64(2*tests))
}

// interval is the estimate of a check and the half-width of its interval, one of so many
// that shall hold together.
func (c *check) interval(probes []*probe, controls []control, tests int) (mean, half float64) {
	y := make([]float64, len(probes))
	for i, p := range probes {
		y[i] = c.of(p)
	}
	if len(controls) == 0 {
		mean, sd := stat.MeanStdDev(y, nil)
		return mean, confidence(tests, len(y)-1) * sd / math.Sqrt(float64(len(y)))
	}
	x := mat.NewDense(len(y), 1+len(controls), nil)
	for i, p := range probes {
		x.Set(i, 0, 1)
		for k, z := range controls {
			x.Set(i, 1+k, z.of(p)-z.want)
		}
	}
	for k := range controls { // of any unit, but of one size
		column := mat.Col(nil, 1+k, x)
		floats.Scale(1/max(floats.Norm(column, 2), math.SmallestNonzeroFloat64), column)
		x.SetCol(1+k, column)
	}
	return intercept(x, y, tests)
}

// intercept is that of the regression of y on x, whose first column is 1.
func intercept(x *mat.Dense, y []float64, tests int) (mean, half float64) {
	n, k := x.Dims()
	var gram, inverse mat.Dense
	gram.Mul(x.T(), x)
	if inverse.Inverse(&gram) != nil {
		return math.NaN(), math.Inf(1) // controls that say the same
	}
	var moments, beta, left mat.VecDense
	moments.MulVec(x.T(), mat.NewVecDense(n, y))
	beta.MulVec(&inverse, &moments)
	left.MulVec(x, &beta)
	left.SubVec(mat.NewVecDense(n, y), &left)
	variance := mat.Dot(&left, &left) / float64(n-k)
	return beta.AtVec(0), confidence(tests, n-k) * math.Sqrt(variance*inverse.At(0, 0))
}

// With y = 5 + 3 z + noise of sd 1, z standard normal and 30 replications, the interval
// of the intercept is that of noise alone, so 1/√10 of the interval without the control,
// and it holds 5 in 95 % of the cases.
func TestControlsTakeNoiseOut(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const cases, n = 2000, 30
	held, plain, with := 0, 0., 0.
	for range cases {
		x, y := mat.NewDense(n, 2, nil), make([]float64, n)
		for i := range y {
			z := rng.NormFloat64()
			x.SetRow(i, []float64{1, z})
			y[i] = 5 + 3*z + rng.NormFloat64()
		}
		mean, half := intercept(x, y, 1)
		if math.Abs(mean-5) <= half {
			held++
		}
		with += half / cases
		_, half = intercept(mat.DenseCopyOf(x.Slice(0, n, 0, 1)), y, 1)
		plain += half / cases
	}
	if share := float64(held) / cases; math.Abs(share-.95) > .02 || math.Abs(with/plain*math.Sqrt(10)-1) > .05 {
		t.Errorf("%v of the intervals hold the mean; half-width %v with the control, %v without", share, with, plain)
	}
}
