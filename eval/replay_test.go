package eval

import (
	"math"
	"slices"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// The replay gives the spans back in order, with the names of their calls; beyond
// its bound it is a uniform sample.
func TestReplay(t *testing.T) {
	whole := newReplay(100, 1)
	in := spansOf(5, 6, 7)
	for i := range in {
		in[i].Call, in[i].Service, in[i].Operation = 1, "svc", "op"
		whole.add(&in[i])
	}
	var out []trace.Span
	whole.sort()
	whole.each(func(s *trace.Span) { out = append(out, *s) })
	if !slices.Equal(in, out) {
		t.Errorf("replayed %+v, want %+v", out, in)
	}

	const n, size = 40_000, 2000
	sample := newReplay(size, 1)
	for i := range n {
		sample.add(&trace.Span{Duration: int64(i)})
	}
	var sum, last int64 = 0, -1
	sample.sort()
	sample.each(func(s *trace.Span) {
		if s.Duration <= last {
			t.Fatalf("%d after %d", s.Duration, last)
		}
		last = s.Duration
		sum += s.Duration
	})
	// Uniform on 0..n-1: mean n/2, standard error n/sqrt(12*size).
	near(t, "mean of the sample", float64(sum)/size, n/2, 4*n/math.Sqrt(12*size))
}
