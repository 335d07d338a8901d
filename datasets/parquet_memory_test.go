package datasets

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// What is freed is given again, for columns of one width to those of the same.
func TestBatchMemoryGivesAgain(t *testing.T) {
	m := &batchMemory{}
	for _, width := range []int{4, 8, 16} {
		again := false
		for range 100 { // under the race detector a pool loses a part of what it is given
			b := m.Allocate(BatchRows * width)
			m.Free(b)
			next := m.Allocate(BatchRows*width - 1)
			again = again || &next[0] == &b[0]
			if cap(next) != BatchRows*width {
				t.Fatalf("width %d: a capacity of %d bytes", width, cap(next))
			}
		}
		if !again {
			t.Errorf("width %d: freed memory is never given again", width)
		}
	}
	for _, size := range []int{0, 1, 2 * BatchRows, 100 * BatchRows} { // of no width's batch
		if b := m.Allocate(size); len(b) != size || cap(b) > 2*size+8 {
			t.Errorf("%d bytes in room for %d, want %d", len(b), cap(b), size)
		}
	}
}

// A batch that is retained keeps its spans, whatever is decoded after it.
func TestRetainedBatchesKeepTheirSpans(t *testing.T) {
	spans := randomSpans(3*BatchRows+17, 5)
	var file bytes.Buffer
	w := NewParquetWriter(&file, nil)
	for i := range spans {
		if err := w.Write(&spans[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var retained []arrow.Record
	pass := func(keep bool) {
		r, err := NewParquetReader(bytes.NewReader(file.Bytes()), int64(file.Len()), nil, "x", 0, false)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		for {
			rec, err := r.Next()
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if keep {
				retained = append(retained, rec)
			} else {
				rec.Release()
			}
		}
	}
	pass(true)
	pass(false)
	pass(false)
	n := 0
	for _, rec := range retained {
		r := newRows(rec)
		r.calls = trace.NewCalls(1<<16, nil)
		r.each(func(s *trace.Span, _ error) bool {
			if want := spans[n]; s.Start != want.Start || s.Duration != want.Duration || s.TraceID != want.TraceID || s.ParentID != want.ParentID || s.Operation != want.Operation {
				t.Fatalf("span %d: %+v, want %+v", n, *s, want)
			}
			n++
			return true
		})
		r.release()
	}
	if n != len(spans) {
		t.Errorf("%d spans, want %d", n, len(spans))
	}
}

// What was yielded stays as it was for SteadySpans spans, from one batch to the next too.
func TestSpansStaySteady(t *testing.T) {
	want := randomSpans(2300, 6)
	r := NewReader(decoderOf(want), nil, "x", Options{BatchRows: 1000})
	defer r.Close()
	var last []*trace.Span
	i := 0
	for s, err := range Spans(r, trace.NewCalls(1<<16, nil)) {
		if err != nil {
			t.Fatal(err)
		}
		if last = append(last, s); len(last) > SteadySpans {
			last = last[1:]
		}
		i++
		for k, got := range last {
			if w := want[i-len(last)+k]; got.ID != w.ID || got.Duration != w.Duration || got.Operation != w.Operation {
				t.Fatalf("after span %d the one %d before is %+v, want %+v", i, len(last)-k-1, *got, w)
			}
		}
	}
}

// Spans are decoded a block ahead, and the call of one that nobody asked for is not counted.
func TestSpansNameNoneAhead(t *testing.T) {
	spans := randomSpans(SteadySpans/2, 6)
	for i := range spans {
		spans[i].Service, spans[i].Operation = "shop", fmt.Sprint("page ", i)
	}
	r := NewReader(decoderOf(spans), nil, "x", Options{})
	defer r.Close()
	calls, before, n := trace.NewCalls(1<<16, nil), trace.NewCalls(1<<16, nil).Len(), 0
	for _, err := range Spans(r, calls) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 3 {
			break
		}
	}
	if got := calls.Len() - before; got != 3 {
		t.Errorf("3 spans of 3 calls were asked for, %d calls are named", got)
	}
}
