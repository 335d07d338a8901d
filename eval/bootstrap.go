package eval

import "math"

// DefaultReplicates is the number of bootstrap replicates of an interval. The ends
// of a 95 % percentile interval are then about the 5th value from either side.
const DefaultReplicates = 200

// Replicates are the measures of a column on bootstrap resamples of its traces: in
// each, every trace counts Poisson(1) times, with all of its spans, because spans
// of one trace are not independent (the Poisson bootstrap of Chamandy et al.,
// "Estimating uncertainty for massive data streams", 2012, over clusters). Entry i
// of every slice belongs to resample i.
//
// Of more than maxGroups traces, those whose numbers agree modulo maxGroups count
// together: the same bootstrap over coarser clusters. What spans of a trace share they
// still share, and the spread of that many clusters is known to 1 % (the standard
// error of a variance over n clusters is sqrt(2/n) of it, half as much of a width).
// Their weights stay in a core's cache, where those of millions of traces do not.
//
// A resample depends on the seed and the trace numbers only. Differences, entry by
// entry, of two columns of the same Scores are therefore paired replicates.
type Replicates struct {
	Point    []Confusion // the column's decisions
	Best     []Confusion // at the cut-off that was best on the whole sample
	AP, AUC  []float64   // NaN where a resample has no positive (or no negative)
	RecallAt [][]float64 // one slice an FPR; the cut-off is chosen anew each time
}

// sample is what replicates are computed of. Refs are as in Ranking.
type sample struct {
	traces     int // trace numbers are below
	tp, fp, fn []uint32
	negatives  []int64  // true negatives and false positives, by group
	ranking    *Ranking // nil: no scores
	ranks      ranks    // its refs
	best       int      // index of the best point in its stops, -1: none
	fprs       []float64
}

// resample computes n replicates.
//
// Cost: n/8 passes over the ranked spans down to the last positive and n draws a group:
// about 0.1 ns a span and replicate on two cores (BenchmarkResample). Memory: 8 bytes a
// group and core.
func (s *sample) resample(n int, seed uint64) *Replicates {
	padded := (n + lanes - 1) / lanes * lanes
	out := &Replicates{Point: make([]Confusion, padded)}
	if s.ranking != nil {
		out.Best = make([]Confusion, padded)
		out.AP, out.AUC = make([]float64, padded), make([]float64, padded)
		for range s.fprs {
			out.RecallAt = append(out.RecallAt, make([]float64, padded))
		}
	}
	eachBlock(groupsOf(s.traces), n, seed, func(block int, w []uint64) {
		s.decide(w, out.Point[block*lanes:][:lanes])
		if s.ranking != nil {
			s.scan(w, block*lanes, out)
		}
	})
	return out.first(n)
}

func (r *Replicates) first(n int) *Replicates {
	r.Point = r.Point[:n]
	if r.Best != nil {
		r.Best, r.AP, r.AUC = r.Best[:n], r.AP[:n], r.AUC[:n]
	}
	for i := range r.RecallAt {
		r.RecallAt[i] = r.RecallAt[i][:n]
	}
	return r
}

// decide weighs the confusion matrix of the decisions.
func (s *sample) decide(w []uint64, out []Confusion) {
	var tp, fp, fn, negatives [lanes]int64
	laneSums(s.tp, w, &tp)
	laneSums(s.fp, w, &fp)
	laneSums(s.fn, w, &fn)
	// Most spans are true negatives. Only their number counts.
	for g, n := range s.negatives {
		for k := range negatives {
			negatives[k] += n * int64(w[g]>>(8*k)&0xFF)
		}
	}
	for k := range out {
		out[k] = Confusion{TP: tp[k], FP: fp[k], FN: fn[k], TN: negatives[k] - fp[k]}
	}
}

// scan walks the ranking once for all lanes of a block, whose decisions have been
// weighed: their totals say how many positives and negatives there are.
func (s *sample) scan(w []uint64, first int, out *Replicates) {
	var walks [lanes]laneWalk
	for k := range walks {
		walks[k] = newLaneWalk(out.Point[first+k], s.fprs)
	}
	neg, pos, before := s.ranks.negatives, s.ranks.positives, int64(0)
	for i := range s.ranking.stops {
		st := &s.ranking.stops[i]
		var gap, tied, hit [lanes]int64
		laneSums(neg[before:st.above], w, &gap)
		before = st.above + st.tied
		laneSums(neg[st.above:before], w, &tied)
		laneSums(pos[:st.pos], w, &hit)
		pos = pos[st.pos:]
		for k := range walks {
			walks[k].step(gap[k], tied[k], hit[k])
		}
		if i == s.best {
			for k := range walks {
				out.Best[first+k] = walks[k].confusion()
			}
		}
	}
	for k := range walks {
		walks[k].store(first+k, out)
	}
}

// laneWalk is one resample on its way down the ranking.
type laneWalk struct {
	p, n, tp, fp int64
	ap           float64
	auc          int64   // twice the pairs won
	limit, tpAt  []int64 // one an FPR
}

func newLaneWalk(c Confusion, fprs []float64) laneWalk {
	l := laneWalk{p: c.Positives(), n: c.Negatives(), tpAt: make([]int64, len(fprs))}
	for _, f := range fprs {
		l.limit = append(l.limit, fprLimit(f, l.n))
	}
	return l
}

func (l *laneWalk) step(gap, tied, pos int64) {
	before := l.fp + gap
	l.fp = before + tied
	if pos == 0 {
		return
	}
	l.tp += pos
	l.ap += apTerm(pos, l.tp, l.fp)
	l.auc += aucTerm(pos, before, l.fp, l.n)
	for i, limit := range l.limit {
		if l.fp <= limit {
			l.tpAt[i] = l.tp
		}
	}
}

func (l *laneWalk) confusion() Confusion {
	return Confusion{TP: l.tp, FP: l.fp, FN: l.p - l.tp, TN: l.n - l.fp}
}

func (l *laneWalk) store(i int, out *Replicates) {
	out.AP[i], out.AUC[i] = math.NaN(), math.NaN()
	if l.p > 0 {
		out.AP[i] = l.ap / float64(l.p)
	}
	if l.p > 0 && l.n > 0 {
		out.AUC[i] = float64(l.auc) / (2 * float64(l.p) * float64(l.n))
	}
	for j, tp := range l.tpAt {
		out.RecallAt[j][i] = ratio(tp, l.p)
	}
}
