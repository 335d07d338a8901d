package sim

import (
	"fmt"
	"math"
	"slices"
)

// phase is where a pod is in its life.
type phase uint8

const (
	phasePending  phase = iota // has no node yet, or is being bound to one
	phasePulling               // its image is on the way
	phaseStarting              // not ready yet
	phaseReady                 // gets requests
	phaseDraining              // told to end; finishes what it has
	phaseBackOff               // crashed, waits for its restart
	phaseGone
)

// Kinds of a pod's events.
const (
	podBound = iota
	podPulled
	podReady
	podDrained
	podRestarts
	podOutOfMemory
	podLeaks
)

// Crash loops: the first restart is immediate, the next wait 10 s, doubling up to
// 300 s, and a container that ran for 600 s is forgiven (Kubernetes, pod lifecycle,
// "container restarts").
const (
	backOffFirst = 10e9
	backOffMost  = 300e9
	forgiveAfter = 600e9
)

// leakTick is how often a leaking container's memory is looked at.
const leakTick = 1e9

// Handle implements [Handler].
func (p *pod) Handle(arg uint64) {
	s := p.service.sys
	switch arg {
	case podBound:
		p.pull()
	case podPulled:
		p.node.images[p.service] = true
		p.startContainer()
	case podReady:
		p.becomeReady()
	case podDrained:
		s.removePod(p, "drain deadline")
	case podRestarts:
		p.startContainer()
	case podOutOfMemory:
		if p.accepts() && p.memory() >= p.memoryLimit {
			p.outOfMemory = s.clock.Fired()
			p.crash("OOMKilled")
		}
	case podLeaks:
		p.leak = Timer{}
		p.watchLeak()
	}
}

func (s *System) newPod(svc *service) *pod {
	t := &svc.template
	p := &pod{
		service: svc, name: fmt.Sprintf("%s-%d", svc.spec.Name, svc.created), number: svc.created,
		generation: t.generation, threads: t.threads, memoryLimit: t.memory, slow: 1,
		cpuRequest: t.cpuRequest, memoryRequest: t.memoryRequest,
		cpu:     newProcessor(&s.clock, svc.cores(), svc.spec.Pod.Law, svc.spec.Pod.ThrottlePeriod),
		pools:   newPools(svc.spec.Pod.Pools),
		created: s.clock.Now(), transition: s.clock.Now(),
	}
	p.cpu.since = s.clock.Now()
	svc.created++
	svc.pods = append(svc.pods, p)
	return p
}

// bind follows the decision of the scheduler.
func (p *pod) bind() {
	s := p.service.sys
	p.bound = s.clock.Now()
	s.event("bound", p, p.node.name())
	p.timer = s.clock.After(p.service.draw(p.service.spec.Lifecycle.Bind), p, podBound)
}

func (p *pod) pull() {
	if p.node.images[p.service] || p.service.spec.Lifecycle.Pull == nil {
		p.startContainer()
		return
	}
	p.phase = phasePulling
	p.timer = p.service.sys.clock.After(p.service.draw(p.service.spec.Lifecycle.Pull), p, podPulled)
}

func (p *pod) startContainer() {
	s, life := p.service.sys, &p.service.spec.Lifecycle
	p.phase, p.started = phaseStarting, s.clock.Now()
	p.leaked, p.leakFrom, p.held = 0, p.started, 0
	wait := p.service.draw(life.Start)
	if life.ProbePeriod > 0 {
		wait = (wait + life.ProbePeriod - 1) / life.ProbePeriod * life.ProbePeriod
	}
	s.event("started", p, "")
	p.timer = s.clock.After(wait, p, podReady)
}

func (p *pod) becomeReady() {
	svc := p.service
	p.phase, p.transition = phaseReady, svc.sys.clock.Now()
	i, _ := slices.BinarySearchFunc(svc.ready, p, func(a, b *pod) int { return a.number - b.number })
	svc.ready = slices.Insert(svc.ready, i, p)
	svc.sys.event("ready", p, "")
	p.watchLeak()
	p.memoryChanged()
	p.dispatch()
	svc.sys.reconcile(svc)
}

func (p *pod) unready() {
	if i := slices.Index(p.service.ready, p); i >= 0 {
		p.service.ready = slices.Delete(p.service.ready, i, i+1)
		p.transition = p.service.sys.clock.Now()
	}
}

