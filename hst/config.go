package hst

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
)

// These bound a forest, so that a mistyped configuration is an error and not an
// allocation of the whole machine or an hour of growing. At MaxNodes the nodes
// take 3 GiB.
const (
	MaxHeight = 25
	MaxNodes  = 1 << 27 // Trees * 2^(Height+1)
	MaxWindow = math.MaxInt32
	MaxWidths = 1 << 34 // branches * features; River draws each branch from all widths
)

// Variant is which published Half-Space-Trees algorithm a forest follows.
type Variant uint8

const (
	// VariantRiver is online-ml/river 0.21 and later, bit for bit: random splits in the
	// middle 70 % of a range, feature drawn by the width of its range, mass summed
	// along the path. What the SCALE paper ran.
	VariantRiver Variant = iota
	// VariantTan2011 is Tan, Ting and Liu, "Fast Anomaly Detection for Streaming Data",
	// IJCAI 2011: splits at the midpoint of a random work range, mass of the
	// terminal node only.
	VariantTan2011
	numVariants
)

var variantNames = [numVariants]string{"river", "tan2011"}

// String is "river" or "tan2011".
func (v Variant) String() string {
	if v >= numVariants {
		return fmt.Sprintf("variant(%d)", uint8(v))
	}
	return variantNames[v]
}

// ParseVariant is the inverse of String.
func ParseVariant(s string) (Variant, error) {
	if i := slices.Index(variantNames[:], s); i >= 0 {
		return Variant(i), nil
	}
	return 0, fmt.Errorf("hst: variant %q: want river or tan2011", clip(s, 40))
}

// Config is what a forest is grown from. Two forests of the same Config and the
// same features are equal to the last bit on every machine.
type Config struct {
	// Trees is how many trees vote, at least 1. More trees smooth the score; time
	// and memory grow in proportion. The first n trees do not depend on Trees.
	Trees int
	// Height is the depth of every leaf, 1 to MaxHeight. Each level halves the cells
	// and doubles the memory: a tree has 2^(Height+1)-1 nodes.
	Height int
	// Window is how many observations make one mass profile, 1 to MaxWindow. Longer
	// windows give steadier scores and react later to drift; nothing is scored in
	// the first one.
	Window int
	// Seed is the seed of the generator that grows the trees.
	Seed Seed
	// Limits are the range [low, high] that each feature is expected in; a feature
	// that is not listed has [0, 1]. Values outside are no error: they fall in the
	// outermost cells. Limits of features that the forest does not have are ignored.
	Limits map[string][2]float64
	// Variant is the algorithm.
	Variant Variant
}

// DefaultConfig is River's default: 10 trees of height 8, windows of 250.
func DefaultConfig(seed Seed) Config {
	return Config{Trees: 10, Height: 8, Window: 250, Seed: seed}
}

// Validate checks every field and names those that are out of range, with the
// range.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("hst: "+format, args...)) }
	if c.Trees < 1 || c.Trees > MaxNodes {
		bad("Trees is %d: want 1 to %d", c.Trees, MaxNodes)
	}
	if c.Height < 1 || c.Height > MaxHeight {
		bad("Height is %d: want 1 to %d", c.Height, MaxHeight)
	}
	if c.Window < 1 || c.Window > MaxWindow {
		bad("Window is %d: want 1 to %d", c.Window, MaxWindow)
	}
	if c.Variant >= numVariants {
		bad("Variant is %d: want VariantRiver (0) or VariantTan2011 (1)", c.Variant)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Limits)) {
		if l := c.Limits[name]; !(l[0] <= l[1]) || math.IsInf(l[1]-l[0], 0) {
			bad("Limits[%q] is [%v, %v]: want finite low <= high", clip(name, 40), l[0], l[1])
		}
	}
	if errs == nil {
		errs = append(errs, c.checkSize())
	}
	return errors.Join(errs...)
}

// checkSize bounds the products of fields that are each in range.
func (c Config) checkSize() error {
	if n := uint64(c.Trees) << (c.Height + 1); n > MaxNodes {
		return fmt.Errorf("hst: Trees %d * 2^(Height %d + 1) is %d: want at most MaxNodes, %d", c.Trees, c.Height, n, MaxNodes)
	}
	if m := c.maxSum(); m > 1<<53 {
		return fmt.Errorf("hst: Trees %d * Window %d * (2^(Height %d + 1) - 1) is %d: want at most 2^53, beyond which a score is not exact",
			c.Trees, c.Window, c.Height, m)
	}
	return nil
}

// maxSum is the largest mass sum an observation can have under River, which is
// what River normalises by.
func (c Config) maxSum() uint64 {
	return uint64(c.Trees) * uint64(c.Window) * (1<<(c.Height+1) - 1)
}

// limits is the range of a feature.
func (c Config) limits(feature string) (low, high float64) {
	if l, ok := c.Limits[feature]; ok {
		return l[0], l[1]
	}
	return 0, 1
}

// clone is a copy that shares nothing with c.
func (c Config) clone() Config {
	c.Limits = maps.Clone(c.Limits)
	return c
}

// memoryBytes is the size of the forest's flat array. c is valid.
func (c Config) memoryBytes() int64 {
	return int64(c.Trees) * (1<<(c.Height+1) - 1) * nodeBytes
}
