package hst

import "math"

// Mass is the score before it is normalised: summed over the trees, the reference
// mass r at depth k (root 0) weighs r*2^k, along the path down to and including
// the terminal node under VariantRiver, at the terminal node only under
// VariantTan2011. Terminal is the first node with little mass (r < 0.1 Window,
// paper: r <= 0.1 Window) or else a leaf. High means normal. 0 in the first window.
//
// It panics when x does not have one value a feature. Cost: as Score.
func (f *Forest) Mass(x []float64, missing Missing) (sum uint64) {
	missing = f.fit(x, missing)
	if !f.ready {
		return 0
	}
	for at := 0; at < len(f.nodes); at += f.perTree {
		tree := f.nodes[at:][:f.perTree]
		var mass uint64
		for i, depth := 0, 0; ; depth++ {
			r := tree[i].past(f.epoch)
			mass = mass&f.keep + uint64(r)<<depth
			if r < f.stop || i >= f.branches {
				break
			}
			i = step(tree, i, x, missing, f.epoch)
		}
		sum += mass
	}
	return sum
}

// step is the node that a walk goes to from branch i. A missing value goes where
// the current window went more often, to the left on a tie: River's rule, in
// scoring too. It must stay small enough for the compiler to inline.
func step(tree []node, i int, x []float64, missing Missing, now uint32) int {
	n := &tree[i]
	i = 2*i + 2
	if missing[n.feature] {
		if tree[i-1].current(now) >= tree[i].current(now) {
			i--
		}
	} else if x[n.feature] < n.threshold {
		i--
	}
	return i
}

// Score says how anomalous x is, from 0 (all mass of the reference window went
// where x goes) to 1 (none did): 1 - Mass / the largest possible mass. It is 0 in
// the first window, when [Forest.Ready] is false.
//
// It panics when x does not have one value a feature.
func (f *Forest) Score(x []float64, missing Missing) float64 {
	if !f.ready {
		f.fit(x, missing)
		return 0
	}
	return f.normalise(f.Mass(x, missing))
}

func (f *Forest) normalise(sum uint64) float64 { return 1 - float64(sum)/f.scale }

// Learn counts x in the current window; with the last observation of a window,
// the window becomes the reference.
//
// It panics when x does not have one value a feature.
func (f *Forest) Learn(x []float64, missing Missing) { f.scoreLearn(x, missing) }

// ScoreLearn is Score and then Learn of the same x, in one walk: the order of the
// paper and of test-then-train evaluation.
//
// It panics when x does not have one value a feature.
func (f *Forest) ScoreLearn(x []float64, missing Missing) float64 {
	ready := f.ready
	sum := f.scoreLearn(x, missing)
	if !ready {
		return 0
	}
	return f.normalise(sum)
}

// LearnScore is Learn and then Score of the same x, the order of the SCALE paper.
// It is one walk unless x is the last of its window: what x adds to a child's mass
// makes a missing value turn to that child again, so both ways are the same.
//
// It panics when x does not have one value a feature.
func (f *Forest) LearnScore(x []float64, missing Missing) float64 {
	if f.counter+1 < f.cfg.Window {
		return f.ScoreLearn(x, missing)
	}
	f.Learn(x, missing)
	return f.Score(x, missing)
}

// scoreLearn counts x and returns its mass as it was before. A step reads the
// children's masses before either is touched, so that scoring and learning take
// the same way.
func (f *Forest) scoreLearn(x []float64, missing Missing) (sum uint64) {
	missing = f.fit(x, missing)
	for at := 0; at < len(f.nodes); at += f.perTree {
		tree := f.nodes[at:][:f.perTree]
		var mass uint64
		i, depth := 0, 0
		for ; ; depth++ { // both
			r := tree[i].add(f.epoch)
			mass = mass&f.keep + uint64(r)<<depth
			if r < f.stop || i >= f.branches {
				break
			}
			i = step(tree, i, x, missing, f.epoch)
		}
		for i < f.branches { // only learning
			i = step(tree, i, x, missing, f.epoch)
			tree[i].add(f.epoch)
		}
		sum += mass
	}
	f.learned++
	if f.counter++; f.counter == f.cfg.Window {
		f.pivot()
	}
	return sum
}

// add counts one more observation in window now and returns the reference mass.
func (n *node) add(now uint32) (reference uint32) {
	if n.epoch == now {
		n.latest++
		return n.reference
	}
	reference = n.past(now)
	n.epoch, n.latest, n.reference = now, 1, reference
	return reference
}

// pivot closes the window: its masses become the reference. Nodes learn of it
// when they are next visited. Cost: constant, but for one sweep over all nodes
// every 2^32 windows, when their numbers start again.
func (f *Forest) pivot() {
	f.counter, f.ready = 0, true
	if f.epoch == math.MaxUint32 {
		f.renumber()
	}
	f.epoch++
}

// renumber makes the current window number 1.
func (f *Forest) renumber() {
	for i := range f.nodes {
		n := &f.nodes[i]
		n.reference, n.latest = n.past(f.epoch), n.current(f.epoch)
		n.epoch = 1
	}
	f.epoch = 1
}
