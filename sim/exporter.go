package sim

import "github.com/scale-eval/scale-eval/datasets/trace"

// Exporter hands spans on as late as tracing does: an SDK collects them in batches
// and a collector passes them on, so whoever decides on spans decides on the past.
// The delay is one for all spans, which keeps them in the order in which they ended.
type Exporter struct {
	sys     *System
	delay   int64
	deliver func(now int64, s *trace.Span)

	line []delayed // FIFO; read is the next to leave
	read int
	due  bool // an event is scheduled for the first in line
	span trace.Span
}

type delayed struct {
	at   int64
	span trace.Span
}

// DefaultExportDelay is 5 s in the SDK's batch and 0.2 s in the collector, ns.
const DefaultExportDelay = 5.2e9

// NewExporter takes the place of [System.OnSpan]: deliver is called with each span,
// delay ns after it ended. The span is reused: it is valid during the call.
func NewExporter(s *System, epoch, delay int64, deliver func(now int64, s *trace.Span)) *Exporter {
	if delay < 0 {
		panic("sim: spans from the future")
	}
	e := &Exporter{sys: s, delay: delay, deliver: deliver}
	s.OnSpan(epoch, e.collect)
	return e
}

// Waiting is the number of spans that ended and were not delivered yet.
func (e *Exporter) Waiting() int { return len(e.line) - e.read }

func (e *Exporter) collect(s *trace.Span) {
	if e.read > len(e.line)/2 { // the front half is gone: make room
		n := copy(e.line, e.line[e.read:])
		e.line, e.read = e.line[:n], 0
	}
	e.line = append(e.line, delayed{e.sys.clock.Now() + e.delay, *s})
	e.schedule()
}

func (e *Exporter) schedule() {
	if !e.due && e.Waiting() > 0 {
		e.due = true
		e.sys.clock.At(e.line[e.read].at, e, 0)
	}
}

// Handle implements [Handler]: it delivers what is due and comes back for the rest.
func (e *Exporter) Handle(uint64) {
	now := e.sys.clock.Now()
	for e.Waiting() > 0 && e.line[e.read].at <= now {
		e.span = e.line[e.read].span // the line may move while it is looked at
		e.read++
		e.deliver(now, &e.span)
	}
	e.due = false
	e.schedule()
}
