package eval

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// topBySorting is what top was before it selected: slow and obvious.
func topBySorting(scores []float64, k int) float64 {
	s := slices.Clone(scores)
	slices.Sort(s)
	i := len(s) - min(k, len(s))
	for i > 0 && i < len(s) && s[i] == s[i-1] {
		i++
	}
	if i == len(s) {
		return math.Nextafter(s[len(s)-1], math.Inf(1))
	}
	return s[i]
}

func TestTopSelectsWhatSortingFinds(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for range 3000 {
		scores := make([]float64, 1+rng.IntN(60))
		values := 1 + rng.IntN(40) // few distinct ones: ties
		for i := range scores {
			scores[i] = float64(rng.IntN(values)) - 3
			if rng.IntN(30) == 0 {
				scores[i] = math.Inf(rng.IntN(2)*2 - 1)
			}
		}
		k := rng.IntN(len(scores) + 2)
		if got, want := TopCount(slices.Clone(scores), k), topBySorting(scores, k); got != want {
			t.Fatalf("top %d of %v is %v, want %v", k, scores, got, want)
		}
	}
}

// Of a million spans one in 16 is timed, spread over the positions of any trace length.
func TestTimedSpansAreSpread(t *testing.T) {
	for _, length := range []int64{3, 4, 5, 8, 16, 102} {
		w := newWalk(t.Context(), Plan{TestSpans: 1 << 20, Clock: func() int64 { return 0 }})
		hits := make([]int64, length)
		for n := range int64(1 << 20) {
			w.out.Counts.Test = n
			if w.look(); w.timed {
				hits[n%length]++
			}
		}
		want := float64(1<<20) / 16 / float64(length)
		for at, n := range hits {
			if math.Abs(float64(n)-want) > want/10 {
				t.Errorf("traces of %d spans: position %d is timed %d times, want about %.0f", length, at, n, want)
			}
		}
	}
}
