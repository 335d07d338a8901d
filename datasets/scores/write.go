package scores

import (
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// row is one test span of scores.parquet.
type row struct {
	TraceID   [16]byte `parquet:"trace_id"`
	SpanID    [8]byte  `parquet:"span_id"`
	Service   string   `parquet:"service,dict"`
	Operation string   `parquet:"operation,dict"`
	Start     int64    `parquet:"start,timestamp(nanosecond:local),delta"`
	Duration  int64    `parquet:"duration"` // ns, after a shock
	Label     string   `parquet:"label,optional,dict"`
	LabelKind string   `parquet:"label_kind,optional,dict"`
	Score     *float64 `parquet:"score,optional"` // null: warm-up
	Keep      bool     `parquet:"keep"`
}

// Writer writes scores.parquet. Nothing is complete before Close.
type Writer struct {
	w    *parquet.GenericWriter[row]
	rows []row
	vals [1024]float64
}

// NewWriter starts a file.
func NewWriter(w io.Writer) *Writer {
	return &Writer{w: parquet.NewGenericWriter[row](w,
		parquet.NewSchema("score", parquet.SchemaOf(row{})),
		parquet.Compression(&zstd.Codec{Level: zstd.SpeedFastest}),
		parquet.MaxRowsPerRowGroup(512*1024),
		parquet.CreatedBy("scale-eval", "", ""),
	)}
}

// Write adds one span; score is NaN when the sampler was warming up.
func (w *Writer) Write(s *trace.Span, score float64, keep bool) error {
	i := len(w.rows)
	r := row{
		TraceID: s.TraceID.Bytes(), SpanID: s.ID.Bytes(), Service: s.Service, Operation: s.Operation,
		Start: s.Start, Duration: s.Duration, Label: s.Label.String(), LabelKind: s.Kind, Keep: keep,
	}
	if !math.IsNaN(score) {
		w.vals[i] = score
		r.Score = &w.vals[i]
	}
	w.rows = append(w.rows, r)
	if len(w.rows) < len(w.vals) {
		return nil
	}
	return w.flush()
}

func (w *Writer) flush() error {
	_, err := w.w.Write(w.rows)
	w.rows = w.rows[:0]
	if err != nil {
		return fmt.Errorf("writing scores: %w", err)
	}
	return nil
}

// Close writes the footer. It does not close the underlying writer.
func (w *Writer) Close() error {
	if err := w.flush(); err != nil {
		return err
	}
	if err := w.w.Close(); err != nil {
		return fmt.Errorf("writing scores: %w", err)
	}
	return nil
}

// Source is a file of this package to be read.
type Source interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// Concat writes the rows of n files of this package, one after another, as one file: the
// same bytes however they are spread over the files. A file is open only while it is read.
func Concat(w io.Writer, n int, open func(i int) (Source, error)) error {
	out := NewWriter(w)
	for i := range n {
		f, err := open(i)
		if err != nil {
			return err
		}
		if err := errors.Join(out.copy(f), f.Close()); err != nil {
			return fmt.Errorf("scores, file %d: %w", i, err)
		}
	}
	return out.Close()
}

// copy adds the rows of a file. Pages depend on how many rows are written at a time, so
// rows are collected as those of Write are.
func (w *Writer) copy(f Source) error {
	r := parquet.NewGenericReader[row](f)
	defer r.Close()
	for {
		rows := make([]row, len(w.vals)-len(w.rows))
		n, err := r.Read(rows)
		if w.rows = append(w.rows, rows[:n]...); len(w.rows) == len(w.vals) {
			if err := w.flush(); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
