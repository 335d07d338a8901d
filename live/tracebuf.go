package live

import (
	"github.com/scale-eval/scale-eval/datasets/trace"
)

// traceBuffer assembles traces for as long as they may still grow. It is bounded:
// when it is full the oldest trace is closed early.
type traceBuffer struct {
	byID     map[trace.TraceID]*openTrace
	fifo     []*openTrace // by first span; [head:] are open
	head     int
	spans    int
	maxSpans int
	maxTrace int
	free     []*openTrace
	onClose  func(t *openTrace, evicted bool)
	full     int64 // spans beyond maxTrace
}

// openTrace is a trace that may still grow.
type openTrace struct {
	id      trace.TraceID
	spans   []bufSpan
	touched int64     // tick time of its last span
	watched []watched // breaches that want a verdict before the trace is gone
}

// watched is a span whose verdict a rule will ask for.
type watched struct {
	span  trace.SpanID
	where *verdict
}

// bufSpan is what blame needs of a span: 56 bytes.
type bufSpan struct {
	id, parent trace.SpanID
	start, dur int64
	call       trace.Call
	peer       uint32 // 1-based number of the peer's name, 0: none
	kind       SpanKind
	sampled    bool
	failed     bool // error status
}

func (s *bufSpan) end() int64 { return s.start + s.dur }

// duplicateSearch is how far back a copy of a span is looked for: exports that are
// sent again come soon, and a trace of thousands of spans must not cost a square.
const duplicateSearch = 256

func newTraceBuffer(maxSpans, maxTrace int, onClose func(*openTrace, bool)) *traceBuffer {
	return &traceBuffer{byID: map[trace.TraceID]*openTrace{}, maxSpans: maxSpans, maxTrace: maxTrace, onClose: onClose}
}

// add buffers a span. It says false for a copy of one that is there already.
func (b *traceBuffer) add(id trace.TraceID, s bufSpan, now int64) (t *openTrace, fresh bool) {
	t = b.byID[id]
	if t == nil {
		t = b.open(id)
	}
	t.touched = now
	for i := max(0, len(t.spans)-duplicateSearch); i < len(t.spans); i++ {
		if t.spans[i].id == s.id {
			return t, false
		}
	}
	if len(t.spans) >= b.maxTrace {
		b.full++
		return t, true
	}
	if n := len(t.spans); n == cap(t.spans) {
		// append would double it, and what is not used is most of the buffer's memory.
		grown := make([]bufSpan, n, n+max(4, n/4))
		copy(grown, t.spans)
		t.spans = grown
	}
	t.spans = append(t.spans, s)
	b.spans++
	for b.spans > b.maxSpans && b.fifo[b.head] != t {
		b.closeOldest(true)
	}
	return t, true
}

func (b *traceBuffer) open(id trace.TraceID) *openTrace {
	var t *openTrace
	if n := len(b.free); n > 0 {
		t, b.free = b.free[n-1], b.free[:n-1]
	} else {
		t = &openTrace{}
	}
	t.id = id
	b.byID[id] = t
	b.fifo = append(b.fifo, t)
	return t
}

func (b *traceBuffer) closeOldest(evicted bool) {
	t := b.fifo[b.head]
	b.fifo[b.head] = nil
	b.head++
	if b.head > 1024 && b.head > len(b.fifo)/2 {
		b.fifo = b.fifo[:copy(b.fifo, b.fifo[b.head:])]
		b.head = 0
	}
	b.retire(t, evicted)
}

func (b *traceBuffer) retire(t *openTrace, evicted bool) {
	b.onClose(t, evicted)
	delete(b.byID, t.id)
	b.spans -= len(t.spans)
	clear(t.watched)
	t.spans, t.watched = t.spans[:0], t.watched[:0]
	// A giant's memory is not worth keeping for the next trace.
	if cap(t.spans) <= 128 && len(b.free) < 4096 {
		b.free = append(b.free, t)
	}
}

// expire closes the traces that have been quiet since before. Cost: O(open traces).
func (b *traceBuffer) expire(before int64) {
	kept := b.fifo[:0]
	for _, t := range b.fifo[b.head:] {
		if t.touched <= before {
			b.retire(t, false)
		} else {
			kept = append(kept, t)
		}
	}
	clear(b.fifo[len(kept):])
	b.fifo, b.head = kept, 0
}

// len is how many traces are open.
func (b *traceBuffer) len() int { return len(b.byID) }

// watch asks for a verdict on a span of an open trace. Who asks for the same span in
// turn gets the same one.
func (t *openTrace) watch(span trace.SpanID) *verdict {
	n := len(t.watched)
	if n > 0 && t.watched[n-1].span == span {
		return t.watched[n-1].where
	}
	v := &verdict{}
	if n < maxWatched { // or it stays unknown
		t.watched = append(t.watched, watched{span, v})
	}
	return v
}

// markSampled notes that the span that was added last was sampled.
func (t *openTrace) markSampled(id trace.SpanID) {
	if n := len(t.spans); n > 0 && t.spans[n-1].id == id {
		t.spans[n-1].sampled = true
	}
}
