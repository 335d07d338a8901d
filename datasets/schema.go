package datasets

import "github.com/apache/arrow/go/v17/arrow"

// BatchRows is the number of rows of a full record batch: large enough to make
// per-batch work vanish, small enough (about 5 MiB) to stay in the cache's reach.
const BatchRows = 64 * 1024

// Column is the position of a field in Schema.
type Column int

// The columns of Schema, in order.
const (
	ColTraceID Column = iota
	ColSpanID
	ColParentID
	ColService
	ColOperation
	ColStart
	ColDuration
	ColLabel
	ColLabelKind
	NumColumns
)

// Columns is a set of columns to read. The zero value means all of them.
type Columns uint16

// Has says whether c is in the set.
func (cs Columns) Has(c Column) bool { return cs == 0 || cs&(1<<c) != 0 }

// ColumnsOf makes a set.
func ColumnsOf(cols ...Column) (cs Columns) {
	for _, c := range cols {
		cs |= 1 << c
	}
	return cs
}

var dictType = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}

// Schema is the Arrow schema of every record batch in this repository. Columns
// that a reader was told to leave out are present and wholly null.
var Schema = arrow.NewSchema([]arrow.Field{
	{Name: "trace_id", Type: &arrow.FixedSizeBinaryType{ByteWidth: 16}, Nullable: true},
	{Name: "span_id", Type: &arrow.FixedSizeBinaryType{ByteWidth: 8}, Nullable: true},
	{Name: "parent_id", Type: &arrow.FixedSizeBinaryType{ByteWidth: 8}, Nullable: true},
	{Name: "service", Type: dictType, Nullable: true},
	{Name: "operation", Type: dictType, Nullable: true},
	{Name: "start", Type: &arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "UTC"}, Nullable: true},
	{Name: "duration", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "label", Type: dictType, Nullable: true},
	{Name: "label_kind", Type: dictType, Nullable: true},
}, nil)
