package tracesamplers

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// randomPoint is on a coarse grid, so that equal points and equal coordinates occur.
func randomPoint(rng *rand.Rand, dims int) *point {
	p := &point{x: make([]float64, dims)}
	for d := range p.x {
		p.x[d] = float64(rng.IntN(5)) * float64(d+1)
	}
	return p
}

// leaves lists the leaves below n with their points.
func (t *boxTree) leaves(n int32) []int32 {
	if n < 0 {
		return nil
	}
	if t.isLeaf(n) {
		return []int32{n}
	}
	return append(t.leaves(t.nodes[n].left), t.leaves(t.nodes[n].right)...)
}

// checkBoxes compares counts and boxes with those of the points below, and the links
// up with those down.
func checkBoxes(t *testing.T, tree *boxTree, n int32) {
	t.Helper()
	if n < 0 || tree.isLeaf(n) {
		return
	}
	b, count := &tree.nodes[n], int32(0)
	var lo, hi []float64
	for _, leaf := range tree.leaves(n) {
		count += tree.nodes[leaf].count
		x := tree.nodes[leaf].point.x
		if lo == nil {
			lo, hi = slices.Clone(x), slices.Clone(x)
		}
		for d := range x {
			lo[d], hi[d] = min(lo[d], x[d]), max(hi[d], x[d])
		}
	}
	if b.count != count || !slices.Equal(b.lo, lo) || !slices.Equal(b.hi, hi) {
		t.Fatalf("node %d: count %d box %v %v, want %d %v %v", n, b.count, b.lo, b.hi, count, lo, hi)
	}
	for _, child := range []int32{b.left, b.right} {
		if tree.nodes[child].parent != n {
			t.Fatalf("child %d of %d has parent %d", child, n, tree.nodes[child].parent)
		}
		checkBoxes(t, tree, child)
	}
}

// checkCuts: all points left of a branch are at or below its cut, all right above.
func checkCuts(t *testing.T, tree *cutTree, n int32) {
	t.Helper()
	if n < 0 || tree.isLeaf(n) {
		return
	}
	b := &tree.nodes[n]
	for _, leaf := range tree.leaves(b.left) {
		if x := tree.nodes[leaf].point.x[b.dim]; x > b.cut {
			t.Fatalf("%v is left of the cut at %v", x, b.cut)
		}
	}
	for _, leaf := range tree.leaves(b.right) {
		if x := tree.nodes[leaf].point.x[b.dim]; x <= b.cut {
			t.Fatalf("%v is right of the cut at %v", x, b.cut)
		}
	}
	checkCuts(t, tree, b.left)
	checkCuts(t, tree, b.right)
}

// slowCodisp is the definition: for each group of points that an ancestor of the leaf
// gathers, remove it, sum up how much less deep all other points then are, copies
// counted, and divide by the size of the group; take the most.
func slowCodisp(tree *boxTree, leaf int32) float64 {
	most := 0.0
	for group := leaf; tree.nodes[group].parent >= 0; group = tree.nodes[group].parent {
		inside := map[int32]bool{}
		for _, l := range tree.leaves(group) {
			inside[l] = true
		}
		gone := tree.nodes[group].parent // the branch that goes with the group
		sum := 0.0
		for _, l := range tree.leaves(tree.root) {
			if inside[l] {
				continue
			}
			before, after := 0, 0
			for n := tree.nodes[l].parent; n >= 0; n = tree.nodes[n].parent {
				before++
				if n != gone {
					after++
				}
			}
			sum += float64((before - after) * int(tree.nodes[l].count))
		}
		most = max(most, sum/float64(tree.nodes[group].count))
	}
	return most
}

func TestCutTreeInvariants(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 0))
	for range 60 {
		tree := newCutTree(rand.New(rand.NewPCG(rng.Uint64(), 0)))
		var held []int32
		for range 120 {
			if len(held) > 0 && rng.IntN(5) < 2 {
				i := rng.IntN(len(held))
				tree.forget(held[i])
				held = slices.Delete(held, i, i+1)
			} else {
				p := randomPoint(rng, 3)
				leaf := tree.insert(p)
				if !slices.Equal(tree.nodes[leaf].point.x, p.x) {
					t.Fatalf("%v is at a leaf of %v", p.x, tree.nodes[leaf].point.x)
				}
				held = append(held, leaf)
			}
			checkBoxes(t, &tree.boxTree, tree.root)
			checkCuts(t, tree, tree.root)
		}
		want := map[int32]int32{}
		for _, leaf := range held {
			want[leaf]++
			if got, slow := tree.codisp(leaf), slowCodisp(&tree.boxTree, leaf); math.Abs(got-slow) > 1e-12 {
				t.Fatalf("codisp %v, by the definition %v", got, slow)
			}
		}
		for _, leaf := range tree.leaves(tree.root) {
			if tree.nodes[leaf].count != want[leaf] {
				t.Fatalf("leaf %d counts %d, want %d", leaf, tree.nodes[leaf].count, want[leaf])
			}
		}
	}
}

