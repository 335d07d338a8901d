package sim

import (
	"math"

	"github.com/scale-eval/scale-eval/sim/random"
)

// service is a Service at work.
type service struct {
	sys  *System
	spec *Service
	ops  []*operation

	pods  []*pod // in order of age, without those that are gone
	ready []*pod // those that get requests
	line  line   // central queue, or those who wait outside full ones
	turn  int    // of RoundRobin

	replicas int // wanted
	template template
	created  int     // pods so far
	extraMiB float64 // injected, in every pod
	leakRate float64 // MiB per second
	cpuLeft  float64 // share of the CPU limit that is not taken away
	limiter  limiter
	gone     float64 // work of pods that are gone, core-ns

	reconciling, unsettled bool

	stats Stats

	queueMilli, presentMilli int64 // as last scraped

	balance  *random.Stream
	patience *random.Stream
	start    *random.Stream
}

// template is what new pods look like. Its generation grows with each change.
type template struct {
	generation                int
	threads                   int
	cpu, memory               float64 // limits: cores, MiB
	cpuRequest, memoryRequest float64
}

// operation is an Operation at work.
type operation struct {
	service *service
	spec    *Operation
	courses []course // one or more
	weight  float64  // of all courses
	routes  []route
	fault   Fault

	cpu, wait, branch, errors *random.Stream
}

type course struct {
	weight float64
	stages []stage
}

// draw is the course of a request.
func (o *operation) draw() *course {
	last := len(o.courses) - 1
	if last == 0 {
		return &o.courses[0]
	}
	u := o.branch.Uniform() * o.weight
	for i := range last {
		if u < o.courses[i].weight {
			return &o.courses[i]
		}
		u -= o.courses[i].weight
	}
	return &o.courses[last]
}

// eachCall visits the calls of all courses with the weight of the course, which
// add up to 1.
func (o *operation) eachCall(visit func(c *call, share float64)) {
	for i := range o.courses {
		for j := range o.courses[i].stages {
			calls := o.courses[i].stages[j].calls
			for k := range calls {
				visit(&calls[k], o.courses[i].weight/o.weight)
			}
		}
	}
}

type stage struct {
	*Stage
	calls   []call
	inverse random.Inverse // CPU, when it is tied to the request's factors
	own     float64        // standard deviation of the score, given the factors

	works, waits *reader[float64] // draws of CPU and Wait; nil: from the streams of the operation
}

// work draws the CPU time of a request, seconds.
func (st *stage) work(s *random.Stream, factors *[Factors]float64) float64 {
	if st.works != nil {
		return st.works.take()
	}
	if st.inverse == nil {
		return st.CPU.Sample(s)
	}
	mean := 0.0
	for i, l := range st.Loadings {
		mean += float64(l * factors[i])
	}
	return random.Tied(st.inverse, mean, st.own, s)
}

// pause draws the time without CPU, seconds.
func (st *stage) pause(s *random.Stream) float64 {
	if st.waits != nil {
		return st.waits.take()
	}
	return st.Wait.Sample(s)
}

// tie prepares a stage with loadings.
func (st *stage) tie() {
	st.inverse = st.CPU.(random.Inverse) // the checker saw to it
	st.own = math.Sqrt(max(0, 1-st.tied()))
}

// tied is the share of the variance of the score that the factors explain.
func (st *Stage) tied() (sum float64) {
	for _, l := range st.Loadings {
		sum += float64(l * l)
	}
	return sum
}

type route struct {
	*Route
	op  *operation
	net *random.Stream
}

// route draws where a request goes next; nil: back to the caller.
func (o *operation) route() *route {
	if len(o.routes) == 0 {
		return nil
	}
	u := o.branch.Uniform()
	for i := range o.routes {
		if u < o.routes[i].Probability {
			return &o.routes[i]
		}
		u -= o.routes[i].Probability
	}
	return nil
}

// pick balances the load; nil when no pod is ready.
func (s *service) pick() *pod {
	n := len(s.ready)
	if n == 0 {
		return nil
	}
	switch s.spec.Balance {
	case RoundRobin:
		s.turn++
		return s.ready[s.turn%n]
	case Least:
		best := s.ready[0]
		for _, p := range s.ready[1:] {
			if p.outstanding < best.outstanding {
				best = p
			}
		}
		return best
	case PowerOfTwo:
		return s.betterOfTwo(n)
	}
	if n == 1 {
		return s.ready[0]
	}
	return s.ready[s.balance.Below(n)]
}

func (s *service) betterOfTwo(n int) *pod {
	if n == 1 {
		return s.ready[0]
	}
	i := s.balance.Below(n)
	j := s.balance.Below(n - 1)
	if j >= i {
		j++
	}
	if s.ready[j].outstanding < s.ready[i].outstanding {
		return s.ready[j]
	}
	return s.ready[i]
}

// admit takes a visit into the central queue, or straight to a free thread.
func (s *service) admit(v *visit) {
	if s.line.n == 0 {
		if p := s.freest(); p != nil {
			p.adopt(v)
			v.begin()
			return
		}
	}
	if s.spec.Queue.Max == Unbounded || s.line.n < s.spec.Queue.Max || s.spec.Queue.Overflow == Block {
		v.enqueue(&s.line, outside)
		return
	}
	v.refuse()
}

// freest is the ready pod with a free thread and the fewest busy ones.
func (s *service) freest() *pod {
	var best *pod
	for _, p := range s.ready {
		if p.busy == 0 {
			return p // none has fewer
		}
		if p.hasThread() && (best == nil || p.busy < best.busy) {
			best = p
		}
	}
	return best
}

// present is every visit at the service, for audits.
func (s *service) present() (all []*visit) {
	for _, p := range s.pods {
		for v := p.visits; v != nil; v = v.next {
			all = append(all, v)
		}
	}
	if s.spec.Queue.Central {
		for i := range s.line.rings {
			for _, v := range s.line.rings[i].buf {
				if v != nil {
					all = append(all, v)
				}
			}
		}
	}
	return all
}
