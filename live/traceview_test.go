package live

import (
	"math/rand/v2"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// bruteSelf counts the nanoseconds of span i that no child that is waited for
// covers, one by one.
func bruteSelf(v *traceView, i int) (n int64) {
	s := &v.spans[i]
	for at := s.start; at < s.end(); at++ {
		covered := false
		for k := range v.spans {
			c := &v.spans[k]
			if v.parent[k] == int32(i) && !c.kind.async() && c.start <= at && at < c.end() {
				covered = true
			}
		}
		if !covered {
			n++
		}
	}
	return n
}

// randomTrace has ids that repeat, parents that are missing, cycles, self-parents,
// overlaps and children that stick out.
func randomTrace(rng *rand.Rand) (spans []bufSpan) {
	n := 1 + rng.IntN(12)
	for range n {
		spans = append(spans, bufSpan{
			id: trace.SpanID(1 + rng.IntN(14)), parent: trace.SpanID(rng.IntN(15)), start: rng.Int64N(60), dur: rng.Int64N(40),
			call: trace.Call(rng.IntN(4)), kind: SpanKind(rng.IntN(int(numSpanKinds))),
		})
	}
	return spans
}

func testView() *traceView {
	services := make([]*service, 4)
	for i := range services {
		services[i] = &service{}
	}
	return &traceView{serviceOf: func(c trace.Call) *service { return services[c/2] }}
}

func TestSelfTimeEqualsBruteForce(t *testing.T) {
	v := testView()
	for seed := range uint64(3000) {
		tr := randomTrace(rand.New(rand.NewPCG(seed, 3)))
		v.build(tr)
		if len(v.order) != len(v.spans) {
			t.Fatalf("seed %d: %d of %d spans are in the order: a cycle is left", seed, len(v.order), len(v.spans))
		}
		at := map[int32]int{}
		for pos, i := range v.order {
			at[i] = pos
		}
		for i := range v.spans {
			if p := v.parent[i]; p >= 0 && at[p] >= at[int32(i)] {
				t.Fatalf("seed %d: parent %d comes after %d", seed, p, i)
			}
			if got, want := v.self[i], bruteSelf(v, i); got != want {
				t.Fatalf("seed %d: self time of %d is %d, brute force %d\n%+v", seed, i, got, want, v.spans)
			}
		}
	}
}

// TestSkewedChildrenLieInTheirParents: after build, a waited-for child of another
// service that is no longer than its parent lies inside it.
func TestSkewedChildrenLieInTheirParents(t *testing.T) {
	v := testView()
	for seed := range uint64(2000) {
		v.build(randomTrace(rand.New(rand.NewPCG(seed, 4))))
		for i := range v.spans {
			p := v.parent[i]
			if p < 0 {
				continue
			}
			s, up := &v.spans[i], &v.spans[p]
			if s.kind.async() || s.dur > up.dur || v.serviceOf(s.call) == v.serviceOf(up.call) {
				continue
			}
			if s.start < up.start || s.end() > up.end() {
				t.Fatalf("seed %d: span %d [%d, %d] outside of its parent [%d, %d]", seed, i, s.start, s.end(), up.start, up.end())
			}
		}
	}
}
