package hst

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

const (
	callBytes   = 896 // of a callModel
	flightBytes = 32  // of a delayed, without its tag
)

// fieldCodec writes fields, or reads into them.
type fieldCodec interface {
	float64(*float64)
	int64(*int64)
}

type fieldWriter struct{ b []byte }

func (w *fieldWriter) float64(x *float64) {
	w.b = binary.LittleEndian.AppendUint64(w.b, math.Float64bits(*x))
}

func (w *fieldWriter) int64(x *int64) { w.b = binary.LittleEndian.AppendUint64(w.b, uint64(*x)) }

// fieldReader refuses what is not a finite number: no field ever is one.
type fieldReader struct{ d *decoder }

func (r *fieldReader) float64(x *float64) {
	if *x = r.d.float64(); r.d.err == nil && (*x != *x || math.IsInf(*x, 0)) {
		r.d.err = errors.New("a field is not a finite number")
	}
}

func (r *fieldReader) int64(x *int64) { *x = int64(r.d.uint64()) }

// integer passes an integer of another width; what does not fit is an error.
func integer[T ~uint8 | ~uint16 | ~uint32 | ~int32 | ~uint64](c fieldCodec, x *T) {
	v := int64(*x)
	c.int64(&v)
	if r, ok := c.(*fieldReader); ok && r.d.err == nil && (int64(T(v)) != v) {
		r.d.err = fmt.Errorf("a field is %d, which it cannot hold", v)
	}
	*x = T(v)
}

func boolean(c fieldCodec, x *bool) {
	v := uint16(0)
	if *x {
		v = 1
	}
	integer(c, &v)
	*x = v != 0
}

// fields of a tail whose prior counts for weight spans.
func (t *tail) fields(c fieldCodec, weight float64) {
	integer(c, &t.n)
	for i := range t.survivors {
		integer(c, &t.survivors[i])
	}
	if r, ok := c.(*fieldReader); ok {
		t.findTop()
		if t.n > 0 {
			t.weigh(weight)
		}
		if r.d.err == nil && !t.falls() {
			r.d.err = errors.New("a tail rises")
		}
	}
}

// falls says whether t is a survival function.
func (t *tail) falls() bool {
	last := t.n
	for _, n := range t.survivors {
		if n > last {
			return false
		}
		last = n
	}
	return true
}

func (g *group) fields(c fieldCodec, weight float64) {
	c.float64(&g.calls)
	c.float64(&g.location)
	c.float64(&g.squares)
	c.float64(&g.logSpread)
	g.tail.fields(c, weight)
}

func (m *callModel) fields(c fieldCodec) {
	c.float64(&m.location)
	c.float64(&m.variance)
	c.float64(&m.spread)
	c.float64(&m.scale)
	c.float64(&m.sd)
	m.inverse = 1 / m.sd
	integer(c, &m.learned)
	integer(c, &m.upper)
	integer(c, &m.below)
	integer(c, &m.group)
	c.float64(&m.share.location)
	c.float64(&m.share.logSpread)
	boolean(c, &m.share.counted)
	m.shift.fields(c)
	m.recur.fields(c)
	m.tail.fields(c, tailPrior)
	m.mass.fields(c)
}

// check refuses what no model can be.
func (m *callModel) check(groups int) error {
	switch {
	case m.learned == 0 || m.upper > spreadMemory:
		return errors.New("a call's counts are out of range")
	case m.group < -1 || int(m.group) >= groups:
		return fmt.Errorf("a call is of service %d of %d", m.group, groups)
	case !(m.spread >= minScale*minScale) || !(m.variance >= 0) || !(m.scale > 0) || !(m.sd > 0):
		return errors.New("a call's scale is out of range")
	}
	return nil
}

func (d *shiftDetector) fields(c fieldCodec) {
	c.float64(&d.suspects)
	c.float64(&d.usual)
	c.float64(&d.tokens)
	c.float64(&d.recent)
	c.int64(&d.last)
	c.int64(&d.age)
	integer(c, &d.seen)
}

func (r *recurrence) fields(c fieldCodec) {
	c.int64(&r.age)
	integer(c, &r.votes)
	integer(c, &r.cell)
}

// fields of a mass are its cells, four to an integer.
func (m *mass) fields(c fieldCodec) {
	for i := 0; i < massCells; i += 4 {
		four := m[i : i+4]
		v := int64(four[0]) | int64(four[1])<<16 | int64(four[2])<<32 | int64(four[3])<<48
		c.int64(&v)
		four[0], four[1], four[2], four[3] = uint16(v), uint16(v>>16), uint16(v>>32), uint16(v>>48)
	}
}

func (h *surpriseHistogram) fields(c fieldCodec) {
	for i := range h.counts {
		c.float64(&h.counts[i])
	}
	c.float64(&h.total)
}

func (p *operatingPoint) fields(c fieldCodec) {
	p.ordinary.fields(c)
	p.all.fields(c)
	integer(c, &p.fresh)
	c.float64(&p.keep)
	c.float64(&p.suspect)
	c.int64(&p.clock)
	c.int64(&p.now)
	c.float64(&p.rate)
}

func (e *delayed) fields(c fieldCodec) {
	key, child := int64(e.key), int64(e.child)
	c.int64(&key)
	c.int64(&child)
	e.key, e.child = uint64(key), trace.SpanID(child)
	c.int64(&e.end)
	c.int64(&e.ns)
}

func (f *flight) write(w *fieldWriter) {
	n := uint32(0)
	for i := range f.entries {
		if f.entries[i].key != 0 {
			n++
		}
	}
	w.b = binary.LittleEndian.AppendUint32(w.b, n)
	for i := range f.entries {
		if f.entries[i].key != 0 {
			f.entries[i].fields(w)
		}
	}
}

func (f *flight) read(r *fieldReader) {
	for range r.d.count(32) {
		var e delayed
		e.fields(r)
		if r.d.err == nil && (len(f.entries) == 0 || e.key == 0) {
			r.d.err = errors.New("a parent in flight has no place")
		}
		if r.d.err != nil {
			return
		}
		f.put(e)
	}
}

func (m *memo) fields(c fieldCodec) {
	boolean(c, &m.valid)
	hi, lo, id := int64(m.trace.Hi), int64(m.trace.Lo), int64(m.id)
	c.int64(&hi)
	c.int64(&lo)
	c.int64(&id)
	m.trace, m.id = trace.TraceID{Hi: uint64(hi), Lo: uint64(lo)}, trace.SpanID(id)
	integer(c, &m.call)
	c.int64(&m.start)
	c.int64(&m.ns)
	c.float64(&m.verdict.x)
	c.float64(&m.verdict.u)
	c.float64(&m.verdict.body)
	c.float64(&m.verdict.raw)
	c.float64(&m.verdict.surprise)
	c.float64(&m.verdict.plateau)
	boolean(c, &m.verdict.known)
	c.int64(&m.verdict.explained)
}
