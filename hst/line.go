package hst

import (
	"fmt"
	"slices"
)

// Line is the River mode on one number.
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

// NewLine grows the trees of cfg for one feature of the given name.
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

// Score is the score of x.
func (l *Line) Score(x float64) float64 { return l.table.score(x) }

// Learn adds x.
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
	windows := 8*3*cfg.Window + 4*powerOfTwo(2*cfg.Window)
	table := 16*3*borders + 4*powerOfTwo(3*borders)
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
