package datasets

import (
	"encoding/binary"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Spans streams the rows of r. The yielded Span is reused; its strings are views
// into the batch's dictionaries: clone them to keep them. Call is interned in
// calls, once a distinct (service, operation) pair of a batch. Nulls give zero
// values. The caller closes r.
//
// Cost: about 10 ns a span beside what r costs (BenchmarkSpans).
func Spans(r Reader, calls *trace.Calls) trace.Source {
	return func(yield func(*trace.Span, error) bool) {
		for {
			rec, err := r.Next()
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
			ok := newRows(rec, calls).each(yield)
			rec.Release()
			if !ok {
				return
			}
		}
	}
}

// rows is one batch, its columns unwrapped.
type rows struct {
	n                  int
	traceID, spanID    []byte                 // fixed-width values; nil: left out
	parent             *array.FixedSizeBinary // nil: all roots
	start              []arrow.Timestamp      // nil: left out
	duration           []int64                // nil: left out
	service, operation dictColumn
	label, kind        dictColumn
	labels             []trace.Label // of the label dictionary
	calls              *trace.Calls
	callOf             []trace.Call          // by operation index x services + service index
	callMap            map[uint64]trace.Call // instead of callOf when that would be large
}

type dictColumn struct {
	index  []int32
	nulls  arrow.Array // nil when there is no null
	values *array.String
}

const (
	callUnset = ^trace.Call(0)
	// callTableMax bounds the direct table: above it a map is smaller and clearing
	// it between batches would cost more than hashing.
	callTableMax = 1 << 18
)

func newRows(rec arrow.Record, calls *trace.Calls) *rows {
	r := &rows{n: int(rec.NumRows()), calls: calls}
	r.traceID = fixed(rec.Column(int(ColTraceID)))
	r.spanID = fixed(rec.Column(int(ColSpanID)))
	if p := rec.Column(int(ColParentID)).(*array.FixedSizeBinary); p.NullN() < p.Len() {
		r.parent = p
	}
	if c := rec.Column(int(ColStart)).(*array.Timestamp); c.NullN() == 0 {
		r.start = c.TimestampValues()
	}
	if c := rec.Column(int(ColDuration)).(*array.Int64); c.NullN() == 0 {
		r.duration = c.Int64Values()
	}
	r.service = dictOf(rec.Column(int(ColService)))
	r.operation = dictOf(rec.Column(int(ColOperation)))
	r.label = dictOf(rec.Column(int(ColLabel)))
	r.kind = dictOf(rec.Column(int(ColLabelKind)))
	r.initLabels()
	r.initCalls()
	return r
}

func fixed(a arrow.Array) []byte {
	f := a.(*array.FixedSizeBinary)
	if f.NullN() > 0 {
		return nil
	}
	w := f.DataType().(*arrow.FixedSizeBinaryType).ByteWidth
	data := f.Data()
	return data.Buffers()[1].Bytes()[data.Offset()*w : (data.Offset()+data.Len())*w]
}

func dictOf(a arrow.Array) dictColumn {
	d := a.(*array.Dictionary)
	c := dictColumn{index: d.Indices().(*array.Int32).Int32Values(), values: d.Dictionary().(*array.String)}
	if d.NullN() > 0 {
		c.nulls = d
	}
	return c
}

func (c *dictColumn) null(i int) bool { return c.nulls != nil && c.nulls.IsNull(i) }

// at is the string of row i, "" for null.
func (c *dictColumn) at(i int) string {
	if c.null(i) {
		return ""
	}
	return c.values.Value(int(c.index[i]))
}

func (r *rows) initLabels() {
	r.labels = make([]trace.Label, r.label.values.Len())
	for i := range r.labels {
		// Readers refuse unknown names, so an error here can only be a label that a
		// newer version wrote; Unlabelled keeps it out of every score.
		r.labels[i], _ = trace.ParseLabel(r.label.values.Value(i))
	}
}

func (r *rows) initCalls() {
	if n := r.service.values.Len() * r.operation.values.Len(); n > 0 && n <= callTableMax {
		r.callOf = make([]trace.Call, n)
		for i := range r.callOf {
			r.callOf[i] = callUnset
		}
		return
	}
	r.callMap = map[uint64]trace.Call{}
}

func (r *rows) each(yield func(*trace.Span, error) bool) bool {
	var s trace.Span
	for i := range r.n {
		r.fill(&s, i)
		if !yield(&s, nil) {
			return false
		}
	}
	return true
}

// fill decodes row i. A column that was left out leaves its zero value.
func (r *rows) fill(s *trace.Span, i int) {
	if r.traceID != nil {
		id := r.traceID[16*i : 16*i+16]
		s.TraceID = trace.TraceID{Hi: binary.BigEndian.Uint64(id), Lo: binary.BigEndian.Uint64(id[8:])}
	}
	if r.spanID != nil {
		s.ID = trace.SpanID(binary.BigEndian.Uint64(r.spanID[8*i:]))
	}
	if r.parent != nil {
		s.ParentID = 0
		if !r.parent.IsNull(i) {
			s.ParentID = trace.SpanID(binary.BigEndian.Uint64(r.parent.Value(i)))
		}
	}
	if r.start != nil {
		s.Start = int64(r.start[i])
	}
	if r.duration != nil {
		s.Duration = r.duration[i]
	}
	s.Service, s.Operation = r.service.at(i), r.operation.at(i)
	s.Call = r.call(i, s)
	s.Label, s.Kind = trace.Unlabelled, ""
	if !r.label.null(i) {
		s.Label = r.labels[r.label.index[i]]
	}
	if !r.kind.null(i) {
		s.Kind = r.kind.values.Value(int(r.kind.index[i]))
	}
}

// call looks the pair up by its dictionary indexes; the names, which s has, are
// hashed only when a batch shows the pair for the first time.
func (r *rows) call(i int, s *trace.Span) trace.Call {
	if r.service.null(i) || r.operation.null(i) {
		return r.calls.Of(s.Service, s.Operation)
	}
	si, oi := int(r.service.index[i]), int(r.operation.index[i])
	if r.callOf != nil {
		slot := &r.callOf[oi*r.service.values.Len()+si]
		if *slot == callUnset {
			*slot = r.calls.Of(s.Service, s.Operation)
		}
		return *slot
	}
	key := uint64(oi)<<32 | uint64(si)
	c, ok := r.callMap[key]
	if !ok {
		c = r.calls.Of(s.Service, s.Operation)
		r.callMap[key] = c
	}
	return c
}

// callAt is the call of row i for who has no use for its names: they are put into s
// only where they are hashed.
func (r *rows) callAt(s *trace.Span, i int) trace.Call {
	if r.callOf != nil && !r.service.null(i) && !r.operation.null(i) {
		if c := r.callOf[int(r.operation.index[i])*r.service.values.Len()+int(r.service.index[i])]; c != callUnset {
			return c
		}
	}
	s.Service, s.Operation = r.service.at(i), r.operation.at(i)
	return r.call(i, s)
}
