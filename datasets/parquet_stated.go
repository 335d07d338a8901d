package datasets

import (
	"encoding/binary"

	"github.com/parquet-go/parquet-go"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Stated is what the footers of Parquet files say of all their rows, without a row being
// decoded. The zero value is that of no rows.
type Stated struct {
	Rows                  int64
	FirstStart, LastStart int64 // ns since the Unix epoch; of no rows 0
	Shortest, Longest     int64 // durations, ns
	// Positive says that the bounds of the labels name a positive one. A writer may state
	// bounds that are wider than its rows, so it is to be expected, not known.
	Positive bool
}

// Stated is what the footer says. It is not ok where that does not replace reading start
// and duration: a writer need not state their bounds, a column that may have nulls may
// have malformed rows, and so has one with a negative duration.
func (r *ParquetReader) Stated() (s Stated, ok bool) {
	defer func() {
		if recover() != nil { // the library's, on bounds of a wrong length
			s, ok = Stated{}, false
		}
	}()
	if need := ColumnsOf(ColStart, ColDuration); r.whole&need != need {
		return s, false
	}
	for _, g := range r.file.RowGroups() {
		chunks := g.ColumnChunks()
		first, last, ok := int64Bounds(chunks[r.leaf[ColStart]])
		if !ok {
			return s, false
		}
		shortest, longest, ok := int64Bounds(chunks[r.leaf[ColDuration]])
		if !ok || shortest < 0 {
			return s, false
		}
		s = s.And(Stated{g.NumRows(), first, last, shortest, longest, r.statesPositive(chunks)})
	}
	return s, true
}

// statesPositive says whether the bounds of a row group's labels name a positive one.
func (r *ParquetReader) statesPositive(chunks []parquet.ColumnChunk) bool {
	leaf := r.leaf[ColLabel]
	if leaf < 0 {
		return false
	}
	low, high, ok := bounds(chunks[leaf])
	return ok && (isPositive(low) || isPositive(high))
}

func isPositive(name []byte) bool {
	l, err := trace.ParseLabel(string(name))
	return err == nil && l.Positive()
}

// And is what is stated of the rows of both.
func (s Stated) And(o Stated) Stated {
	switch {
	case s.Rows == 0:
		return o
	case o.Rows == 0:
		return s
	}
	return Stated{
		Rows:       s.Rows + o.Rows,
		FirstStart: min(s.FirstStart, o.FirstStart), LastStart: max(s.LastStart, o.LastStart),
		Shortest: min(s.Shortest, o.Shortest), Longest: max(s.Longest, o.Longest),
		Positive: s.Positive || o.Positive,
	}
}

// int64Bounds is bounds of a column of integers.
func int64Bounds(c parquet.ColumnChunk) (low, high int64, ok bool) {
	least, greatest, ok := bounds(c)
	if !ok || len(least) != 8 || len(greatest) != 8 {
		return 0, 0, false
	}
	return int64(binary.LittleEndian.Uint64(least)), int64(binary.LittleEndian.Uint64(greatest)), true
}
