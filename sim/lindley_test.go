package sim

// Controls of M/G/1 that know the wait: the idea of martingale_test.go, for services
// whose number present says little. The wait behind a wait W is (W + X)⁺ (Lindley's
// recursion), X = S - A being the service of the one and the gap behind its arrival. Its
// square and its cube give, but for the ends and for what idle servers add,
//
//	Σ W  = -1/(2 E[X]) Σ (2 W (X - E[X]) + X²)
//	Σ W² = -1/(3 E[X]) Σ (3 W² (X - E[X]) + 3 W (X² - E[X²]) + 3 E[X²] W + X³)
//
// The terms with W are the controls, of E[W] and, with 2 W (S - E[S]), of E[(W + S)²].
// Their means are zero, since S and A do not depend on W. The rest is means of powers of
// the inputs, which are controls already.

// lindley is the recursion at work in one replication.
type lindley struct {
	p      *probe
	lambda float64
	x, xx  float64 // E[X], E[X²]

	waits   total     // up to the service before
	skip    int       // who waited at the beginning: the gaps behind them were drawn before
	gaps    []float64 // drawn behind arrivals that wait for their service
	w, s    float64   // of a service that began before the gap behind its arrival was drawn
	pending bool
}

// lindley gives an M/G/1 with services of mean 1 and a known second moment its controls.
func (e experiment) lindley(lambda, second float64) experiment {
	k := func(i int) func(*probe) float64 {
		return func(p *probe) float64 { return p.noise.k[i] / p.seconds() }
	}
	first := []control{{"K of Wq", 0, k(0)}}
	e.own = map[string][]control{"Wq": first, "L": first, "E[T²]": {{"K of E[T²]", 0, k(1)}}}
	e.weigh = func(p *probe) {
		p.noise = &noise{k: make([]float64, 2)}
		st := &p.sys.services[0].stats
		l := &lindley{p: p, lambda: lambda, x: 1 - 1/lambda, xx: second - 2/lambda + 2/(lambda*lambda), skip: st.Waiting, waits: st.waits}
		p.gap().seen, p.service().seen = l.gap, l.service
	}
	return e.gaps()
}

// gap pairs a gap with the service of the arrival before it, as service does.
func (l *lindley) gap(x float64) {
	a := x / l.lambda
	if l.pending {
		l.pending = false
		l.add(l.w, l.s, a)
		return
	}
	l.gaps = append(l.gaps, a)
}

func (l *lindley) service(s float64) {
	waits := l.p.sys.services[0].stats.waits
	w := float64(waits.lo-l.waits.lo) / 1e9
	l.waits = waits
	switch {
	case l.skip > 0:
		l.skip--
	case len(l.gaps) > 0:
		l.add(w, s, l.gaps[0])
		l.gaps = l.gaps[1:]
	default:
		l.w, l.s, l.pending = w, s, true
	}
}

func (l *lindley) add(w, s, a float64) {
	x := s - a
	dx, dxx := x-l.x, x*x-l.xx
	first := -w * dx / l.x // of W
	l.p.noise.k[0] += first
	l.p.noise.k[1] += -(w*w*dx+w*dxx)/l.x + (2-l.xx/l.x)*first + 2*w*(s-1)
}
