package tuning

import (
	"math"
	"math/rand/v2"
)

// TPEOptions of the sequential search. The zero value of each field is its default.
type TPEOptions struct {
	// StartUp is how many models of a Latin hypercube come first: 10, but at most a
	// third of all.
	StartUp int
	// Batch is how many models are proposed at once, 2. More keep more workers busy,
	// and each knows less. Results do not depend on the number of workers, only on
	// this.
	Batch int
	// Candidates is how many draws compete for each proposal, 24.
	Candidates int
}

// TPE proposes n models by the tree-structured Parzen estimator (Bergstra, Bardenet,
// Bengio and Kégl, "Algorithms for hyper-parameter optimization", NIPS 2011): the
// results so far are parted in the good and the rest, the density of either is
// estimated parameter by parameter, and of many draws from the good ones the one is
// proposed whose ratio of densities is highest. No model is proposed twice; it ends
// early when the space has no other.
//
// The estimator is that of the paper, section 4: a kernel a result and one for the
// prior, each as wide as the distance to its further neighbour, cut off at the ends;
// numbers with levels get the mass of the kernel in their cell, categories their
// counts. The good are the best sqrt(n) of n results, rounded up: a root as in the
// authors' Hyperopt, whose quarter of it is a single point in searches as short as
// these.
//
// It is written here and not imported because what has to be right is its place in a
// study (ordered batches, levels, no repeats, nothing but the given seed), which is
// most of it.
func TPE(s *Space, n int, seed uint64, opt TPEOptions) Search {
	if all := s.Models(); all > 0 {
		n = min(n, all)
	}
	if opt.StartUp == 0 {
		opt.StartUp = min(10, max(2, n/3))
	}
	if opt.Batch == 0 {
		opt.Batch = 2
	}
	if opt.Candidates == 0 {
		opt.Candidates = 24
	}
	t := &tpe{space: s, left: n, opt: opt, rng: rand.New(rand.NewPCG(seed, 3)), seen: map[string]bool{}}
	t.startUp = LatinHypercube(s, opt.StartUp, seed).Next()
	return t
}

type tpe struct {
	space   *Space
	opt     TPEOptions
	rng     *rand.Rand
	left    int
	startUp []Point
	seen    map[string]bool
	asked   []Point
	points  []Point
	losses  []float64
}

func (t *tpe) Next() []Point {
	t.asked = nil
	if t.startUp != nil {
		for _, p := range t.startUp {
			t.ask(p)
		}
		t.startUp = nil
		return t.asked
	}
	if len(t.points) == 0 {
		return nil
	}
	good, rest := t.part()
	for range t.opt.Batch {
		if p := t.propose(good, rest); p != nil {
			t.ask(p)
		}
	}
	return t.asked
}

func (t *tpe) ask(p Point) {
	if t.left == 0 {
		return
	}
	t.left--
	t.seen[t.space.Key(p)] = true
	t.asked = append(t.asked, p)
}

func (t *tpe) Tell(losses []float64) {
	t.points, t.losses = append(t.points, t.asked...), append(t.losses, losses...)
}

// part estimates the densities of the good results and of the rest.
func (t *tpe) part() (good, rest []parzen) {
	n := int(math.Ceil(math.Sqrt(float64(len(t.losses)))))
	by := order(t.losses)
	for i, p := range t.space.Params {
		values := make([]string, len(by))
		for at, k := range by {
			values[at] = t.points[k][i]
		}
		good, rest = append(good, newParzen(p, values[:n])), append(rest, newParzen(p, values[n:]))
	}
	return good, rest
}

// propose is the best of many draws that was not proposed before; nil when the space
// has none left.
func (t *tpe) propose(good, rest []parzen) Point {
	var best Point
	most := math.Inf(-1)
	for range t.opt.Candidates {
		p := make(Point, len(good))
		ratio := 0.0
		for i := range p {
			p[i] = good[i].draw(t.rng)
			ratio += good[i].logDensity(p[i]) - rest[i].logDensity(p[i])
		}
		if ratio > most && !t.seen[t.space.Key(p)] {
			best, most = p, ratio
		}
	}
	if best != nil {
		return best
	}
	return t.anyNew(good)
}

// anyNew widens the search when every draw is known already: more draws, from the
// prior at last, and then whatever the space has left.
func (t *tpe) anyNew(good []parzen) Point {
	for try := range 200 {
		p := uniform(t.space, t.rng)
		for i := range p {
			if try < 100 && t.rng.IntN(2) == 0 {
				p[i] = good[i].draw(t.rng)
			}
		}
		if !t.seen[t.space.Key(p)] {
			return p
		}
	}
	if n := t.space.Models(); n == 0 || n > MaxModels {
		return nil
	}
	grid, _ := Grid(t.space)
	for _, p := range grid.Next() {
		if !t.seen[t.space.Key(p)] {
			return p
		}
	}
	return nil
}
