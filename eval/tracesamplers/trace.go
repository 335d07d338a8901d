package tracesamplers

import "github.com/scale-eval/scale-eval/datasets/trace"

// Span is what a trace sampler may know of a span.
type Span struct {
	ID, Parent      trace.SpanID
	Call            trace.Call
	Start, Duration int64 // ns since the Unix epoch, ns
}

// Trace is the spans of one trace that were gathered, at least one, in the order in
// which they came. Spans may be missing, ids double and parents unknown.
type Trace struct {
	ID    trace.TraceID
	Spans []Span
}

// Sampler judges traces one at a time, in the order in which they end. It is not
// safe for concurrent use, and neither changes nor keeps the trace, which is reused.
type Sampler interface {
	// Observe scores t by the traces observed before it, decides, and then learns t.
	Observe(t *Trace) trace.Decision
}