// batchTree draws a tree for a set of distinct points by definition 1 of the paper,
// from the root down. It returns the depth of each point and the dimension of the
// first cut.
func batchTree(rng *rand.Rand, points []*point, members []int, depth []int, level int) (dim int) {
	if len(members) == 1 {
		depth[members[0]] = level
		return -1
	}
	dims := len(points[0].x)
	lo, hi := slices.Clone(points[members[0]].x), slices.Clone(points[members[0]].x)
	total := 0.0
	for d := range dims {
		for _, m := range members {
			lo[d], hi[d] = min(lo[d], points[m].x[d]), max(hi[d], points[m].x[d])
		}
		total += hi[d] - lo[d]
	}
	r := rng.Float64() * total
	for dim = 0; r >= hi[dim]-lo[dim]; dim++ {
		r -= hi[dim] - lo[dim]
	}
	cut := lo[dim] + r
	var left, right []int
	for _, m := range members {
		if points[m].x[dim] <= cut {
			left = append(left, m)
		} else {
			right = append(right, m)
		}
	}
	batchTree(rng, points, left, depth, level+1)
	batchTree(rng, points, right, depth, level+1)
	return dim
}

// Theorems 2 and 3 of the paper: a tree that points were inserted into and forgotten
// from has the distribution of one drawn for those that are left. Compared are the
// mean depth of every point and the dimension of the first cut, over 4 000 trees each;
// the tolerance is five standard errors of the difference.
func TestCutTreeDistribution(t *testing.T) {
	const n, extra, trees, dims = 8, 5, 4000, 3
	rng := rand.New(rand.NewPCG(3, 0))
	points := make([]*point, n+extra)
	for i := range points {
		points[i] = &point{x: []float64{rng.Float64(), 3 * rng.Float64() * rng.Float64(), float64(i)}}
	}
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	var sum, squares [2][n]float64
	var first [2][dims]float64
	for range trees {
		depth := make([]int, n)
		first[0][batchTree(rng, points, all, depth, 0)]++
		for i, d := range depth {
			sum[0][i] += float64(d)
			squares[0][i] += float64(d * d)
		}
		tree, at := newCutTree(rng), make([]int32, n+extra)
		for _, i := range rng.Perm(n + extra) {
			at[i] = tree.insert(points[i])
		}
		for i := n; i < n+extra; i++ {
			tree.forget(at[i])
		}
		first[1][tree.nodes[tree.root].dim]++
		for i := range n {
			d := float64(tree.depth(at[i]))
			sum[1][i] += d
			squares[1][i] += d * d
		}
	}
	for i := range n {
		a, b := sum[0][i]/trees, sum[1][i]/trees
		variance := (squares[0][i]+squares[1][i])/trees - a*a - b*b
		if math.Abs(a-b) > 5*math.Sqrt(variance/trees) {
			t.Errorf("point %d: mean depth %v of trees drawn at once, %v of grown ones", i, a, b)
		}
	}
	for d := range dims {
		p := (first[0][d] + first[1][d]) / (2 * trees)
		if diff := math.Abs(first[0][d]-first[1][d]) / trees; diff > 5*math.Sqrt(2*p*(1-p)/trees) {
			t.Errorf("first cut in dimension %d: %v and %v of %d", d, first[0][d], first[1][d], trees)
		}
	}
}

// New dimensions, absent in all points, change no score.
func TestSieveWidens(t *testing.T) {
	narrow, wide := NewSieve(SieveOptions{Trees: 3, TreeSize: 16}), NewSieve(SieveOptions{Trees: 3, TreeSize: 16})
	rng := rand.New(rand.NewPCG(4, 0))
	wide.width = 64
	for range 300 {
		tr := randomTrace(rng, 1+rng.IntN(6), 6)
		if a, b := narrow.displacement(tr), wide.displacement(tr); a != b {
			t.Fatalf("%v in %d dimensions, %v in %d", a, narrow.width, b, wide.width)
		}
		for _, tree := range narrow.trees {
			checkBoxes(t, &tree.boxTree, tree.root)
		}
	}
	if narrow.width >= 64 && narrow.space.dims() < 32 {
		t.Error("the test widened nothing")
	}
}

// The probability written out as in section 4 of the Sieve paper's implementation:
// with variances of n-1, over at most three scores.
func TestAttention(t *testing.T) {
	a := attention{window: 3, threshold: .3}
	for _, c := range []struct {
		score, p float64
		ok       bool
	}{
		{1, 0, false}, {1, 0, false},
		{1, 1. / 3, true},                       // variance stays 0: the share of the sum
		{4, 1 / (1 + 2*math.Exp(2-4)), true},    // 1 1 4: variance 3, before 0
		{4, 4. / 9, true},                       // 1 4 4: 3, before 1 4: 4.5
		{40, 1 / (1 + 2*math.Exp(16-40)), true}, // 4 4 40
	} {
		odds, ok := a.add(c.score)
		if p := 1 / (1 + math.Exp(-odds)); ok != c.ok || ok && math.Abs(p-c.p) > 1e-12 {
			t.Errorf("score %v: probability %v %v, want %v %v", c.score, p, ok, c.p, c.ok)
		}
	}
	zero := attention{window: 3, threshold: .3}
	for range 3 {
		zero.add(0)
	}
	if odds, ok := zero.add(0); !ok || odds != -mostOdds {
		t.Errorf("scores of 0: %v %v", odds, ok)
	}
}

func TestSpace(t *testing.T) {
	s := newSpace(2)
	a, b, c := s.take(10), s.take(20), s.take(30)
	if a == 0 || b == 0 || a == b || c != 0 || s.take(10) != a {
		t.Errorf("dimensions %d %d and %d beyond the bound, want two and the shared one", a, b, c)
	}
	s.release(a)
	if s.take(30) != 0 {
		t.Error("a dimension with a reference left was given away")
	}
	s.release(a)
	if s.take(30) != a || s.dims() != 3 {
		t.Error("a free dimension was not used again")
	}
}
