package tracesamplers

// point is a vector that trees share. Its slice grows with the space.
type point struct {
	x    []float64
	dims []int32 // dimensions that it holds a reference to
}

// boxTree is a binary tree over points whose every node knows its bounding box and
// how many points, equal ones included, are below. Sieve's random cut trees and the
// hierarchical clustering are made of it.
type boxTree struct {
	nodes []boxNode
	free  []int32
	root  int32 // -1: empty
}

type boxNode struct {
	parent, left, right int32 // -1: none; a leaf has no children
	count               int32
	dim                 int32   // of the cut, in random cut trees
	cut                 float64 // x[dim] <= cut is left
	point               *point  // of a leaf
	lo, hi              []float64
}

func newBoxTree() boxTree { return boxTree{root: -1} }

func (t *boxTree) isLeaf(n int32) bool { return t.nodes[n].left < 0 }

// box is the bounding box of the points below n.
func (t *boxTree) box(n int32) (lo, hi []float64) {
	if p := t.nodes[n].point; p != nil {
		return p.x, p.x
	}
	return t.nodes[n].lo, t.nodes[n].hi
}

func (t *boxTree) sibling(n int32) int32 {
	p := &t.nodes[t.nodes[n].parent]
	if p.left == n {
		return p.right
	}
	return p.left
}

// allocate makes a node; box slices of freed ones are used again.
func (t *boxTree) allocate() int32 {
	if n := len(t.free); n > 0 {
		i := t.free[n-1]
		t.free = t.free[:n-1]
		return i
	}
	t.nodes = append(t.nodes, boxNode{})
	return int32(len(t.nodes) - 1)
}

func (t *boxTree) newLeaf(p *point) int32 {
	i := t.allocate()
	n := &t.nodes[i]
	n.parent, n.left, n.right, n.count, n.point = -1, -1, -1, 1, p
	return i
}

// attach makes a leaf of p beside node at, below a new branch in at's place, and
// returns both. at is -1 in an empty tree; there is then no branch.
func (t *boxTree) attach(at int32, p *point, left bool) (leaf, branch int32) {
	leaf = t.newLeaf(p)
	if at < 0 {
		t.root = leaf
		return leaf, -1
	}
	branch = t.allocate()
	b := &t.nodes[branch]
	b.parent, b.point = t.nodes[at].parent, nil
	b.left, b.right = at, leaf
	if left {
		b.left, b.right = leaf, at
	}
	t.relink(b.parent, at, branch)
	t.nodes[at].parent, t.nodes[leaf].parent = branch, branch
	t.refresh(branch)
	t.nodes[branch].count = t.nodes[at].count + 1
	t.refreshUp(t.nodes[branch].parent)
	return leaf, branch
}

// relink makes to the child of parent that from was.
func (t *boxTree) relink(parent, from, to int32) {
	switch {
	case parent < 0:
		t.root = to
	case t.nodes[parent].left == from:
		t.nodes[parent].left = to
	default:
		t.nodes[parent].right = to
	}
}

// add counts one more, or with -1 one less, point at a leaf.
func (t *boxTree) add(leaf, by int32) {
	for n := leaf; n >= 0; n = t.nodes[n].parent {
		t.nodes[n].count += by
	}
}

// detach removes a leaf with all its copies, and the branch above.
func (t *boxTree) detach(leaf int32) {
	branch := t.nodes[leaf].parent
	t.release(leaf)
	if branch < 0 {
		t.root = -1
		return
	}
	sibling, above := t.sibling(leaf), t.nodes[branch].parent
	t.relink(above, branch, sibling)
	t.nodes[sibling].parent = above
	t.release(branch)
	t.refreshUp(above)
}

func (t *boxTree) release(n int32) {
	t.nodes[n].point = nil
	t.free = append(t.free, n)
}

// refreshUp recomputes counts and boxes from n to the root. Above a box that stays
// as it was, no box changes.
func (t *boxTree) refreshUp(n int32) {
	for changed := true; n >= 0; n = t.nodes[n].parent {
		b := &t.nodes[n]
		b.count = t.nodes[b.left].count + t.nodes[b.right].count
		changed = changed && t.refresh(n)
	}
}

// refresh recomputes the box of a branch from its children.
func (t *boxTree) refresh(i int32) (changed bool) {
	n := &t.nodes[i]
	alo, ahi := t.box(n.left)
	blo, bhi := t.box(n.right)
	if len(n.lo) != len(alo) {
		n.lo, n.hi, changed = resize(n.lo, len(alo)), resize(n.hi, len(alo)), true
	}
	lo, hi := n.lo, n.hi
	for d := range alo {
		l, h := alo[d], ahi[d]
		if blo[d] < l {
			l = blo[d]
		}
		if bhi[d] > h {
			h = bhi[d]
		}
		changed = changed || l != lo[d] || h != hi[d]
		lo[d], hi[d] = l, h
	}
	return changed
}

// grow gives points and boxes below n dims dimensions; the new ones are absent in
// all points. n is -1 in an empty tree.
func (t *boxTree) grow(n int32, dims int, absent float64) {
	if n < 0 {
		return
	}
	b := &t.nodes[n]
	if b.point != nil {
		b.point.x = pad(b.point.x, dims, absent)
		return
	}
	b.lo, b.hi = pad(b.lo, dims, absent), pad(b.hi, dims, absent)
	t.grow(b.left, dims, absent)
	t.grow(b.right, dims, absent)
}

// depth is the number of branches above n.
func (t *boxTree) depth(n int32) int {
	d := 0
	for n = t.nodes[n].parent; n >= 0; n = t.nodes[n].parent {
		d++
	}
	return d
}

func pad(x []float64, n int, with float64) []float64 {
	for len(x) < n {
		x = append(x, with)
	}
	return x
}
