package tracesamplers

import (
	"math"
	"math/rand/v2"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// WeightedOptions; zero values are the defaults.
type WeightedOptions struct {
	Traces   int     // held in the tree, at least 2; 0: 512
	Budget   float64 // expected share of kept traces, 0..1; 0: 0.01
	MaxCalls int     // dimensions in use at a time, the rest share one; 0: 1024
	Seed     uint64
}

// Weighted gives every branch of a hierarchical clustering of the traces the same
// chance to be sampled: a walk down from the root turns left or right with equal
// probability, so a rare kind of trace, which has a branch of its own near the root,
// is as likely as the crowd. A trace is the vector of how often it makes each call.
//
// Source: Las-Casas, Mace, Guedes and Fonseca, "Weighted Sampling of Execution
// Traces: Capturing More Needles and Less Hay", SoCC 2018, on PERCH (Kobren et al.,
// KDD 2017); deletion as in the authors of Sieve's implementation of it
// (IntelligentDDS/Sieve at 6b045d0, wtSampling.py).
//
// Choices: the paper samples a batch from the tree; here a trace is scored when it
// has been inserted, by log2 of the probability that a walk ends at it over 1/n, the
// probability of uniform sampling: 0 is ordinary, 3 eight times as likely. Equal
// traces share a leaf and its probability. A full tree forgets one trace of the leaf
// to which always turning to the larger child leads, the most redundant. Masking is
// tested with exact distances, not bounds; PERCH's rotations for balance are left out. Durations are not used, as in the paper.
//
// Cost: O(distinct traces * calls) a trace, about 20 µs with 60 kinds
// of traces and 0.3 ms where all 512 differ.
type Weighted struct {
	o     WeightedOptions
	rng   *rand.Rand
	tree  perch
	space *space
	width int
}

var _ Sampler = (*Weighted)(nil)

// NewWeighted panics for options out of their range.
func NewWeighted(o WeightedOptions) *Weighted {
	o.Traces, o.MaxCalls, o.Budget = orElse(o.Traces, 512), orElse(o.MaxCalls, 1024), orElse(o.Budget, .01)
	if o.Traces < 2 || o.MaxCalls < 1 || !(o.Budget >= 0 && o.Budget <= 1) {
		panic("tracesamplers: Weighted wants Traces >= 2, MaxCalls >= 1 and Budget 0..1")
	}
	return &Weighted{o: o, rng: rand.New(rand.NewPCG(o.Seed, 0)), tree: perch{newBoxTree()}, space: newSpace(o.MaxCalls)}
}

// Observe scores t by its weight in the tree.
func (w *Weighted) Observe(t *Trace) trace.Decision {
	if w.tree.root >= 0 && int(w.tree.nodes[w.tree.root].count) == w.o.Traces {
		w.forget(w.tree.crowded())
	}
	p := w.encode(t)
	leaf := w.tree.insert(p)
	if w.tree.nodes[leaf].point != p {
		w.release(p) // an equal one is there
	}
	all, here := float64(w.tree.nodes[w.tree.root].count), float64(w.tree.nodes[leaf].count)
	score := math.Log2(all/here) - float64(w.tree.depth(leaf))
	return trace.Decision{Score: score, Keep: w.rng.Float64() < w.o.Budget*math.Exp2(score)}
}

func (w *Weighted) forget(leaf int32) {
	if w.tree.nodes[leaf].count > 1 {
		w.tree.add(leaf, -1)
		return
	}
	p := w.tree.nodes[leaf].point
	w.tree.detach(leaf)
	w.release(p)
}

func (w *Weighted) release(p *point) {
	for _, d := range p.dims {
		w.space.release(d)
	}
}

// encode counts the calls of t.
func (w *Weighted) encode(t *Trace) *point {
	p := &point{}
	for i := range t.Spans {
		p.dims = append(p.dims, w.space.take(uint64(t.Spans[i].Call)))
	}
	if w.space.dims() > w.width {
		for w.width = max(w.width, 16); w.width < w.space.dims(); {
			w.width *= 2
		}
		w.tree.grow(w.tree.root, w.width, 0)
	}
	p.x = make([]float64, w.width)
	for _, d := range p.dims {
		p.x[d]++
	}
	return p
}
