package synth

import (
	"time"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

const (
	// maxSelf cuts a self time before any anomaly: 10 minutes, so that the tail of a
	// tail cannot keep a request in flight for hours.
	maxSelf = float64(10 * time.Minute)
	// propagatedShare is the least excess, as a share of what a span would have
	// lasted, at which an ancestor of an anomalous span counts as slow.
	propagatedShare = 0.1
)

// node is a span of a request.
type node struct {
	id, parent trace.SpanID
	start, end int64
	call       int32
	label      trace.Label
	kind       kindOf
}

// workload walks requests through a system.
type workload struct {
	sys     *system
	rng     *rng
	faults  faults
	cfg     Config
	idKey   uint64
	ids     uint64  // spans so far, the counter behind their ids
	driftAt float64 // position in the drift period of the request
	left    int64   // spans that the request may still make
	nodes   []node  // of the request, in the order of completed walks
}

func newWorkload(c *Config) *workload {
	r := newRNG(c.Seed, streamTraces)
	w := &workload{sys: newSystem(c), rng: r, cfg: *c, idKey: r.pcg.Uint64()}
	w.faults = newFaults(c, w.sys, r)
	return w
}

// request appends the spans of one request that arrives at t to nodes, at most
// left (>= 1) of them, sorted by end, children before parents.
func (w *workload) request(nodes []node, t, left int64) []node {
	w.nodes, w.left = nodes[:0], min(left, MaxTraceSpans)
	w.driftAt = driftPosition(&w.cfg, t)
	w.visit(w.sys.root(w.rng), 0, t)
	sortByEnd(w.nodes)
	return w.nodes
}

// sortByEnd is a stable insertion sort: the walk is almost in order already.
func sortByEnd(nodes []node) {
	for i := 1; i < len(nodes); i++ {
		n := nodes[i]
		j := i
		for ; j > 0 && nodes[j-1].end > n.end; j-- {
			nodes[j] = nodes[j-1]
		}
		nodes[j] = n
	}
}

// walked is what a caller needs to know of a child.
type walked struct {
	end   int64
	plain int64 // ns it would have lasted without the anomalies in it
	late  bool  // it or a descendant is anomalous
}

// visit makes the span of call number i, and before it all spans below.
func (w *workload) visit(i int32, parent trace.SpanID, start int64) walked {
	w.left--
	c := &w.sys.calls[i]
	n := node{id: w.nextID(), parent: parent, start: start, call: i}
	f := w.faults.next(c, i, start, w.rng)
	self := w.selfTime(c)
	part := self / int64(len(c.steps)+1)
	first := self - part*int64(len(c.steps))

	out := walked{end: start + first, plain: first}
	if f.kind == networkDelay {
		out.end += f.wait
	}
	for j, st := range c.steps {
		if f.kind == retry && j == c.retried {
			w.fail(st[0], &n, f, &out)
		}
		w.step(st, n.id, &out)
		out.end += part
		out.plain += part
	}
	if f.factor > 0 {
		out.end += int64((f.factor - 1) * float64(out.plain))
	}
	n.end = out.end
	w.label(&n, c, f.kind, &out)
	w.nodes = append(w.nodes, n)
	return out
}

// step makes the calls of st, which start together at out.end, and waits for the
// last of them.
func (w *workload) step(st step, parent trace.SpanID, out *walked) {
	at, longest := out.end, int64(0)
	for _, e := range st {
		if e.p < 1 && w.rng.float() >= e.p {
			continue
		}
		if w.left <= 0 {
			break
		}
		child := w.visit(w.callee(e), parent, at)
		out.end = max(out.end, child.end)
		longest = max(longest, child.plain)
		out.late = out.late || child.late
	}
	out.plain += longest
}

// fail makes the failed attempts of a retry, each followed by a wait.
func (w *workload) fail(e edge, parent *node, f fault, out *walked) {
	for range f.failures {
		if w.left > 1 { // one is for the attempt that succeeds
			w.left--
			i := w.callee(e)
			n := node{id: w.nextID(), parent: parent.id, start: out.end, call: i, label: trace.Normal}
			self := w.selfTime(&w.sys.calls[i])
			out.end += self
			out.plain += self
			n.end = out.end
			w.nodes = append(w.nodes, n)
		}
		out.end += f.wait
	}
}

func (w *workload) callee(e edge) int32 {
	if len(e.to) == 1 {
		return e.to[0]
	}
	return e.to[w.rng.intn(len(e.to))]
}

// label decides what the finished n is.
func (w *workload) label(n *node, c *call, k kindOf, out *walked) {
	n.label, n.kind = trace.Normal, k
	// Drawn whatever the label, so that anomalies do not change what follows.
	erred := c.errorRate > 0 && w.rng.float() < c.errorRate
	switch {
	case k != ordinary:
		n.label = trace.Anomalous
		out.late = true
	case out.late && float64(n.end-n.start-out.plain) >= propagatedShare*float64(out.plain):
		n.label = trace.Propagated
	case erred:
		n.kind = failed
	}
}

// selfTime draws a call's self time in ns.
func (w *workload) selfTime(c *call) int64 {
	if c.uniform > 0 {
		return int64(w.rng.float() * float64(c.uniform))
	}
	x := exp(w.location(c) + float64(c.sigma*w.rng.normal()))
	if c.heavy && w.rng.float() < w.cfg.TailProb {
		x *= w.rng.pareto(w.cfg.TailAlpha)
	}
	return int64(min(x, maxSelf))
}

// driftPosition is how far into the drift period t is, 0..1.
func driftPosition(c *Config, t int64) float64 {
	return float64((t-Epoch)%int64(c.DriftPeriod)) / float64(c.DriftPeriod)
}

// location is ln(median) of c at the time of the request.
func (w *workload) location(c *call) float64 {
	if w.cfg.Drift == 0 {
		return c.mu
	}
	return c.mu + float64(w.cfg.Drift*triangle(w.driftAt+c.phase))
}

// triangle is a wave of period 1 between -1 and 1, from 0 up.
func triangle(x float64) float64 {
	x -= float64(int64(x))
	switch {
	case x < 0.25:
		return 4 * x
	case x < 0.75:
		return 2 - float64(4*x)
	default:
		return float64(4*x) - 4
	}
}

// nextID is unique in the stream and never 0.
func (w *workload) nextID() trace.SpanID {
	w.ids++
	id := mix(w.idKey + w.ids)
	if id == 0 { // of a counter that no stream reaches
		id = mix(w.idKey - 1)
	}
	return trace.SpanID(id)
}
