package eval

import (
	"math"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// RecallAtShare is the share of the positives among the highest scores, when a share
// of all ranked spans, 0..1, is kept. Where a tie has to be broken it is the
// expectation of breaking it at random, so that a sampler that scores everything
// equally gets the share and nothing for free. NaN without positives.
func (r *Ranking) RecallAtShare(share float64) float64 {
	if r.p == 0 {
		return math.NaN()
	}
	room := float64(share * float64(r.p+r.n))
	found := 0.0
	var last CurvePoint
	for pt := range r.Points() {
		tied, positive := float64(pt.TP+pt.FP-last.TP-last.FP), float64(pt.TP-last.TP)
		if tied >= room {
			found += float64(positive * (room / tied))
			break
		}
		found += positive
		room -= tied
		last = pt
	}
	return found / float64(r.p)
}

// ByTrace reduces a column to one row a trace: its score is the highest of its spans
// that take part and are not warming up, NaN if there is none, and it is Anomalous
// when one of those that take part is a positive, Unlabelled when none takes part,
// and Normal otherwise. What trace samplers decide on; Rank(labels, score) ranks
// traces. It panics if the column has no scores. Cost: one pass.
func (s *Scores) ByTrace(column int) (labels []trace.Label, score []float64) {
	for i, l := range s.Labels {
		n := i
		if s.Trace != nil {
			n = int(s.Trace[i])
		}
		for n >= len(labels) {
			labels, score = append(labels, trace.Unlabelled), append(score, math.NaN())
		}
		if !l.Scored() {
			continue
		}
		if l.Positive() {
			labels[n] = trace.Anomalous
		} else if labels[n] == trace.Unlabelled {
			labels[n] = trace.Normal
		}
		if x := s.Columns[column].Score[i]; !(x <= score[n]) && x == x {
			score[n] = x
		}
	}
	return labels, score
}
