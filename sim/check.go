package sim

import (
	"errors"
	"fmt"
	"math"

	"github.com/scale-eval/scale-eval/sim/random"
)

// FieldError says which field of a topology is wrong, as a path such as
// services[2].pod.cpu, and what is wanted. [New] joins all of them.
type FieldError struct{ Field, Msg string }

func (e *FieldError) Error() string { return e.Field + ": " + e.Msg }

// Limits of what New accepts, so that a slip of the finger is an error instead of a
// machine without memory.
const (
	MaxUsers    = 1_000_000
	MaxReplicas = 100_000
	MaxVisits   = 100_000 // expected visits of pods a request
)

// checker collects errors.
type checker struct{ errs []error }

func (c *checker) fail(path, format string, args ...any) {
	c.errs = append(c.errs, &FieldError{path, fmt.Sprintf(format, args...)})
}

// number wants low <= x <= high, which NaN is not.
func (c *checker) number(path string, x, low, high float64) {
	if !(x >= low && x <= high) {
		c.fail(path, "%v: want %g..%g", x, low, high)
	}
}

func (c *checker) positive(path string, x float64) {
	if !(x > 0) || math.IsInf(x, 0) {
		c.fail(path, "%v: want a number above 0", x)
	}
}

func (c *checker) duration(path string, d int64) { c.number(path, float64(d), 0, MaxTime/4) }

func (c *checker) dist(path string, d random.Dist) {
	if d != nil {
		c.number(path, d.Mean(), 0, math.MaxFloat64)
	}
}

func (c *checker) topology(t *Topology) {
	names := map[string]bool{}
	for i := range t.Nodes {
		c.node(fmt.Sprintf("nodes[%d]", i), &t.Nodes[i])
	}
	if len(t.Services) == 0 {
		c.fail("services", "none: want one or more")
	}
	for i := range t.Services {
		s := &t.Services[i]
		path := fmt.Sprintf("services[%d]", i)
		if s.Name == "" || names[s.Name] {
			c.fail(path+".name", "%q: want a name that no other service has", s.Name)
		}
		names[s.Name] = true
		c.service(path, s)
	}
	clients := map[string]bool{}
	for i := range t.Clients {
		path := fmt.Sprintf("clients[%d]", i)
		if name := t.Clients[i].Name; name == "" || clients[name] {
			c.fail(path+".name", "%q: want a name that no other client has", name)
		}
		clients[t.Clients[i].Name] = true
		c.client(path, &t.Clients[i])
	}
}

func (c *checker) node(path string, n *Node) {
	c.positive(path+".cpu", n.CPU)
	c.positive(path+".memory", n.MemoryMiB)
}

func (c *checker) service(path string, s *Service) {
	c.number(path+".replicas", float64(s.Replicas), 0, MaxReplicas)
	c.pod(path+".pod", &s.Pod)
	c.number(path+".queue.max", float64(s.Queue.Max), NoQueue, 1e9)
	c.dist(path+".queue.patience", s.Queue.Patience)
	c.dist(path+".lifecycle.bind", s.Lifecycle.Bind)
	c.dist(path+".lifecycle.pull", s.Lifecycle.Pull)
	c.dist(path+".lifecycle.start", s.Lifecycle.Start)
	c.duration(path+".lifecycle.probe_period", s.Lifecycle.ProbePeriod)
	c.duration(path+".lifecycle.drain", s.Lifecycle.Drain)
	if len(s.Operations) == 0 {
		c.fail(path+".operations", "none: want one or more")
	}
	names := map[string]bool{}
	for i := range s.Operations {
		op := &s.Operations[i]
		where := fmt.Sprintf("%s.operations[%d]", path, i)
		if op.Name == "" || names[op.Name] {
			c.fail(where+".name", "%q: want a name that no other operation of the service has", op.Name)
		}
		names[op.Name] = true
		c.operation(where, s, op)
	}
}

func (c *checker) pod(path string, p *Pod) {
	c.number(path+".threads", float64(p.Threads), 0, 1e9)
	c.number(path+".cpu", p.CPU, 0, 1e6)
	c.duration(path+".throttle_period", p.ThrottlePeriod)
	c.number(path+".cpu_request", p.CPURequest, 0, 1e6)
	for _, f := range []struct {
		name string
		mib  float64
	}{
		{"memory_request", p.MemoryRequestMiB}, {"memory_limit", p.MemoryLimitMiB},
		{"base_memory", p.BaseMiB}, {"leak", p.LeakMiBPerSecond},
	} {
		c.number(path+"."+f.name, f.mib, 0, 1e9)
	}
	if p.CollectorSlowdown != 0 {
		c.number(path+".collector_slowdown", p.CollectorSlowdown, 1, 1e3)
	}
	if p.Law != nil {
		c.number(path+".law.sigma", p.Law.Sigma, 0, 1e6)
		c.number(path+".law.kappa", p.Law.Kappa, 0, 1e6)
	}
	c.pools(path, p.Pools)
}

func (c *checker) pools(path string, sizes []int) {
	for i, n := range sizes {
		c.number(fmt.Sprintf("%s.pools[%d]", path, i), float64(n), 1, 1e9)
	}
}

