package sim

import "github.com/scale-eval/scale-eval/datasets/trace"

// flight is a call that is out, seen by the caller: its attempts, its time-out, its
// connection. A flight is recycled when the call is over.
type flight struct {
	sys    *System
	call   *call
	req    *request
	parent *visit       // who waits; nil: a client, or nobody (async)
	from   trace.SpanID // of the caller, for the span of the callee

	visit     *visit // the attempt at the callee, nil before and behind it
	pool      *pool
	ticket    uint64
	attempts  int32
	root      bool // a client's
	inLine    bool // for a connection
	connected bool
	tainted   bool
	timeout   Timer
	timer     Timer // backoff or answer on its way

	prev, next *flight // calls of the parent
}

// Kinds of a flight's events.
const (
	flightTimesOut = iota
	flightRetries
	flightSucceeds
	flightFails
)

// Handle implements [Handler].
func (f *flight) Handle(arg uint64) {
	switch arg {
	case flightTimesOut:
		f.timeOut()
	case flightRetries:
		f.attempt()
	case flightSucceeds:
		f.over(true)
	case flightFails:
		f.over(false)
	}
}

// attempt asks for a connection.
func (f *flight) attempt() {
	f.attempts++
	f.call.stats.Attempts++
	if t := f.call.spec.Timeout; t > 0 {
		f.timeout = f.call.timeouts.After(t, f, flightTimesOut)
	}
	if f.pool == nil || f.pool.take(f) {
		f.send()
	}
}

// send picks a pod and sends the request.
func (f *flight) send() {
	v := f.sys.newVisit(f.call.op, f.req, f)
	v.priority = uint8(f.call.spec.Priority)
	v.parent = f.from
	f.visit = v
	f.sys.dispatch(v, f.call.network())
}

// reply is called once an attempt is answered, at the callee.
func (f *flight) reply(ok bool) {
	kind := uint64(flightFails)
	if ok {
		kind = flightSucceeds
	}
	if d := f.call.network(); d > 0 {
		f.timer = f.sys.clock.After(d, f, kind)
		return
	}
	f.over(ok)
}

func (f *flight) timeOut() {
	f.call.stats.Timeouts++
	f.timeout = Timer{}
	f.forget()
	f.over(false)
}

// forget leaves the attempt alone: the callee goes on for nobody, unless the
// time-out is propagated.
func (f *flight) forget() {
	f.sys.clock.Cancel(f.timer)
	if f.inLine {
		f.pool.line.remove(f.ticket)
		f.inLine = false
	}
	if v := f.visit; v != nil {
		v.caller, f.visit = nil, nil
		if f.call.spec.Propagate {
			v.abort()
		}
	}
}

// over ends an attempt at the caller.
func (f *flight) over(ok bool) {
	f.sys.clock.Cancel(f.timeout)
	f.timeout = Timer{}
	f.disconnect()
	if !ok && f.mayRetry() {
		f.call.stats.Retries++
		f.timer = f.sys.clock.After(f.call.backoff(int(f.attempts)), f, flightRetries)
		return
	}
	f.call.stats.done(ok)
	f.finish(ok)
}

func (f *flight) mayRetry() bool {
	return int(f.attempts) <= f.call.spec.Retry.Max && f.call.withdraw()
}

func (f *flight) disconnect() {
	if f.connected {
		f.connected = false
		f.pool.give()
	}
}

// finish tells whoever waits and recycles the flight.
func (f *flight) finish(ok bool) {
	parent, req, optional := f.parent, f.req, f.call.spec.Optional
	tainted, root, sys := f.tainted, f.root, f.sys
	f.unlink()
	sys.recycleFlight(f)
	switch {
	case parent != nil:
		parent.tainted = parent.tainted || tainted
		parent.answered(ok || optional)
	case root:
		sys.requestDone(req, ok)
	}
	req.release()
}

// cancel ends the call because its caller is gone.
func (f *flight) cancel() {
	f.forget()
	f.sys.clock.Cancel(f.timeout)
	f.disconnect()
	req, sys := f.req, f.sys
	f.unlink()
	sys.recycleFlight(f)
	req.release()
}

func (f *flight) link(v *visit) {
	f.parent = v
	f.next = v.children
	if v.children != nil {
		v.children.prev = f
	}
	v.children = f
}

func (f *flight) unlink() {
	if f.parent == nil {
		return
	}
	if f.next != nil {
		f.next.prev = f.prev
	}
	if f.prev != nil {
		f.prev.next = f.next
	} else {
		f.parent.children = f.next
	}
}
