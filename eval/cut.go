package eval

import (
	"fmt"
	"math"
	"slices"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Cut says how the score at and above which an entrant keeps a span is chosen. The
// zero value leaves the decision to the sampler itself. No Cut looks at the labels
// of the test part.
type Cut struct {
	by    cutBy
	value float64
}

type cutBy uint8

const (
	bySampler cutBy = iota
	byValue
	byShare
	byFPR
	byF1
	byFlagRate
)

// CutAt is a fixed threshold on the score.
func CutAt(threshold float64) Cut { return Cut{byValue, threshold} }

// CutShare keeps at most this share (0..1) of the training spans, whatever their
// labels: the (1-share) quantile of the training scores.
func CutShare(share float64) Cut { return Cut{byShare, share} }

// CutFPR keeps at most this share (0..1) of the training spans that are not
// labelled a positive; unlabelled ones count as normal.
func CutFPR(fpr float64) Cut { return Cut{byFPR, fpr} }

// CutBestF1 has the highest F1 on the labels of the training part, which must hold
// positives.
func CutBestF1() Cut { return Cut{by: byF1} }

// CutFlagRate keeps the highest scores of the test part, as many (ties allowing) as
// the first entrant kept: the same budget. It reads no label.
func CutFlagRate() Cut { return Cut{by: byFlagRate} }

// String is the ThresholdBy of a SamplerResult.
func (c Cut) String() string {
	switch c.by {
	case byValue:
		return fmt.Sprintf("fixed at %g", c.value)
	case byShare:
		return fmt.Sprintf("keeps %g %% of the training spans", 100*c.value)
	case byFPR:
		return fmt.Sprintf("FPR %g %% on the training part", 100*c.value)
	case byF1:
		return "best F1 on the training labels"
	case byFlagRate:
		return "as many spans as the sampler under test"
	}
	return "the sampler's own"
}

func (c Cut) needsTraining() bool { return c.by == byShare || c.by == byFPR || c.by == byF1 }

func (c Cut) check() error {
	if (c.by == byShare || c.by == byFPR) && !(c.value >= 0 && c.value <= 1) {
		return fmt.Errorf("cut-off: share %v: want 0..1", c.value)
	}
	if c.by == byValue && math.IsNaN(c.value) {
		return fmt.Errorf("cut-off: NaN")
	}
	return nil
}

// Choose is the threshold on scores of the training part. NaN scores (warm-up) are
// left out; no score at all is an error, and so are missing positives for
// CutBestF1. It panics for a Cut that is not chosen on the training part.
//
// Cost: one sort.
func (c Cut) Choose(scores []float64, labels []trace.Label) (float64, error) {
	use := func(i int) bool { return c.by != byFPR || !labels[i].Positive() }
	kept := make([]float64, 0, len(scores))
	for i, x := range scores {
		if x == x && use(i) {
			kept = append(kept, x)
		}
	}
	if len(kept) == 0 {
		return 0, fmt.Errorf("no training span has a score: give a longer training part or a fixed cut-off")
	}
	switch c.by {
	case byShare, byFPR:
		return TopShare(kept, c.value), nil
	case byF1:
		best, ok := Rank(labels, scores, nil).Best()
		if !ok {
			return 0, fmt.Errorf("the training part has no positive: choose the cut-off by share or FPR")
		}
		return float64(best.Threshold), nil
	}
	panic("eval: this cut-off is not chosen on the training part")
}

// TopShare is the lowest of the scores that at most share (0..1) of them reach, or
// the next float64 above all of them if there is none. It sorts scores, which hold
// no NaN, and panics if there are none.
func TopShare(scores []float64, share float64) float64 {
	// The allowance is for shares such as 37/1000 that land a rounding below.
	return top(scores, int(math.Floor(float64(share*float64(len(scores)))+1e-6)))
}

// top is the lowest score that at most k reach.
func top(scores []float64, k int) float64 {
	slices.Sort(scores)
	n := len(scores)
	k = min(k, n)
	i := n - k // first of the top k
	for i > 0 && i < n && scores[i] == scores[i-1] {
		i++ // a tie with one that is out
	}
	if i == n {
		return math.Nextafter(scores[n-1], math.Inf(1))
	}
	return scores[i]
}
