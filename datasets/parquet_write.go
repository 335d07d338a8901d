package datasets

import (
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// parquetRow is the Parquet form of Schema: one field a column, same order, same
// names. Ids are fixed-length byte arrays, start is ns since the Unix epoch, names
// are dictionary-encoded UTF-8 strings.
//
// Start is stored as TIMESTAMP(NANOS) without the flag "adjusted to UTC", although it
// is: DuckDB reads flagged timestamps as TIMESTAMP WITH TIME ZONE, which has
// microseconds, and so would cut off three digits; unflagged ones it reads as
// TIMESTAMP_NS. Readers take both.
type parquetRow struct {
	TraceID   [16]byte `parquet:"trace_id"`
	SpanID    [8]byte  `parquet:"span_id"`
	ParentID  *[8]byte `parquet:"parent_id,optional"`
	Service   string   `parquet:"service,dict"`
	Operation string   `parquet:"operation,dict"`
	Start     int64    `parquet:"start,timestamp(nanosecond:local),delta"`
	Duration  int64    `parquet:"duration"`
	Label     string   `parquet:"label,optional,dict"`
	LabelKind string   `parquet:"label_kind,optional,dict"`
}

// ParquetRowGroup is the number of rows of a full row group: the unit that a
// reader can skip, and (at about 40 bytes a row) what the writer holds in memory.
const ParquetRowGroup = 512 * 1024

// parquetBatch is how many rows are converted at a time.
const parquetBatch = 1024

// ParquetWriter writes spans in the Parquet form of Schema (zstd, dictionaries
// for names, page statistics). Not safe for concurrent use. Nothing is complete
// before Close: the footer comes last.
type ParquetWriter struct {
	w       *parquet.GenericWriter[parquetRow]
	rows    []parquetRow
	parents [parquetBatch][8]byte
	n       int64
}

// NewParquetWriter starts a file. meta becomes the file's key-value metadata; it
// may be nil.
func NewParquetWriter(w io.Writer, meta map[string]string) *ParquetWriter {
	opts := []parquet.WriterOption{
		parquet.NewSchema("span", parquet.SchemaOf(parquetRow{})),
		parquet.Compression(&zstd.Codec{Level: zstd.SpeedFastest}),
		parquet.MaxRowsPerRowGroup(ParquetRowGroup),
		parquet.DataPageStatistics(true),
		parquet.CreatedBy("scale-eval", "", ""),
		// Bounds of random ids help nobody and cost a pass over each page.
		parquet.SkipPageBounds("trace_id"), parquet.SkipPageBounds("span_id"), parquet.SkipPageBounds("parent_id"),
	}
	for _, k := range sortedKeys(meta) {
		opts = append(opts, parquet.KeyValueMetadata(k, meta[k]))
	}
	return &ParquetWriter{
		w:    parquet.NewGenericWriter[parquetRow](w, opts...),
		rows: make([]parquetRow, 0, parquetBatch),
	}
}

// Write adds s. The span is copied; its strings must stay valid until Close.
func (w *ParquetWriter) Write(s *trace.Span) error {
	i := len(w.rows)
	row := parquetRow{
		TraceID: s.TraceID.Bytes(), SpanID: s.ID.Bytes(),
		Service: s.Service, Operation: s.Operation,
		Start: s.Start, Duration: s.Duration,
		Label: s.Label.String(), LabelKind: s.Kind,
	}
	if s.ParentID != 0 {
		w.parents[i] = s.ParentID.Bytes()
		row.ParentID = &w.parents[i]
	}
	w.rows = append(w.rows, row)
	if len(w.rows) < parquetBatch {
		return nil
	}
	return w.flush()
}

func (w *ParquetWriter) flush() error {
	n, err := w.w.Write(w.rows)
	w.n += int64(n)
	w.rows = w.rows[:0]
	if err != nil {
		return fmt.Errorf("writing Parquet after %d rows: %w", w.n, err)
	}
	return nil
}

// Rows is the number of spans written so far.
func (w *ParquetWriter) Rows() int64 { return w.n + int64(len(w.rows)) }

// Close writes what is left and the footer. It does not close the underlying
// writer.
func (w *ParquetWriter) Close() error {
	if err := w.flush(); err != nil {
		return err
	}
	if err := w.w.Close(); err != nil {
		return fmt.Errorf("writing the Parquet footer: %w", err)
	}
	return nil
}
