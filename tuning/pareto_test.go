package tuning

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// slowFront is the definition: no other row is at most as high everywhere and lower
// somewhere. Of equal rows the first counts.
func slowFront(losses [][]float64) (front []int) {
	for i, a := range losses {
		dominated := false
		for k, b := range losses {
			if atMost(b, a) && (!slices.Equal(a, b) || k < i) && k != i {
				dominated = true
			}
		}
		if !dominated {
			front = append(front, i)
		}
	}
	return front
}

func TestFrontTwin(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for range 200 {
		losses := make([][]float64, rng.IntN(40))
		dims := 1 + rng.IntN(3)
		for i := range losses {
			for range dims {
				losses[i] = append(losses[i], float64(rng.IntN(8)))
			}
		}
		got := Front(losses)
		slices.Sort(got)
		if want := slowFront(losses); !slices.Equal(got, want) {
			t.Fatalf("%v: front %v, want %v", losses, got, want)
		}
	}
}

func TestKnee(t *testing.T) {
	// (1,1) after scaling lies .2,.1: the furthest below the line from (0,1) to (1,0).
	losses := [][]float64{{0, 10}, {.2, 1}, {.5, .9}, {1, 0}}
	if front := Front(losses); len(front) != 4 || front[Knee(losses, front)] != 1 {
		t.Errorf("front %v, knee %d", front, Knee(losses, front))
	}
	if Knee([][]float64{{3, 3}}, []int{0}) != 0 {
		t.Error("a front of one has itself for a knee")
	}
}

// TestRanks: one loss is its own rank; of two, whatever dominates ranks lower.
func TestRanks(t *testing.T) {
	if got := ranks([][]float64{{3}, {1}, {2}}); !slices.Equal(got, []float64{3, 1, 2}) {
		t.Errorf("%v", got)
	}
	rng := rand.New(rand.NewPCG(5, 5))
	losses := make([][]float64, 60)
	for i := range losses {
		losses[i] = []float64{rng.Float64(), rng.Float64()}
	}
	losses[7][0] = math.Inf(1)
	got := ranks(losses)
	for i := range losses {
		for k := range losses {
			if i != k && i != 7 && atMost(losses[i], losses[k]) && got[i] >= got[k] {
				t.Errorf("%v dominates %v and ranks %v to %v", losses[i], losses[k], got[i], got[k])
			}
		}
	}
}
