package hst

import (
	"math"
	"math/rand/v2"
	"testing"
)

// S. C. Tan, K. M. Ting, F. T. Liu, "Fast Anomaly Detection for Streaming Data",
// IJCAI 2011, as VariantTan2011. One test for each algorithm or passage that says
// what a program must do; expected values are computed here from the text alone.
//
// Where the variant deviates, on purpose:
//
//   - the paper assumes data in [0, 1]; here a work range scales with Limits;
//   - it names no generator; here it is CPython's, first a number s for each
//     feature, then a feature for each branch in pre-order;
//   - its score is low for anomalies and has no fixed range; that score is Mass,
//     and Score is 1 - Mass / (trees * window * 2^height), like River's;
//   - its Algorithm 1 as printed narrows min and max and never widens them again
//     after a right subtree; here they are restored, which is what it means;
//   - it has no missing values; here they follow River's rule.
func paperForest(t *testing.T, trees, height, window int, features ...string) *Forest {
	t.Helper()
	cfg := Config{Trees: trees, Height: height, Window: window, Seed: NewSeed(42), Variant: VariantTan2011}
	f, err := NewForest(cfg, features)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// paperPath is the path of x through tree p, from the root to the leaf.
func paperPath(f *Forest, p int, x []float64) (path []int) {
	for i := 0; ; {
		path = append(path, i)
		if len(path) > f.cfg.Height {
			return path
		}
		on, at := f.Branch(p, i)
		if i = 2*i + 1; x[on] >= at {
			i++
		}
	}
}

// Definition: an HS-Tree of depth h is a full binary tree of 2^(h+1)-1 nodes, with
// all leaves at depth h.
func TestPaperTreeIsFull(t *testing.T) {
	f := paperForest(t, 2, 5, 10, "x")
	if f.perTree != 63 || len(f.nodes) != 2*63 {
		t.Fatalf("%d nodes a tree, want 2^6-1", f.perTree)
	}
	x := []float64{0.3}
	f.Learn(x, nil)
	for p := range 2 {
		visited := 0
		for i := range 63 {
			_, l := f.Masses(p, i)
			visited += l
		}
		if leaf := paperPath(f, p, x)[5]; visited != 6 || leaf < 31 {
			t.Errorf("tree %d: %d nodes visited, the last is %d; want one of each depth", p, visited, leaf)
		}
	}
}

// Initialising the workspace: for each dimension q a number s_q uniform in [0, 1],
// and the work range s_q ± 2 max(s_q, 1 - s_q).
func TestPaperWorkRange(t *testing.T) {
	cfg := Config{Trees: 1, Height: 2, Window: 1, Variant: VariantTan2011}
	for seed := range int64(200) {
		cfg.Seed = NewSeed(seed)
		f, err := NewForest(cfg, []string{"x"})
		if err != nil {
			t.Fatal(err)
		}
		s := newMT19937(cfg.Seed).float64()
		reach := math.Max(s, 1-s) // half of the range's half
		for i, want := range []float64{s, s - reach, s + reach} {
			if _, at := f.Branch(0, i); math.Abs(at-want) > 1e-15 {
				t.Fatalf("seed %d: branch %d splits at %v, want %v (s = %v)", seed, i, at, want, s)
			}
		}
		if s-2*reach > 0 || s+2*reach < 1 {
			t.Fatalf("the range around %v does not hold [0, 1]", s)
		}
	}
}

// Deviation: with limits [10, 30] the same trees lie over [10, 30].
func TestPaperWorkRangeScalesWithLimits(t *testing.T) {
	unit := paperForest(t, 3, 4, 10, "x")
	cfg := unit.Config()
	cfg.Limits = map[string][2]float64{"x": {10, 30}}
	wide, err := NewForest(cfg, []string{"x"})
	if err != nil {
		t.Fatal(err)
	}
	for p := range 3 {
		for i := range 15 {
			_, u := unit.Branch(p, i)
			if _, at := wide.Branch(p, i); math.Abs(at-(10+20*u)) > 1e-12 {
				t.Fatalf("tree %d branch %d: %v, want 10 + 20*%v", p, i, at, u)
			}
		}
	}
}

// Algorithm 1, BuildSingleHS-Tree: a dimension q is selected at random, and its
// range is split in half at p = (max_q + min_q) / 2.
func TestPaperAlgorithm1(t *testing.T) {
	f := paperForest(t, 40, 8, 10, "a", "b", "c")
	var chosen [3]int
	for p := range 40 {
		for i := range 255 {
			q, at := f.Branch(p, i)
			chosen[q]++
			low, high := paperRange(f, p, i, q)
			if !math.IsInf(low, -1) && !math.IsInf(high, 1) && math.Abs(at-(low+high)/2) > 1e-12 {
				t.Fatalf("tree %d branch %d splits at %v, want the midpoint of [%v, %v]", p, i, at, low, high)
			}
		}
	}
	// Each count is binomial(10200, 1/3): mean 3400, standard deviation 47.6.
	for q, n := range chosen {
		if math.Abs(float64(n)-3400) > 5*47.6 {
			t.Errorf("dimension %d was selected %d times of 10200, want about 3400", q, n)
		}
	}
}

// paperRange is what the ancestors of branch i leave of feature q; infinite where
// only the work range bounds it.
func paperRange(f *Forest, p, i, q int) (low, high float64) {
	low, high = math.Inf(-1), math.Inf(1)
	for child := i; child > 0; child = (child - 1) / 2 {
		on, at := f.Branch(p, (child-1)/2)
		switch {
		case on != q:
		case child%2 == 1:
			high = math.Min(high, at)
		default:
			low = math.Max(low, at)
		}
	}
	return low, high
}

// Anomaly score: r * 2^k of the terminal node, which is the first on the path with
// r <= sizeLimit, or else the leaf; sizeLimit = 0.1 ψ.
// By hand: ψ = 10, so sizeLimit is 1 and a node of mass 1 is terminal.
func TestPaperScoreIsTheTerminalNodes(t *testing.T) {
	f := paperForest(t, 1, 2, 10, "x") // splits .639; left of it 0, right of it 1.279
	for i := range 10 {
		x := 0.3
		if i == 0 {
			x = 2
		}
		f.Learn([]float64{x}, nil)
	}
	for x, want := range map[float64]uint64{
		0.3:  9 * 4, // root 10, left child 9, its right leaf 9 at depth 2
		-0.3: 0 * 4, // root 10, left child 9, its left leaf 0
		2:    1 * 2, // right child has mass 1 <= sizeLimit, depth 1
		0.7:  1 * 2, // the same node
	} {
		if got := f.Mass([]float64{x}, nil); got != want {
			t.Errorf("score of %v is %d, want %d", x, got, want)
		}
		if got := f.Score([]float64{x}, nil); got != 1-float64(want)/40 {
			t.Errorf("normalised score of %v is %v, want 1 - %d/40", x, got, want)
		}
	}
}

// Algorithm 2, UpdateMass, and Algorithm 3, Streaming HS-Trees(ψ, t): the first ψ
// points make the reference profile; then each point is scored with r before it is
// counted in l, and after every ψ points r takes l and l is reset.
func TestPaperAlgorithms2And3(t *testing.T) {
	const trees, height, window = 7, 6, 40
	f := paperForest(t, trees, height, window, "a", "b")
	var r, l [trees][1<<(height+1) - 1]int
	rng := rand.New(rand.NewPCG(7, 8))
	for i := range 400 {
		x := []float64{rng.Float64(), 0.5 + 0.1*rng.NormFloat64()}
		want := 0
		for p := range trees {
			for depth, n := range paperPath(f, p, x) {
				if i >= window && (float64(r[p][n]) <= 0.1*window || depth == height) {
					want += r[p][n] << depth
					break
				}
			}
			for _, n := range paperPath(f, p, x) {
				if i < window {
					r[p][n]++
				} else {
					l[p][n]++
				}
			}
		}
		if got := int(f.Mass(x, nil)); got != want {
			t.Fatalf("point %d: score %d, want %d", i, got, want)
		}
		f.Learn(x, nil)
		if i >= window && (i+1)%window == 0 {
			r, l = l, [trees][1<<(height+1) - 1]int{}
		}
	}
	for p := range trees {
		for n := range r[p] {
			if gr, gl := f.Masses(p, n); gr != r[p][n] || gl != l[p][n] {
				t.Fatalf("tree %d node %d: r %d l %d, want %d and %d", p, n, gr, gl, r[p][n], l[p][n])
			}
		}
	}
}

// The paper's score is low for anomalies. Mass ranks that way, Score the other.
func TestPaperLowScoresAreAnomalies(t *testing.T) {
	f := paperForest(t, 25, 8, 250, "a", "b")
	rng := rand.New(rand.NewPCG(9, 10))
	for range 250 {
		f.Learn([]float64{0.4 + 0.02*rng.NormFloat64(), 0.6 + 0.02*rng.NormFloat64()}, nil)
	}
	normal, anomaly := []float64{0.4, 0.6}, []float64{0.9, 0.1}
	if f.Mass(normal, nil) <= 10*f.Mass(anomaly, nil) {
		t.Errorf("the centre scores %d, the anomaly %d; want the centre far above", f.Mass(normal, nil), f.Mass(anomaly, nil))
	}
	if f.Score(normal, nil) >= f.Score(anomaly, nil) {
		t.Errorf("normalised: centre %v, anomaly %v; want the anomaly above", f.Score(normal, nil), f.Score(anomaly, nil))
	}
}

// Complexity: constant amortised time and constant memory. A point touches t(h+1)
// nodes, whatever came before, and nothing grows.
func TestPaperConstantTimeAndMemory(t *testing.T) {
	const trees, height = 5, 6
	f := paperForest(t, trees, height, 1000, "x")
	size := cap(f.nodes)
	for n := 1; n < 1000; n++ {
		f.Learn([]float64{float64(n) / 1000}, nil)
		touched := 0
		for p := range trees {
			for i := range f.perTree {
				_, l := f.Masses(p, i)
				touched += l
			}
		}
		if touched != n*trees*(height+1) {
			t.Fatalf("%d points touched %d nodes, want t(h+1) = %d each", n, touched, trees*(height+1))
		}
	}
	if cap(f.nodes) != size {
		t.Errorf("the forest grew from %d to %d nodes", size, cap(f.nodes))
	}
}
