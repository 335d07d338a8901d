package synth

import (
	"io"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Decoder is an endless-looking file that ends after Config.Spans spans: it
// implements datasets.Decoder. Not safe for concurrent use.
type Decoder struct {
	cfg      Config
	work     *workload
	arrivals arrivals
	flight   []*request // a heap, the earliest next end on top
	idle     []*request
	inFlight int   // spans in flight
	made     int64 // spans of requests that have started
	requests uint64
	now      int64 // end of the span yielded last
	hiKey    uint64
	loKey    uint64
}

// request is one in flight: its spans by end, and which is next.
type request struct {
	trace trace.TraceID
	seq   uint64
	nodes []node
	at    int
}

func (r *request) before(o *request) bool {
	a, b := r.nodes[r.at].end, o.nodes[o.at].end
	return a < b || a == b && r.seq < o.seq
}

// New starts the stream of c, or says which field of c is wrong.
func New(c Config) (*Decoder, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	d := &Decoder{cfg: c, work: newWorkload(&c), arrivals: newArrivals(&c), now: Epoch}
	d.hiKey, d.loKey = d.work.rng.pcg.Uint64(), d.work.rng.pcg.Uint64()
	d.arrivals.advance(d.work.rng)
	return d, nil
}

// Decode fills s with the next span, or returns io.EOF; there is no other error.
// Every span has a Label: Normal, Anomalous or Propagated. Cost: 0.1 to 0.25 µs and
// no allocation once the requests in flight have their buffers.
func (d *Decoder) Decode(s *trace.Span) error {
	for d.made < d.cfg.Spans && d.mayStart() {
		d.start()
	}
	if len(d.flight) == 0 {
		return io.EOF
	}
	d.yield(s)
	return nil
}

// mayStart says whether the next request arrives before the next span ends.
func (d *Decoder) mayStart() bool {
	if len(d.flight) == 0 {
		return true
	}
	top := d.flight[0]
	return d.inFlight < MaxInFlight && d.arrivals.next <= top.nodes[top.at].end
}

func (d *Decoder) start() {
	r := d.buffer()
	d.requests++
	r.seq, r.at = d.requests, 0
	r.trace = trace.TraceID{Hi: mix(d.hiKey + r.seq), Lo: mix(d.loKey + r.seq)}
	// Later than it arrived only when MaxInFlight held it back.
	at := max(d.arrivals.next, d.now)
	r.nodes = d.work.request(r.nodes, at, d.cfg.Spans-d.made)
	d.made += int64(len(r.nodes))
	d.inFlight += len(r.nodes)
	d.push(r)
	d.arrivals.advance(d.work.rng)
}

// buffer is a request to fill, one that has ended if there is any.
func (d *Decoder) buffer() *request {
	n := len(d.idle)
	if n == 0 {
		return &request{}
	}
	r := d.idle[n-1]
	d.idle = d.idle[:n-1]
	return r
}

func (d *Decoder) yield(s *trace.Span) {
	r := d.flight[0]
	n := &r.nodes[r.at]
	c := &d.work.sys.calls[n.call]
	*s = trace.Span{
		TraceID: r.trace, ID: n.id, ParentID: n.parent,
		Service: c.service, Operation: c.operation,
		Start: n.start, Duration: n.end - n.start,
		Label: n.label, Kind: kindNames[n.kind],
	}
	d.now = n.end
	d.inFlight--
	r.at++
	if r.at == len(r.nodes) {
		d.pop()
		d.idle = append(d.idle, r)
	}
	d.down()
}

// push, pop and down are a binary heap; container/heap would box and call
// through an interface for each span.
func (d *Decoder) push(r *request) {
	d.flight = append(d.flight, r)
	h := d.flight
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !r.before(h[up]) {
			break
		}
		h[i] = h[up]
		i = up
	}
	h[i] = r
}

// pop replaces the top by the last; down must follow.
func (d *Decoder) pop() {
	n := len(d.flight) - 1
	d.flight[0] = d.flight[n]
	d.flight[n] = nil
	d.flight = d.flight[:n]
}

// down moves the top to its place.
func (d *Decoder) down() {
	h := d.flight
	if len(h) == 0 {
		return
	}
	r, i := h[0], 0
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && h[child+1].before(h[child]) {
			child++
		}
		if !h[child].before(r) {
			break
		}
		h[i] = h[child]
		i = child
	}
	h[i] = r
}
