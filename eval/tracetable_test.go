package eval

import (
	"math/rand/v2"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// The twin is a map. Ids differ in few bits or in many, come together, in more runs than
// one batch holds, or far apart, and some spans have none.
func TestNumbererEqualsMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 28))
	for round := range 20 {
		numberer, err := newNumberer(nil, rng.IntN(2)*rng.IntN(1<<16)) // expected, be it so or not
		if err != nil {
			t.Fatal(err)
		}
		of, next := map[trace.TraceID]uint32{}, uint32(0)
		var want []uint32
		var id trace.TraceID
		for range rng.IntN(3 * numbererBatch) {
			if rng.IntN(3) > 0 {
				id = trace.TraceID{Hi: uint64(rng.IntN(1 + round%4)), Lo: uint64(rng.IntN(3000)) << (round % 3 * 20)}
			}
			numberer.add(id)
			n, ok := of[id]
			if !ok || id == (trace.TraceID{}) {
				n = next
				next++
				of[id] = n
			}
			want = append(want, n)
		}
		numbers, traces, err := numberer.finish()
		if err != nil || len(numbers) != len(want) {
			t.Fatalf("round %d: %d spans are numbered, want %d: %v", round, len(numbers), len(want), err)
		}
		for i := range want {
			if numbers[i] != want[i] {
				t.Fatalf("round %d: span %d is of trace %d, want %d", round, i, numbers[i], want[i])
			}
		}
		if traces != int64(next) {
			t.Errorf("round %d: %d traces, want %d", round, traces, next)
		}
	}
}
