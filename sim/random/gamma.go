package random

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mathext"
)

// Gamma is given by its shape and its mean; its squared coefficient of variation is
// 1/shape. The quantile function takes ten microseconds, so the logarithm of it is
// tabulated over the normal score of the probability, where it is smooth.
type Gamma struct {
	mean  float64
	table []float64 // log of the quantile at scores -gammaScores..gammaScores, mean 1
}

const (
	gammaScores = 8.3 // the smallest uniform number is at -8.2
	gammaStep   = gammaScores / 256
)

// NewGamma takes the mean > 0 and the squared coefficient of variation, 0.01..100. It
// takes some milliseconds.
func NewGamma(mean, scv float64) (Dist, error) {
	if !(scv >= .01 && scv <= 100) {
		return nil, fmt.Errorf("gamma: scv %v: want 0.01..100", scv)
	}
	if err := positive("gamma", "mean", mean); err != nil {
		return nil, err
	}
	g := Gamma{mean, make([]float64, 513)}
	for i := range g.table {
		g.table[i] = gammaLogQuantile(1/scv, float64(i-256)*gammaStep) + math.Log(scv)
	}
	return g, nil
}

// gammaLogQuantile is the logarithm of the quantile of a gamma variate of scale 1 at
// a normal score.
func gammaLogQuantile(shape, score float64) float64 {
	low, high := math.Erfc(-score/math.Sqrt2)/2, math.Erfc(score/math.Sqrt2)/2
	gamma, _ := math.Lgamma(shape + 1)
	// Near 0 the distribution function is x^shape / Γ(shape+1), and gonum is less exact.
	if small := (math.Log(low) + gamma) / shape; small < -25 {
		return small
	}
	if score > 0 {
		return math.Log(mathext.GammaIncRegCompInv(shape, high))
	}
	return math.Log(mathext.GammaIncRegInv(shape, low))
}

// Sample implements [Dist], by inversion, to seven digits.
func (g Gamma) Sample(s *Stream) float64 { return g.at(s.Normal()) }

// at is the quantile at a normal score.
func (g Gamma) at(score float64) float64 {
	x := score/gammaStep + 256
	i := min(max(int(x), 1), len(g.table)-3)
	a, b, c, d := g.table[i-1], g.table[i], g.table[i+1], g.table[i+2]
	f := x - float64(i)
	// The cubic through four points.
	third := (d - a + 3*(b-c)) / 6
	second := (a+c)/2 - b
	first := c - b - third - second
	return g.mean * math.Exp(b+float64(f*(first+float64(f*(second+float64(f*third))))))
}

// Mean implements [Dist].
func (g Gamma) Mean() float64 { return g.mean }
