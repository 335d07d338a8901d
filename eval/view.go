package eval

import (
	"cmp"
	"fmt"
	"math"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// view is one column with what its measures share.
type view struct {
	s       *Scores
	col     *ScoreColumn
	o       SummaryOptions
	sample  sample
	decided bool
	point   Confusion
	warmUp  int64
	lowest  Number // score that is kept, see threshold

	best   CurvePoint
	at     []CurvePoint
	seen   []uint8 // bits of what spans a trace has: seenKept, …
	shared bool    // some trace has two scored spans
}

const (
	seenPositive = 1 << iota
	seenNegative
	seenKept
	seenBest
)

// newView works in the workspace of o, which is set.
func newView(s *Scores, column int, o SummaryOptions) (*view, error) {
	v, ws := &view{s: s, col: &s.Columns[column], o: o}, o.Workspace
	if err := v.check(); err != nil {
		return nil, fmt.Errorf("column %q: %w", v.col.Name, err)
	}
	v.decided = v.col.Keep != nil || o.Threshold != nil
	v.sample.traces = v.traceCount()
	if err := resize(ws, &ws.seen, v.sample.traces); err != nil {
		return nil, err
	}
	v.seen = ws.seen
	clear(v.seen)
	v.sample.best = -1
	ranked := func() {}
	var failed error
	if v.col.Score != nil {
		ranked = inBackground(func() {
			v.sample.ranking, v.sample.ranks, failed = rank(ws, s.Labels, v.col.Score, s.Trace, o.Replicates > 0)
		})
	}
	err := v.classify(ws)
	v.lowest = v.threshold()
	ranked()
	if err := cmp.Or(err, failed); err != nil {
		return nil, err
	}
	if v.col.Score != nil {
		v.points()
	}
	return v, nil
}

func (v *view) check() error {
	n := len(v.s.Labels)
	switch c := v.col; {
	case v.s.Trace != nil && len(v.s.Trace) != n:
		return fmt.Errorf("%d trace numbers for %d labels", len(v.s.Trace), n)
	case c.Score != nil && len(c.Score) != n:
		return fmt.Errorf("%d scores for %d labels", len(c.Score), n)
	case c.Keep != nil && len(c.Keep) != n:
		return fmt.Errorf("%d decisions for %d labels", len(c.Keep), n)
	case c.Score == nil && v.o.Threshold != nil:
		return fmt.Errorf("a threshold needs scores: give decisions instead")
	case c.Score == nil && c.Keep == nil:
		return fmt.Errorf("neither scores nor decisions")
	case v.o.Threshold != nil && math.IsNaN(*v.o.Threshold):
		return fmt.Errorf("the threshold is NaN")
	case n >= positiveBit:
		return fmt.Errorf("%d rows: at most %d can be evaluated at once", n, positiveBit-1)
	}
	for _, f := range v.o.FPRs {
		if !(f >= 0 && f <= 1) {
			return fmt.Errorf("recall at FPR %v: want 0..1", f)
		}
	}
	return nil
}

func (v *view) traceCount() int {
	if v.s.Trace == nil {
		return len(v.s.Labels)
	}
	top := -1
	for _, t := range v.s.Trace {
		top = max(top, int(t))
	}
	return top + 1
}

// classify counts the cells of the confusion matrix and, for replicates, lists the spans
// of all but the true negatives.
func (v *view) classify(ws *Workspace) error {
	for i, l := range v.s.Labels {
		if v.warm(i) {
			v.warmUp++
		} else {
			v.point.Add(l, v.keeps(i))
		}
	}
	if err := resize(ws, &ws.cells, int(v.point.TP+v.point.FP+v.point.FN)); err != nil {
		return err
	}
	rest := ws.cells
	next := func(n int64) []uint32 {
		cell := rest[:0:n]
		rest = rest[n:]
		return cell
	}
	c := &v.sample
	c.tp, c.fp, c.fn = next(v.point.TP), next(v.point.FP), next(v.point.FN)
	c.negatives = make([]int64, groupsOf(c.traces))
	mask := groupMask(len(c.negatives))
	for i, l := range v.s.Labels {
		if !l.Scored() || v.warm(i) {
			continue
		}
		keep, ref := v.keeps(i), refOf(v.s.Trace, i, l)
		v.note(ref, keep)
		if !l.Positive() {
			c.negatives[ref&mask]++
		}
		if cell := v.cell(l.Positive(), keep); cell != nil {
			*cell = append(*cell, ref)
		}
	}
	return nil
}

func (v *view) warm(i int) bool { return v.col.Score != nil && v.col.Score[i] != v.col.Score[i] }

func (v *view) keeps(i int) bool {
	switch {
	case v.o.Threshold != nil:
		return v.col.Score[i] >= *v.o.Threshold
	case v.col.Keep != nil:
		return v.col.Keep[i]
	}
	return false
}

// cell is the list of such spans, nil for the true negatives, which have none.
func (v *view) cell(positive, keep bool) *[]uint32 {
	switch {
	case positive && keep:
		return &v.sample.tp
	case positive:
		return &v.sample.fn
	case keep:
		return &v.sample.fp
	}
	return nil
}

func (v *view) note(ref uint32, keep bool) {
	seen := &v.seen[ref&traceMask]
	v.shared = v.shared || *seen != 0
	if ref&positiveBit != 0 {
		*seen |= seenPositive
	} else {
		*seen |= seenNegative
	}
	if keep {
		*seen |= seenKept
	}
}

// points finds the points of the ranking that are reported.
func (v *view) points() {
	c := &v.sample
	c.fprs = v.o.FPRs
	if c.best, v.best = c.ranking.bestStop(); c.best >= 0 {
		for i, x := range v.col.Score {
			if x >= float64(v.best.Threshold) && v.s.Labels[i].Scored() {
				v.seen[refOf(v.s.Trace, i, trace.Normal)] |= seenBest
			}
		}
	}
	for _, f := range v.o.FPRs {
		v.at = append(v.at, c.ranking.RecallAtFPR(f))
	}
}

func (v *view) spread(kept uint8) spread {
	var s spread
	for _, bits := range v.seen {
		s.kept += int64(min(bits&kept, 1))
		s.positive += int64(min(bits&seenPositive, 1))
		s.negative += int64(min(bits&seenNegative, 1))
		s.all += int64(min(bits, 1))
	}
	return s
}

func (v *view) iv() intervals { return intervals{independent: !v.shared} }
