package sim

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/scale-eval/scale-eval/sim/traffic"
)

// Controls that know the state. Near full load the means of the inputs say little about
// the mean of a queue: a service time that is longer than its mean costs the more, the
// more requests there are, so that it matters when the long ones come. Each draw is
// weighted with the state in which it was drawn:
//
//	K = Σ a(n) (1 - λ A) + Σ b(n) (μ S - 1)
//
// over the gaps A and the service times S, with n requests present. Why that is fair: a
// draw does not depend on what was before it, so each term has mean zero given the past,
// and K is a martingale, stopped at a time that looks at no draw to come. Its mean is
// zero whatever a and b are and whatever the simulator makes of the draws. Weights that
// fit badly, or a simulator that is wrong, cost precision; what is estimated is still the
// mean of the process that was simulated. The other control is U, the change of
// φ(0)+…+φ(N-1) over the run: its mean is zero because the process is stationary after
// the warm-up.
//
// φ is the slope of the solution of Poisson's equation for the function whose mean is
// wanted (Henderson and Glynn, Approximating martingales for variance reduction in Markov
// process simulation, Mathematics of Operations Research 27, 2002; for a single server it
// comes down to Marshall's identity). The estimate differs from the closed form by U and
// by a martingale M that jumps by φ(N) with each arrival and by -φ(N-1) with each
// departure. Of M, the part that is linear in a draw given the state at it is what the
// clock that was drawn adds, and its weight is the mean of φ when that clock runs out:
//
//	a(n) = E[φ(N(A-)) | N(0) = n], b(n) = E[φ(N(S-)-1) | N(0) = n, a service began],
//
// each a tridiagonal system. A mean over arrivals instead of over time has g/λ beside φ
// in a, since an arrival counts what it finds. Then the estimate, K and U add up nearly to
// the closed form, if who waits for whom is right. Draws, not the rates of jumps that
// they should lead to, are what makes this a test: with rates the sum would be the closed
// form whatever the simulator did.
//
// What it does not test is the inputs: were services 1 % longer than 1/μ, K would have
// just the mean that hides it. So each control is held to its own mean too, as one of the
// tests that shall hold together. TestTheoryRefuses shows what is found.

// markov is M/M/c, or M/M/c/K.
type markov struct {
	lambda, mu float64
	servers    int
	room       int // K; 0: no limit
}

// states are 0 up to K, or to a number that is there once in e^40 of the time.
func (q markov) states() int {
	if q.room > 0 {
		return q.room + 1
	}
	return q.servers + int(math.Ceil(40/math.Log(float64(q.servers)*q.mu/q.lambda)))
}

func (q markov) arrive(n int) float64 {
	if n == q.states()-1 {
		return 0
	}
	return q.lambda
}

func (q markov) leave(n int) float64 { return q.mu * float64(min(n, q.servers)) }

// slope is φ(n) = u(n+1) - u(n) for the u that solves Poisson's equation
//
//	arrive(n) φ(n) - leave(n) φ(n-1) = mean - g(n)
//
// from both ends, in the directions in which errors shrink.
func (q markov) slope(g func(n int) float64) []float64 {
	size := q.states()
	mean, total := 0., 0.
	for n, p := 0, 1.; n < size; n++ {
		mean, total = mean+p*g(n), total+p
		p *= q.lambda / q.leave(n+1)
		if total > 1e100 {
			mean, total, p = mean/total, 1, p/total
		}
	}
	mean /= total
	phi := make([]float64, size) // the last is of a jump that does not occur
	turn := size - 1
	for n := 0; n < turn; n++ {
		if q.leave(n) > q.lambda {
			turn = n
			break
		}
		phi[n] = (mean - g(n)) / q.lambda
		if n > 0 {
			phi[n] += q.leave(n) * phi[n-1] / q.lambda
		}
	}
	for n := size - 1; n > turn; n-- {
		phi[n-1] = (q.arrive(n)*phi[n] + g(n) - mean) / q.leave(n)
	}
	return phi
}

// whenOver is the mean of f(N) when a clock of some rate runs out, by the N at its start.
func whenOver(rate float64, up, down func(n int) float64, f []float64) []float64 {
	size := len(f)
	below, diagonal, above, right := make([]float64, size-1), make([]float64, size), make([]float64, size-1), make([]float64, size)
	for n := range f {
		diagonal[n], right[n] = rate+up(n)+down(n), rate*f[n]
		if n > 0 {
			below[n-1] = -down(n)
		}
		if n < size-1 {
			above[n] = -up(n)
		}
	}
	var mean mat.Dense
	if err := mat.NewTridiag(size, below, diagonal, above).SolveTo(&mean, false, mat.NewVecDense(size, right)); err != nil {
		panic(err)
	}
	return mat.Col(nil, 0, &mean)
}

