package tuning

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestParzenIsADensity: weights of levels add up to 1, a density integrates to 1, and
// the weight of a level is the density's integral over its cell (midpoint rule).
func TestParzenIsADensity(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	for _, text := range []string{"a=0..1.0", "a=1..1000.0:log"} {
		p, _ := ParseParam(text)
		for n := range 6 {
			var values []string
			for range n {
				values = append(values, p.At(rng.Float64()))
			}
			z := newParzen(p, values)
			slow := slowDensity(z)
			const steps = 20_000
			total := 0.0
			for i := range steps {
				total += slow((float64(i)+.5)/steps) / steps
			}
			if math.Abs(total-1) > 1e-3 {
				t.Errorf("%s, %d values: the density integrates to %v", text, n, total)
			}
			for _, v := range values {
				if got, want := z.logDensity(v), math.Log(slow(p.position(v))); math.Abs(got-want) > 1e-6 {
					t.Errorf("log density %v, want %v", got, want)
				}
			}
		}
	}
	p, _ := ParseParam("a=1..7")
	z := newParzen(p, []string{"2", "2", "5"})
	slow := slowDensity(z)
	total := 0.0
	for i, w := range z.weights {
		want, lo := 0.0, float64(i)/7
		for k := range 1000 {
			want += slow(lo+(float64(k)+.5)/7000) / 7000
		}
		if math.Abs(w-want) > 1e-4 {
			t.Errorf("level %d weighs %v, its cell %v", i+1, w, want)
		}
		total += w
	}
	if math.Abs(total-1) > 1e-12 {
		t.Errorf("weights add up to %v", total)
	}
	p, _ = ParseParam("c=x,y,z")
	if z := newParzen(p, []string{"y", "y", "z"}); math.Abs(z.weights[1]-(2+1./3)/4) > 1e-12 {
		t.Errorf("weights of categories %v", z.weights)
	}
}

// slowDensity is the mixture as it is defined, with masses by the midpoint rule.
func slowDensity(z parzen) func(x float64) float64 {
	normal := func(k kernel, x float64) float64 {
		return math.Exp(-(x-k.centre)*(x-k.centre)/(2*k.width*k.width)) / (k.width * math.Sqrt(2*math.Pi))
	}
	mass := make([]float64, len(z.kernels))
	for i, k := range z.kernels {
		for m := range 5000 {
			mass[i] += normal(k, (float64(m)+.5)/5000) / 5000
		}
	}
	return func(x float64) float64 {
		total := 1.0
		for i, k := range z.kernels {
			total += normal(k, x) / mass[i]
		}
		return total / float64(len(z.kernels)+1)
	}
}

// minimise runs a search on a function of unit coordinates and says the least value.
func minimise(s *Space, search Search, f func(x []float64) float64) (least float64, n int) {
	least = math.Inf(1)
	for {
		points := search.Next()
		if len(points) == 0 {
			return least, n
		}
		losses := make([]float64, len(points))
		for i, p := range points {
			x := make([]float64, len(p))
			for k := range p {
				x[k] = s.Params[k].position(p[k])
			}
			losses[i] = f(x)
			least = min(least, losses[i])
		}
		n += len(points)
		search.Tell(losses)
	}
}

func bowl(x []float64) float64 {
	return (x[0]-.3)*(x[0]-.3) + 2*(x[1]-.7)*(x[1]-.7) + .3*math.Abs(x[2]-.2)
}

// TestTPEBeatsRandom: with the same 60 points, the median of 21 seeds is at most half
// of random search's. (Chance alone would make it as often higher as lower.)
func TestTPEBeatsRandom(t *testing.T) {
	s := mustSpace(t, "a=0..1.0", "b=0.001..10.0:log", "c=1..20")
	var tpe, random []float64
	for seed := range uint64(21) {
		a, n := minimise(s, TPE(s, 60, seed, TPEOptions{}), bowl)
		b, _ := minimise(s, Random(s, 60, seed), bowl)
		if n != 60 {
			t.Fatalf("%d points", n)
		}
		tpe, random = append(tpe, a), append(random, b)
	}
	slices.Sort(tpe)
	slices.Sort(random)
	if tpe[10] > random[10]/2 {
		t.Errorf("median loss %v, of random search %v", tpe[10], random[10])
	}
}

// TestTPEFindsTheGridsBest: on a grid of 4 200 models, a tenth of its evaluations
// come within 2 % of its range of the best (median of 10 seeds).
func TestTPEFindsTheGridsBest(t *testing.T) {
	s := mustSpace(t, "a=1..20", "b=1..21", "c=1..10")
	grid, err := Grid(s)
	if err != nil {
		t.Fatal(err)
	}
	best, n := minimise(s, grid, bowl)
	var got []float64
	for seed := range uint64(10) {
		least, _ := minimise(s, TPE(s, n/10, seed, TPEOptions{}), bowl)
		got = append(got, least)
	}
	slices.Sort(got)
	if gap := (got[4]+got[5])/2 - best; gap > 0.02 {
		t.Errorf("the median of 10 seeds is %v above the grid's best %v", gap, best)
	}
}

// TestTPETakesEveryPointOnce: asked for more than there are, it gives each one once.
func TestTPETakesEveryPointOnce(t *testing.T) {
	s := mustSpace(t, "a=1..6", "b=x,y,z", "c=.1,.2")
	search, seen := TPE(s, 1000, 1, TPEOptions{}), map[string]bool{}
	for {
		points := search.Next()
		if len(points) == 0 {
			break
		}
		losses := make([]float64, len(points))
		for i, p := range points {
			if seen[s.Key(p)] {
				t.Fatalf("%s came twice", s.Key(p))
			}
			seen[s.Key(p)] = true
			losses[i] = math.Inf(1) // even when all fail
		}
		search.Tell(losses)
	}
	if len(seen) != 36 {
		t.Errorf("%d of 36 points", len(seen))
	}
}
