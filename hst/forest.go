package hst

import (
	"fmt"
	"math"
	"unsafe"
)

// node is one node of one tree: 24 bytes, so that what a step of a walk reads and
// writes lies together. Leaves use the masses only.
//
// Masses are lazy. latest counts the window numbered epoch and reference the one
// before it; a reader in a later window knows what they have become (see masses),
// so that closing a window touches no node.
type node struct {
	threshold float64
	feature   uint32
	epoch     uint32
	latest    uint32
	reference uint32
}

const nodeBytes = int64(unsafe.Sizeof(node{}))

// current is the latest mass as of window now.
func (n *node) current(now uint32) uint32 {
	if n.epoch == now {
		return n.latest
	}
	return 0
}

// past is the reference mass as of window now.
func (n *node) past(now uint32) uint32 {
	switch now - n.epoch {
	case 0:
		return n.reference
	case 1:
		return n.latest
	}
	return 0
}

// Forest is Half-Space Trees over a fixed list of features, in one flat array
// without pointers. It holds no lock: not safe for concurrent use, except that
// calls of Score and Mass may run together while nothing learns.
//
// Memory: 24 bytes a node, Trees * (2^(Height+1)-1) nodes: 123 kB for 10 trees of
// height 8, 39 MB for 25 of height 15, 2.5 MB for 50 of height 10. It does not
// grow. Time: Learn visits Height+1 nodes a tree, Score stops at the first node
// with little mass; neither allocates. See the package documentation for numbers.
type Forest struct {
	cfg      Config
	features []string
	none     Missing // of a vector that has every value
	nodes    []node  // tree after tree, each in heap order
	perTree  int     // nodes a tree
	branches int     // of them branches
	stop     uint32  // a scoring walk ends at a node with less reference mass
	keep     uint64  // all ones: a walk adds up its path; zero: only the terminal node
	scale    float64
	epoch    uint32 // number of the current window, from 1
	counter  int    // observations in the current window
	ready    bool   // the first window is over
	learned  uint64
}

// NewForest grows a forest. features name the components of the vectors that it
// will see; they are strictly ascending, because their order decides the trees.
//
// It errs when cfg is invalid, when features are empty, repeated or not sorted,
// and when their limits leave nothing to split. Cost: about 50 ns a branch with
// two features, and a quarter more than the forest's memory while it grows.
func NewForest(cfg Config, features []string) (*Forest, error) {
	s, err := grow(cfg, features)
	if err != nil {
		return nil, err
	}
	f := &Forest{cfg: cfg.clone(), features: s.keys, none: NewMissing(len(s.keys)), epoch: 1, branches: s.branches, perTree: 2*s.branches + 1}
	f.stop, f.keep, f.scale = cfg.scoring()
	f.nodes = make([]node, cfg.Trees*f.perTree)
	for t := range cfg.Trees {
		for i := range s.branches {
			n := &f.nodes[t*f.perTree+i]
			n.threshold, n.feature = s.threshold[t*s.branches+i], s.feature[t*s.branches+i]
		}
	}
	return f, nil
}

// scoring turns the variant's rules into numbers: both stop on an integer
// comparison, r < 0.1 W (River) and r <= 0.1 W (paper).
func (c Config) scoring() (stop uint32, keep uint64, scale float64) {
	limit := 0.1 * float64(c.Window)
	if c.Variant == VariantTan2011 {
		return uint32(math.Floor(limit)) + 1, 0, float64(uint64(c.Trees) * uint64(c.Window) << c.Height)
	}
	return uint32(math.Ceil(limit)), math.MaxUint64, float64(c.maxSum())
}

// Missing says which components of a vector have no value: one bool a feature. nil
// means that none is missing. NaN is a value, not a missing one: it is not below
// any threshold and goes right.
type Missing []bool

// NewMissing is a Missing for n features, with none missing.
func NewMissing(n int) Missing { return make(Missing, n) }

// Set says that component i has no value.
func (m Missing) Set(i int) { m[i] = true }

// Clear says that component i has a value.
func (m Missing) Clear(i int) { m[i] = false }

// fit panics when a vector does not fit the forest. It turns nil into a Missing.
func (f *Forest) fit(x []float64, missing Missing) Missing {
	if missing == nil {
		missing = f.none
	}
	if len(x) != len(f.features) || len(missing) != len(f.features) {
		panic(fmt.Sprintf("hst: a vector of %d values and a Missing of %d for a forest of %d features", len(x), len(missing), len(f.features)))
	}
	return missing
}

// tree is the nodes of tree t.
func (f *Forest) tree(t int) []node { return f.nodes[t*f.perTree:][:f.perTree] }

// Ready says whether the first window is over. Until then Score is 0 and means
// nothing.
func (f *Forest) Ready() bool { return f.ready }

// Learned is how many observations the forest has learnt.
func (f *Forest) Learned() uint64 { return f.learned }

// Features are the names of the components, ascending. The caller must not
// change them.
func (f *Forest) Features() []string { return f.features }

// Config is what the forest was grown from. The caller must not change Limits.
func (f *Forest) Config() Config { return f.cfg }

// Branch is the split of branch i of tree t, in heap order: its children are 2i+1
// (values below threshold) and 2i+2, and nodes from 2^Height-1 on are leaves.
// It panics when there is no such branch.
func (f *Forest) Branch(t, i int) (feature int, threshold float64) {
	n := &f.tree(t)[:f.branches][i]
	return int(n.feature), n.threshold
}

// Masses are River's r_mass and l_mass of node i of tree t, in heap order: how
// many observations of the last full window and of the current one passed it.
// It panics when there is no such node.
func (f *Forest) Masses(t, i int) (reference, latest int) {
	n := &f.tree(t)[i]
	return int(n.past(f.epoch)), int(n.current(f.epoch))
}

// MemoryBytes is the size of the flat array, all but a few hundred bytes of the
// forest.
func (f *Forest) MemoryBytes() int64 { return f.cfg.memoryBytes() }
