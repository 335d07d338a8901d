package datasets

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Builder turns spans into record batches. Dictionaries grow over the life of the
// Builder, so an index means the same string in every batch it made.
type Builder struct {
	mem      memory.Allocator
	traceID  *array.FixedSizeBinaryBuilder
	spanID   *array.FixedSizeBinaryBuilder
	parentID *array.FixedSizeBinaryBuilder
	start    *array.TimestampBuilder
	duration *array.Int64Builder
	dicts    [4]dictBuilder // service, operation, label, label kind
	rows     int
}

// dictBuilder is an index column beside a growing list of strings. Arrow's own
// dictionary builder starts a new dictionary with each batch, which would make
// every consumer intern the same names again.
type dictBuilder struct {
	index  *array.Int32Builder
	ids    map[string]int32
	values *array.StringBuilder
	last   string
	lastID int32
}

// NewBuilder makes an empty Builder.
func NewBuilder(mem memory.Allocator) *Builder {
	b := &Builder{
		mem:      mem,
		traceID:  array.NewFixedSizeBinaryBuilder(mem, &arrow.FixedSizeBinaryType{ByteWidth: 16}),
		spanID:   array.NewFixedSizeBinaryBuilder(mem, &arrow.FixedSizeBinaryType{ByteWidth: 8}),
		parentID: array.NewFixedSizeBinaryBuilder(mem, &arrow.FixedSizeBinaryType{ByteWidth: 8}),
		start:    array.NewTimestampBuilder(mem, Schema.Field(int(ColStart)).Type.(*arrow.TimestampType)),
		duration: array.NewInt64Builder(mem),
	}
	for i := range b.dicts {
		b.dicts[i] = dictBuilder{
			index: array.NewInt32Builder(mem), ids: map[string]int32{},
			values: array.NewStringBuilder(mem), lastID: -1,
		}
	}
	return b
}

// Append copies s into the batch. Cost: one hash a string that differs from the
// row before.
func (b *Builder) Append(s *trace.Span) {
	t, id := s.TraceID.Bytes(), s.ID.Bytes()
	b.traceID.Append(t[:])
	b.spanID.Append(id[:])
	if s.ParentID == 0 {
		b.parentID.AppendNull()
	} else {
		p := s.ParentID.Bytes()
		b.parentID.Append(p[:])
	}
	b.start.Append(arrow.Timestamp(s.Start))
	b.duration.Append(s.Duration)
	b.dicts[0].append(s.Service)
	b.dicts[1].append(s.Operation)
	b.dicts[2].appendOrNull(s.Label.String())
	b.dicts[3].appendOrNull(s.Kind)
	b.rows++
}

func (d *dictBuilder) append(v string) {
	if d.lastID >= 0 && v == d.last {
		d.index.Append(d.lastID)
		return
	}
	id, ok := d.ids[v]
	if !ok {
		id = int32(len(d.ids))
		d.ids[v] = id
		d.values.Append(v)
	}
	d.last, d.lastID = v, id
	d.index.Append(id)
}

func (d *dictBuilder) appendOrNull(v string) {
	if v == "" {
		d.index.AppendNull()
		return
	}
	d.append(v)
}

// Reserve makes room for n rows at once, so that columns do not grow by doubling.
func (b *Builder) Reserve(n int) {
	b.traceID.Reserve(n)
	b.spanID.Reserve(n)
	b.parentID.Reserve(n)
	b.start.Reserve(n)
	b.duration.Reserve(n)
	for i := range b.dicts {
		b.dicts[i].index.Reserve(n)
	}
}

// Len is the number of rows since the last Record.
func (b *Builder) Len() int { return b.rows }

// Record returns the rows since the last call as a batch in Schema, which the
// caller releases.
func (b *Builder) Record() arrow.Record {
	cols := []arrow.Array{
		b.traceID.NewArray(), b.spanID.NewArray(), b.parentID.NewArray(),
		b.dicts[0].array(b.mem), b.dicts[1].array(b.mem),
		b.start.NewArray(), b.duration.NewArray(),
		b.dicts[2].array(b.mem), b.dicts[3].array(b.mem),
	}
	rec := array.NewRecord(Schema, cols, int64(b.rows))
	for _, c := range cols {
		c.Release()
	}
	b.rows = 0
	return rec
}

func (d *dictBuilder) array(mem memory.Allocator) arrow.Array {
	index := d.index.NewArray()
	defer index.Release()
	values := d.snapshot(mem)
	defer values.Release()
	return array.NewDictionaryArray(dictType, index, values)
}

// snapshot is the dictionary so far. Building it again each batch costs O(names),
// which is far below the O(rows) of the batch.
func (d *dictBuilder) snapshot(mem memory.Allocator) *array.String {
	values := d.values.NewStringArray()
	d.values.Reserve(values.Len())
	for i := range values.Len() {
		d.values.Append(values.Value(i))
	}
	return values
}

// Release frees the buffers that have not become a batch.
func (b *Builder) Release() {
	b.traceID.Release()
	b.spanID.Release()
	b.parentID.Release()
	b.start.Release()
	b.duration.Release()
	for i := range b.dicts {
		b.dicts[i].index.Release()
		b.dicts[i].values.Release()
	}
}
