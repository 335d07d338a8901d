// Package random draws what a simulation needs at random: independent streams and
// distributions on top of them.
//
// Its opinion: common random numbers are the cheapest precision there is. Comparing
// two autoscalers on the same arrivals and the same service times removes most of
// the noise of the difference. That takes two rules, kept here:
//
//  1. each purpose has its own [Stream], derived from the seed of the run and a
//     name such as ("cart", "cpu"), so that one more draw for one purpose leaves
//     the others alone;
//  2. a variate is a function of a fixed number of uniforms (one, but for [Erlang]
//     and [HyperExponential]), never of a rejection loop, so that two streams stay
//     in step even when the distribution changes, and larger uniforms give larger
//     variates.
package random

import (
	"math"
	"math/bits"
	"math/rand/v2"
)

// Stream is a sequence of uniform random numbers: a PCG generator with 128 bits of
// state. It is a value; keep a pointer to it where it is used. Not safe for
// concurrent use.
type Stream struct{ pcg rand.PCG }

// NewStream derives a stream from the seed of a run and the names of its purpose.
// Different names give streams that are unrelated for all practical means: both
// words of the state are hashes of everything.
func NewStream(seed uint64, names ...string) *Stream {
	h := seed
	for _, n := range names {
		for i := range len(n) {
			h = mix(h ^ uint64(n[i]))
		}
		h = mix(h ^ 0x100) // so that ("ab", "c") is not ("a", "bc")
	}
	return &Stream{*rand.NewPCG(mix(h), mix(h^0x9e3779b97f4a7c15))}
}

// mix is the finaliser of splitmix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb
	return x ^ (x >> 31)
}

// Uint64 is the next 64 bits.
func (s *Stream) Uint64() uint64 { return s.pcg.Uint64() }

// Uniform is in the open interval (0, 1): never 0, whose logarithm is infinite.
func (s *Stream) Uniform() float64 {
	return (float64(s.pcg.Uint64()>>11) + 0.5) * 0x1p-53
}

// Exp is exponential with mean 1.
func (s *Stream) Exp() float64 { return -math.Log(s.Uniform()) }

// Normal is standard normal, by inversion.
func (s *Stream) Normal() float64 { return normalQuantile(s.Uniform()) }

// Below is uniform in 0..n-1. It panics if n < 1. The bias, at most n/2^64, is not
// corrected, so that it costs exactly one draw.
func (s *Stream) Below(n int) int {
	if n < 1 {
		panic("random: Below needs n >= 1")
	}
	hi, _ := bits.Mul64(s.pcg.Uint64(), uint64(n))
	return int(hi)
}

// Bernoulli is true with probability p.
func (s *Stream) Bernoulli(p float64) bool { return s.Uniform() < p }

// normalQuantile is exact to a few units in the last place; erfinv loses the left
// tail to cancellation, so it is taken from the smaller side.
func normalQuantile(p float64) float64 { return -math.Sqrt2 * math.Erfcinv(2*p) }