// gapWeight is a. While the clock of the next arrival runs, requests only leave.
func (q markov) gapWeight(phi []float64, m measure) []float64 {
	jump := slices.Clone(phi)
	if m.found {
		for n := range jump {
			jump[n] += m.of(n) / q.lambda
		}
	}
	return whenOver(q.lambda, func(int) float64 { return 0 }, q.leave, jump)
}

// serviceWeight is b. While the service runs, the others come and go; without one
// present, none runs.
func (q markov) serviceWeight(phi []float64) []float64 {
	others := markov{q.lambda, q.mu, q.servers - 1, 0}
	b := whenOver(q.mu, func(n int) float64 { return q.arrive(n + 1) }, others.leave, phi[:len(phi)-1])
	return append([]float64{0}, b...)
}

// The functions whose means are estimated: of the number present, or of the number that
// an arrival finds.

func everyone(n int) float64           { return float64(n) }
func (q markov) waiting(n int) float64 { return float64(max(0, n-q.servers)) }
func (q markov) waits(n int) float64 {
	if n < q.servers {
		return 0
	}
	return 1
}

// within is the share of the sojourns within w of those who find n requests, if those
// before them leave evenly.
func (q markov) within(w float64) func(n int) float64 {
	return func(n int) float64 {
		wait := max(0, float64(n-q.servers+1)) / (float64(q.servers) * q.mu)
		return -math.Expm1(-q.mu * max(0, w-wait))
	}
}

// lost is the share of the arrivals that find no room.
func (q markov) lost(n int) float64 {
	if n < q.room {
		return 0
	}
	return 1
}

// measure is a function of the state and the checks that estimate its mean.
type measure struct {
	of     func(n int) float64
	found  bool // of what arrivals find, not of the time
	checks []string
}

// weights are a, b and the sum of φ below n of some measures, by the number present:
// those of one number together in memory.
type weights struct {
	mu                float64
	measures          int
	gap, service, sum []float64
}

// at is the row of n requests in a table; behind its end the last one.
func (w *weights) at(table []float64, n int) []float64 {
	n = min(n*w.measures, len(table)-w.measures)
	return table[n : n+w.measures]
}

// noise is what a replication has drawn, by measure.
type noise struct {
	k     []float64 // K
	began []float64 // U at the beginning
}

// martingales gives the checks of the measures their own controls.
func (e experiment) martingales(q markov, measures ...measure) experiment {
	cells := q.states() * len(measures)
	w := &weights{q.mu, len(measures), make([]float64, cells), make([]float64, cells), make([]float64, cells)}
	e.own = map[string][]control{}
	for k, m := range measures {
		phi, u := q.slope(m.of), 0.
		gap, service := q.gapWeight(phi, m), q.serviceWeight(phi)
		for n := range phi {
			w.at(w.gap, n)[k], w.at(w.service, n)[k], w.at(w.sum, n)[k] = gap[n], service[n], u
			u += phi[n]
		}
		controls := []control{
			{"K of " + m.checks[0], 0, func(p *probe) float64 { return p.noise.k[k] / p.seconds() }},
			{"U of " + m.checks[0], 0, func(p *probe) float64 {
				return (w.at(w.sum, p.present())[k] - p.noise.began[k]) / p.seconds()
			}},
		}
		for _, name := range m.checks {
			e.own[name] = controls
		}
	}
	e.weigh = w.weigh
	return e.gaps()
}

// gaps lets the gaps of the first client be seen.
func (e experiment) gaps() experiment {
	plain := e.topology
	e.topology = func() *Topology {
		t := plain()
		t.Clients = slices.Clone(t.Clients)
		r := *t.Clients[0].Arrivals.(*traffic.Renewal)
		r.Gap = &counted{Dist: r.Gap}
		t.Clients[0].Arrivals = &r
		return t
	}
	return e
}

// present is how many requests there are at the first service.
func (p *probe) present() int { return p.sys.services[0].stats.Present }

func (p *probe) seconds() float64 { return p.sys.Stats(p.sys.services[0].spec.Name).Seconds() }

// gap is what the gaps before arrivals come from, in units of their mean.
func (p *probe) gap() *counted {
	return p.sys.clients[0].spec.Arrivals.(*traffic.Renewal).Gap.(*counted)
}

// weigh begins to weight what is drawn: a gap when the arrival before it is in the
// system, a service time when the service begins.
func (w *weights) weigh(p *probe) {
	p.noise = &noise{k: make([]float64, w.measures), began: w.at(w.sum, p.present())}
	add := func(table []float64, x float64) {
		for k, weight := range w.at(table, p.present()) {
			p.noise.k[k] += weight * x
		}
	}
	p.gap().seen = func(x float64) { add(w.gap, 1-x) }
	p.service().seen = func(x float64) { add(w.service, x*w.mu-1) }
}
