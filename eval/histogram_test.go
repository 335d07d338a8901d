package eval

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// The twin is a map. Scores are counted a few or many at a time and merged from other
// histograms; rounded they are exactly when more differ than are kept apart.
func TestHistogramEqualsMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 28))
	for round := range 60 { // of which few: a page table has 8 MB
		limit := 1 + rng.IntN(400)
		differ := 1 + rng.IntN(800)
		twin := map[uint64]bin{}
		var fill func(depth int) *histogram
		fill = func(depth int) *histogram {
			h := &histogram{limit: limit}
			for range rng.IntN(600) {
				score, positive := float64(rng.IntN(differ))/1000, rng.IntN(8) == 0
				h.add(score, positive)
				b := twin[keyOf(score)]
				b.key = keyOf(score)
				if positive {
					b.pos++
				} else {
					b.neg++
				}
				twin[b.key] = b
				switch rng.IntN(300) {
				case 0, 1, 2, 3, 4:
					h.settle()
				case 5:
					if depth < 3 {
						h.merge(fill(depth + 1))
					}
				}
			}
			h.settle()
			return h
		}
		h := fill(0)
		want := slices.SortedFunc(maps.Values(twin), func(a, b bin) int { return cmp.Compare(a.key, b.key) })
		if rounded := len(twin) > limit; rounded != (h.coarse != nil) {
			t.Fatalf("round %d: %d scores with a limit of %d: rounded %t", round, len(twin), limit, h.coarse != nil)
		}
		if h.coarse != nil {
			want = roundedTwin(want)
		}
		if got := slices.Collect(h.all()); !slices.Equal(got, want) || h.distinct() != len(want) {
			t.Fatalf("round %d: %d scores, want %d, or other counts", round, len(got), len(want))
		}
	}
}

// roundedTwin takes scores of the same leading bits together.
func roundedTwin(bins []bin) (out []bin) {
	const tail = 1<<(64-coarseBits) - 1
	for _, b := range bins {
		if n := len(out); n > 0 && out[n-1].key == b.key|tail {
			out[n-1].pos += b.pos
			out[n-1].neg += b.neg
			continue
		}
		out = append(out, bin{b.key | tail, b.pos, b.neg})
	}
	return out
}
