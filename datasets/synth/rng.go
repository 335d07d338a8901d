package synth

import (
	"math"
	"math/bits"
	"math/rand/v2"
)

// rng draws from PCG. The distributions are its own because those of
// math/rand/v2 use math.Exp and math.Log and may change with Go.
type rng struct {
	pcg      rand.PCG
	spare    float64 // the second normal of a pair
	hasSpare bool
}

// Streams of one seed, so that the system, the traffic and the bursts of a run
// do not depend on how much the others draw.
const (
	streamSystem = 0x73797374656d0000 // "system"
	streamTraces = 0x7472616365730000 // "traces"
	streamBursts = 0x6275727374730000 // "bursts"
)

func newRNG(seed, stream uint64) *rng {
	r := &rng{}
	r.pcg.Seed(seed, stream)
	return r
}

// float is uniform in [0, 1).
func (r *rng) float() float64 { return float64(r.pcg.Uint64()>>11) / (1 << 53) }

// open is uniform in (0, 1], for logarithms.
func (r *rng) open() float64 { return float64(r.pcg.Uint64()>>11+1) / (1 << 53) }

// intn is uniform in 0..n-1. The bias of multiply-shift is below n/2^64.
func (r *rng) intn(n int) int {
	hi, _ := bits.Mul64(r.pcg.Uint64(), uint64(n))
	return int(hi)
}

// between is uniform in [lo, hi).
func (r *rng) between(lo, hi float64) float64 { return lo + float64((hi-lo)*r.float()) }

// exponential has mean 1.
func (r *rng) exponential() float64 { return -log(r.open()) }

// normal is standard normal (Marsaglia's polar method).
func (r *rng) normal() float64 {
	if r.hasSpare {
		r.hasSpare = false
		return r.spare
	}
	for {
		u, v := float64(2*r.float())-1, float64(2*r.float())-1
		s := float64(u*u) + float64(v*v)
		if s >= 1 || s < 1e-300 {
			continue
		}
		f := math.Sqrt(-2 * log(s) / s)
		r.spare, r.hasSpare = v*f, true
		return u * f
	}
}

// pareto has minimum 1 and tail index alpha: P(X > x) = x^-alpha.
func (r *rng) pareto(alpha float64) float64 { return exp(-log(r.open()) / alpha) }

// shuffle permutes s uniformly (Fisher-Yates).
func (r *rng) shuffle(s []int32) {
	for i := len(s) - 1; i > 0; i-- {
		j := r.intn(i + 1)
		s[i], s[j] = s[j], s[i]
	}
}

// mix is splitmix64's finaliser: a bijection, so distinct inputs give distinct ids.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb
	return x ^ (x >> 31)
}
