package sim

import "github.com/scale-eval/scale-eval/datasets/trace"

// visit is the stay of one attempt of a request at a service. Visits are recycled;
// nothing keeps a pointer to one behind leave.
type visit struct {
	sys    *System
	op     *operation
	pod    *pod    // nil in a central queue
	caller *flight // who waits for the answer; nil: nobody any more
	req    *request

	course *course // drawn at the beginning
	fault  string

	// A backlog is thousands of visits, out of any cache: the small fields lie together.
	state     visitState
	attached  bool // to the pod's list
	failed    bool // a call that matters failed
	tainted   bool // a call was slowed by a fault
	priority  uint8
	stage     int32
	pending   int32 // calls that are out
	heapIndex int32 // in the processor

	id, parent trace.SpanID
	arrived    int64
	begun      int64  // -1: not yet
	timer      Timer  // arrival, patience or wait
	ticket     uint64 // in a queue

	mark  float64 // in the processor
	order uint64

	children   *flight // calls that are out
	prev, next *visit  // visits of the pod
}

type visitState uint8

const (
	travelling visitState = iota
	queued                // at the pod
	outside               // in the queue of the service
	computing
	waiting
	calling
	leaving
)

// Kinds of a visit's events.
const (
	visitArrives = iota
	visitComputed
	visitWaited
	visitImpatient
)

// Handle implements [Handler].
func (v *visit) Handle(arg uint64) {
	switch arg {
	case visitArrives:
		v.arrive()
	case visitComputed:
		v.pod.cpu.done()
		v.wait()
	case visitWaited:
		v.call()
	case visitImpatient:
		v.giveUp()
	}
}

// arrive puts the visit before a thread.
func (v *visit) arrive() {
	svc := v.op.service
	v.arrived = v.sys.clock.Now()
	svc.stats.enter(v.arrived)
	switch {
	case svc.limiter.perSecond > 0 && !svc.limiter.allows(v.arrived):
		v.fault = rateLimited
		v.refuse()
	case svc.spec.Queue.Central:
		svc.admit(v)
	case v.pod.accepts():
		v.pod.attach(v)
		v.pod.admit(v)
	default:
		v.refuse()
	}
}

// enqueue lets the visit wait in l.
func (v *visit) enqueue(l *line, state visitState) {
	svc := v.op.service
	v.state = state
	l.push(v)
	svc.stats.wait(v.sys.clock.Now(), 1)
	if patience := svc.spec.Queue.Patience; patience != nil {
		v.timer = v.sys.clock.After(ns(patience.Sample(svc.patience)), v, visitImpatient)
	}
}

// dequeue undoes enqueue for a visit that has left its line.
func (v *visit) dequeue() {
	v.op.service.stats.wait(v.sys.clock.Now(), -1)
	v.sys.clock.Cancel(v.timer)
}

func (v *visit) line() *line {
	if v.state == queued {
		return &v.pod.line
	}
	return &v.op.service.line
}

func (v *visit) giveUp() {
	v.line().remove(v)
	v.dequeue()
	v.op.service.stats.Abandoned++
	v.leave(false)
}

// refuse answers with an error at once.
func (v *visit) refuse() {
	v.op.service.stats.Rejected++
	v.leave(false)
}

// begin takes a thread of the pod.
func (v *visit) begin() {
	v.begun = v.sys.clock.Now()
	v.op.service.stats.begin(v.begun - v.arrived)
	v.pod.busy++
	v.pod.hold(v.op.spec.MemoryMiB)
	if f := &v.op.fault; f.ErrorRate > 0 && v.op.errors.Bernoulli(f.ErrorRate) {
		v.fault = f.Kind
		v.op.service.stats.Failed++
		v.leave(false)
		return
	}
	v.course = v.op.draw()
	v.compute()
}

