package eval

import (
	"fmt"
	"iter"
	"math"
	"sort"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Ranking is the scored spans of one column, highest score first: the exact ROC and
// precision-recall curves, of which everything that does not depend on a cut-off is
// computed. Equal scores are one point: no cut-off can part them.
//
// Recall moves at scores of positives only, and positives are few. So these are kept as
// stops, each with the number of negatives above it, and all measures are sums over
// stops; negatives are looked at one by one only where the curve itself is wanted.
//
// Memory: 8 bytes a negative and 40 a positive, and while sorting what the largest of 2048 parts of the range takes, or of 256 outside the heap.
type Ranking struct {
	stops     []stop
	negatives negatives
	p, n      int64
}

// stop is a score that positives have.
type stop struct {
	key   uint64
	above int64 // negatives that score higher
	tied  int64 // negatives of this score
	pos   int64 // positives of this score
}

// negatives are the scores of the negatives, as keys, ascending: scoreOf(key) descends.
type negatives struct {
	key  []uint64
	upto []int64 // how many there are up to and including a key; nil: each key is of one
}

const (
	positiveBit = 1 << 31
	traceMask   = positiveBit - 1
)

// Rank sorts the spans of a column. Spans whose label takes no part and spans with
// a NaN score (warm-up) are left out. It panics if the lengths differ.
//
// Cost: O(n), a radix sort; about 20 ns a span (BenchmarkRank).
func Rank(labels []trace.Label, score []float64) *Ranking {
	if len(labels) != len(score) {
		panic(fmt.Sprintf("eval: %d labels, %d scores", len(labels), len(score)))
	}
	r, _, _ := rank(&Workspace{}, labels, score, nil, false) // the heap has no errors
	return r
}

// place makes the stops of positives, ascending.
func (r *Ranking) place(ws *Workspace, pos []uint64) error {
	distinct := 0
	for i, k := range pos {
		if i == 0 || k != pos[i-1] {
			distinct++
		}
	}
	if err := resize(ws, &ws.stops, distinct); err != nil {
		return err
	}
	r.stops = ws.stops[:0]
	neg, above := r.negatives.key, 0
	for len(pos) > 0 {
		s, n := stop{key: pos[0]}, 1
		for n < len(pos) && pos[n] == s.key {
			n++
		}
		above += lowerBound(neg[above:], s.key)
		tied := 0
		for above+tied < len(neg) && neg[above+tied] == s.key {
			tied++
		}
		s.above, s.tied, s.pos = int64(above), int64(tied), int64(n)
		r.stops = append(r.stops, s)
		pos, above = pos[n:], above+tied
	}
	return nil
}

// lowerBound is how many of the ascending keys are below k, found in time that grows
// with the logarithm of it.
func lowerBound(keys []uint64, k uint64) int {
	step := 1
	for step <= len(keys) && keys[step-1] < k {
		step *= 2
	}
	from := step / 2
	return from + sort.Search(min(step, len(keys)+1)-1-from, func(i int) bool { return keys[from+i] >= k })
}

// rankBins is the ranking of counts by key, ascending.
func rankBins(bins []bin) *Ranking {
	r := &Ranking{}
	some := 0 // bins with negatives: nearly all, and lists of millions are slow to grow
	for _, b := range bins {
		some += int(min(b.neg, 1))
	}
	r.negatives.key, r.negatives.upto = make([]uint64, 0, some), make([]int64, 0, some)
	for _, b := range bins {
		if b.pos > 0 {
			r.stops = append(r.stops, stop{b.key, r.n, b.neg, b.pos})
		}
		r.p += b.pos
		if r.n += b.neg; b.neg > 0 {
			r.negatives.key, r.negatives.upto = append(r.negatives.key, b.key), append(r.negatives.upto, r.n)
		}
	}
	return r
}

// refOf packs a row's trace number and whether it is a positive.
func refOf(traces []uint32, row int, l trace.Label) uint32 {
	ref := uint32(row)
	if traces != nil {
		ref = traces[row]
	}
	if ref >= positiveBit {
		panic("eval: trace numbers are dense and below 2^31")
	}
	if l.Positive() {
		ref |= positiveBit
	}
	return ref
}

// keyOf maps scores to integers that ascend as scores descend. Both zeros are equal.
func keyOf(score float64) uint64 {
	b := math.Float64bits(score + 0) // -0 + 0 is +0
	if b>>63 == 0 {
		return ^(b | 1<<63)
	}
	return b
}

func scoreOf(key uint64) float64 {
	if key>>63 == 0 {
		return math.Float64frombits(^key &^ (1 << 63))
	}
	return math.Float64frombits(key)
}

// Positives is the number of ranked positives.
func (r *Ranking) Positives() int64 { return r.p }

// Negatives is the number of ranked negatives.
func (r *Ranking) Negatives() int64 { return r.n }

// Points is the exact curve, one point a distinct score, threshold descending. The
// origin (nothing kept) is not among them; the last point keeps every span.
func (r *Ranking) Points() iter.Seq[CurvePoint] {
	return func(yield func(CurvePoint) bool) {
		var tp, fp int64
		gap := func(to int64) bool {
			for fp < to {
				var key uint64
				key, fp = r.negatives.group(fp)
				if !yield(CurvePoint{Number(scoreOf(key)), tp, fp}) {
					return false
				}
			}
			return true
		}
		for i := range r.stops {
			s := &r.stops[i]
			if !gap(s.above) {
				return
			}
			tp, fp = tp+s.pos, s.above+s.tied
			if !yield(CurvePoint{Number(scoreOf(s.key)), tp, fp}) {
				return
			}
		}
		gap(r.n)
	}
}

// group is the key of negative number i, from 0, and how many negatives there are up to
// and including those that tie with it.
func (g *negatives) group(i int64) (key uint64, end int64) {
	if g.upto != nil {
		at := sort.Search(len(g.upto), func(j int) bool { return g.upto[j] > i })
		return g.key[at], g.upto[at]
	}
	key = g.key[i]
	return key, i + int64(lowerBound(g.key[i:], key+1)) // the last key is a NaN's, which none is
}

// last is the point that keeps every span, of which there are some.
func (r *Ranking) last() CurvePoint {
	var key uint64 // the highest is the lowest score
	if r.n > 0 {
		key, _ = r.negatives.group(r.n - 1)
	}
	if len(r.stops) > 0 {
		key = max(key, r.stops[len(r.stops)-1].key)
	}
	return CurvePoint{Number(scoreOf(key)), r.p, r.n}
}

// stopPoints are the points of the curve at which recall moves, with their stops.
func (r *Ranking) stopPoints() iter.Seq2[int, CurvePoint] {
	return func(yield func(int, CurvePoint) bool) {
		var tp int64
		for i := range r.stops {
			s := &r.stops[i]
			tp += s.pos
			if !yield(i, CurvePoint{Number(scoreOf(s.key)), tp, s.above + s.tied}) {
				return
			}
		}
	}
}

// AP is the average precision, the sum over the points of the curve of
// (R_n - R_{n-1}) P_n with R recall and P precision: a step-wise sum without
// interpolation, as in scikit-learn's average_precision_score. NaN without
// positives.
func (r *Ranking) AP() float64 {
	if r.p == 0 {
		return math.NaN()
	}
	var sum float64
	for i, pt := range r.stopPoints() {
		sum += apTerm(r.stops[i].pos, pt.TP, pt.FP)
	}
	return sum / float64(r.p)
}

func apTerm(d, tp, fp int64) float64 {
	return float64(float64(d) * (float64(tp) / float64(tp+fp)))
}

// AUC is the area under the ROC curve: the probability that a positive scores
// higher than a negative, ties counting half (Mann and Whitney 1947; Hanley and
// McNeil 1982). It is summed in integers, so exact up to one division. NaN unless
// there are both positives and negatives.
func (r *Ranking) AUC() float64 {
	if r.p == 0 || r.n == 0 {
		return math.NaN()
	}
	var twice int64
	for _, s := range r.stops {
		twice += aucTerm(s.pos, s.above, s.above+s.tied, r.n)
	}
	return float64(twice) / (2 * float64(r.p) * float64(r.n))
}

// aucTerm is twice the number of pairs won by d positives tied with the negatives
// ranked (fpBefore, fpAfter] of n.
func aucTerm(d, fpBefore, fpAfter, n int64) int64 {
	return d * (2*n - fpBefore - fpAfter)
}

// At is the confusion matrix of a point of this ranking.
func (r *Ranking) At(pt CurvePoint) Confusion {
	return Confusion{TP: pt.TP, FP: pt.FP, FN: r.p - pt.TP, TN: r.n - pt.FP}
}

// Best is the point of the highest F1; of equal ones the first, which keeps least.
// ok is false without positives.
func (r *Ranking) Best() (best CurvePoint, ok bool) {
	i, best := r.bestStop()
	return best, i >= 0
}

// bestStop is Best with the number of its stop, -1 if there is none. Between two stops
// F1 falls, so it is one of them.
func (r *Ranking) bestStop() (at int, best CurvePoint) {
	at, top := -1, -1.0
	for i, pt := range r.stopPoints() {
		if f := r.At(pt).F1(); f > top {
			at, best, top = i, pt, f
		}
	}
	return at, best
}

// RecallAtFPR is the point of highest recall whose FPR does not exceed fpr; of
// equal ones the first. When even the highest score exceeds fpr nothing may be
// kept: the threshold is +Inf and both counts are 0.
func (r *Ranking) RecallAtFPR(fpr float64) CurvePoint {
	at := CurvePoint{Threshold: Number(math.Inf(1))}
	limit := fprLimit(fpr, r.n)
	for _, pt := range r.stopPoints() {
		if pt.FP > limit {
			break
		}
		at = pt
	}
	return at
}

// fprLimit is the number of false positives among n negatives that fpr allows.
// The allowance is for products such as 0.1*70 that land a rounding below an
// integer.
func fprLimit(fpr float64, n int64) int64 {
	return int64(math.Floor(float64(fpr*float64(n)) * (1 + 1e-12)))
}
