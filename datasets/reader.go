package datasets

import (
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Decoder is what a format implements. Decode fills s, which it may find dirty,
// with the next span. It returns io.EOF at the end, a *trace.RowError for a
// record that cannot be read (the next call goes on behind it), and any other
// error when the stream is broken. Strings put into s must stay valid; s.Call is
// not the decoder's to set.
type Decoder interface {
	Decode(s *trace.Span) error
}

// Reader is a stream of record batches in Schema.
type Reader interface {
	// Next returns a batch that the caller releases, or io.EOF.
	Next() (arrow.Record, error)
	// Bad is the tally of what could not be read so far.
	Bad() *trace.Bad
	Close() error
}

// Positioner is a Decoder that knows which row its last span came from. Without it
// a Reader counts the calls of Decode.
type Positioner interface {
	Position() (file string, row int64)
}

// Options of a Reader over a Decoder.
type Options struct {
	// Strict makes the first malformed row an error of the stream.
	Strict bool
	// DropDuplicates leaves out a span whose (trace id, span id) was seen before.
	// Each is tallied in Bad under the field "span_id". Costs 16 bytes a span; two
	// spans are taken for one when a 64-bit hash collides (odds below 1e-6 at 5 M).
	DropDuplicates bool
	// BatchRows is the size of a batch; 0 means the constant BatchRows.
	BatchRows int
}

type decoderReader struct {
	dec     Decoder
	closer  io.Closer
	name    string
	opt     Options
	builder *Builder
	span    trace.Span
	seen    idSet
	row     int64
	bad     trace.Bad
	err     error
}

// NewReader batches the spans of dec. name is the file, for messages. The closer
// may be nil.
func NewReader(dec Decoder, closer io.Closer, name string, opt Options) Reader {
	if opt.BatchRows <= 0 {
		opt.BatchRows = BatchRows
	}
	return &decoderReader{dec: dec, closer: closer, name: name, opt: opt, builder: NewBuilder(memory.DefaultAllocator)}
}

func (r *decoderReader) Next() (arrow.Record, error) {
	if r.err == nil {
		r.builder.Reserve(r.opt.BatchRows)
	}
	for r.err == nil && r.builder.Len() < r.opt.BatchRows {
		r.err = r.decode()
	}
	if r.builder.Len() > 0 && (r.err == nil || r.err == io.EOF) {
		return r.builder.Record(), nil
	}
	return nil, r.err
}

// decode appends one good span or tallies one bad row.
func (r *decoderReader) decode() error {
	err := r.dec.Decode(&r.span)
	r.row++
	if err == nil {
		err = r.check()
	}
	if err == nil {
		r.builder.Append(&r.span)
		return nil
	}
	var row *trace.RowError
	if errors.As(err, &row) {
		r.bad.Add(row)
		if r.opt.Strict {
			return fmt.Errorf("%w (strict: leave --strict out to count such rows and go on)", err)
		}
		return nil
	}
	return err
}

// check holds every format to the same rules.
func (r *decoderReader) check() error {
	if r.span.Duration < 0 {
		return r.rowError("duration", "%d ns: a span cannot end before it starts", r.span.Duration)
	}
	if r.opt.DropDuplicates && !r.seen.add(spanHash(&r.span)) {
		return r.rowError("span_id", "duplicate of span %s of trace %s", r.span.ID, r.span.TraceID)
	}
	return nil
}

func (r *decoderReader) rowError(field, format string, args ...any) error {
	e := &trace.RowError{File: r.name, Row: r.row, Field: field, Msg: fmt.Sprintf(format, args...)}
	if p, ok := r.dec.(Positioner); ok {
		e.File, e.Row = p.Position()
	}
	return e
}

func (r *decoderReader) Bad() *trace.Bad { return &r.bad }

func (r *decoderReader) Close() error {
	r.builder.Release()
	if r.closer == nil {
		return nil
	}
	return r.closer.Close()
}

// idSet is an open-addressing set of 64-bit hashes: half the memory of a map.
type idSet struct {
	slots []uint64
	n     int
}

// add reports whether h was new.
func (s *idSet) add(h uint64) bool {
	if h == 0 { // marks an empty slot
		h = 1
	}
	if 4*(s.n+1) > 3*len(s.slots) {
		s.grow()
	}
	if !s.insert(h) {
		return false
	}
	s.n++
	return true
}

func (s *idSet) insert(h uint64) bool {
	mask := uint64(len(s.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		switch s.slots[i] {
		case h:
			return false
		case 0:
			s.slots[i] = h
			return true
		}
	}
}

func (s *idSet) grow() {
	old := s.slots
	s.slots = make([]uint64, max(1024, 2*len(old)))
	for _, h := range old {
		if h != 0 {
			s.insert(h)
		}
	}
}

// spanHash mixes the ids (splitmix64's finaliser, twice).
func spanHash(s *trace.Span) uint64 {
	return mix(mix(s.TraceID.Hi^mix(s.TraceID.Lo)) ^ uint64(s.ID))
}

func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb
	return x ^ (x >> 31)
}
