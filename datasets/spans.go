package datasets

import (
	"encoding/binary"
	"io"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Spans streams the rows of r. The yielded Span is reused; its strings are views
// into the batch's dictionaries: clone them to keep them. Call is interned in
// calls, once a distinct (service, operation) pair of a batch. Nulls give zero
// values. The caller closes r.
//
// The [SteadySpans] that were yielded last stay as they are, whereas other sources promise
// no more than the last one.
//
// Cost: about 35 ns a span beside what r costs, of names in no order (BenchmarkSpans); with
// DecodedAhead less, as part of it goes to another core.
func Spans(r Reader, calls *trace.Calls) trace.Source {
	return spansOf(func() (*rows, error) {
		rec, err := r.Next()
		if err != nil {
			return nil, err
		}
		return newRows(rec), nil
	}, calls)
}

// spansOf streams the batches that next gives until it errs, with io.EOF in the end.
func spansOf(next func() (*rows, error), calls *trace.Calls) trace.Source {
	return func(yield func(*trace.Span, error) bool) {
		for {
			r, err := next()
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
			r.calls = calls
			ok := r.each(yield)
			r.release()
			if !ok {
				return
			}
		}
	}
}

// SteadySpans is how many spans of [Spans] a consumer can collect before it looks at them.
const SteadySpans = 64

// rows is one batch, its columns unwrapped and its dictionaries looked up.
type rows struct {
	rec                arrow.Record
	n                  int
	traceID, spanID    []byte // fixed-width values; nil: left out
	parent             []byte // likewise; nil: all roots
	root               nulls
	start              []arrow.Timestamp // nil: left out
	duration           []int64           // nil: left out
	service, operation dictColumn
	label, kind        dictColumn
	labels             []trace.Label // of the label dictionary
	calls              *trace.Calls  // that calls are interned in, once a span of them is handed out
	named              []namedCall   // the distinct pairs of service and operation
	nameless           namedCall     // scratch: that of a row with a null
	memory             *rowMemory
	labelOf            []trace.Label // by row
	namedOf            []int32       // by row: index in named; -1: a name is null
}

// namedCall is a call with the names that the data has for it.
type namedCall struct {
	service, operation string
	call               trace.Call
	interned           bool
}

// rowMemory is what is looked up for each row of a batch, used again for another batch.
type rowMemory struct {
	labelOf [BatchRows]trace.Label
	namedOf [BatchRows]int32
}

var rowMemories = sync.Pool{New: func() any { return new(rowMemory) }}

// dictColumn is a column of strings. Its values are looked up as Go strings, once a
// batch: an Arrow array takes several steps for each.
type dictColumn struct {
	index  []int32
	nulls  nulls
	values []string
}

// nulls says which rows of a column are null. The zero value is none.
type nulls struct {
	valid []byte // bitmap; nil: all are
	from  int    // bit of row 0
}

func nullsOf(a arrow.Array) nulls {
	if a.NullN() == 0 {
		return nulls{}
	}
	return nulls{a.NullBitmapBytes(), a.Data().Offset()}
}

func (n *nulls) at(i int) bool {
	return n.valid != nil && n.valid[(n.from+i)>>3]>>((n.from+i)&7)&1 == 0
}

// nameTableMax bounds the direct table: above it a map is smaller and clearing it
// between batches would cost more than hashing.
const nameTableMax = 1 << 18

// newRows takes rec over.
func newRows(rec arrow.Record) *rows {
	r := &rows{rec: rec, n: int(rec.NumRows())}
	r.traceID = fixed(rec.Column(int(ColTraceID)))
	r.spanID = fixed(rec.Column(int(ColSpanID)))
	if p := rec.Column(int(ColParentID)); p.NullN() < p.Len() {
		r.parent, r.root = fixedValues(p), nullsOf(p)
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
	r.makeRoom()
	r.findLabels()
	r.findNames()
	return r
}

func (r *rows) makeRoom() {
	if r.n > BatchRows { // a reader was asked for larger batches
		r.labelOf, r.namedOf = make([]trace.Label, r.n), make([]int32, r.n)
		return
	}
	r.memory = rowMemories.Get().(*rowMemory)
	r.labelOf, r.namedOf = r.memory.labelOf[:r.n], r.memory.namedOf[:r.n]
}

// release gives the batch back. Spans that were handed out stay.
func (r *rows) release() {
	r.rec.Release()
	if r.memory != nil {
		rowMemories.Put(r.memory)
	}
	r.memory, r.labelOf, r.namedOf = nil, nil, nil
}

func fixed(a arrow.Array) []byte {
	if a.NullN() > 0 {
		return nil
	}
	return fixedValues(a)
}

// fixedValues are the bytes of all rows; those of a null mean nothing.
func fixedValues(a arrow.Array) []byte {
	w := a.DataType().(*arrow.FixedSizeBinaryType).ByteWidth
	data := a.Data()
	return data.Buffers()[1].Bytes()[data.Offset()*w : (data.Offset()+data.Len())*w]
}

func dictOf(a arrow.Array) dictColumn {
	d := a.(*array.Dictionary)
	values := d.Dictionary().(*array.String)
	c := dictColumn{index: d.Indices().(*array.Int32).Int32Values(), nulls: nullsOf(d), values: make([]string, values.Len())}
	for i := range c.values {
		c.values[i] = values.Value(i)
	}
	return c
}

// at is the string of row i, "" for null.
func (c *dictColumn) at(i int) string {
	if c.nulls.at(i) {
		return ""
	}
	return c.values[c.index[i]]
}

// findLabels fills labelOf.
func (r *rows) findLabels() {
	r.labels = make([]trace.Label, len(r.label.values))
	for i, name := range r.label.values {
		// Readers refuse unknown names, so an error here can only be a label that a
		// newer version wrote; Unlabelled keeps it out of every score.
		r.labels[i], _ = trace.ParseLabel(name)
	}
	if r.label.nulls.valid == nil {
		for i, id := range r.label.index {
			r.labelOf[i] = r.labels[id]
		}
		return
	}
	for i, id := range r.label.index {
		r.labelOf[i] = trace.Unlabelled
		if !r.label.nulls.at(i) {
			r.labelOf[i] = r.labels[id]
		}
	}
}

// findNames fills named and namedOf, by dictionary indexes. A pair is looked up in a table
// of all there can be, by operation index x services + service index, or in a map when that
// would be large.
func (r *rows) findNames() {
	services := len(r.service.values)
	pairs := services * len(r.operation.values)
	if pairs > nameTableMax {
		r.findManyNames()
		return
	}
	table := make([]int32, pairs) // index in named + 1; 0: did not come
	for i, operation := range r.operation.index {
		if r.lacksName(i) {
			r.namedOf[i] = -1
			continue
		}
		slot := &table[int(operation)*services+int(r.service.index[i])]
		if *slot == 0 {
			*slot = r.name(i)
		}
		r.namedOf[i] = *slot - 1
	}
}

// findManyNames is findNames with a map.
func (r *rows) findManyNames() {
	seen := map[uint64]int32{}
	for i := range r.n {
		if r.lacksName(i) {
			r.namedOf[i] = -1
			continue
		}
		key := uint64(r.operation.index[i])<<32 | uint64(r.service.index[i])
		at, ok := seen[key]
		if !ok {
			at = r.name(i)
			seen[key] = at
		}
		r.namedOf[i] = at - 1
	}
}

// lacksName says whether a name of row i is null.
func (r *rows) lacksName(i int) bool { return r.service.nulls.at(i) || r.operation.nulls.at(i) }

// name adds the names of row i, which has no null, to named. It returns their index + 1.
func (r *rows) name(i int) int32 {
	r.named = append(r.named, namedCall{service: r.service.at(i), operation: r.operation.at(i)})
	return int32(len(r.named))
}

func (r *rows) each(yield func(*trace.Span, error) bool) bool {
	// Two blocks, of this batch: while one is filled the other stays, and so do those of
	// the batch before.
	ring := new([2 * SteadySpans]trace.Span)
	for from := 0; from < r.n; from += SteadySpans {
		block := ring[from%len(ring):][:min(SteadySpans, r.n-from)]
		r.fill(block, from)
		for i := range block {
			s := &block[i]
			r.nameCall(s, from+i)
			if !yield(s, nil) {
				return false
			}
		}
	}
	return true
}

// fill decodes the rows from one on, all but their calls, a column after the other: the
// loops are short enough for a core to have several rows under way. A column that was
// left out leaves its zero value.
func (r *rows) fill(block []trace.Span, from int) {
	if r.traceID != nil {
		ids := r.traceID[16*from:][:16*len(block)]
		for i := range block {
			id := ids[16*i:][:16]
			block[i].TraceID = trace.TraceID{Hi: binary.BigEndian.Uint64(id), Lo: binary.BigEndian.Uint64(id[8:])}
		}
	}
	if r.spanID != nil {
		ids := r.spanID[8*from:][:8*len(block)]
		for i := range block {
			block[i].ID = trace.SpanID(binary.BigEndian.Uint64(ids[8*i:]))
		}
	}
	if r.parent != nil {
		ids := r.parent[8*from:][:8*len(block)]
		for i := range block {
			block[i].ParentID = trace.SpanID(binary.BigEndian.Uint64(ids[8*i:]))
			if r.root.at(from + i) {
				block[i].ParentID = 0
			}
		}
	}
	if r.start != nil {
		for i, at := range r.start[from:][:len(block)] {
			block[i].Start = int64(at)
		}
	}
	if r.duration != nil {
		for i, ns := range r.duration[from:][:len(block)] {
			block[i].Duration = ns
		}
	}
	for i, label := range r.labelOf[from:][:len(block)] {
		block[i].Label = label
	}
	if len(r.kind.values) > 0 {
		for i := range block {
			block[i].Kind = r.kind.at(from + i)
		}
	}
}

// nameCall gives s, which is row i, its call.
func (r *rows) nameCall(s *trace.Span, i int) {
	c := r.callAt(i)
	s.Service, s.Operation, s.Call = c.service, c.operation, c.call
}

// callAt is the call of row i, which is handed out: a call that nobody saw is not to be
// counted. The result is valid until the next call.
func (r *rows) callAt(i int) *namedCall {
	if at := r.namedOf[i]; at >= 0 && r.named[at].interned {
		return &r.named[at]
	}
	return r.newCallAt(i)
}

// newCallAt is callAt of a call that is new in this batch, or of a row with a null.
func (r *rows) newCallAt(i int) *namedCall {
	c := &r.nameless
	if at := r.namedOf[i]; at >= 0 {
		c = &r.named[at]
	} else {
		c.service, c.operation = r.service.at(i), r.operation.at(i)
	}
	c.call, c.interned = r.calls.Of(c.service, c.operation), true
	return c
}
