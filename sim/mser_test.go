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
// seeds of their own, of the number of requests present. While they are too short, they
// run on, to twice their length.
func (e *experiment) pilot(t *testing.T) float64 {
	const runs, points = 10, 1000
	systems := make([]*System, runs)
	for i := range systems {
		systems[i] = build(t, e.topology(), uint64(1000+i))
	}
	spacing := e.warm / points
	var mean []float64
	for n := points; ; n *= 2 {
		series := make([][]float64, runs)
		atOnce(t, runs, func(i int) error {
			for j := len(mean) + 1; j <= n; j++ {
				if err := systems[i].Run(ns(spacing * float64(j))); err != nil {
					return err
				}
				present := 0
				for _, svc := range systems[i].services {
					present += svc.stats.Present
				}
				series[i] = append(series[i], float64(present)/runs)
			}
			return nil
		})
		for _, other := range series[1:] {
			floats.Add(series[0], other)
		}
		mean = append(mean, series[0]...)
		if deleted, ok := mser5(mean); ok {
			return spacing * float64(deleted)
		}
		if n > 50*points {
			t.Fatalf("a run of %.3g s is too short for MSER-5: the model is not stationary", spacing*float64(n))
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
