package hst

import (
	"fmt"
	"math"
	"slices"
)

// padding keeps River's splits out of the outer 15 % of a range on either side.
const padding = 0.15

// splits are the branches of all trees in two flat arrays, both in heap order:
// branch i of tree t is at [t*branches+i], its children are nodes 2i+1 (values
// below the threshold) and 2i+2 (all others, NaN included), and nodes from
// branches on are leaves. All a walk needs, and all that two forests differ in.
type splits struct {
	keys      []string // the features, ascending; feature[] indexes it
	trees     int
	height    int
	branches  int // a tree, 2^height - 1
	threshold []float64
	feature   []uint32
}

// grow draws the trees for the features of observation 0. keys are strictly
// ascending (byte order, which is Python's order of str); one is enough, and with
// one every feature[i] is 0.
//
// One generator serves all trees, and each branch in pre-order takes two draws,
// the feature and then the threshold, even where there is only one feature to
// choose. That fixes the trees to the last bit, and makes the first n trees the
// same for every Trees.
//
// It errs when cfg is invalid, when keys are empty, repeated, out of order or too
// many (MaxWidths), and when the limits leave nothing to split. Cost: about 50 ns
// a branch with two features, growing with their number, and 12 bytes a branch.
func grow(cfg Config, keys []string) (*splits, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := checkKeys(keys); err != nil {
		return nil, err
	}
	branches := 1<<cfg.Height - 1
	if widths := uint64(cfg.Trees*branches) * uint64(len(keys)); widths > MaxWidths {
		return nil, fmt.Errorf("hst: %d branches over %d features: want a product of at most %d; use fewer features, trees or levels",
			cfg.Trees*branches, len(keys), uint64(MaxWidths))
	}
	s := &splits{
		keys: slices.Clone(keys), trees: cfg.Trees, height: cfg.Height, branches: branches,
		threshold: make([]float64, cfg.Trees*branches),
		feature:   make([]uint32, cfg.Trees*branches),
	}
	g := newGrower(cfg, keys)
	for t := range cfg.Trees {
		g.begin(t*branches, s)
		if err := g.branch(0); err != nil {
			return nil, fmt.Errorf("hst: growing tree %d of %d: %w", t+1, cfg.Trees, err)
		}
	}
	return s, nil
}

func checkKeys(keys []string) error {
	if len(keys) == 0 {
		return fmt.Errorf("hst: no features: a forest is grown from the features of its first observation, which has none")
	}
	for i := 1; i < len(keys); i++ {
		if keys[i-1] >= keys[i] {
			return fmt.Errorf("hst: feature %q after %q: want features sorted and without repeats",
				clip(keys[i], 40), clip(keys[i-1], 40))
		}
	}
	return nil
}

// grower walks one tree after the other in pre-order and holds the part of the
// feature space that the current node covers.
type grower struct {
	rng       *mt19937
	variant   Variant
	low, high []float64 // of the current node, by feature
	base      [2][]float64
	weights   []float64 // scratch: cumulative widths
	threshold []float64 // of the current tree
	feature   []uint32
}

func newGrower(cfg Config, keys []string) *grower {
	n := len(keys)
	g := &grower{rng: newMT19937(cfg.Seed), variant: cfg.Variant}
	g.low, g.high, g.weights = make([]float64, n), make([]float64, n), make([]float64, n)
	for i, k := range keys {
		g.low[i], g.high[i] = cfg.limits(k)
	}
	g.base = [2][]float64{slices.Clone(g.low), slices.Clone(g.high)}
	return g
}

// begin makes the tree at offset at of s the current one.
func (g *grower) begin(at int, s *splits) {
	g.threshold = s.threshold[at : at+s.branches]
	g.feature = s.feature[at : at+s.branches]
	if g.variant == VariantTan2011 {
		g.drawWorkRange()
	}
}

// drawWorkRange is the paper's "Initialising the workspace": for each feature s
// uniform in [0, 1) and the range s ± 2 max(s, 1-s), here in units of the limits.
func (g *grower) drawWorkRange() {
	for i := range g.low {
		low, width := g.base[0][i], g.base[1][i]-g.base[0][i]
		s := g.rng.float64()
		half := float64(2 * max(s, 1-s))
		g.low[i] = low + float64((s-half)*width)
		g.high[i] = low + float64((s+half)*width)
	}
}

// branch grows node i of the current tree and everything below it.
func (g *grower) branch(i int) error {
	if i >= len(g.threshold) {
		return nil
	}
	on, at, err := g.split()
	if err != nil {
		return err
	}
	g.feature[i], g.threshold[i] = uint32(on), at
	low, high := g.low[on], g.high[on]
	g.high[on] = at
	if err := g.branch(2*i + 1); err != nil {
		return err
	}
	g.low[on], g.high[on] = at, high
	if err := g.branch(2*i + 2); err != nil {
		return err
	}
	g.low[on] = low
	return nil
}

// split draws the feature and the threshold of one branch.
func (g *grower) split() (on int, at float64, err error) {
	if g.variant == VariantTan2011 {
		on = int(float64(g.rng.float64() * float64(len(g.low))))
		// The conversion matters: compilers turn /2 into *0.5 and fuse that, too.
		return on, g.low[on] + float64((g.high[on]-g.low[on])/2), nil
	}
	total := 0.0
	for i := range g.low {
		total += g.high[i] - g.low[i]
		g.weights[i] = total
	}
	if !(total > 0) || math.IsInf(total, 1) {
		return 0, 0, fmt.Errorf("the limits of its features leave a total width of %v: want limits with low < high, and a finite total", total)
	}
	on = g.rng.weighted(g.weights)
	a, b := g.low[on], g.high[on]
	margin := float64(padding * (b - a))
	return on, g.rng.uniform(a+margin, b-margin), nil
}

// preorder calls visit with the heap index of every node of a tree of the given
// number of nodes, parents before children and left before right: the order in
// which River draws its branches and lists its nodes.
func preorder(nodes int, visit func(i int)) {
	var walk func(i int)
	walk = func(i int) {
		if i < nodes {
			visit(i)
			walk(2*i + 1)
			walk(2*i + 2)
		}
	}
	walk(0)
}
