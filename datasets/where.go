package datasets

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"

	"github.com/parquet-go/parquet-go"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Where says which spans of a Parquet dataset to read. The zero value is all of them.
type Where struct {
	// Since and Until bound the start of a span, [Since, Until), ns since the Unix
	// epoch; 0 is no bound.
	Since, Until int64
	// Services are the services to read; none is all.
	Services []string
}

// All says whether that is all spans.
func (w *Where) All() bool { return w.Since == 0 && w.Until == 0 && len(w.Services) == 0 }

// holds says whether s is asked for.
func (w *Where) holds(s *trace.Span) bool {
	return s.Start >= w.since() && s.Start < w.until() &&
		(len(w.Services) == 0 || slices.Contains(w.Services, s.Service))
}

func (w *Where) since() int64 {
	if w.Since == 0 {
		return math.MinInt64
	}
	return w.Since
}

func (w *Where) until() int64 {
	if w.Until == 0 {
		return math.MaxInt64
	}
	return w.Until
}

// mayHold says whether a row group can have a row that is asked for, going by the
// bounds in its footer. A writer need not state bounds: then it can.
func (w *Where) mayHold(g parquet.RowGroup, leaf *[NumColumns]int) bool {
	if w.All() {
		return true
	}
	file, ok := g.(*parquet.FileRowGroup)
	if !ok {
		return true
	}
	chunks := file.ColumnChunks()
	if first, last, ok := int64Bounds(chunks[leaf[ColStart]]); ok && (last < w.since() || first >= w.until()) {
		return false
	}
	if len(w.Services) == 0 {
		return true
	}
	low, high, ok := bounds(chunks[leaf[ColService]])
	return !ok || slices.ContainsFunc(w.Services, func(s string) bool {
		return bytes.Compare([]byte(s), low) >= 0 && bytes.Compare([]byte(s), high) <= 0
	})
}

// bounds are the least and the greatest value of a column chunk, if it states them.
func bounds(c parquet.ColumnChunk) (low, high []byte, ok bool) {
	chunk, isFile := c.(*parquet.FileColumnChunk)
	if !isFile {
		return nil, nil, false
	}
	least, greatest, ok := chunk.Bounds()
	if !ok {
		return nil, nil, false
	}
	return plain(least), plain(greatest), true
}

func plain(v parquet.Value) []byte {
	if v.Kind() == parquet.Int64 {
		return binary.LittleEndian.AppendUint64(nil, uint64(v.Int64()))
	}
	return v.ByteArray()
}
