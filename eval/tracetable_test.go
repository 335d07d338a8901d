package eval

import (
	"math/rand/v2"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// The twin is a map. Ids differ in few bits or in many, come together or far apart, and
// some spans have none.
func TestTraceTableEqualsMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 28))
	for round := range 20 {
		table, of, next := newTraceTable(), map[trace.TraceID]uint32{}, uint32(0)
		var numbers, want []uint32
		var id trace.TraceID
		for range 20 {
			batch := make([]trace.TraceID, rng.IntN(600))
			for i := range batch {
				if rng.IntN(3) > 0 {
					id = trace.TraceID{Hi: uint64(rng.IntN(1 + round%4)), Lo: uint64(rng.IntN(3000)) << (round % 3 * 20)}
				}
				batch[i] = id
				n, ok := of[id]
				if !ok || id == (trace.TraceID{}) {
					n = next
					next++
					of[id] = n
				}
				want = append(want, n)
			}
			numbers = table.number(numbers, batch)
		}
		for i := range want {
			if numbers[i] != want[i] {
				t.Fatalf("round %d: span %d is of trace %d, want %d", round, i, numbers[i], want[i])
			}
		}
		if len(table.ids) != int(next) {
			t.Errorf("round %d: %d traces, want %d", round, len(table.ids), next)
		}
	}
}
