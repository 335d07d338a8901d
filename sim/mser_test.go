package sim

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/floats"
)

// mser5 is the number of leading values of a series to delete: the one that makes
// the standard error of the mean of the rest least, over batch means of five (White,
// Simulation 69(6), 1997). ok is false when that is in the second half, where the rule
// does not hold: the series is too short.
func mser5(series []float64) (deleted int, ok bool) {
	batches := make([]float64, len(series)/5)
	for i := range batches {
		for _, x := range series[5*i : 5*i+5] {
			batches[i] += x / 5
		}
	}
	best, at := math.Inf(1), 0
	sum, squares := 0.0, 0.0
	for i := len(batches) - 1; i >= 0; i-- {
		sum += batches[i]
		squares += batches[i] * batches[i]
		n := float64(len(batches) - i)
		if n < 5 {
			continue
		}
		if z := (squares - sum*sum/n) / (n * n); z <= best {
			best, at = z, i
		}
	}
	return 5 * at, at < len(batches)/2
}

// pilot is the warm-up that MSER-5 finds, seconds: in the mean over replications, with
// seeds of their own, of the number of requests present.
func (e *experiment) pilot(t *testing.T) float64 {
	const runs, points = 10, 1000
	for length := e.warm; ; length *= 2 {
		series, systems := make([][]float64, runs), make([]*System, runs)
		for i := range systems {
			systems[i] = build(t, e.topology(), uint64(1000+i))
		}
		atOnce(t, runs, func(i int) error {
			series[i] = make([]float64, points)
			for j := range series[i] {
				if err := systems[i].Run(ns(length * float64(j+1) / points)); err != nil {
					return err
				}
				for _, svc := range systems[i].services {
					series[i][j] += float64(svc.stats.Present)
				}
			}
			return nil
		})
		for _, other := range series[1:] {
			floats.Add(series[0], other)
		}
		if deleted, ok := mser5(series[0]); ok {
			return length * float64(deleted) / points
		}
		if length > 50*e.warm {
			t.Fatalf("a run of %.3g s is too short for MSER-5: the model is not stationary", length)
		}
	}
}

// A series with a start of known length: a ramp, then noise around a level.
func TestMSER5(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, ramp := range []int{0, 100, 250} {
		series := make([]float64, 1000)
		for i := range series {
			series[i] = rng.NormFloat64() + 20*min(1, float64(i)/float64(max(1, ramp)))
		}
		if got, ok := mser5(series); !ok || got < ramp*8/10 || got > ramp+100 {
			t.Errorf("a ramp of %d: %d deleted, ok=%t", ramp, got, ok)
		}
		if _, ok := mser5(series[:ramp]); ok && ramp > 0 {
			t.Errorf("a ramp of %d alone is taken for a stationary series", ramp)
		}
	}
}
