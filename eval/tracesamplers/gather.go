package tracesamplers

import (
	"math"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/eval"
)

// Defaults of Options.
const (
	DefaultWait     = 30_000_000_000 // ns: decision_wait of the Collector's tail sampling
	DefaultMaxSpans = 1 << 20
)

// Stats count what the gathering did.
type Stats struct {
	Traces     int64 // decided
	Late       int64 // spans that came after their trace was decided
	Overflowed int64 // traces decided early because the buffer was full
}

// gatherer buffers the spans of open traces. Its clock is the latest start of any
// span so far, which no span can be ahead of, whether the source is ordered by start
// or by end.
type gatherer struct {
	wait     int64
	maxSpans int
	decide   func(number uint32, t *Trace)

	clock    int64
	numbers  *eval.TraceNumbers
	open     map[uint32]*Trace // by trace number; nil: decided
	queue    []waiting
	head     int // of queue
	buffered int
	spare    []*Trace
	stats    Stats
}

// waiting traces are in order of deadline, because the clock never goes back.
type waiting struct {
	number   uint32
	deadline int64
}

func newGatherer(o Options, decide func(uint32, *Trace)) *gatherer {
	g := &gatherer{wait: o.Wait, maxSpans: o.MaxSpans, decide: decide,
		clock: math.MinInt64, numbers: eval.NewTraceNumbers(o.Arrays), open: map[uint32]*Trace{}}
	if g.wait == 0 {
		g.wait = DefaultWait
	}
	if g.maxSpans == 0 {
		g.maxSpans = DefaultMaxSpans
	}
	return g
}

// add buffers s and decides the traces whose wait is over. It returns the number of
// the trace of s, given in order of first sight; a span without trace id is a trace
// of its own. An error is one of room.
func (g *gatherer) add(s *trace.Span) (uint32, error) {
	g.clock = max(g.clock, s.Start)
	for g.head < len(g.queue) && g.queue[g.head].deadline <= g.clock {
		g.close()
	}
	n, err := g.number(s.TraceID)
	if err != nil {
		return 0, err
	}
	t := g.open[n]
	if t == nil {
		g.stats.Late++
		return n, nil
	}
	t.Spans = append(t.Spans, Span{s.ID, s.ParentID, s.Call, s.Start, s.Duration})
	g.buffered++
	for g.buffered > g.maxSpans {
		g.stats.Overflowed++
		g.close()
	}
	return n, nil
}

func (g *gatherer) number(id trace.TraceID) (uint32, error) {
	n, first, err := g.numbers.Of(id)
	if err != nil || !first {
		return n, err
	}
	g.open[n] = g.fresh(id)
	deadline := int64(math.MaxInt64)
	if g.clock < math.MaxInt64-g.wait {
		deadline = g.clock + g.wait
	}
	g.queue = append(g.queue, waiting{n, deadline})
	return n, nil
}

func (g *gatherer) fresh(id trace.TraceID) *Trace {
	if len(g.spare) == 0 {
		return &Trace{ID: id}
	}
	t := g.spare[len(g.spare)-1]
	g.spare = g.spare[:len(g.spare)-1]
	t.ID, t.Spans = id, t.Spans[:0]
	return t
}

// close decides the trace that has waited longest.
func (g *gatherer) close() {
	n := g.queue[g.head].number
	if g.head++; 2*g.head >= len(g.queue) {
		g.queue, g.head = g.queue[:copy(g.queue, g.queue[g.head:])], 0
	}
	t := g.open[n]
	delete(g.open, n)
	g.buffered -= len(t.Spans)
	g.stats.Traces++
	g.decide(n, t)
	g.spare = append(g.spare, t)
}

// flush decides all that is left.
func (g *gatherer) flush() {
	for g.head < len(g.queue) {
		g.close()
	}
}
