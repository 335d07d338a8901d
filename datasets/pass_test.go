package datasets

import (
	"errors"
	"reflect"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// A census by columns counts, and interns, what a walk over the spans does.
func TestCensusEqualsWalk(t *testing.T) {
	spans := randomSpans(3000, 5)
	const limit = 1 << 38
	var want Census
	marks := []int64{0, 1, 699, 700, 1500, 1500, 2999, 3000, 5000}
	calls := trace.NewCalls(40, nil)
	for s, err := range Spans(NewReader(decoderOf(spans), nil, "x", Options{BatchRows: 700}), calls) {
		if err != nil {
			t.Fatal(err)
		}
		if want.Read == 0 {
			want.FirstStart, want.LastStart = s.Start, s.Start
		}
		for len(want.KeptAt) < len(marks) && marks[len(want.KeptAt)] == want.Read {
			want.KeptAt = append(want.KeptAt, want.Kept)
		}
		want.Read++
		want.FirstStart, want.LastStart = min(want.FirstStart, s.Start), max(want.LastStart, s.Start)
		if s.Duration < limit {
			want.Kept++
		}
		if s.Label.Positive() {
			want.Positives++
		}
		if s.Call == trace.OverflowCall {
			want.Overflow++
		}
	}
	for len(want.KeptAt) < len(marks) {
		want.KeptAt = append(want.KeptAt, want.Kept)
	}
	own := trace.NewCalls(40, nil)
	got, err := TakeCensus(NewReader(decoderOf(spans), nil, "x", Options{BatchRows: 700}), own, limit, marks, func(int64) error { return nil })
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	if want.Overflow == 0 || want.Positives == 0 || want.Kept == 0 || want.Kept == want.Read {
		t.Errorf("%+v: the case tries too little", want)
	}
	if own.Len() != calls.Len() {
		t.Fatalf("%d calls, want %d", own.Len(), calls.Len())
	}
	for i := range calls.Len() {
		if own.Name(trace.Call(i)) != calls.Name(trace.Call(i)) {
			t.Fatalf("call %d is %s, want %s", i, own.Name(trace.Call(i)), calls.Name(trace.Call(i)))
		}
	}
	stop := errors.New("stop")
	if _, err := TakeCensus(NewReader(decoderOf(spans), nil, "x", Options{}), own, 0, nil, func(int64) error { return stop }); err != stop {
		t.Errorf("stopped: %v", err)
	}
}

func TestSpansAheadKeepsOrderAndError(t *testing.T) {
	broken := errors.New("broken")
	for _, n := range []int{0, 1, spanChunk, spanChunk*(chunksAhead+3) + 5} {
		for _, end := range []error{nil, broken} {
			src := func(yield func(*trace.Span, error) bool) {
				var s trace.Span // reused, as sources do
				for i := range n {
					s.Start = int64(i)
					if !yield(&s, nil) {
						return
					}
				}
				if end != nil {
					yield(nil, end)
				}
			}
			next, got := 0, error(nil)
			for s, err := range SpansAhead(src) {
				if got = err; err != nil {
					break
				}
				if s.Start != int64(next) {
					t.Fatalf("span %d came as number %d", s.Start, next)
				}
				next++
			}
			if next != n || got != end {
				t.Errorf("%d spans, then %v; want %d, then %v", next, got, n, end)
			}
		}
	}
}

// A caller may leave at any span: when its loop is left, the source has been left too.
func TestSpansAheadStopsEarly(t *testing.T) {
	for _, leave := range []int{1, spanChunk, 3*spanChunk + 1} {
		running := false
		src := func(yield func(*trace.Span, error) bool) {
			running = true
			defer func() { running = false }()
			for s := (trace.Span{}); yield(&s, nil); s.Start++ {
			}
		}
		seen := 0
		for range SpansAhead(src) {
			if seen++; seen == leave {
				break
			}
		}
		if running {
			t.Errorf("left after %d spans: the source goes on", leave)
		}
	}
}
