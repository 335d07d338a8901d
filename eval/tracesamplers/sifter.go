package tracesamplers

import (
	"math/rand/v2"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// SifterOptions; zero values are the defaults.
type SifterOptions struct {
	Dims     int     // of the model, the rank of what it can reproduce; 0: 10
	Rate     float64 // of learning, above 0; 0: 0.025
	Window   int     // recent losses that a trace is compared with; 0: 50
	Budget   float64 // expected share of kept traces, 0..1; 0: 0.01
	MaxCalls int     // symbols, the calls beyond share one; 0: 4096
	Seed     uint64
}

// Sifter keeps traces that a model of the common case predicts badly. Each call of a
// trace is predicted from the two calls above and the two below it on a path, by a
// network of one small hidden layer that learns every trace; the loss of the
// prediction, the mean over the trace, is compared with the least of the last traces.
//
// Source: Las-Casas, Papakerashvili, Anand and Mace, "Sifter: Scalable Sampling for
// Distributed Traces, without Feature Engineering", SoCC 2019.
//
// Choices: paths have 5 calls, padded beyond the root and beyond leaves, so that every
// call is predicted at least once, in a trace of one span from nothing but padding; the hidden layer is the
// mean of the vectors of the four (CBOW of Mikolov et al. 2013), the output a full
// softmax over the calls seen so far; one step of gradient descent a path, after the
// loss of the whole trace. The sampling probability of a loss L among the last k is
// budget * k * (L - min) / sum(L_i - min), and the budget where all are equal; the
// score is that quotient, which averages to the budget, without the cut at 1.
// Durations are not used: the paper's events have none.
//
// Cost: O(spans * calls * dimensions), about 10 µs a span with 500 calls; memory 160
// bytes a call.
type Sifter struct {
	o      SifterOptions
	rng    *rand.Rand
	forest forest
	model  *cbow
	symbol map[trace.Call]int32
	losses []float64
	paths  [][pathLength]int32
	child  []bool
}

// pathLength of the paper's N-length paths; the middle one is predicted.
const (
	pathLength = 5
	middle     = pathLength / 2
)

// The symbols that stand for no call.
const (
	padding int32 = iota
	overflowSymbol
	firstSymbol
)

var _ Sampler = (*Sifter)(nil)

// NewSifter panics for options out of their range.
func NewSifter(o SifterOptions) *Sifter {
	o.Dims, o.Window, o.MaxCalls = orElse(o.Dims, 10), orElse(o.Window, 50), orElse(o.MaxCalls, 4096)
	o.Rate, o.Budget = orElse(o.Rate, .025), orElse(o.Budget, .01)
	if o.Dims < 1 || o.Window < 1 || o.MaxCalls < 1 || !(o.Rate > 0 && o.Rate <= 1) || !(o.Budget >= 0 && o.Budget <= 1) {
		panic("tracesamplers: an option of Sifter is out of its range")
	}
	rng := rand.New(rand.NewPCG(o.Seed, 0))
	return &Sifter{o: o, rng: rng, model: newCBOW(o.Dims, o.Rate, rng), symbol: map[trace.Call]int32{}}
}

// Observe scores t by how badly it is predicted.
func (f *Sifter) Observe(t *Trace) trace.Decision {
	f.list(t)
	loss := 0.0
	for _, p := range f.paths {
		loss += f.model.loss(p)
	}
	for _, p := range f.paths {
		f.model.learn(p)
	}
	p := f.weigh(loss / float64(len(f.paths)))
	return trace.Decision{Score: p, Keep: f.rng.Float64() < p}
}

// weigh is the sampling probability of a loss among the last ones, itself included.
func (f *Sifter) weigh(loss float64) float64 {
	f.losses = append(f.losses, loss)
	if n := len(f.losses); n > f.o.Window {
		f.losses = append(f.losses[:0], f.losses[n-f.o.Window:]...)
	}
	least, sum := loss, 0.0
	for _, l := range f.losses {
		least = min(least, l)
	}
	for _, l := range f.losses {
		sum += l - least
	}
	if sum == 0 {
		return f.o.Budget
	}
	return float64(f.o.Budget*float64(len(f.losses))) * ((loss - least) / sum)
}

// list lists the paths of t: those that end in each span, where their middle is a
// span, and those that end beyond each leaf.
func (f *Sifter) list(t *Trace) {
	f.forest.build(t)
	f.paths, f.child = f.paths[:0], resize(f.child, len(t.Spans))
	clear(f.child)
	for _, p := range f.forest.parent {
		if p >= 0 {
			f.child[p] = true
		}
	}
	for i := range t.Spans {
		beyond := 0
		if !f.child[i] {
			beyond = middle
		}
		for b := 0; b <= beyond; b++ {
			if p := f.path(t, int32(i), b); p[middle] != padding {
				f.paths = append(f.paths, p)
			}
		}
	}
}

// path is the path that ends beyond, so many places, span i.
func (f *Sifter) path(t *Trace, i int32, beyond int) (p [pathLength]int32) {
	for at := pathLength - 1 - beyond; at >= 0 && i >= 0; at-- {
		p[at] = f.symbolOf(t.Spans[i].Call)
		i = f.forest.parent[i]
	}
	return p
}

func (f *Sifter) symbolOf(c trace.Call) int32 {
	s, ok := f.symbol[c]
	if !ok {
		s = firstSymbol + int32(len(f.symbol))
		if len(f.symbol) >= f.o.MaxCalls {
			return overflowSymbol
		}
		f.symbol[c] = s
		f.model.grow(int(s) + 1)
	}
	return s
}
