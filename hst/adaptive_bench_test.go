package hst

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// adaptiveSpans are spans of 60 calls in traces of eight, parents after children.
func adaptiveSpans(n int) []trace.Span {
	rng := rand.New(rand.NewPCG(1, 2))
	spans := make([]trace.Span, n)
	for i := range spans {
		call := rng.IntN(60)
		s := &spans[i]
		*s = trace.Span{TraceID: trace.TraceID{Hi: 1, Lo: uint64(i / 8)}, ID: trace.SpanID(i + 1), Call: trace.Call(call + 1),
			Service: "service-" + string(rune('a'+call/5)), Start: 1_700_000_000_000_000_000 + int64(i)*1_000_000}
		if i%8 != 7 {
			s.ParentID = trace.SpanID(i | 7 + 1)
		}
		s.Duration = int64(1e5 * math.Exp(float64(call)/8+0.3*rng.NormFloat64()))
		if rng.IntN(60) == 0 {
			s.Duration *= 10
		}
	}
	return spans
}

// BenchmarkAdaptive is test-then-train, and Sample alone on a frozen model.
func BenchmarkAdaptive(b *testing.B) {
	spans := adaptiveSpans(1 << 16)
	for _, train := range []bool{true, false} {
		name := map[bool]string{true: "Sample+Learn", false: "Sample"}[train]
		b.Run(name, func(b *testing.B) {
			a, err := NewAdaptive(DefaultAdaptiveConfig(NewSeed(1)))
			if err != nil {
				b.Fatal(err)
			}
			for i := range spans {
				a.Learn(&spans[i])
			}
			b.ReportAllocs()
			kept := 0
			for i := 0; b.Loop(); i++ {
				s := &spans[i&(1<<16-1)]
				if a.Sample(s).Keep {
					kept++
				}
				if train {
					a.Learn(s)
				}
			}
			b.ReportMetric(float64(kept)/float64(b.N), "kept/op")
		})
	}
}
