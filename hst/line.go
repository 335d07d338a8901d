package hst

import "fmt"

// Line is the River mode on one number.
type Line struct {
	trees   *lineTrees
	builder *lineBuilder
	table   lineTable
	filling []uint64 // keys learned since the last pivot
	last    []uint64 // keys of the reference window, in the order they were learned
	windows int64    // full windows so far
}

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
	if len(l.filling) == l.trees.window {
		l.pivot()
	}
}

// pivot makes the full window the reference.
func (l *Line) pivot() {
	l.builder.build(&l.table, l.filling, l.windows == 0)
	l.windows++
	l.filling, l.last = l.last[:0], l.filling
}

var _ = fmt.Sprint
