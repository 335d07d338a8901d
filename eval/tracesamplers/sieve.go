package tracesamplers

import (
	"math"
	"math/rand/v2"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// SieveOptions; zero values are the defaults.
type SieveOptions struct {
	Trees     int     // 0: 20; more steady the scores, at proportional cost
	TreeSize  int     // traces in each tree, at least 2; 0: 128
	Window    int     // recent scores that attention compares with, at least 3; 0: 50
	Threshold float64 // rise of the variance above which a score stands out; 0: 0.3
	MaxPaths  int     // dimensions in use at a time, the rest share one; 0: 1024
	Seed      uint64
}

func (o SieveOptions) withDefaults() SieveOptions {
	o.Trees, o.TreeSize = orElse(o.Trees, 20), orElse(o.TreeSize, 128)
	o.Window, o.MaxPaths = orElse(o.Window, 50), orElse(o.MaxPaths, 1024)
	o.Threshold = orElse(o.Threshold, .3)
	return o
}

// orElse is x, or the default for 0.
func orElse[T int | float64](x, otherwise T) T {
	if x == 0 {
		return otherwise
	}
	return x
}

// Sieve looks for traces that are uncommon in structure or time. A trace is a vector
// of the longest duration, in ms, of each distinct path of calls from its root, -1
// where it has not the path. A forest of robust random cut trees holds the latest
// traces; the score of a trace is its collusive displacement, averaged over the
// trees, and attention makes a sampling probability of it.
//
// Source: Huang, Chen, Yu, Chen and Zheng, "Sieve: Attention-based Sampling of
// End-to-End Trace Data in Distributed Microservice Systems", ICWS 2021, and the
// authors' implementation (IntelligentDDS/Sieve at 6b045d0), from which come the
// defaults, the -1, the merging of a call that calls itself and the two branches of
// the probability. The trees are those of Guha et al. 2016.
//
// Choices: the window slides by one trace. Dimensions are dropped when no trace of
// the window has the path, which is exact; the authors' dropping of dimensions of low
// variance, which is for speed and is not, is left out. Durations are in ms, which
// matters, since cuts favour long sides: slow paths count more. The decision score is
// the logit of the sampling probability; the first two traces are warm-up.
//
// Cost: a trace costs O(trees * depth * dimensions), 0.2 to 1 ms at the
// defaults with 60 paths; memory 16 bytes a tree, trace of the window and dimension, at most
// 84 MB at the defaults.
type Sieve struct {
	o         SieveOptions
	rng       *rand.Rand
	forest    forest
	space     *space
	width     int // of vectors, at least space.dims()
	trees     []*cutTree
	window    []held // a ring once it is full
	next      int
	attention attention
}

// held is a trace in the trees.
type held struct {
	point *point
	leaf  []int32 // a tree
}

var _ Sampler = (*Sieve)(nil)

// absentPath is the duration of a path that a trace has not.
const absentPath = -1

// NewSieve panics for options out of their range.
func NewSieve(o SieveOptions) *Sieve {
	o = o.withDefaults()
	if o.Trees < 1 || o.TreeSize < 2 || o.Window < 3 || o.MaxPaths < 1 || !(o.Threshold >= 0) {
		panic("tracesamplers: Sieve wants Trees >= 1, TreeSize >= 2, Window >= 3, MaxPaths >= 1, Threshold >= 0")
	}
	v := &Sieve{o: o, rng: rand.New(rand.NewPCG(o.Seed, 0)), forest: forest{collapse: true}, space: newSpace(o.MaxPaths)}
	v.attention = attention{window: o.Window, threshold: o.Threshold}
	for i := range o.Trees {
		v.trees = append(v.trees, newCutTree(rand.New(rand.NewPCG(o.Seed, uint64(i)+1))))
	}
	return v
}

// Observe scores t by its displacement among the latest traces.
func (v *Sieve) Observe(t *Trace) trace.Decision {
	odds, ok := v.attention.add(v.displacement(t))
	if !ok {
		return trace.Decision{WarmUp: true}
	}
	return trace.Decision{Score: odds, Keep: v.rng.Float64() < 1/(1+math.Exp(-odds))}
}

// displacement puts t into the trees, in the place of the oldest if they are full.
func (v *Sieve) displacement(t *Trace) float64 {
	if len(v.window) == v.o.TreeSize {
		v.forget(&v.window[v.next])
	} else {
		v.window = append(v.window, held{leaf: make([]int32, len(v.trees))})
	}
	h := &v.window[v.next]
	v.next = (v.next + 1) % v.o.TreeSize
	h.point = v.encode(t)
	sum := 0.0
	for i, tree := range v.trees {
		h.leaf[i] = tree.insert(h.point)
		sum += tree.codisp(h.leaf[i])
	}
	return sum / float64(len(v.trees))
}

func (v *Sieve) forget(h *held) {
	for i, tree := range v.trees {
		tree.forget(h.leaf[i])
	}
	for _, d := range h.point.dims {
		v.space.release(d)
	}
	h.point = nil
}

// encode is the path vector of t.
func (v *Sieve) encode(t *Trace) *point {
	v.forest.build(t)
	keys, longest := v.forest.byPath(t)
	p := &point{dims: make([]int32, len(keys))}
	for i, k := range keys {
		p.dims[i] = v.space.take(k)
	}
	v.widen()
	p.x = pad(make([]float64, 0, v.width), v.width, absentPath)
	for i, d := range p.dims {
		p.x[d] = max(p.x[d], float64(longest[i])/1e6)
	}
	return p
}

// widen makes room for the dimensions of the space, doubling.
func (v *Sieve) widen() {
	if v.space.dims() <= v.width {
		return
	}
	for v.width = max(v.width, 16); v.width < v.space.dims(); {
		v.width *= 2
	}
	for _, tree := range v.trees {
		tree.grow(tree.root, v.width, absentPath)
	}
}
