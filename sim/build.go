package sim

import (
	"fmt"
	"strconv"

	"github.com/scale-eval/scale-eval/sim/random"
)

// New builds a system. The topology must not change afterwards. The error joins a
// [FieldError] for each field that is wrong. Every random number of the run derives
// from the seed.
func New(t *Topology, seed uint64) (*System, error) {
	var c checker
	c.topology(t)
	if err := c.err(); err != nil {
		return nil, err
	}
	if err := t.Tapes.claim(seed); err != nil {
		return nil, err
	}
	s := &System{seed: seed, byName: map[string]*service{}}
	s.anywhere = node{up: true, slow: 1, images: map[*service]bool{}}
	for i := range t.Nodes {
		s.nodes = append(s.nodes, &node{spec: &t.Nodes[i], up: true, slow: 1, images: map[*service]bool{}})
	}
	for i := range t.Services {
		s.addService(&t.Services[i])
	}
	for i, svc := range s.services {
		for j, op := range svc.ops {
			s.connect(&c, fmt.Sprintf("services[%d].operations[%d]", i, j), op)
		}
	}
	for i := range t.Clients {
		s.addClient(&c, fmt.Sprintf("clients[%d]", i), &t.Clients[i])
	}
	if c.err() == nil {
		c.finite(s)
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	s.tape(t.Tapes)
	s.begin()
	return s, nil
}

func (s *System) addService(spec *Service) {
	name := spec.Name
	svc := &service{
		sys: s, spec: spec, replicas: spec.Replicas, leakRate: spec.Pod.LeakMiBPerSecond, cpuLeft: 1,
		template: template{
			threads: spec.Pod.Threads, cpu: spec.Pod.CPU, memory: spec.Pod.MemoryLimitMiB,
			cpuRequest: spec.Pod.CPURequest, memoryRequest: spec.Pod.MemoryRequestMiB,
		},
		balance: s.stream(name, "balance"), patience: s.stream(name, "patience"), start: s.stream(name, "lifecycle"),
	}
	for i := range spec.Operations {
		op := &operation{service: svc, spec: &spec.Operations[i]}
		op.cpu, op.wait = s.stream(name, op.spec.Name, "cpu"), s.stream(name, op.spec.Name, "wait")
		op.branch, op.errors = s.stream(name, op.spec.Name, "branch"), s.stream(name, op.spec.Name, "errors")
		svc.ops = append(svc.ops, op)
	}
	s.services = append(s.services, svc)
	s.byName[name] = svc
}

// connect finds the operations that op calls and forwards to.
func (s *System) connect(c *checker, path string, op *operation) {
	from := op.service.spec.Name
	if len(op.spec.Courses) == 0 {
		s.addCourse(c, path, op, 1, op.spec.Stages)
	}
	for i := range op.spec.Courses {
		course := &op.spec.Courses[i]
		s.addCourse(c, fmt.Sprintf("%s.courses[%d]", path, i), op, course.Weight, course.Stages, "course", strconv.Itoa(i))
	}
	for i := range op.spec.Forward {
		r := route{Route: &op.spec.Forward[i], net: s.stream(from, op.spec.Name, "forward", strconv.Itoa(i))}
		r.op = s.find(c, fmt.Sprintf("%s.forward[%d]", path, i), r.Service, r.Operation)
		op.routes = append(op.routes, r)
	}
}

// addCourse finds the operations that the stages of a course call. names tell its
// random streams from those of other courses.
func (s *System) addCourse(c *checker, path string, op *operation, weight float64, stages []Stage, names ...string) {
	from := op.service.spec.Name
	built := make([]stage, len(stages), len(stages)+1)
	for i := range stages {
		built[i].Stage = &stages[i]
		if stages[i].tied() > 0 {
			built[i].tie()
			s.factors = true
		}
		for j := range stages[i].Calls {
			where := fmt.Sprintf("%s.stages[%d].calls[%d]", path, i, j)
			purpose := append([]string{from, op.spec.Name, strconv.Itoa(i), strconv.Itoa(j)}, names...)
			built[i].calls = append(built[i].calls, s.newCall(c, where, from, &stages[i].Calls[j], purpose...))
		}
	}
	if len(stages) == 0 {
		built = append(built, stage{Stage: &Stage{}}) // where an injected delay lives
	}
	op.courses = append(op.courses, course{weight, built})
	op.weight += weight
}

func (s *System) newCall(c *checker, path, from string, spec *Call, names ...string) call {
	built := call{
		spec: spec, from: from, op: s.find(c, path, spec.Service, spec.Operation),
		net: s.stream(append(names, "network")...), jitter: s.stream(append(names, "jitter")...),
	}
	if spec.Timeout > 0 {
		built.timeouts = s.clock.NewLane()
	}
	return built
}

// find resolves a name; an empty operation is the first of the service.
func (s *System) find(c *checker, path, name, opName string) *operation {
	svc := s.byName[name]
	if svc == nil {
		c.fail(path+".service", "no service %q", name)
		return nil
	}
	for _, op := range svc.ops {
		if opName == "" || op.spec.Name == opName {
			return op
		}
	}
	c.fail(path+".operation", "service %s has no operation %q", name, opName)
	return nil
}

func (s *System) addClient(c *checker, path string, spec *Client) {
	cl := &client{
		sys: s, spec: spec, id: uint64(len(s.clients) + 1), pools: newPools(spec.Pools),
		arrivals: s.stream(spec.Name, "arrivals"), think: s.stream(spec.Name, "think"), mix: s.stream(spec.Name, "mix"),
		factors: s.stream(spec.Name, "factors"),
	}
	for i := range spec.Mix {
		where := fmt.Sprintf("%s.mix[%d].call", path, i)
		cl.calls = append(cl.calls, s.newCall(c, where, "", &spec.Mix[i].Call, spec.Name, strconv.Itoa(i)))
		cl.total += spec.Mix[i].Weight
	}
	s.clients = append(s.clients, cl)
}

// tape lets the system read what others with its seed draw as well.
func (s *System) tape(t *Tapes) {
	for _, svc := range s.services {
		for _, op := range svc.ops {
			op.tape(t)
		}
	}
	for _, c := range s.clients {
		if c.spec.Arrivals != nil {
			c.instants = t.arrivalsOf(c.spec.Arrivals, c.arrivals, c.spec.Name)
		}
		c.thought = t.dist(c.spec.Think, c.think, "client", c.spec.Name, "think")
	}
}

// tape is for the one stage of the operation that draws from a stream; where several do,
// whose turn it is depends on the run.
func (o *operation) tape(t *Tapes) {
	var cpu, wait []*stage
	for i := range o.courses {
		for j := range o.courses[i].stages {
			st := &o.courses[i].stages[j]
			if st.CPU != nil {
				cpu = append(cpu, st)
			}
			if st.Wait != nil {
				wait = append(wait, st)
			}
		}
	}
	if len(cpu) == 1 && cpu[0].inverse == nil {
		cpu[0].works = t.dist(cpu[0].CPU, o.cpu, "service", o.service.spec.Name, o.spec.Name, "cpu")
	}
	if len(wait) == 1 {
		wait[0].waits = t.dist(wait[0].Wait, o.wait, "service", o.service.spec.Name, o.spec.Name, "wait")
	}
}

// begin puts the first pods on their nodes, ready, and starts the clients.
func (s *System) begin() {
	for _, svc := range s.services {
		for range svc.replicas {
			s.newPod(svc)
		}
		for _, p := range svc.pods {
			if !s.place(p) {
				s.homeless = append(s.homeless, p)
				continue
			}
			p.node.images[svc] = true
			p.becomeReady()
		}
	}
	for _, c := range s.clients {
		if c.spec.Arrivals != nil {
			c.nextArrival()
		}
		c.setUsers(c.spec.Users)
	}
}

// draw is a time in the life of a pod, ns.
func (s *service) draw(d random.Dist) int64 {
	if d == nil {
		return 0
	}
	return ns(d.Sample(s.start))
}
