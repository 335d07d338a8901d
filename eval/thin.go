package eval

import (
	"math"
	"sort"
)

// Thin is the curve in at most max points, or a few more where must asks for them.
// Beside the first and the last it keeps every point at which (TP, FP) is in must,
// and as many others as it takes for each dropped point to lie within one step of
// the kept point before it in recall, in FPR and in precision; the step is the
// smallest of a geometric series that fits max.
//
// Cost: O(distinct scores of positives) a step tried, about ten of them on millions of
// spans.
func (r *Ranking) Thin(max int, must ...CurvePoint) []CurvePoint {
	for step := 0.0; ; step = nextStep(step, max) {
		t := thinning{r: r, step: step, limit: max + len(must), must: must}
		if t.walk() {
			return t.out
		}
	}
}

// nextStep starts where a curve that only rises would just fit.
func nextStep(step float64, max int) float64 {
	if step == 0 {
		return 1 / float64(max+1)
	}
	return step * 1.3
}

// thinning is one walk down the curve.
type thinning struct {
	r     *Ranking
	step  float64
	limit int
	must  []CurvePoint
	out   []CurvePoint
	tp    int64 // at the present point
	fp    int64
}

// walk gives up when more than limit points are needed, unless the step is so wide that
// only the asked points are left.
func (t *thinning) walk() bool {
	r := t.r
	for i := range r.stops {
		s := &r.stops[i]
		if !t.gap(s.above) {
			return false
		}
		t.tp, t.fp = t.tp+s.pos, s.above+s.tied
		if (t.far(t.fp) || t.asked(t.fp)) && !t.keep(s.key) {
			return false
		}
	}
	if !t.gap(r.n) {
		return false
	}
	if n := len(t.out); n > 0 && t.out[n-1] != r.last() {
		t.out = append(t.out, r.last())
	}
	return true
}

// gap walks down to the point before a stop, or to the last: negatives up to number end,
// to which recall stays the same. There the distance from the kept point grows, for the
// stop before was near it, and precision falls from there on. So what is to be kept next
// is searched for.
func (t *thinning) gap(end int64) bool {
	for t.fp < end {
		next := end + 1
		if t.far(end) {
			next = t.fp + 1 + int64(sort.Search(int(end-t.fp-1), func(i int) bool { return t.far(t.fp + 1 + int64(i)) }))
		}
		for _, pt := range t.must {
			if pt.TP == t.tp && pt.FP > t.fp && pt.FP < next && t.isPoint(pt.FP) {
				next = pt.FP
			}
		}
		if next > end {
			return true
		}
		var key uint64
		if key, t.fp = t.r.negatives.group(next - 1); !t.keep(key) {
			return false
		}
	}
	return true
}

// isPoint says whether a cut-off can keep so many negatives of a gap and no more.
func (t *thinning) isPoint(fp int64) bool {
	_, end := t.r.negatives.group(fp - 1)
	return end == fp
}

// far says whether the point with so many negatives, and tp, is too far from the kept
// one to be dropped.
func (t *thinning) far(fp int64) bool {
	return len(t.out) == 0 || !(t.r.distance(t.out[len(t.out)-1], CurvePoint{TP: t.tp, FP: fp}) <= t.step)
}

// asked says whether must asks for the point. They are few: a map would cost more.
func (t *thinning) asked(fp int64) bool {
	for i := range t.must {
		if t.must[i].TP == t.tp && t.must[i].FP == fp {
			return true
		}
	}
	return false
}

func (t *thinning) keep(key uint64) bool {
	if len(t.out) == t.limit && t.step <= 1 {
		return false
	}
	t.out = append(t.out, CurvePoint{Number(scoreOf(key)), t.tp, t.fp})
	return true
}

// distance is the largest change of recall, FPR and precision between two points.
func (r *Ranking) distance(a, b CurvePoint) float64 {
	p, n := float64(max(r.p, 1)), float64(max(r.n, 1))
	d := max(float64(b.TP-a.TP)/p, float64(b.FP-a.FP)/n)
	if r.p == 0 {
		return d
	}
	precision := func(c CurvePoint) float64 { return float64(c.TP) / float64(c.TP+c.FP) }
	return max(d, math.Abs(precision(a)-precision(b)))
}
