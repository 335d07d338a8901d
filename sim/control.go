package sim

import (
	"fmt"
	"slices"
)

// Fault is what is wrong with an operation. Visits that it touches are labelled
// Anomalous with its Kind. The zero Fault is none.
type Fault struct {
	Kind      string
	Slow      float64 // factor on all CPU and wait times; 0: none
	Extra     float64 // seconds more, without CPU
	ErrorRate float64 // share of requests that fail at once
}

// SetFault puts a fault on the operations of a service, or on one of them, in place
// of the one before. It panics if there is no such service, or on numbers that are
// negative or NaN.
func (s *System) SetFault(service, operation string, f Fault) {
	if !(f.Slow >= 0 && f.Extra >= 0 && f.ErrorRate >= 0 && f.ErrorRate <= 1) {
		panic(fmt.Sprintf("sim: fault %+v", f))
	}
	svc := s.service(service)
	for _, op := range svc.ops {
		if operation == "" || op.spec.Name == operation {
			op.fault = f
		}
	}
	s.note("fault", service, fmt.Sprintf("%s slow=%g extra=%g errors=%g", f.Kind, f.Slow, f.Extra, f.ErrorRate))
}

// SetReplicas is the scale subresource: pods come and go until there are n, which
// must be 0..MaxReplicas (it panics).
func (s *System) SetReplicas(service string, n int) {
	if n < 0 || n > MaxReplicas {
		panic(fmt.Sprintf("sim: %d replicas", n))
	}
	svc := s.service(service)
	if n == svc.replicas {
		return
	}
	s.note("scale", service, fmt.Sprintf("%d -> %d", svc.replicas, n))
	svc.replicas = n
	s.reconcile(svc)
}

// Replicas is the wanted number, and how many of them are ready.
func (s *System) Replicas(service string) (want, ready int) {
	svc := s.service(service)
	return svc.replicas, len(svc.ready)
}

// Resources are the requests and limits of a pod. Zero keeps what there is.
type Resources struct{ CPURequest, CPULimit, MemoryRequestMiB, MemoryLimitMiB float64 }

// Resources are those of a new pod of a service; zero is not set.
func (s *System) Resources(service string) Resources {
	t := &s.service(service).template
	return Resources{t.cpuRequest, t.cpu, t.memoryRequest, t.memory}
}

// SetResources changes the template of the pods: in place, or by a rolling update.
func (s *System) SetResources(service string, r Resources) {
	svc := s.service(service)
	t := &svc.template
	before := *t
	replace(&t.cpuRequest, r.CPURequest)
	replace(&t.cpu, r.CPULimit)
	replace(&t.memoryRequest, r.MemoryRequestMiB)
	replace(&t.memory, r.MemoryLimitMiB)
	if *t == before {
		return
	}
	s.note("resources", service, fmt.Sprintf("cpu %g/%g memory %g/%g", t.cpuRequest, t.cpu, t.memoryRequest, t.memory))
	if !svc.spec.Lifecycle.InPlace {
		t.generation++
		s.reconcile(svc)
		return
	}
	for _, p := range svc.pods {
		p.memoryLimit = t.memory
		p.cpu.setCores(svc.cores())
		p.memoryChanged()
	}
}

func replace(old *float64, by float64) {
	if by > 0 {
		*old = by
	}
}

// SetThreads changes how many requests each pod works on at once, running pods
// included: the worker cap. 0: no limit; it panics below.
func (s *System) SetThreads(service string, n int) {
	if n < 0 {
		panic(fmt.Sprintf("sim: %d threads", n))
	}
	svc := s.service(service)
	s.note("threads", service, fmt.Sprintf("%d -> %d", svc.template.threads, n))
	svc.template.threads = n
	for _, p := range svc.pods {
		p.threads = n
		p.dispatch()
	}
}

// SetUsers changes the number of users of a closed load, 0..MaxUsers. Those who go
// wait for their answer first. It panics if there is no such client.
func (s *System) SetUsers(client string, n int) {
	if n < 0 || n > MaxUsers {
		panic(fmt.Sprintf("sim: %d users", n))
	}
	for _, c := range s.clients {
		if c.spec.Name == client {
			s.note("users", client, fmt.Sprintf("%d -> %d", c.users, n))
			c.setUsers(n)
			return
		}
	}
	panic(fmt.Sprintf("sim: no client %q", client))
}

// SetExtraMemory makes every pod of a service hold so many MiB >= 0 more than its
// template says, such as a larger data set.
func (s *System) SetExtraMemory(service string, mib float64) {
	if !(mib >= 0) {
		panic(fmt.Sprintf("sim: %v MiB more", mib))
	}
	svc := s.service(service)
	svc.extraMiB = mib
	s.note("memory", service, fmt.Sprintf("%g MiB more", mib))
	for _, p := range svc.pods {
		p.memoryChanged()
	}
}

// SetLeak makes every container of a service grow by so many MiB >= 0 a second from
// now on.
func (s *System) SetLeak(service string, mibPerSecond float64) {
	if !(mibPerSecond >= 0) {
		panic(fmt.Sprintf("sim: a leak of %v MiB/s", mibPerSecond))
	}
	svc := s.service(service)
	for _, p := range svc.pods {
		p.leaked += float64(svc.leakRate * float64(s.clock.Now()-p.leakFrom) / 1e9)
		p.leakFrom = s.clock.Now()
	}
	svc.leakRate = mibPerSecond
	s.note("leak", service, fmt.Sprintf("%g MiB/s", mibPerSecond))
	for _, p := range svc.pods {
		p.watchLeak()
	}
}

// Kill deletes the n oldest pods of a service with all they do; new ones replace them.
func (s *System) Kill(service string, n int) {
	svc := s.service(service)
	for range min(n, len(svc.pods)) {
		s.removePod(svc.pods[0], "killed")
	}
}

// Crash ends the containers of the n oldest ready pods, which restart.
func (s *System) Crash(service string, n int) {
	ready := s.service(service).ready
	for _, p := range slices.Clone(ready[:min(n, len(ready))]) {
		p.crash("injected")
	}
}

// SetNodeSpeed makes every pod of a node compute slower by a factor >= 1, as beside
// a noisy neighbour. kind labels the visits it touches; "" none.
func (s *System) SetNodeSpeed(name string, slower float64, kind string) {
	if !(slower >= 1) {
		panic(fmt.Sprintf("sim: a node slower by %v", slower))
	}
	n := s.node(name)
	n.slow, n.fault = slower, kind
	s.note("node-speed", name, fmt.Sprintf("1/%g", slower))
	for _, svc := range s.services {
		for _, p := range svc.pods {
			if p.node == n {
				p.slow, p.fault = slower, kind
				p.setSpeed(0)
				p.memoryChanged()
			}
		}
	}
}

// SetZone takes all nodes of a zone away, with their pods, or brings them back empty.
func (s *System) SetZone(zone string, up bool) {
	s.note("zone", zone, fmt.Sprintf("up=%t", up))
	for _, n := range s.nodes {
		if n.spec.Zone == zone {
			n.up = up
			clear(n.images)
		}
	}
	for _, svc := range s.services {
		for _, p := range slices.Clone(svc.pods) {
			if p.node != nil && !p.node.up && p.phase != phaseGone {
				s.removePod(p, "zone lost")
			}
		}
	}
	s.housing()
}

func (s *System) node(name string) *node {
	for _, n := range s.nodes {
		if n.spec.Name == name {
			return n
		}
	}
	panic(fmt.Sprintf("sim: no node %q", name))
}
