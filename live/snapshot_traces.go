package live

import (
	"slices"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// saving writes the open traces as they are when it begins, while spans come and go:
// a trace is written before it changes first, if its turn has not come by then. So
// spans wait for the traces that they touch, and not for all.
type saving struct {
	c     *codec
	order []uint32 // the traces, the one that was opened first first
	next  int      // in order
	// place is 1 + a trace's place in order, by its number; 0: it is written, or was
	// not open. Numbers that are given again are of traces that are written.
	place []uint32
	spans []bufSpan
}

// beginSaving writes how many traces there are, and promises the traces.
func (b *traceBuffer) beginSaving(c *codec) {
	s := &saving{c: c, order: slices.Clone(b.fifo[b.head:])}
	if len(s.order) > 0 {
		s.place = make([]uint32, slices.Max(s.order)+1)
	}
	for i, no := range s.order {
		s.place[no] = uint32(i) + 1
	}
	integer(c, ptr(len(s.order)))
	b.saving = s
}

// save writes some of the traces that are left, of about so many spans together; true:
// none is left.
func (b *traceBuffer) save(spans int) (done bool) {
	s := b.saving
	for ; s.next < len(s.order); s.next++ {
		if spans <= 0 {
			return false
		}
		if no := s.order[s.next]; s.place[no] > 0 {
			spans -= int(b.traces.at(no).n) + 1
			b.keep(no)
		}
	}
	b.saving = nil
	return true
}

// keep comes before every change of a trace.
func (b *traceBuffer) keep(no uint32) {
	s := b.saving
	if s == nil || int(no) >= len(s.place) || s.place[no] == 0 {
		return
	}
	s.spans = b.spansOf(b.traces.at(no), s.spans)
	b.walkTrace(s.c, &no, &s.place[no], &s.spans)
	s.place[no] = 0
	if len(s.c.buf) >= spillAt {
		s.c.spill()
	}
}

// walkTrace walks a trace with its spans; reading, it opens it.
func (b *traceBuffer) walkTrace(c *codec, no, place *uint32, spans *[]bufSpan) {
	var id trace.TraceID
	if !c.reading {
		id = b.traces.at(*no).id
	}
	integer(c, place)
	c.traceID(&id)
	if c.reading {
		if b.isOpen(id) {
			c.fail("a trace is open twice")
		}
		*no = b.open(b.table.hash(id), id)
	}
	t := b.traces.at(*no)
	integer(c, &t.touched)
	walkSpans(c, spans, b.maxTrace)
	if c.reading {
		for i := range *spans {
			b.put(t, &(*spans)[i])
		}
	}
	t.walkWatched(c)
}

// read opens the traces that were written, and puts them in order.
func (b *traceBuffer) read(c *codec) {
	type opened struct{ no, place uint32 }
	var traces []opened
	var spans []bufSpan
	list(c, &traces, b.maxSpans, func(o *opened) { b.walkTrace(c, &o.no, &o.place, &spans) })
	if c.bad() {
		return
	}
	if b.spans > b.maxSpans+b.maxTrace {
		c.fail("open traces: %d with %d spans, want at most %d", len(traces), b.spans, b.maxSpans)
	}
	clear(b.fifo)
	for _, o := range traces {
		if o.place < 1 || int(o.place) > len(b.fifo) || b.fifo[o.place-1] != 0 {
			c.fail("open traces: %d of %d is there twice", o.place, len(traces))
			return
		}
		b.fifo[o.place-1] = o.no
	}
}
