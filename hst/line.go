package hst

import (
	"fmt"
	"slices"
)

// Line is the River mode on one number, a duration for instance: the scores of a
// [Forest] with that one feature, to the last bit, ten to sixty times faster.
//
// It walks no tree for a span. A walk goes on only through nodes that hold a tenth
// of the reference window, so at most ten nodes a level are live in a tree, and the
// score is a step function of the number with some hundred steps whatever the
// forest's size. A Line
//
//  1. keeps those steps as one sorted table with an index on the top bits of the
//     float (line_table.go), so that a score is a lookup;
//  2. learns by appending to a buffer, because masses matter only once the window
//     is full;
//  3. then, at the pivot, sorts the window, expands the live nodes of all trees level
//     by level, and sums the steps they make (line_build.go, line_sort.go).
//
// NaN and +Inf go right in every branch and a value equal to a threshold goes right
// of it, as in the walk. The first window scores 0. No call allocates once two
// windows have passed.
//
// # Cost
//
// ns a span on one core of a shared x86-64 server with 2 MB of second-level cache,
// durations log-normal around 50 ms with a deviation of 1, limits 0 to 10 s; the
// fastest of a dozen runs. River 0.22 on such a machine at W=250, in µs, beside it.
// BenchTable measures the same elsewhere.
//
//	trees/height  Score   Learn and Score          River   Flag
//	              W=250   W=250  W=1000  W=5000            FlagTable
//	10/8            3.7      26      17      14    68-78     1.9
//	25/15           3.8      72      28      17    4 003     1.9
//	50/10           3.7     109      38      19      586     1.9
//
// Nearly all of learning is the pivot: 5, 17 and 26 µs at the end of each window of
// 250. A stream of zeros, constants, far outliers or NaN costs the same. Where limits
// cross zero the index is linear and not logarithmic, and the time is up to a fourth
// more. A [Batch] takes the same a core, and two cores take just over half.
//
// # Memory
//
// 8 bytes a branch, Trees * (2^Height-1) of them, which Clone and Derive share; about
// 44 bytes an observation of Window; and at most 80 for each of up to 10 * Trees *
// Height steps. 25/15 at W=250 is 6.7 MB, measured (TestLineMemory); 10/8 is 70 kB.
//
// A Line is not safe for concurrent use, except that calls of Score may run together
// while nothing learns.
//
// # Trees that split other features, too
//
// The paper's sampler grows its trees over a one-hot key and the duration, and as
// printed it sets the key on the first observation only. A branch on the key then
// sends everything one way: in the first window right, where the first observation
// went, if that passed the branch, and left on a tie of zero masses if not; from
// the second window on left. So one number still decides, and [Sampler] uses a Line
// with such branches forced.
type Line struct {
	trees   *lineTrees
	builder *lineBuilder
	table   lineTable
	filling []uint64 // keys learned since the last pivot
	last    []uint64 // keys of the reference window, in the order they were learned
	windows int64    // full windows so far
}

// nsPerMS turns the nanoseconds of a span into the paper's unit.
const nsPerMS = 1e6

// NewLine grows the trees of cfg for one feature of the given name, which picks the
// limits. It errs when cfg is invalid, its Variant is not VariantRiver, or the limits
// leave nothing to split. Cost: about 25 ns a branch.
func NewLine(cfg Config, feature string) (*Line, error) {
	trees, err := newLineTrees(cfg, []string{feature}, 0)
	if err != nil {
		return nil, err
	}
	return newLine(trees), nil
}

func newLine(trees *lineTrees) *Line {
	l := &Line{trees: trees, builder: newLineBuilder(trees)}
	l.table.reset()
	return l
}

// Score says how anomalous x is, 0 to 1, high where there was little mass: exactly
// [Forest.Score]. It is 0 in the first window, when [Line.Ready] is false. x may be
// any float64.
func (l *Line) Score(x float64) float64 { return l.table.score(x) }

// Learn counts x in the current window; with the last of a window, the window
// becomes the reference.
func (l *Line) Learn(x float64) {
	l.filling = append(l.filling, orderKey(x))
	if len(l.filling) == l.trees.cfg.Window {
		l.pivot()
	}
}

// pivot makes the full window the reference.
func (l *Line) pivot() {
	l.builder.build(&l.table, l.filling, l.windows == 0)
	l.windows++
	l.filling, l.last = l.last[:0], l.filling
}

// Ready says whether the first window is over. Until then every score is 0.
func (l *Line) Ready() bool { return l.windows > 0 }

// Learned is how many observations the model has learned.
func (l *Line) Learned() int64 {
	return l.windows*int64(l.trees.cfg.Window) + int64(len(l.filling))
}

// MemoryBytes is what the model takes once a few windows have passed, tree
// thresholds for the most part; see the formula at [Line].
func (l *Line) MemoryBytes() int64 { return lineBytes(l.trees.cfg) }

// lineBytes bounds the memory of a Line.
func lineBytes(cfg Config) int64 {
	borders, live := cfg.lineBounds()
	thresholds := 8 * cfg.Trees * (1<<cfg.Height - 1)
	windows := (8*3+4)*cfg.Window + 4*powerOfTwo(2*cfg.Window)
	table := (16*3+4)*borders + 4*powerOfTwo(3*borders)
	return int64(thresholds) + int64(windows) + int64(table) + 2*20*int64(live)
}

// Derive is a Line that has learned nothing, with the first trees of l's trees and
// windows of its own. It is what NewLine makes of such a configuration, but shares
// the thresholds with l: a search over numbers of trees and windows grows them once.
// It errs when trees is not 1 to l's number, or the window is out of range.
func (l *Line) Derive(trees, window int) (*Line, error) {
	lt := *l.trees
	if trees > lt.cfg.Trees {
		return nil, fmt.Errorf("hst: deriving %d trees from a Line of %d: want at most as many", trees, lt.cfg.Trees)
	}
	lt.cfg.Trees, lt.cfg.Window = trees, window
	if err := lt.cfg.Validate(); err != nil {
		return nil, err
	}
	lt.levels = slices.Clone(lt.levels)
	for d := range lt.levels {
		lt.levels[d] = lt.levels[d][:trees<<d]
	}
	lt.measure()
	return newLine(&lt), nil
}
