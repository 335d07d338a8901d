package tracesamplers

import (
	"math"
	"math/rand/v2"
)

// cutTree is a robust random cut tree (Guha, Mishra, Roy and Schrijvers, "Robust
// random cut forest based anomaly detection on streams", ICML 2016): each branch
// cuts its bounding box in a dimension drawn in proportion to the box's sides, at a
// place drawn uniformly. Inserting and forgetting keep that distribution, whatever
// the order (their theorems 2 and 3), so the tree is one that might as well have
// been drawn for the points it holds now.
type cutTree struct {
	boxTree
	rng *rand.Rand
}

func newCutTree(rng *rand.Rand) *cutTree { return &cutTree{newBoxTree(), rng} }

// insert is their algorithm 2. Equal points share a leaf. Cost: O(depth * dims).
func (t *cutTree) insert(p *point) (leaf int32) {
	if t.root < 0 {
		leaf, _ = t.attach(-1, p, false)
		return leaf
	}
	n := t.root
	for {
		dim, cut, ok := t.draw(n, p)
		if !ok && t.isLeaf(n) {
			t.add(n, 1)
			return n
		}
		if ok {
			lo, hi := t.box(n)
			left := cut < lo[dim] // then p is the one below the cut
			if left || cut >= hi[dim] {
				leaf, branch := t.attach(n, p, left)
				t.nodes[branch].dim, t.nodes[branch].cut = dim, cut
				return leaf
			}
		}
		n = t.child(n, p)
	}
}

func (t *cutTree) child(n int32, p *point) int32 {
	if b := &t.nodes[n]; p.x[b.dim] > b.cut {
		return b.right
	}
	return t.nodes[n].left
}

// draw cuts the box of node n with p added; lo <= cut < hi in the dimension. ok is
// false when the box has no extent, so n is a leaf equal to p.
func (t *cutTree) draw(n int32, p *point) (dim int32, cut float64, ok bool) {
	lo, hi := t.box(n)
	total := 0.0
	for d, x := range p.x {
		total += side(lo[d], hi[d], x)
	}
	if total == 0 {
		return 0, 0, false
	}
	r := float64(t.rng.Float64() * total)
	for d, x := range p.x {
		length := side(lo[d], hi[d], x)
		if length == 0 {
			continue
		}
		from, to := min(lo[d], x), max(hi[d], x)
		// Rounding may reach the upper end, which no cut separates from.
		last := math.Nextafter(to, from)
		if dim, cut = int32(d), min(from+r, last); r < length {
			return dim, cut, true
		}
		r -= length
	}
	return dim, cut, true // rounding ran past the last side
}

// side is the length of lo..hi with x added.
func side(lo, hi, x float64) float64 {
	if x < lo {
		return hi - x
	}
	if x > hi {
		return x - lo
	}
	return hi - lo
}

// forget removes one of the points at a leaf. Cost: O(depth * dims).
func (t *cutTree) forget(leaf int32) {
	if t.nodes[leaf].count > 1 {
		t.add(leaf, -1)
		return
	}
	t.detach(leaf)
}

// codisp is the collusive displacement of a leaf: the most that the removal of a
// group with it, all that is below one of its ancestors, would raise the others in
// the tree, a member of the group. 0 in a tree of one distinct point.
func (t *cutTree) codisp(leaf int32) float64 {
	most := 0.0
	for n := leaf; t.nodes[n].parent >= 0; n = t.nodes[n].parent {
		displaced := t.nodes[t.sibling(n)].count
		most = max(most, float64(displaced)/float64(t.nodes[n].count))
	}
	return most
}
