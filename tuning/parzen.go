package tuning

import (
	"math"
	"math/rand/v2"
	"slices"
)

// parzen is a density over the values of one parameter: an equal mixture of one
// kernel an observed value and the uniform prior.
type parzen struct {
	param   Param
	weights []float64 // a level; nil: kernels
	kernels []kernel
}

// kernel is a normal density on [0, 1], cut off at both ends.
type kernel struct {
	centre, width, mass float64 // mass of the normal within [0, 1]
}

func newParzen(p Param, values []string) parzen {
	z := parzen{param: p}
	if p.Categorical() {
		z.weights = make([]float64, len(p.Levels))
		for i := range z.weights {
			z.weights[i] = 1 / float64(len(p.Levels))
		}
		for _, v := range values {
			z.weights[slices.Index(p.Levels, v)]++
		}
		z.normalise(len(values) + 1)
		return z
	}
	z.kernels = kernels(p, values)
	if p.Levels == nil {
		return z
	}
	z.weights = make([]float64, len(p.Levels))
	for i := range z.weights {
		lo, hi := p.cell(i)
		z.weights[i] = hi - lo
		for _, k := range z.kernels {
			z.weights[i] += k.between(lo, hi)
		}
	}
	z.normalise(len(z.kernels) + 1)
	return z
}

func (z *parzen) normalise(parts int) {
	for i := range z.weights {
		z.weights[i] /= float64(parts)
	}
}

// kernels puts one at every value, as wide as the distance to its further neighbour
// (the ends count as neighbours), at least 1/(n+1), at most 1.
func kernels(p Param, values []string) []kernel {
	centres := make([]float64, len(values))
	for i, v := range values {
		centres[i] = p.position(v)
	}
	slices.Sort(centres)
	out := make([]kernel, len(centres))
	for i, c := range centres {
		left, right := 0.0, 1.0
		if i > 0 {
			left = centres[i-1]
		}
		if i < len(centres)-1 {
			right = centres[i+1]
		}
		width := min(1, max(c-left, right-c, 1/float64(min(100, len(centres)+1))))
		out[i] = kernel{centre: c, width: width}
		out[i].mass = normalCDF((1-c)/width) - normalCDF(-c/width)
	}
	return out
}

// between is the kernel's mass in [lo, hi].
func (k kernel) between(lo, hi float64) float64 {
	return (normalCDF((hi-k.centre)/k.width) - normalCDF((lo-k.centre)/k.width)) / k.mass
}

func (k kernel) density(x float64) float64 {
	z := (x - k.centre) / k.width
	return math.Exp(-z*z/2) / (k.width * math.Sqrt(2*math.Pi) * k.mass)
}

func normalCDF(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

// logDensity is the logarithm of the density at a value, or of a level's weight.
func (z parzen) logDensity(text string) float64 {
	if z.weights != nil {
		return math.Log(z.weights[slices.Index(z.param.Levels, text)])
	}
	x := z.param.position(text)
	total := 1.0 // the prior
	for _, k := range z.kernels {
		total += k.density(x)
	}
	return math.Log(total / float64(len(z.kernels)+1))
}

func (z parzen) draw(rng *rand.Rand) string {
	if z.weights != nil {
		u := rng.Float64()
		for i, w := range z.weights {
			if u -= w; u < 0 {
				return z.param.Levels[i]
			}
		}
		return z.param.Levels[len(z.weights)-1]
	}
	i := rng.IntN(len(z.kernels) + 1)
	if i == len(z.kernels) {
		return z.param.At(rng.Float64())
	}
	for {
		if x := z.kernels[i].centre + float64(rng.NormFloat64()*z.kernels[i].width); x >= 0 && x < 1 {
			return z.param.At(x)
		}
	}
}

// position is where a value lies in [0, 1]: the middle of its cell among levels, so
// that unevenly spaced levels are equally likely at first.
func (p Param) position(text string) float64 {
	if i := slices.Index(p.Levels, text); i >= 0 {
		return (float64(i) + 0.5) / float64(len(p.Levels))
	}
	x := p.Number(text)
	if p.Log {
		return math.Log(x/p.Lo) / math.Log(p.Hi/p.Lo)
	}
	return (x - p.Lo) / (p.Hi - p.Lo)
}

// cell is the part of [0, 1] that At maps to level i.
func (p Param) cell(i int) (lo, hi float64) {
	n := float64(len(p.Levels))
	return float64(i) / n, float64(i+1) / n
}
