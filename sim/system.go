package sim

import (
	"errors"
	"fmt"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/sim/random"
)

// System is a Topology at work. Not safe for concurrent use; different systems may
// run at once.
type System struct {
	clock    Clock
	seed     uint64
	nodes    []*node
	anywhere node
	homeless []*pod
	services []*service
	clients  []*client
	byName   map[string]*service // looked up, never walked

	freeVisit   *visit
	freeFlight  *flight
	freeRequest *request

	factors bool // requests draw them, because a stage is tied to one

	span      trace.Span
	epoch     int64
	onSpan    func(*trace.Span)
	onRequest func(Outcome)
	onBegin   func(client string, at int64)
	onEvent   func(Event)
}

// Clock is the virtual time of the system, for events of the caller's own.
func (s *System) Clock() *Clock { return &s.clock }

// Now is the virtual time, ns since the start.
func (s *System) Now() int64 { return s.clock.Now() }

// Run simulates until a time, which it includes. The error is [ErrLivelock].
func (s *System) Run(until int64) error { return s.clock.Run(until) }

// OnRequest is called with each request that a client has its answer to. nil: not.
func (s *System) OnRequest(f func(Outcome)) { s.onRequest = f }

// OnBegin is called with each request that a client begins, at its start. nil: not.
func (s *System) OnBegin(f func(client string, at int64)) { s.onBegin = f }

// OnEvent is called with each event in the life of a pod and each change from
// outside. nil: not.
func (s *System) OnEvent(f func(Event)) { s.onEvent = f }

// Stats are the statistics of a service up to now. It panics if there is no such
// service.
func (s *System) Stats(name string) Stats {
	st := &s.service(name).stats
	st.advance(s.clock.Now())
	return *st
}

// ResetStats begins all statistics anew: what came before was the warm-up.
func (s *System) ResetStats() {
	for _, svc := range s.services {
		svc.stats.advance(s.clock.Now())
		svc.stats.reset(s.clock.Now())
	}
	s.eachCall(func(c *call) { c.stats = CallStats{} })
}

// Audit checks what must hold on every path of every model, at every service:
// requests are conserved, L = λW (both exactly, in integers) and the utilisation law.
// It costs the requests present.
func (s *System) Audit() error {
	for _, svc := range s.services {
		svc.stats.advance(s.clock.Now())
		done, left := svc.gone, 0.0
		for _, p := range svc.pods {
			done += p.cpu.workedUntil()
			left += p.cpu.left()
		}
		if err := errors.Join(svc.stats.audit(svc.present()), svc.stats.auditWork(done, left)); err != nil {
			return fmt.Errorf("service %s at %d ns: %w", svc.spec.Name, s.clock.Now(), err)
		}
	}
	return nil
}

// CallStats are the counts of all calls from one place (a service, or a client with
// service "") to one service.
func (s *System) CallStats(from, to string) (sum CallStats) {
	s.eachCall(func(c *call) {
		if c.from == from && c.op.service.spec.Name == to {
			sum.Attempts += c.stats.Attempts
			sum.Retries += c.stats.Retries
			sum.Timeouts += c.stats.Timeouts
			sum.Succeeded += c.stats.Succeeded
			sum.Failed += c.stats.Failed
		}
	})
	return sum
}

func (s *System) eachCall(visit func(*call)) {
	for _, c := range s.clients {
		for i := range c.calls {
			visit(&c.calls[i])
		}
	}
	for _, svc := range s.services {
		for _, op := range svc.ops {
			op.eachCall(func(c *call, _ float64) { visit(c) })
		}
	}
}

func (s *System) service(name string) *service {
	svc := s.byName[name]
	if svc == nil {
		panic(fmt.Sprintf("sim: no service %q", name))
	}
	return svc
}

func (s *System) stream(names ...string) *random.Stream { return random.NewStream(s.seed, names...) }

// dispatch sends a visit to a pod of its service.
func (s *System) dispatch(v *visit, delay int64) {
	svc := v.op.service
	if !svc.spec.Queue.Central {
		p := svc.pick()
		if p == nil {
			svc.stats.Unavailable++
			v.drop(false)
			return
		}
		v.pod = p
		p.outstanding++
	}
	if delay > 0 {
		v.timer = s.clock.After(delay, v, visitArrives)
		return
	}
	v.arrive()
}

// handOn continues a request at another operation, for the same caller.
func (s *System) handOn(r *route, caller *flight, req *request, from trace.SpanID) {
	v := s.newVisit(r.op, req, caller)
	v.parent, v.priority = from, uint8(r.Priority)
	if caller != nil {
		caller.visit = v
	}
	delay := int64(0)
	if r.Network != nil {
		delay = ns(r.Network.Sample(r.net))
	}
	s.dispatch(v, delay)
}

func (s *System) newVisit(op *operation, req *request, caller *flight) *visit {
	v := s.freeVisit
	if v == nil {
		v = &visit{}
	} else {
		s.freeVisit = v.next
	}
	req.refs++
	req.spans++
	*v = visit{} // and not all at once, which would be a copy from the stack
	v.sys, v.op, v.req, v.caller, v.begun, v.id = s, op, req, caller, -1, req.spanID()
	return v
}

// recycleVisit keeps v for newVisit, which overwrites all of it.
func (s *System) recycleVisit(v *visit) {
	v.next = s.freeVisit
	s.freeVisit = v
}

func (s *System) newFlight(c *call, req *request, parent *visit) *flight {
	f := s.freeFlight
	if f == nil {
		f = &flight{}
	} else {
		s.freeFlight = f.next
	}
	req.refs++
	*f = flight{}
	f.sys, f.call, f.req = s, c, req
	c.deposit()
	if n := c.spec.Pool; n > 0 && parent != nil {
		f.pool = &parent.pod.pools[n-1]
	} else if n > 0 {
		f.pool = &req.client.pools[n-1]
	}
	if parent != nil {
		f.from = parent.id
		if !c.spec.Async {
			parent.pending++
			f.link(parent)
		}
	}
	return f
}

// recycleFlight keeps f for newFlight, which overwrites all of it.
func (s *System) recycleFlight(f *flight) {
	f.next = s.freeFlight
	s.freeFlight = f
}

func (s *System) newRequest() *request {
	r := s.freeRequest
	if r == nil {
		r = &request{}
	} else {
		s.freeRequest = r.next
	}
	*r = request{}
	r.sys = s
	return r
}

// request is what all visits of one request share.
type request struct {
	sys     *System
	client  *client
	choice  int
	user    int // closed loads; -1: open
	start   int64
	factors [Factors]float64 // standard normal, of stages that are tied to them
	trace   trace.TraceID
	spans   uint64 // ids given out
	refs    int    // flights and visits
	next    *request
}

func (r *request) release() {
	r.refs--
	if r.refs == 0 {
		s := r.sys
		r.next = s.freeRequest // newRequest overwrites the rest
		s.freeRequest = r
	}
}

// spanID is unique within the trace and looks random, as samplers may expect.
func (r *request) spanID() trace.SpanID {
	x := (r.trace.Lo<<20 + r.spans) ^ r.trace.Hi<<56
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb
	return trace.SpanID(max(1, x^(x>>31)))
}
