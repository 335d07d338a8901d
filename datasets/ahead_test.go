package datasets

import (
	"errors"
	"io"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// scriptedReader gives n batches of one span, then an error; it counts what it was
// asked for.
type scriptedReader struct {
	n, asked int
	err      error
	closed   int
	bad      trace.Bad
}

func (r *scriptedReader) Next() (arrow.Record, error) {
	if r.asked++; r.asked > r.n {
		return nil, r.err
	}
	b := NewBuilder(memory.DefaultAllocator)
	defer b.Release()
	b.Append(&trace.Span{Service: "s", Operation: "o", Start: int64(r.asked)})
	return b.Record(), nil
}

func (r *scriptedReader) Bad() *trace.Bad { return &r.bad }
func (r *scriptedReader) Close() error    { r.closed++; return nil }

func TestAheadKeepsOrderAndError(t *testing.T) {
	broken := errors.New("broken")
	for _, end := range []error{io.EOF, broken} {
		r := &scriptedReader{n: 100, err: end}
		a := Ahead(r)
		next := int64(1)
		var got error
		for s, err := range Spans(a, trace.NewCalls(10, nil)) {
			if err != nil {
				got = err
				break
			}
			if s.Start != next {
				t.Fatalf("batch %d came as number %d", s.Start, next)
			}
			next++
		}
		if next != 101 || (end == broken) != (got == broken) {
			t.Errorf("%d batches, then %v; want 100, then %v", next-1, got, end)
		}
		if _, err := a.Next(); err != end {
			t.Errorf("after the end: %v, want %v again", err, end)
		}
		if err := a.Close(); err != nil || r.closed != 1 {
			t.Errorf("closed %d times, %v", r.closed, err)
		}
	}
}

// A caller may leave at any batch: the goroutine ends, and it did not run far ahead.
func TestAheadStopsEarly(t *testing.T) {
	for leave := range 6 {
		r := &scriptedReader{n: 1000, err: io.EOF}
		a := Ahead(r)
		for range leave {
			rec, err := a.Next()
			if err != nil {
				t.Fatal(err)
			}
			rec.Release()
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		if r.asked > leave+3 { // one waits in the channel, one to be put there, one for a free slot
			t.Errorf("left after %d batches, %d were decoded", leave, r.asked)
		}
	}
}
