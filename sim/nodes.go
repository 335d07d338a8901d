package sim

import "slices"

// node is a Node at work. A nil *node stands for a cluster without limits.
type node struct {
	spec   *Node
	up     bool
	slow   float64
	fault  string
	images map[*service]bool // looked up, never walked
	cpu    float64           // requested
	memory float64
}

func (n *node) name() string {
	if n.spec == nil {
		return ""
	}
	return n.spec.Name
}

func (n *node) fits(p *pod) bool {
	return n.up && n.cpu+p.cpuRequest <= n.spec.CPU+1e-9 && n.memory+p.memoryRequest <= n.spec.MemoryMiB+1e-9
}

// load is the larger share of what is requested, with p.
func (n *node) load(p *pod) float64 {
	return max((n.cpu+p.cpuRequest)/n.spec.CPU, (n.memory+p.memoryRequest)/n.spec.MemoryMiB)
}

// schedule puts the pod on the node that is least loaded with it (Kubernetes'
// LeastAllocated), ties by order, or leaves it pending until there is room.
func (s *System) schedule(p *pod) {
	if !s.place(p) {
		s.event("unschedulable", p, "")
		s.homeless = append(s.homeless, p)
		return
	}
	p.bind()
}

func (s *System) place(p *pod) bool {
	if len(s.nodes) == 0 {
		p.node = &s.anywhere
		return true
	}
	var best *node
	for _, n := range s.nodes {
		if n.fits(p) && (best == nil || n.load(p) < best.load(p)) {
			best = n
		}
	}
	if best == nil {
		return false
	}
	best.cpu += p.cpuRequest
	best.memory += p.memoryRequest
	p.node, p.slow, p.fault = best, best.slow, best.fault
	p.setSpeed(0)
	return true
}

// unplace frees the pod's place and gives it to those that wait.
func (s *System) unplace(p *pod) {
	s.homeless = slices.DeleteFunc(s.homeless, func(q *pod) bool { return q == p })
	if p.node == nil || p.node.spec == nil {
		return
	}
	p.node.cpu -= p.cpuRequest
	p.node.memory -= p.memoryRequest
	s.housing()
}

// housing tries again to schedule the pods without a node, oldest first.
func (s *System) housing() {
	waiting := s.homeless
	s.homeless = nil
	for _, p := range waiting {
		if !s.place(p) {
			s.homeless = append(s.homeless, p)
			continue
		}
		p.bind()
	}
}
