package tracesamplers

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func distance(a, b *point) (squared float64) {
	for d := range a.x {
		squared += (a.x[d] - b.x[d]) * (a.x[d] - b.x[d])
	}
	return squared
}

func TestPerchInvariants(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 0))
	for range 15 {
		h := perch{newBoxTree()}
		total := int32(0)
		for range 50 {
			p := randomPoint(rng, 4)
			best := math.Inf(1)
			for _, l := range h.leaves(h.root) {
				best = min(best, distance(p, h.nodes[l].point))
			}
			if _, d := h.nearest(p); d != best {
				t.Fatalf("nearest at %v, by looking at all %v", d, best)
			}
			if h.root >= 0 {
				checkMasked(t, &h, p)
			}
			leaf := h.insert(p)
			total++
			if !slices.Equal(h.nodes[leaf].point.x, p.x) {
				t.Fatal("a leaf of another point was returned")
			}
			checkBoxes(t, &h.boxTree, h.root)
			if rng.IntN(4) == 0 {
				if c := h.crowded(); h.nodes[c].count > 1 {
					h.add(c, -1)
				} else {
					h.detach(c)
				}
				total--
			}
			if h.root < 0 {
				continue
			}
			// Walks end somewhere: the probabilities of the leaves sum to 1.
			sum := 0.0
			for _, l := range h.leaves(h.root) {
				sum += math.Exp2(-float64(h.depth(l)))
			}
			if sum != 1 || h.nodes[h.root].count != total {
				t.Fatalf("probabilities sum to %v, %d points of %d", sum, h.nodes[h.root].count, total)
			}
		}
	}
}

// checkMasked: masked of pairs of disjoint subtrees against their lists of points.
func checkMasked(t *testing.T, h *perch, p *point) {
	t.Helper()
	for _, leaf := range h.leaves(h.root) {
		for n := leaf; h.nodes[n].parent >= 0; n = h.nodes[n].parent {
			aunt, want := h.sibling(n), false
			for _, x := range h.leaves(n) {
				for _, z := range h.leaves(aunt) {
					d := distance(h.nodes[x].point, h.nodes[z].point)
					want = want || d < distance(h.nodes[x].point, p)
				}
			}
			if h.masked(n, aunt, p) != want {
				t.Fatalf("masked is %v, by looking at all points %v", !want, want)
			}
		}
	}
}

// Two groups far apart end in the two branches below the root, in whatever order the
// points come: what the rotations are for.
func TestPerchSeparatesClusters(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 0))
		h := perch{newBoxTree()}
		group := map[*point]int{}
		for range 60 {
			g := rng.IntN(2)
			p := &point{x: []float64{float64(100*g) + rng.Float64(), rng.Float64()}}
			group[p] = g
			h.insert(p)
		}
		for _, child := range []int32{h.nodes[h.root].left, h.nodes[h.root].right} {
			leaves := h.leaves(child)
			for _, l := range leaves {
				if group[h.nodes[l].point] != group[h.nodes[leaves[0]].point] {
					t.Fatalf("seed %d: a branch below the root holds points of both groups", seed)
				}
			}
		}
	}
}

// A full tree forgets the redundant: of 100 equal traces and one other, the other
// stays, and its weight says so.
func TestWeightedKeepsTheNeedle(t *testing.T) {
	w := NewWeighted(WeightedOptions{Traces: 20})
	hay := &Trace{Spans: []Span{{ID: 1, Call: 1}}}
	needle := &Trace{Spans: []Span{{ID: 1, Call: 2}}}
	w.Observe(hay)
	w.Observe(needle)
	for range 100 {
		w.Observe(hay)
	}
	// 19 of 20 are hay; a walk ends at either leaf with 1/2: log2(20/19 / 2).
	if got, want := w.Observe(hay).Score, math.Log2(20./19)-1; math.Abs(got-want) > 1e-12 {
		t.Errorf("hay scores %v, want %v", got, want)
	}
	if got, want := w.Observe(needle).Score, math.Log2(20./2)-1; math.Abs(got-want) > 1e-12 {
		t.Errorf("the needle scores %v, want %v", got, want)
	}
}
