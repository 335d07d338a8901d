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
	lowest  Number // score that is kept, see count

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

// classify counts the cells of the confusion matrix and lists the spans of all but the
// true negatives, for replicates.
func (v *view) classify(ws *Workspace) error {
	v.count()
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
		if classOf[l] == unranked || v.warm(i) {
			continue
		}
		keep, ref := v.keeps(i), refOf(v.s.Trace, i, l)
		v.note(ref, keep)
		if !l.Positive() {
			c.negatives[ref&mask]++
			if !keep {
				continue
			}
		}
		cell := v.cell(l.Positive(), keep)
		*cell = append(*cell, ref)
	}
	return nil
}

// count fills point, warmUp and lowest: the cut-off given, or else the lowest kept score
// if the decisions are those of a cut-off on the score, or else NaN.
func (v *view) count() {
	var n [classes + 1][2]int64 // by class and decision
	lowestKept, highestDropped := math.Inf(1), math.Inf(-1)
	score := v.col.Score
	for i, l := range v.s.Labels {
		x := 0.0
		if score != nil {
			x = score[i]
		}
		class := classOf[l]
		switch keep := v.keeps(i); {
		case x != x:
			v.warmUp++
		case !keep:
			n[class][0]++
			if class != unranked && x > highestDropped {
				highestDropped = x
			}
		default:
			n[class][1]++
			if class != unranked {
				lowestKept = min(lowestKept, x)
			}
		}
	}
	v.point = Confusion{TP: n[positive][1], FP: n[negative][1], FN: n[positive][0], TN: n[negative][0]}
	switch {
	case v.o.Threshold != nil:
		v.lowest = Number(*v.o.Threshold)
	case score == nil || v.col.Keep == nil || lowestKept <= highestDropped:
		v.lowest = Number(math.NaN())
	default:
		v.lowest = Number(lowestKept)
	}
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

// cell is the list of such spans, which are no true negatives.
func (v *view) cell(positive, keep bool) *[]uint32 {
	switch {
	case positive && keep:
		return &v.sample.tp
	case positive:
		return &v.sample.fn
	}
	return &v.sample.fp
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
