package eval

import "math"

// Thin is the curve in at most max points, or a few more where must asks for them.
// Beside the first and the last it keeps every point at which (TP, FP) is in must,
// and as many others as it takes for each dropped point to lie within one step of
// the kept point before it in recall, in FPR and in precision; the step is the
// smallest of a geometric series that fits max.
//
// Cost: O(distinct scores) a step tried, about ten of them on millions of spans.
func (r *Ranking) Thin(max int, must ...CurvePoint) []CurvePoint {
	for step := 0.0; ; step = nextStep(step, max) {
		out, ok := r.thinBy(step, max+len(must), must)
		if ok {
			return out
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

// thinBy gives up when more than limit points are needed, unless the step is so
// wide that only the asked points are left.
func (r *Ranking) thinBy(step float64, limit int, must []CurvePoint) ([]CurvePoint, bool) {
	var out []CurvePoint
	var kept, last CurvePoint
	for pt := range r.Points() {
		last = pt
		if len(out) > 0 && r.distance(kept, pt) <= step && !among(must, pt) {
			continue
		}
		if len(out) == limit && step <= 1 {
			return nil, false
		}
		out, kept = append(out, pt), pt
	}
	if len(out) > 0 && out[len(out)-1] != last {
		out = append(out, last)
	}
	return out, true
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

// among says whether must asks for pt. They are few: a map would cost more.
func among(must []CurvePoint, pt CurvePoint) bool {
	for i := range must {
		if must[i].TP == pt.TP && must[i].FP == pt.FP {
			return true
		}
	}
	return false
}
