package tracesamplers

import "math"

// perch is a binary hierarchical clustering that grows one point at a time (Kobren,
// Monath, Krishnamurthy and McCallum, "A Hierarchical Algorithm for Extreme
// Clustering", KDD 2017): a point becomes the sibling of its nearest neighbour, then
// rotations put right what the insertion got into a wrong place.
type perch struct{ boxTree }

// insert returns the leaf of p, which equal points share. Cost: O(points * dims) a
// level.
func (h *perch) insert(p *point) (leaf int32) {
	near, distance := h.nearest(p)
	if near >= 0 && distance == 0 {
		h.add(near, 1)
		return near
	}
	leaf, _ = h.attach(near, p, false)
	h.rotate(leaf, p)
	return leaf
}

// nearest is the leaf at the least Euclidean distance, -1 in an empty tree; branches
// whose box is further than the best so far are left out.
func (h *perch) nearest(p *point) (leaf int32, squared float64) {
	leaf, squared = -1, math.Inf(1)
	if h.root >= 0 {
		h.search(h.root, p, &leaf, &squared)
	}
	return leaf, squared
}

func (h *perch) search(n int32, p *point, leaf *int32, squared *float64) {
	d, ok := h.nearBox(n, p, *squared)
	if !ok {
		return
	}
	if h.isLeaf(n) {
		*leaf, *squared = n, d
		return
	}
	first, second := h.nodes[n].left, h.nodes[n].right
	far, _ := h.nearBox(first, p, math.Inf(1))
	if _, nearer := h.nearBox(second, p, far); nearer {
		first, second = second, first
	}
	h.search(first, p, leaf, squared)
	h.search(second, p, leaf, squared)
}

// nearBox is the squared distance of p to the box of n, exact for a leaf; ok is false
// when it is not below the limit, and the distance then only as far as it was summed.
func (h *perch) nearBox(n int32, p *point, limit float64) (squared float64, ok bool) {
	lo, hi := h.box(n)
	for d, x := range p.x {
		if x >= lo[d] && x <= hi[d] {
			continue
		}
		out := max(lo[d]-x, x-hi[d])
		if squared += float64(out * out); squared >= limit {
			return squared, false
		}
	}
	return squared, squared < limit
}

// rotate lets the new leaf change places with its aunt, and so climb, as long as its
// sibling is masked: as some point of the sibling is nearer to a point below the aunt
// than to the new one.
func (h *perch) rotate(leaf int32, p *point) {
	for {
		parent := h.nodes[leaf].parent
		if parent < 0 || h.nodes[parent].parent < 0 {
			return
		}
		aunt := h.sibling(parent)
		if !h.masked(h.sibling(leaf), aunt, p) {
			return
		}
		h.swap(leaf, aunt)
	}
}

// masked says whether a point below n is nearer to one below aunt than to p.
func (h *perch) masked(n, aunt int32, p *point) bool {
	if !h.isLeaf(n) {
		return h.masked(h.nodes[n].left, aunt, p) || h.masked(h.nodes[n].right, aunt, p)
	}
	toNew, _ := h.nearBox(n, p, math.Inf(1))
	return h.within(aunt, h.nodes[n].point, toNew)
}

// within says whether a point below n is nearer to p than the squared distance.
func (h *perch) within(n int32, p *point, squared float64) bool {
	if _, ok := h.nearBox(n, p, squared); !ok {
		return false
	}
	return h.isLeaf(n) || h.within(h.nodes[n].left, p, squared) || h.within(h.nodes[n].right, p, squared)
}

// swap exchanges a node with its aunt. Only the parent's box and count change:
// the points below the grandparent remain the same.
func (h *perch) swap(n, aunt int32) {
	parent, grandparent := h.nodes[n].parent, h.nodes[aunt].parent
	h.relink(parent, n, aunt)
	h.relink(grandparent, aunt, n)
	h.nodes[n].parent, h.nodes[aunt].parent = grandparent, parent
	h.nodes[parent].count += h.nodes[aunt].count - h.nodes[n].count
	h.refresh(parent)
}

// crowded is the leaf that going down to the child of more points leads to.
func (h *perch) crowded() int32 {
	n := h.root
	for !h.isLeaf(n) {
		left, right := h.nodes[n].left, h.nodes[n].right
		n = left
		if h.nodes[right].count > h.nodes[left].count {
			n = right
		}
	}
	return n
}