func (c *checker) operation(path string, s *Service, op *Operation) {
	c.number(path+".memory", op.MemoryMiB, 0, 1e9)
	c.stages(path, s, op.Stages)
	if len(op.Courses) > 0 && len(op.Stages) > 0 {
		c.fail(path, "both stages and courses: want one of them")
	}
	for i := range op.Courses {
		where := fmt.Sprintf("%s.courses[%d]", path, i)
		c.positive(where+".weight", op.Courses[i].Weight)
		c.stages(where, s, op.Courses[i].Stages)
	}
	sum := 0.0
	for i, r := range op.Forward {
		where := fmt.Sprintf("%s.forward[%d]", path, i)
		c.number(where+".probability", r.Probability, 1e-12, 1)
		c.number(where+".priority", float64(r.Priority), 0, Priorities-1)
		c.dist(where+".network", r.Network)
		sum += r.Probability
	}
	if sum > 1+1e-9 {
		c.fail(path+".forward", "probabilities add up to %v: want at most 1", sum)
	}
}

func (c *checker) stages(path string, s *Service, stages []Stage) {
	for i := range stages {
		st := &stages[i]
		where := fmt.Sprintf("%s.stages[%d]", path, i)
		c.dist(where+".cpu", st.CPU)
		c.dist(where+".wait", st.Wait)
		tied := st.tied()
		c.number(where+".loadings", tied, 0, 1+1e-9)
		if _, ok := st.CPU.(random.Inverse); tied > 0 && !ok {
			c.fail(where+".loadings", "%v: %T has no quantiles to tie: want one of random.Inverse", st.Loadings, st.CPU)
		}
		for j := range st.Calls {
			c.call(fmt.Sprintf("%s.calls[%d]", where, j), &st.Calls[j], len(s.Pod.Pools))
		}
	}
}

func (c *checker) call(path string, call *Call, pools int) {
	c.number(path+".probability", call.Probability, 0, 1)
	c.number(path+".times", float64(call.Times), 0, 10_000)
	c.dist(path+".network", call.Network)
	c.duration(path+".timeout", call.Timeout)
	c.number(path+".pool", float64(call.Pool), 0, float64(pools))
	c.number(path+".priority", float64(call.Priority), 0, Priorities-1)
	r := &call.Retry
	c.number(path+".retry.max", float64(r.Max), 0, 1000)
	c.duration(path+".retry.backoff", r.Backoff)
	c.duration(path+".retry.cap", r.Cap)
	c.number(path+".retry.jitter", r.Jitter, 0, 1)
	c.number(path+".retry.budget", r.Budget, 0, 1000)
	c.number(path+".retry.budget_burst", r.BudgetBurst, 0, 1e9)
}

func (c *checker) client(path string, cl *Client) {
	if len(cl.Mix) == 0 {
		c.fail(path+".mix", "no calls: want one or more")
	}
	for i := range cl.Mix {
		where := fmt.Sprintf("%s.mix[%d]", path, i)
		c.positive(where+".weight", cl.Mix[i].Weight)
		c.call(where+".call", &cl.Mix[i].Call, len(cl.Pools))
	}
	c.number(path+".users", float64(cl.Users), 0, MaxUsers)
	c.dist(path+".think", cl.Think)
	c.pools(path, cl.Pools)
	if cl.Arrivals != nil && cl.Users > 0 {
		c.fail(path, "both arrivals and users: want an open load or a closed one")
	}
}

// finite wants each client's requests to end: the expected number of visits, by the
// call tree and the forwards, must be below MaxVisits. A cycle of calls has
// infinitely many; a cycle of forwards that can be left has not.
func (c *checker) finite(s *System) {
	number, ops := map[*operation]int{}, []*operation{}
	for _, svc := range s.services {
		for _, op := range svc.ops {
			number[op] = len(ops)
			ops = append(ops, op)
		}
	}
	for i, cl := range s.clients {
		now := make([]float64, len(ops))
		for j := range cl.calls {
			now[number[cl.calls[j].op]] = 1
		}
		if total, where := visits(ops, number, now); total > MaxVisits {
			c.fail(fmt.Sprintf("clients[%d]", i), "a request makes more than %d visits, most of them by %s.%s: is there a cycle of calls?",
				MaxVisits, where.service.spec.Name, where.spec.Name)
		}
	}
}

// visits follows the expected number of visits an operation, generation by
// generation, until they die out or are too many.
func visits(ops []*operation, number map[*operation]int, now []float64) (total float64, most *operation) {
	for range 10 * MaxVisits {
		next, sum := make([]float64, len(now)), 0.0
		most = ops[0]
		for i, n := range now {
			sum += n
			if n > now[number[most]] {
				most = ops[i]
			}
			if n > 0 {
				ops[i].spawn(n, func(to *operation, m float64) { next[number[to]] += m })
			}
		}
		total += sum
		if sum < 1e-6 || total > MaxVisits {
			return total, most
		}
		now = next
	}
	return math.Inf(1), most
}

// spawn reports what n visits make of other operations.
func (o *operation) spawn(n float64, to func(*operation, float64)) {
	o.eachCall(func(c *call, share float64) {
		p := c.spec.Probability
		if p == 0 {
			p = 1
		}
		to(c.op, n*share*p*float64(max(1, c.spec.Times)))
	})
	for i := range o.routes {
		to(o.routes[i].op, n*o.routes[i].Probability)
	}
}

func (c *checker) err() error { return errors.Join(c.errs...) }
