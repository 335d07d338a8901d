package sim

import "math"

// pod is one replica of a service.
type pod struct {
	service    *service
	name       string
	number     int
	generation int // of the template
	node       *node
	phase      phase
	fault      string // of the node, for labels

	threads     int
	busy        int
	outstanding int // requests sent here and not answered, for balancing
	line        line
	cpu         processor
	pools       []pool
	visits      *visit
	dispatching bool

	cpuRequest, memoryRequest float64
	memoryLimit               float64 // MiB, 0: none
	held                      float64 // MiB, by requests
	leaked                    float64 // MiB, up to leakFrom
	leakFrom                  int64
	started                   int64   // of the container
	slow                      float64 // by the node, 1: not
	leak                      Timer

	created     int64
	transition  int64 // of readiness
	restarts    int
	bound       int64
	outOfMemory uint64 // the event that killed it last; 0: none did
	served      uint64
	scraped     scrape
	timer       Timer // next step of its life
}

// hasThread reports whether a request could begin now.
func (p *pod) hasThread() bool { return p.threads == 0 || p.busy < p.threads }

// accepts reports whether requests that were sent here are taken.
func (p *pod) accepts() bool { return p.phase == phaseReady || p.phase == phaseDraining }

// admit gives a visit a thread, a place in a queue, or a refusal.
func (p *pod) admit(v *visit) {
	q := &p.service.spec.Queue
	switch {
	case p.line.n == 0 && p.hasThread():
		v.begin()
	case q.Max == Unbounded || p.line.n < q.Max:
		v.enqueue(&p.line, queued)
	case q.Overflow == Block:
		v.enqueue(&p.service.line, outside)
	default:
		v.refuse()
	}
}

// adopt attaches a visit from the central queue.
func (p *pod) adopt(v *visit) {
	v.pod = p
	p.outstanding++
	p.attach(v)
}

// dispatch begins waiting visits while there are threads. A visit that ends at once
// comes back here; the flag turns that recursion into one loop.
func (p *pod) dispatch() {
	if p.dispatching {
		return
	}
	p.dispatching = true
	for p.hasThread() && p.accepts() {
		v := p.nextVisit()
		if v == nil {
			break
		}
		v.begin()
	}
	p.dispatching = false
}

func (p *pod) nextVisit() *visit {
	s := p.service
	if v := p.line.pop(); v != nil {
		v.dequeue()
		p.letIn()
		return v
	}
	if s.line.n == 0 || p.phase != phaseReady {
		return nil
	}
	v := s.line.pop()
	v.dequeue()
	if v.pod != p {
		p.move(v)
	}
	return v
}

// letIn fills the place that was freed in the queue from those who wait outside.
func (p *pod) letIn() {
	s := p.service
	if s.spec.Queue.Central || s.line.n == 0 || s.spec.Queue.Max <= 0 {
		return
	}
	for s.line.n > 0 && p.line.n < s.spec.Queue.Max {
		v := s.line.pop()
		if v.pod != p {
			p.move(v)
		}
		v.state = queued
		p.line.push(v)
	}
}

// move takes a visit over from another pod, or from none.
func (p *pod) move(v *visit) {
	if v.pod != nil {
		v.pod.outstanding--
		v.pod.detach(v)
	}
	p.adopt(v)
}

func (p *pod) attach(v *visit) {
	v.attached = true
	v.next = p.visits
	if p.visits != nil {
		p.visits.prev = v
	}
	p.visits = v
}

func (p *pod) detach(v *visit) {
	if v.next != nil {
		v.next.prev = v.prev
	}
	if v.prev != nil {
		v.prev.next = v.next
	} else {
		p.visits = v.next
	}
	v.prev, v.next, v.attached = nil, nil, false
	if p.visits == nil && p.phase == phaseDraining {
		p.service.sys.drained(p)
	}
}

// memory is what the container uses now, MiB.
func (p *pod) memory() float64 {
	t := &p.service.spec.Pod
	age := float64(p.service.sys.clock.Now()-p.leakFrom) / 1e9
	return t.BaseMiB + p.service.extraMiB + p.held + p.leaked + float64(p.service.leakRate*age)
}

// hold changes the memory of requests.
func (p *pod) hold(mib float64) {
	if mib == 0 {
		return
	}
	p.held += mib
	p.memoryChanged()
}

// memoryChanged slows the CPU near the limit and kills the container at it. The
// killing is an event of its own: the change may come from the middle of a visit.
func (p *pod) memoryChanged() {
	if p.memoryLimit == 0 {
		return
	}
	share := p.memory() / p.memoryLimit
	if share >= 1 && p.accepts() {
		p.service.sys.clock.After(0, p, podOutOfMemory)
		return
	}
	p.setSpeed(share)
}

// setSpeed combines what slows the pod down.
func (p *pod) setSpeed(share float64) {
	speed := 1 / p.slow
	if k := p.service.spec.Pod.CollectorSlowdown; k > 1 && share > .8 {
		speed /= 1 + float64((k-1)*min(1, (share-.8)/.2))
	}
	if speed != p.cpu.speed {
		p.cpu.setSpeed(speed)
	}
}

// limit is the CPU of the processor, with 0 meaning no limit.
func limit(cores float64, law *USL) float64 {
	switch {
	case cores > 0:
		return cores
	case law != nil:
		return 1
	}
	return math.Inf(1)
}
