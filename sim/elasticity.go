package sim

import "math"

// Elasticity says how well a supply of pods followed the demand for them: the
// measures of SPEC RG (Herbst et al., Ready for Rain? A View from SPEC Research on
// the Future of Cloud Metrics, 2016). Zero is perfect for all of them.
type Elasticity struct {
	// Mean shortage and surplus, percent of the demand.
	UnderAccuracy, OverAccuracy float64
	// Share of time with a shortage and with a surplus, percent.
	UnderTime, OverTime float64
	// Share of steps in which supply and demand did not move the same way, percent.
	Instability float64
	// Changes of supply less changes of demand, a second: above zero it oscillates,
	// below zero it is inert.
	Jitter float64
}

// MeasureElasticity compares demand and supply, in pods, over steps of so many
// seconds. A demand of less than one pod counts as one in the denominators. It
// panics unless both have the same length, two or more.
func MeasureElasticity(step float64, demand, supply []float64) (e Elasticity) {
	if len(demand) != len(supply) || len(demand) < 2 {
		panic("sim: elasticity of series that do not match")
	}
	n := float64(len(demand))
	changes := 0.0
	for i, d := range demand {
		s := supply[i]
		e.UnderAccuracy += 100 / n * max(0, d-s) / max(1, d)
		e.OverAccuracy += 100 / n * max(0, s-d) / max(1, d)
		if d > s {
			e.UnderTime += 100 / n
		} else if s > d {
			e.OverTime += 100 / n
		}
		if i == 0 {
			continue
		}
		up, want := sign(s-supply[i-1]), sign(d-demand[i-1])
		e.Instability += 100 / (n - 1) * min(1, math.Abs(up-want))
		changes += math.Abs(up) - math.Abs(want)
	}
	e.Jitter = changes / (n * step)
	return e
}

func sign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}

// Speedup is the elastic speed-up over doing nothing: the geometric mean of the
// ratios of the four accuracy and time measures, above 1 when the policy is better.
// It is +Inf when the policy is perfect in one of them, and NaN when both are.
func Speedup(nothing, policy Elasticity) float64 {
	return math.Pow(nothing.UnderAccuracy/policy.UnderAccuracy*(nothing.OverAccuracy/policy.OverAccuracy)*
		(nothing.UnderTime/policy.UnderTime)*(nothing.OverTime/policy.OverTime), .25)
}
