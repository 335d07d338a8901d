package tuning

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// MaxModels bounds a grid.
const MaxModels = 10_000_000

// Search proposes models. It is asked for the next batch only when it was told the
// losses of the last one, so what it proposes depends on its seed and the losses
// alone, not on the number of workers.
type Search interface {
	// Next is the next batch, empty at the end.
	Next() []Point
	// Tell gives the losses of the last batch, in its order; lower is better, +Inf
	// for a model that could not be run.
	Tell(losses []float64)
}

// fixed is a search that knows all its points before the first result.
type fixed struct{ points []Point }

func (f *fixed) Next() []Point {
	points := f.points
	f.points = nil
	return points
}

func (f *fixed) Tell([]float64) {}

// Grid is every model of the space, the last parameter varying fastest. It errs
// when a parameter has no levels, or there are more than MaxModels.
func Grid(s *Space) (Search, error) {
	for _, p := range s.Params {
		if p.Levels == nil {
			return nil, fmt.Errorf("parameter %s is a range without a step, which a grid cannot go through: write %v..%v:STEP or :log5, or use another method",
				p.Name, p.Lo, p.Hi)
		}
	}
	n := s.Models()
	if n == 0 || n > MaxModels {
		return nil, fmt.Errorf("the grid has more than %d models: use fewer levels, or another method", MaxModels)
	}
	points := make([]Point, n)
	for i := range points {
		points[i] = make(Point, len(s.Params))
		for k, rest := len(s.Params)-1, i; k >= 0; k-- {
			levels := s.Params[k].Levels
			points[i][k], rest = levels[rest%len(levels)], rest/len(levels)
		}
	}
	return &fixed{points}, nil
}

// Random is n models drawn uniformly, without repeats where the space has levels
// only and enough of them (Bergstra and Bengio, JMLR 2012).
func Random(s *Space, n int, seed uint64) Search {
	rng := rand.New(rand.NewPCG(seed, 1))
	return &fixed{distinct(s, n, func() Point { return uniform(s, rng) })}
}

func uniform(s *Space, rng *rand.Rand) Point {
	p := make(Point, len(s.Params))
	for i := range p {
		p[i] = s.Params[i].At(rng.Float64())
	}
	return p
}

// distinct draws n points and tries again, for some time, where one was drawn
// before.
func distinct(s *Space, n int, draw func() Point) []Point {
	if all := s.Models(); all > 0 {
		n = min(n, all)
	}
	seen := map[string]bool{}
	var points []Point
	for tries := 0; len(points) < n && tries < 100*n+1000; tries++ {
		p := draw()
		if key := s.Key(p); !seen[key] {
			seen[key] = true
			points = append(points, p)
		}
	}
	return points
}

// LatinHypercube is n models of which every parameter takes each n-th of its range
// once (McKay, Beckman and Conover 1979). Where parameters have fewer than n
// levels, points may coincide; those are left out, so fewer than n may remain.
func LatinHypercube(s *Space, n int, seed uint64) Search {
	rng := rand.New(rand.NewPCG(seed, 2))
	cells := make([][]int, len(s.Params))
	for i := range cells {
		cells[i] = rng.Perm(n)
	}
	points := make([]Point, 0, n)
	seen := map[string]bool{}
	for k := range n {
		p := make(Point, len(s.Params))
		for i := range p {
			u := (float64(cells[i][k]) + rng.Float64()) / float64(n)
			p[i] = s.Params[i].At(min(u, 1-1e-12))
		}
		if key := s.Key(p); !seen[key] {
			seen[key] = true
			points = append(points, p)
		}
	}
	return &fixed{slices.Clip(points)}
}
