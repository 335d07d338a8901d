package live

import (
	"github.com/scale-eval/scale-eval/datasets/trace"
)

// traceBuffer assembles traces for as long as they may still grow. It is bounded:
// when it is full the oldest trace is closed early.
//
// Every span goes through it, so it allocates nothing once it has been as full as it
// gets: traces and their spans lie in slabs and refer to each other by number.
type traceBuffer struct {
	table    traceTable
	traces   slab[openTrace]
	chunks   slab[spanChunk]
	fifo     []uint32 // traces by first span; [head:] are open
	head     int
	spans    int
	maxSpans int
	maxTrace int
	onClose  func(t *openTrace, evicted bool)
	full     int64   // spans beyond maxTrace
	saving   *saving // nil: no snapshot is being written
}

// openTrace is a trace that may still grow.
type openTrace struct {
	id      trace.TraceID
	touched int64  // tick time of its last span
	last    uint32 // chunk of its last spans
	n       int32  // spans
	watched []watched
}

// watched is a span whose verdict a rule will ask for, before the trace is gone.
type watched struct {
	span  trace.SpanID
	where *verdict
}

// bufSpan is what blame needs of a span: 40 bytes.
type bufSpan struct {
	id, parent trace.SpanID
	start, dur int64
	call       trace.Call
	peer       uint16 // 1-based number of the peer's name, 0: none
	kind       SpanKind
	flags      uint8
}

// The flags of a bufSpan.
const (
	spanSampled = 1 << iota
	spanFailed  // error status
)

func (s *bufSpan) end() int64    { return s.start + s.dur }
func (s *bufSpan) sampled() bool { return s.flags&spanSampled != 0 }
func (s *bufSpan) failed() bool  { return s.flags&spanFailed != 0 }

// spanChunk is two cache lines of spans, the last of a trace's chunks not always full.
type spanChunk struct {
	spans [chunkSpans]bufSpan
	prev  uint32
}

const chunkSpans = 3

// duplicateSearch is how far back a copy of a span is looked for: exports that are
// sent again come soon, and a trace of thousands of spans must not cost a square.
const duplicateSearch = 256

func newTraceBuffer(maxSpans, maxTrace int, onClose func(*openTrace, bool)) *traceBuffer {
	return &traceBuffer{table: newTraceTable(), maxSpans: maxSpans, maxTrace: maxTrace, onClose: onClose}
}

// add buffers a span. It says false for a copy of one that is there already.
func (b *traceBuffer) add(id trace.TraceID, s *bufSpan, now int64) (t *openTrace, fresh bool) {
	hash := b.table.hash(id)
	no := b.find(hash, id)
	if no == 0 {
		no = b.open(hash, id)
	} else {
		b.keep(no)
	}
	t = b.traces.at(no)
	t.touched = now
	if b.has(t, s.id) {
		return t, false
	}
	if int(t.n) >= b.maxTrace {
		b.full++
		return t, true
	}
	b.put(t, s)
	for b.spans > b.maxSpans && b.fifo[b.head] != no {
		b.closeOldest(true)
	}
	return t, true
}

func (b *traceBuffer) find(hash uint32, id trace.TraceID) uint32 {
	return b.table.find(hash, func(no uint32) bool { return b.traces.at(no).id == id })
}

// isOpen says whether a trace may still grow.
func (b *traceBuffer) isOpen(id trace.TraceID) bool { return b.find(b.table.hash(id), id) != 0 }

func (b *traceBuffer) open(hash uint32, id trace.TraceID) uint32 {
	no := b.traces.take()
	b.traces.at(no).id = id
	b.table.put(hash, no)
	b.fifo = append(b.fifo, no)
	return no
}

// has looks for a span among the last ones of a trace.
func (b *traceBuffer) has(t *openTrace, id trace.SpanID) bool {
	in, no := lastChunk(t.n), t.last
	for left := min(int(t.n), duplicateSearch); left > 0; in = chunkSpans {
		c := b.chunks.at(no)
		for i := in - 1; i >= 0 && left > 0; i-- {
			if c.spans[i].id == id {
				return true
			}
			left--
		}
		no = c.prev
	}
	return false
}

// lastChunk is how many of a trace's n spans are in its last chunk.
func lastChunk(n int32) int {
	if n == 0 {
		return 0
	}
	return int(n-1)%chunkSpans + 1
}

// put adds a span to a trace.
func (b *traceBuffer) put(t *openTrace, s *bufSpan) {
	at := int(t.n) % chunkSpans
	if at == 0 {
		no := b.chunks.take()
		b.chunks.at(no).prev = t.last
		t.last = no
	}
	b.chunks.at(t.last).spans[at] = *s
	t.n++
	b.spans++
}

// spansOf puts the spans of a trace into out, whose memory it uses, in the order in
// which they came.
func (b *traceBuffer) spansOf(t *openTrace, out []bufSpan) []bufSpan {
	out = resize(out, int(t.n))
	no := t.last
	for end := len(out); end > 0; {
		c, in := b.chunks.at(no), lastChunk(int32(end))
		end -= in
		copy(out[end:], c.spans[:in])
		no = c.prev
	}
	return out
}

func (b *traceBuffer) closeOldest(evicted bool) {
	no := b.fifo[b.head]
	b.head++
	if b.head > 1024 && b.head > len(b.fifo)/2 {
		b.fifo = b.fifo[:copy(b.fifo, b.fifo[b.head:])]
		b.head = 0
	}
	b.retire(no, evicted)
}

func (b *traceBuffer) retire(no uint32, evicted bool) {
	b.keep(no)
	t := b.traces.at(no)
	b.onClose(t, evicted)
	b.table.remove(b.table.hash(t.id), no)
	b.spans -= int(t.n)
	for chunk := t.last; chunk != 0; {
		prev := b.chunks.at(chunk).prev
		b.chunks.give(chunk)
		chunk = prev
	}
	clear(t.watched)
	t.n, t.last, t.watched = 0, 0, t.watched[:0]
	b.traces.give(no)
}

// expire closes the traces that have been quiet since before. Cost: O(open traces).
func (b *traceBuffer) expire(before int64) {
	kept := b.fifo[:0]
	for _, no := range b.fifo[b.head:] {
		if b.traces.at(no).touched <= before {
			b.retire(no, false)
		} else {
			kept = append(kept, no)
		}
	}
	b.fifo, b.head = kept, 0
	if b.len() == 0 && len(b.traces.blocks) > 1 { // a burst is over
		b.table, b.traces, b.chunks, b.fifo = newTraceTable(), slab[openTrace]{}, slab[spanChunk]{}, nil
	}
}

// len is how many traces are open.
func (b *traceBuffer) len() int { return b.table.n }

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
func (b *traceBuffer) markSampled(t *openTrace, id trace.SpanID) {
	if t.n == 0 {
		return
	}
	if s := &b.chunks.at(t.last).spans[lastChunk(t.n)-1]; s.id == id {
		s.flags |= spanSampled
	}
}
