package synth

// call is a node of the call graph. Calls it makes have higher numbers: the graph
// has no cycles.
type call struct {
	service, operation string
	mu, sigma          float64 // of ln(self time in ns), when uniform is 0
	uniform            int64   // self time U(0, uniform) ns
	heavy              bool    // self time has a Pareto tail
	errorRate          float64 // share of spans marked KindError
	phase              float64 // of the drift, 0..1
	steps              []step  // one after the other
	retried            int     // the step that a retry repeats, -1: none
}

// step is calls that start together; the caller waits for all of them.
type step []edge

// edge is one call of a step, made with probability p to one of to, uniformly.
type edge struct {
	to []int32
	p  float64
}

// system is a call graph with the classes of requests that enter it.
type system struct {
	calls   []call
	roots   []int32   // a class's first call
	weights []float64 // cumulative share of the classes, the last one 1
}

// setClasses makes the calls in roots the entries, with relative weights.
func (s *system) setClasses(roots []int32, weight func(i int) float64) {
	s.roots = roots
	sum := 0.0
	for i := range roots {
		sum += weight(i)
		s.weights = append(s.weights, sum)
	}
	for i := range s.weights {
		s.weights[i] /= sum
	}
}

// root draws a class. The guess is right when the weights are equal and near
// when they are not far from it.
func (s *system) root(r *rng) int32 {
	u := r.float()
	i := int(u * float64(len(s.weights)))
	for i > 0 && u < s.weights[i-1] {
		i--
	}
	for i < len(s.weights)-1 && u >= s.weights[i] {
		i++
	}
	return s.roots[i]
}

// visits is the expected number of spans a request of each call, retries apart,
// and their sum.
func (s *system) visits() (byCall []float64, total float64) {
	byCall = make([]float64, len(s.calls))
	before := 0.0
	for i, c := range s.roots {
		byCall[c] += s.weights[i] - before
		before = s.weights[i]
	}
	for i := range s.calls {
		total += byCall[i]
		for _, st := range s.calls[i].steps {
			for _, e := range st {
				each := byCall[i] * e.p / float64(len(e.to))
				for _, c := range e.to {
					byCall[c] += each
				}
			}
		}
	}
	return byCall, total
}

// findRetried sets each call's first step that is one certain call.
func (s *system) findRetried() {
	for i := range s.calls {
		c := &s.calls[i]
		c.retried = -1
		for j, st := range c.steps {
			if len(st) == 1 && st[0].p == 1 {
				c.retried = j
				break
			}
		}
	}
}

// newSystem builds the system of a valid Config.
func newSystem(c *Config) *system {
	r := newRNG(c.SystemSeed, streamSystem)
	var s *system
	switch c.Shape {
	case Layered:
		s = newLayered(c, r)
	case Independent:
		s = newIndependent(c, r)
	case Microservices:
		s = newMicroservices()
	case WebMobile:
		s = newWebMobile()
	case Single:
		s = newSingle()
	default:
		panic("synth: a Config that was not validated")
	}
	for i := range s.calls {
		s.calls[i].phase = r.float()
	}
	s.findRetried()
	return s
}

// drawSelfTimes gives every call its self time, log-uniform medians in equal
// strata dealt to the calls at random.
func (s *system) drawSelfTimes(c *Config, r *rng) {
	strata := make([]int32, len(s.calls))
	for i := range strata {
		strata[i] = int32(i)
	}
	r.shuffle(strata)
	lo, hi := log(float64(c.MedianMin)), log(float64(c.MedianMax))
	for i := range s.calls {
		q := (float64(strata[i]) + r.float()) / float64(len(s.calls))
		s.calls[i].mu = lo + float64((hi-lo)*q)
		s.calls[i].sigma = r.between(c.SigmaMin, c.SigmaMax)
		s.calls[i].heavy = r.float() < c.TailShare
	}
}