// compute begins a stage, or ends the visit behind the last one.
func (v *visit) compute() {
	if int(v.stage) == len(v.course.stages) {
		v.leave(true)
		return
	}
	if st := &v.course.stages[v.stage]; st.CPU != nil {
		if work := st.work(v.op.cpu, &v.req.factors) * v.slowness(); work > 0 {
			v.state = computing
			if v.pod.fault != "" {
				v.fault = v.pod.fault
			}
			core := float64(ns(work))
			v.op.service.stats.asked += core
			v.pod.cpu.add(v, core)
			return
		}
	}
	v.wait()
}

func (v *visit) wait() {
	st := &v.course.stages[v.stage]
	d := 0.0
	if st.Wait != nil {
		d = st.pause(v.op.wait) * v.slowness()
	}
	if f := &v.op.fault; v.stage == 0 && f.Extra > 0 {
		v.fault = f.Kind
		d += f.Extra
	}
	if d > 0 {
		v.state = waiting
		v.timer = v.sys.clock.After(ns(d), v, visitWaited)
		return
	}
	v.call()
}

// slowness is the factor of an injected fault on everything that is drawn.
func (v *visit) slowness() float64 {
	if f := &v.op.fault; f.Slow > 0 {
		v.fault = f.Kind
		return f.Slow
	}
	return 1
}

// call makes the calls of the stage. One extra pending call keeps answers that
// come at once from ending the stage before all calls are out.
func (v *visit) call() {
	v.state = calling
	v.pending = 1
	calls := v.course.stages[v.stage].calls
	for i := range calls {
		c := &calls[i]
		if c.spec.Probability > 0 && !v.op.branch.Bernoulli(c.spec.Probability) {
			continue
		}
		for range max(1, c.spec.Times) {
			v.sys.newFlight(c, v.req, v).attempt()
		}
	}
	v.answered(true)
}

// answered counts a call, or the extra one, as done.
func (v *visit) answered(ok bool) {
	v.failed = v.failed || !ok
	v.pending--
	if v.pending > 0 || v.state != calling {
		return
	}
	if v.failed {
		v.op.service.stats.Failed++
		v.leave(false)
		return
	}
	v.stage++
	v.compute()
}

// abort ends the visit from outside, wherever it is, as failed.
func (v *visit) abort() {
	switch v.state {
	case travelling:
		v.sys.clock.Cancel(v.timer)
		v.drop(false)
		return
	case queued, outside:
		v.line().remove(v)
		v.dequeue()
	case computing:
		v.op.service.stats.dropped += v.pod.cpu.remove(v)
	case waiting:
		v.sys.clock.Cancel(v.timer)
	}
	v.state = leaving
	for v.children != nil {
		v.children.cancel()
	}
	v.op.service.stats.Failed++
	v.leave(false)
}

// leave ends a visit that has arrived: it frees what it held, emits its span, lets
// the next one in and then answers or is handed on.
func (v *visit) leave(ok bool) {
	now := v.sys.clock.Now()
	v.op.service.stats.leave(now, v.arrived, ok)
	if v.begun >= 0 {
		v.pod.busy--
		v.pod.served++
		v.pod.hold(-v.op.spec.MemoryMiB)
	}
	if v.sys.onSpan != nil {
		v.sys.emit(v, now)
	}
	v.drop(ok)
}

// drop hands the visit's caller the answer and recycles the visit.
func (v *visit) drop(ok bool) {
	p, caller, op, req := v.pod, v.caller, v.op, v.req
	tainted, id := v.tainted || v.fault != "", v.id
	if p != nil {
		p.outstanding--
		if v.attached {
			p.detach(v)
		}
	}
	v.sys.recycleVisit(v)
	if p != nil {
		p.dispatch()
	}
	if caller != nil {
		caller.visit = nil
		caller.tainted = caller.tainted || tainted
	}
	if ok {
		if r := op.route(); r != nil {
			op.service.sys.handOn(r, caller, req, id)
			req.release()
			return
		}
	}
	if caller != nil {
		caller.reply(ok)
	}
	req.release()
}
