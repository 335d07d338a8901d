package hst

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Many spans at a time are judged as one after the other: the same decisions, and the same
// model behind them, whatever the batches, with repeated spans, spans of calls that were
// never learned, spans that are their own parents, and learning between.
func TestSampleAllEqualsSample(t *testing.T) {
	for seed := range uint64(cases() / 50) {
		rng := rand.New(rand.NewPCG(seed, 4))
		calls := [2]*trace.Calls{trace.NewCalls(100, nil), trace.NewCalls(100, nil)}
		n := 6000
		if seed%4 == 0 {
			n = 200 // still warming up
		}
		one, rest := trained(t, calls[0], n)
		all, _ := trained(t, calls[1], n)
		spans := make([]*trace.Span, len(rest))
		for i := range rest {
			s := &rest[i]
			switch rng.IntN(20) {
			case 0:
				if i > 0 {
					*s = rest[i-1]
				}
			case 1:
				s.Call = trace.Call(200 + rng.IntN(3))
				s.Service = []string{"", "unheard of"}[rng.IntN(2)]
			case 2:
				s.ParentID = s.ID
			case 3:
				s.Duration *= int64(rng.IntN(1000))
			}
			spans[i] = s
		}
		for len(spans) > 0 {
			k := 1 + rng.IntN(min(len(spans), 150))
			got := make([]trace.Decision, k)
			all.SampleAll(spans[:k], got)
			for i, s := range spans[:k] {
				if want := one.Sample(s); got[i] != want {
					t.Fatalf("seed %d, span %d of a batch of %d: %+v, want %+v", seed, i, k, got[i], want)
				}
			}
			if rng.IntN(3) == 0 {
				one.Learn(spans[k-1])
				all.Learn(spans[k-1])
			}
			spans = spans[k:]
		}
		a, errA := one.Snapshot()
		b, errB := all.Snapshot()
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Fatalf("seed %d: the models differ (%v, %v)", seed, errA, errB)
		}
	}
}
