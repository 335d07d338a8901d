package sim

import (
	"math"
	"testing"
)

// By hand: of four steps one lacks 2 of 4 pods and one has 1 of 2 too many; supply
// moves one step behind the demand.
func TestElasticityByHand(t *testing.T) {
	got := MeasureElasticity(60, []float64{2, 4, 4, 2}, []float64{2, 2, 4, 4})
	want := Elasticity{
		UnderAccuracy: 100 * .5 / 4, OverAccuracy: 100 * 1. / 4, UnderTime: 25, OverTime: 25,
		Instability: 100, Jitter: -1. / 240, // demand moved twice, supply once
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := MeasureElasticity(1, []float64{0, 3}, []float64{0, 3}); got != (Elasticity{}) {
		t.Errorf("a perfect supply: %+v", got)
	}
	half := want
	half.UnderAccuracy /= 2
	half.OverTime /= 8
	if got := Speedup(want, half); math.Abs(got-2) > 1e-12 {
		t.Errorf("speed-up %v, want 2", got)
	}
}
