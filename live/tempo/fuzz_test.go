package tempo

import (
	"testing"
	"time"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/live/training"
)

// FuzzSearch: no answer makes it panic, and every span is good or counted.
func FuzzSearch(f *testing.F) {
	f.Add([]byte(`{"traces":[{"traceID":"1","startTimeUnixNano":"5","spanSets":[{"matched":1,"spans":[{"spanID":"2","name":"op","startTimeUnixNano":"5","durationNanos":"6"}]}]}]}`))
	f.Add([]byte(`{"traces":[{"traceID":"ffffffffffffffffffffffffffffffff","spanSet":{"spans":[{"startTimeUnixNano":9223372036854775807,"durationNanos":"1"}]}}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := readSearch(body)
		if err != nil {
			return
		}
		var b training.Batch
		n := int64(0)
		for i := range a.Traces {
			for _, set := range a.Traces[i].sets() {
				n += int64(len(set.Spans))
			}
			a.Traces[i].complete()
			a.Traces[i].spans(&b)
		}
		if int64(len(b.Spans))+b.Bad.Total != n {
			t.Errorf("%d spans, %d bad, of %d", len(b.Spans), b.Bad.Total, n)
		}
		for _, s := range b.Spans {
			if s.Start < 0 || s.Duration < 0 || s.End() < s.Start {
				t.Errorf("%+v", s)
			}
		}
	})
}

// FuzzUnwrap: no trace by id makes it panic.
func FuzzUnwrap(f *testing.F) {
	f.Add([]byte{10, 0, 24, 1})
	f.Fuzz(func(t *testing.T, body []byte) {
		b, _, err := unwrap(body)
		if err != nil {
			return
		}
		s, err := New(Options{URL: "http://t", Window: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.decode(trace.TraceID{Lo: 1}, b); err == nil && got == nil {
			t.Error("neither spans nor an error")
		}
	})
}
