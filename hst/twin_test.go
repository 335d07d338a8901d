package hst

import (
	"fmt"
	"maps"
	"slices"
)

// twin is the slow obvious Half-Space Trees: one heap object a node, masses
// cleared eagerly, features in maps, no trick of any kind. It shares the generator
// with the package (which mt19937_test.go checks against CPython) and nothing else.
type twin struct {
	cfg     Config
	trees   []*twinNode
	counter int
	first   bool
}

type twinNode struct {
	left, right *twinNode // nil in a leaf
	feature     string
	threshold   float64
	rMass       int
	lMass       int
}

type twinRange struct{ low, high float64 }

func newTwin(cfg Config, features []string) *twin {
	w := &twin{cfg: cfg, first: true}
	rng := newMT19937(cfg.Seed)
	names := slices.Sorted(slices.Values(features))
	for range cfg.Trees {
		space := map[string]twinRange{}
		for _, name := range names {
			low, high := cfg.limits(name)
			if cfg.Variant == VariantTan2011 {
				low, high = twinWorkRange(rng, low, high)
			}
			space[name] = twinRange{low, high}
		}
		w.trees = append(w.trees, growTwin(cfg, rng, names, space, cfg.Height))
	}
	return w
}

func twinWorkRange(rng *mt19937, low, high float64) (float64, float64) {
	s := rng.float64()
	reach := 2 * s
	if 1-s > s {
		reach = 2 * (1 - s)
	}
	return low + float64((s-reach)*(high-low)), low + float64((s+reach)*(high-low))
}

func growTwin(cfg Config, rng *mt19937, names []string, space map[string]twinRange, height int) *twinNode {
	if height == 0 {
		return &twinNode{}
	}
	n := &twinNode{}
	if cfg.Variant == VariantTan2011 {
		n.feature = names[int(float64(rng.float64()*float64(len(names))))]
		r := space[n.feature]
		n.threshold = r.low + float64((r.high-r.low)/2)
	} else {
		n.feature = twinChoice(rng, names, space)
		r := space[n.feature]
		from := r.low + float64(0.15*(r.high-r.low))
		to := r.high - float64(0.15*(r.high-r.low))
		n.threshold = from + float64((to-from)*rng.float64())
	}
	below, above := maps.Clone(space), maps.Clone(space)
	below[n.feature] = twinRange{space[n.feature].low, n.threshold}
	above[n.feature] = twinRange{n.threshold, space[n.feature].high}
	n.left = growTwin(cfg, rng, names, below, height-1)
	n.right = growTwin(cfg, rng, names, above, height-1)
	return n
}

// twinChoice draws a name by width: the first whose cumulative width exceeds the
// draw, the last if rounding leaves none.
func twinChoice(rng *mt19937, names []string, space map[string]twinRange) string {
	total := 0.0
	for _, name := range names {
		total += space[name].high - space[name].low
	}
	draw, sum := float64(rng.float64()*total), 0.0
	for _, name := range names[:len(names)-1] {
		if sum += space[name].high - space[name].low; draw < sum {
			return name
		}
	}
	return names[len(names)-1]
}

func (n *twinNode) next(x map[string]float64) *twinNode {
	value, ok := x[n.feature]
	switch {
	case !ok && n.left.lMass < n.right.lMass:
		return n.right
	case !ok, value < n.threshold:
		return n.left
	}
	return n.right
}

func (w *twin) learn(x map[string]float64) {
	for _, root := range w.trees {
		for n := root; ; n = n.next(x) {
			n.lMass++
			if n.left == nil {
				break
			}
		}
	}
	if w.counter++; w.counter == w.cfg.Window {
		w.counter, w.first = 0, false
		for _, root := range w.trees {
			root.each(func(n *twinNode) { n.rMass, n.lMass = n.lMass, 0 })
		}
	}
}

// each visits in pre-order.
func (n *twinNode) each(visit func(*twinNode)) {
	visit(n)
	if n.left != nil {
		n.left.each(visit)
		n.right.each(visit)
	}
}

func (w *twin) score(x map[string]float64) float64 {
	if w.first {
		return 0
	}
	limit, sum, largest := 0.1*float64(w.cfg.Window), 0.0, 0.0
	for _, root := range w.trees {
		for n, depth := root, 1.0; ; n, depth = n.next(x), 2*depth {
			r := float64(n.rMass)
			small := r < limit
			if w.cfg.Variant == VariantTan2011 {
				small = r <= limit
			}
			if w.cfg.Variant == VariantRiver || small || n.left == nil {
				sum += float64(r * depth)
			}
			if small || n.left == nil {
				break
			}
		}
	}
	for depth, weight := 0, 1.0; depth <= w.cfg.Height; depth, weight = depth+1, 2*weight {
		if w.cfg.Variant == VariantRiver || depth == w.cfg.Height {
			largest += float64(float64(w.cfg.Trees*w.cfg.Window) * weight)
		}
	}
	return 1 - sum/largest
}

// diff describes the first difference between the masses and splits of the twin
// and of a forest; "" if there is none.
func (w *twin) diff(f *Forest) string {
	for t, root := range w.trees {
		var nodes []*twinNode
		root.each(func(n *twinNode) { nodes = append(nodes, n) })
		k, found := 0, ""
		preorder(f.perTree, func(i int) {
			n := nodes[k]
			k++
			if r, l := f.Masses(t, i); found == "" && (r != n.rMass || l != n.lMass) {
				found = fmt.Sprintf("tree %d node %d: masses r=%d l=%d, twin has r=%d l=%d", t, i, r, l, n.rMass, n.lMass)
			}
			if n.left == nil || found != "" {
				return
			}
			if on, at := f.Branch(t, i); f.features[on] != n.feature || at != n.threshold {
				found = fmt.Sprintf("tree %d branch %d: %s < %v, twin has %s < %v", t, i, f.features[on], at, n.feature, n.threshold)
			}
		})
		if found != "" {
			return found
		}
	}
	return ""
}
