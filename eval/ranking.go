package eval

import (
	"fmt"
	"iter"
	"math"
	"runtime"
	"sync"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Ranking is the scored spans of one column, highest score first: the exact ROC and
// precision-recall curves, of which everything that does not depend on a cut-off is
// computed. Equal scores are one point: no cut-off can part them.
//
// Memory: 12 bytes a span, 24 while sorting.
type Ranking struct {
	key  []uint64 // ascending: scoreOf(key) descends
	ref  []uint32 // trace number, positiveBit set for positives
	bins []bin    // in the place of key and ref: a ranking of counts
	p, n int64
}

const (
	positiveBit = 1 << 31
	traceMask   = positiveBit - 1
)

// Rank sorts the spans of a column. Spans whose label takes no part and spans with
// a NaN score (warm-up) are left out. traces may be nil: each span is then a trace
// of its own. It panics if the lengths differ or a trace number is 2^31 or more.
//
// Cost: O(n), a radix sort; about 30 ns a span (BenchmarkRank).
func Rank(labels []trace.Label, score []float64, traces []uint32) *Ranking {
	if len(labels) != len(score) || traces != nil && len(traces) != len(score) {
		panic(fmt.Sprintf("eval: %d labels, %d scores, %d traces", len(labels), len(score), len(traces)))
	}
	return rank(&workspace{}, labels, score, traces)
}

func rank(ws *workspace, labels []trace.Label, score []float64, traces []uint32) *Ranking {
	size := 0
	for i, l := range labels {
		if ranked(l, score[i]) {
			size++
		}
	}
	ws.key, ws.ref = resize(ws.key, size), resize(ws.ref, size)
	ws.key2, ws.ref2 = resize(ws.key2, size), resize(ws.ref2, size)
	r := &Ranking{}
	if size < parallelRank || runtime.GOMAXPROCS(0) == 1 {
		r.sort(ws, labels, score, traces, 0, 0)
		r.key, r.ref = ws.key, ws.ref
		return r
	}
	// Two halves on two cores, then merged: each is sorted as the whole would be.
	cut, first := len(labels)/2, 0
	for i, l := range labels[:cut] {
		if ranked(l, score[i]) {
			first++
		}
	}
	var a, b Ranking
	var wg sync.WaitGroup
	wg.Go(func() { a.sort(ws, labels[:cut], score[:cut], head(traces, cut), 0, 0) })
	b.sort(ws, labels[cut:], score[cut:], tail(traces, cut), cut, first)
	wg.Wait()
	r.p, r.n = a.p+b.p, a.n+b.n
	merge(ws.key2, ws.ref2, &a, &b)
	ws.key, ws.key2, ws.ref, ws.ref2 = ws.key2, ws.key, ws.ref2, ws.ref
	r.key, r.ref = ws.key, ws.ref
	return r
}

// parallelRank is from how many spans on sorting on two cores pays.
const parallelRank = 1 << 15

func head(traces []uint32, n int) []uint32 {
	if traces == nil {
		return nil
	}
	return traces[:n]
}

func tail(traces []uint32, n int) []uint32 {
	if traces == nil {
		return nil
	}
	return traces[n:]
}

// sort ranks rows whose first one is number row of all, in the workspace from place
// at on.
func (r *Ranking) sort(ws *workspace, labels []trace.Label, score []float64, traces []uint32, row, at int) {
	r.key, r.ref = ws.key[at:at], ws.ref[at:at]
	// Negatives first and a stable sort: in a tie group, too, they come first.
	r.n = r.collect(labels, score, traces, row, false)
	r.p = r.collect(labels, score, traces, row, true)
	radixSort(r.key, r.ref, ws.key2[at:][:len(r.key)], ws.ref2[at:][:len(r.key)])
}

// merge puts two rankings together: of equal scores the negatives first, then those
// of a.
func merge(key []uint64, ref []uint32, a, b *Ranking) {
	i, j := 0, 0
	for at := range key {
		if j == len(b.key) || i < len(a.key) && before(a, i, b, j) {
			key[at], ref[at] = a.key[i], a.ref[i]
			i++
		} else {
			key[at], ref[at] = b.key[j], b.ref[j]
			j++
		}
	}
}

func before(a *Ranking, i int, b *Ranking, j int) bool {
	if a.key[i] != b.key[j] {
		return a.key[i] < b.key[j]
	}
	return a.ref[i]&positiveBit <= b.ref[j]&positiveBit
}

func ranked(l trace.Label, score float64) bool { return l.Scored() && score == score }

func (r *Ranking) collect(labels []trace.Label, score []float64, traces []uint32, row int, positive bool) (n int64) {
	for i, l := range labels {
		if l.Positive() == positive && ranked(l, score[i]) {
			r.key = append(r.key, keyOf(score[i]))
			r.ref = append(r.ref, refOf(traces, i, row, l))
			n++
		}
	}
	return n
}

// refOf packs a row's trace number and whether it is a positive.
// The row is number i of traces, which may begin behind row first of all.
func refOf(traces []uint32, i, first int, l trace.Label) uint32 {
	ref := uint32(first + i)
	if traces != nil {
		ref = traces[i]
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
		for _, b := range r.bins {
			tp += b.pos
			fp += b.neg
			if !yield(CurvePoint{Number(scoreOf(b.key)), tp, fp}) {
				return
			}
		}
		for i, k := range r.key {
			if r.ref[i]&positiveBit != 0 {
				tp++
			} else {
				fp++
			}
			if i+1 < len(r.key) && r.key[i+1] == k {
				continue
			}
			if !yield(CurvePoint{Number(scoreOf(k)), tp, fp}) {
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
	var before int64
	for pt := range r.Points() {
		if d := pt.TP - before; d > 0 {
			sum += apTerm(d, pt.TP, pt.FP)
		}
		before = pt.TP
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
	var last CurvePoint
	for pt := range r.Points() {
		twice += aucTerm(pt.TP-last.TP, last.FP, pt.FP, r.n)
		last = pt
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
	top := -1.0
	for pt := range r.Points() {
		if f := r.At(pt).F1(); r.p > 0 && f > top {
			best, top = pt, f
		}
	}
	return best, top >= 0
}

// RecallAtFPR is the point of highest recall whose FPR does not exceed fpr; of
// equal ones the first. When even the highest score exceeds fpr nothing may be
// kept: the threshold is +Inf and both counts are 0.
func (r *Ranking) RecallAtFPR(fpr float64) CurvePoint {
	at := CurvePoint{Threshold: Number(math.Inf(1))}
	limit := fprLimit(fpr, r.n)
	for pt := range r.Points() {
		if pt.FP > limit {
			break
		}
		if pt.TP > at.TP {
			at = pt
		}
	}
	return at
}

// fprLimit is the number of false positives among n negatives that fpr allows.
// The allowance is for products such as 0.1*70 that land a rounding below an
// integer.
func fprLimit(fpr float64, n int64) int64 {
	return int64(math.Floor(float64(fpr*float64(n)) * (1 + 1e-12)))
}
