package datasets

import (
	"errors"
	"fmt"
	"io"
	"reflect"
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

// Spans that are decoded ahead are those of Spans, with their calls in the same order, and
// a caller may leave at any of them.
func TestDecodedAheadEqualsSpans(t *testing.T) {
	for _, test := range []struct {
		name  string
		names int // of services and operations
		rows  int // of a batch
	}{{"few names", 3, 700}, {"more than a table is for", 700, 1500}, {"large batches", 3, BatchRows + 1}} {
		spans := randomSpans(2*test.rows+5, 8)
		for i := range spans {
			spans[i].Service, spans[i].Operation = fmt.Sprint("s", i*i%test.names), fmt.Sprint("o", i%test.names)
		}
		open := func() Reader { return NewReader(decoderOf(spans), nil, "x", Options{BatchRows: test.rows}) }
		for _, leave := range []int{len(spans), test.rows + 1, 1} {
			collect := func(src func(Reader, *trace.Calls) trace.Source) (out []trace.Span, calls *trace.Calls) {
				r := open()
				defer r.Close()
				calls = trace.NewCalls(1<<16, nil)
				for s, err := range src(r, calls) {
					if err != nil {
						t.Fatal(err)
					}
					if out = append(out, *s); len(out) == leave {
						break
					}
				}
				return out, calls
			}
			want, wantCalls := collect(Spans)
			got, gotCalls := collect(DecodedAhead)
			if !reflect.DeepEqual(got, want) || gotCalls.Len() != wantCalls.Len() {
				t.Errorf("%s: %d spans of %d calls, want %d of %d, or others", test.name, len(got), gotCalls.Len(), len(want), wantCalls.Len())
			}
			for i := range got {
				w := spans[i]
				if g := got[i]; g.ID != w.ID || g.Label != w.Label || g.Kind != w.Kind || g.Service != w.Service || g.Operation != w.Operation || gotCalls.Service(g.Call) != w.Service {
					t.Fatalf("%s: span %d is %+v, want %+v", test.name, i, g, w)
				}
			}
		}
	}
}