// crash ends the container and restarts it later, in the same pod.
func (p *pod) crash(why string) {
	s := p.service.sys
	p.unready()
	p.phase = phaseBackOff
	s.event("crashed", p, why)
	p.abortAll()
	if s.clock.Now()-p.started >= forgiveAfter {
		p.restarts = 0
	}
	wait := 0.0
	if p.restarts > 0 {
		wait = min(backOffMost, backOffFirst*math.Exp2(float64(p.restarts-1)))
	}
	p.restarts++
	p.timer = s.clock.After(int64(wait), p, podRestarts)
}

// abortAll fails every request of the pod. Those that were on their way to it find
// nobody when they arrive.
func (p *pod) abortAll() {
	for p.visits != nil {
		p.visits.abort()
	}
}

// watchLeak looks at the memory now and again while it grows by itself.
func (p *pod) watchLeak() {
	s := p.service.sys
	if p.service.leakRate > 0 && p.memoryLimit > 0 && p.accepts() && p.leak == (Timer{}) {
		p.memoryChanged()
		p.leak = s.clock.After(leakTick, p, podLeaks)
	}
}

// drain lets the pod finish what it has, for a while.
func (s *System) drain(p *pod) {
	p.unready()
	s.clock.Cancel(p.timer)
	if p.phase != phaseReady || p.visits == nil {
		s.removePod(p, "ended")
		return
	}
	p.phase = phaseDraining
	s.event("draining", p, "")
	p.timer = s.clock.After(p.service.spec.Lifecycle.Drain, p, podDrained)
}

// drained is called when a draining pod has finished its last request. Ending is an
// event of its own, because the last visit is still on its way out.
func (s *System) drained(p *pod) {
	s.clock.Cancel(p.timer)
	p.timer = s.clock.After(0, p, podDrained)
}

// removePod deletes the pod with whatever it is doing.
func (s *System) removePod(p *pod, why string) {
	svc := p.service
	if p.phase == phaseGone {
		return
	}
	p.unready()
	p.phase = phaseGone
	s.clock.Cancel(p.timer)
	s.clock.Cancel(p.leak)
	s.event("gone", p, why)
	p.abortAll()
	svc.gone += p.cpu.workedUntil()
	svc.pods = slices.DeleteFunc(svc.pods, func(q *pod) bool { return q == p })
	s.unplace(p)
	s.reconcile(svc)
}

// reconcile creates and ends pods until the service has the replicas it wants. A pod
// that comes or goes at once asks for the next pass instead of a nested one.
func (s *System) reconcile(svc *service) {
	svc.unsettled = true
	if svc.reconciling {
		return
	}
	svc.reconciling = true
	for svc.unsettled {
		svc.unsettled = false
		s.reconcileOnce(svc)
	}
	svc.reconciling = false
}

// reconcileOnce replaces old pods by a rolling update: at most a quarter more
// (rounded up) exist and at most a quarter (rounded down) is missing meanwhile, as a
// Deployment does by default.
func (s *System) reconcileOnce(svc *service) {
	var fresh, old []*pod
	for _, p := range svc.pods {
		switch {
		case p.phase == phaseDraining || p.phase == phaseGone:
		case p.generation == svc.template.generation:
			fresh = append(fresh, p)
		default:
			old = append(old, p)
		}
	}
	want := svc.replicas
	surge, missing := 0, 0
	if len(old) > 0 {
		surge, missing = (want+3)/4, want/4
	}
	for n := len(fresh); n < want && n+len(old) < want+surge; n++ {
		s.schedule(s.newPod(svc))
	}
	for _, p := range victims(old) {
		if len(svc.ready) > want-missing || p.phase != phaseReady {
			s.drain(p)
		}
	}
	if extra := len(fresh) - want; extra > 0 {
		for _, p := range victims(fresh)[:extra] {
			s.drain(p)
		}
	}
}

// victims puts the pods in the order in which a ReplicaSet ends them: those that are
// not ready first, then the youngest.
func victims(pods []*pod) []*pod {
	slices.SortStableFunc(pods, func(a, b *pod) int {
		if ra, rb := a.phase == phaseReady, b.phase == phaseReady; ra != rb {
			if rb {
				return -1
			}
			return 1
		}
		return b.number - a.number
	})
	return pods
}
