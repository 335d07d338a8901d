package tracesamplers

import (
	"math/rand/v2"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// TraceMeshOptions; zero values are the defaults.
type TraceMeshOptions struct {
	SketchBits  int     // length of a sketch, 1..4096; 0: 100
	Radius      float64 // of clusters, Euclidean between sketches of 0s and 1s; 0: 0.01, in effect equal sketches
	Lambda      float64 // a trace fades by 2^-Lambda for each trace after it; 0: 0.001
	Heavy       float64 // least weight of a common cluster, above 1; 0: 10
	Budget      float64 // sampling probability of a common trace of vanishing cluster, 0..1; 0: 0.01
	MaxClusters int     // of either sort; 0: 1000
	Seed        uint64
}

// TraceMesh keeps traces of no common cluster. A trace is the set of its distinct
// call paths, each weighed by the magnitude of its longest duration; StreamHash
// projects the set on random signs and keeps the sign of each sum; DenStream
// clusters the sketches. A trace that a potential cluster takes is common, and kept
// the less the heavier the cluster is; all others are kept.
//
// Source: Chen, Jiang, Su, Lyu and Zheng, "TraceMesh: Scalable and Streaming Sampling
// for Distributed Traces", CLOUD 2024, and the authors' implementation
// (OpsPAI/TraceMesh at edb307a), from which come the defaults, but for Lambda.
// StreamHash is of Manzoor, Milajerdi and Akoglu, KDD 2016.
//
// Choices: the magnitude is, as in the implementation, the number of digits of the
// duration in µs in base 100, 0 to 8; a trace of one path therefore has a sketch that
// does not depend on durations at all, and two durations of one magnitude are one.
// The signs of a path are drawn by a generator seeded with its hash, so that a path
// needs no table. Weights fade with every trace, as DenStream's paper has it; the
// implementation fades a cluster only when it grows, so that what stops never
// fades. With fading by the clock its Lambda of .01 would forget all types below 7 %
// of the traces: .001 forgets those below 0.7 %. There is no separate training: the
// first traces begin the clusters. The score is 1 - the share of the cluster in the
// weight of all for a common trace, and 1 + the cosine distance to the nearest
// common centre for the others.
//
// Cost: a trace costs O(paths + clusters * bits), about 3 µs a dozen clusters;
// memory 800 bytes a cluster.
type TraceMesh struct {
	o        TraceMeshOptions
	rng      *rand.Rand
	forest   forest
	clusters denStream
	signs    *rand.PCG
	sums     []int64
	sketch   []float64
}

var _ Sampler = (*TraceMesh)(nil)

// NewTraceMesh panics for options out of their range.
func NewTraceMesh(o TraceMeshOptions) *TraceMesh {
	o.SketchBits, o.MaxClusters = orElse(o.SketchBits, 100), orElse(o.MaxClusters, 1000)
	o.Radius, o.Lambda = orElse(o.Radius, .01), orElse(o.Lambda, .001)
	o.Heavy, o.Budget = orElse(o.Heavy, 10), orElse(o.Budget, .01)
	if o.SketchBits < 1 || o.SketchBits > 4096 || o.MaxClusters < 1 ||
		!(o.Radius >= 0) || !(o.Lambda > 0 && o.Lambda <= 1) || !(o.Heavy > 1) || !(o.Budget >= 0 && o.Budget <= 1) {
		panic("tracesamplers: an option of TraceMesh is out of its range")
	}
	return &TraceMesh{
		o: o, rng: rand.New(rand.NewPCG(o.Seed, 0)), signs: rand.NewPCG(0, 0),
		clusters: denStream{radius: o.Radius, lambda: o.Lambda, heavy: o.Heavy, most: o.MaxClusters},
		sums:     make([]int64, o.SketchBits), sketch: make([]float64, o.SketchBits),
	}
}

// Observe scores t by the cluster that takes it, if one does.
func (m *TraceMesh) Observe(t *Trace) trace.Decision {
	m.project(t)
	v := m.clusters.add(m.sketch)
	if !v.joined {
		return trace.Decision{Score: 1 + v.distance, Keep: true}
	}
	return trace.Decision{Score: 1 - v.share, Keep: m.rng.Float64() < m.o.Budget*(1-v.share)}
}

// project makes the sketch of t.
func (m *TraceMesh) project(t *Trace) {
	m.forest.build(t)
	keys, longest := m.forest.byPath(t)
	clear(m.sums)
	for i, key := range keys {
		m.addSigns(key, magnitude(longest[i]))
	}
	for i, sum := range m.sums {
		m.sketch[i] = 0
		if sum >= 0 {
			m.sketch[i] = 1
		}
	}
}

func (m *TraceMesh) addSigns(key uint64, times int64) {
	m.signs.Seed(m.o.Seed, key)
	var bits uint64
	for i := range m.sums {
		if i%64 == 0 {
			bits = m.signs.Uint64()
		}
		m.sums[i] += times * int64(2*(bits>>(i%64)&1)-1)
	}
}

// magnitude is the number of base-100 digits of a duration in µs: 1 below 0.1 ms, 2
// below 10 ms, 3 below 1 s, 4 below 100 s; 0 below 1 µs.
func magnitude(ns int64) (digits int64) {
	for us := ns / 1000; us > 0; us /= 100 {
		digits++
	}
	return digits
}
