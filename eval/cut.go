package eval

import (
	"fmt"
	"math"
	"math/rand/v2"
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
// CutBestF1. It may reorder and drop scores, and panics for a Cut that is not chosen on
// the training part.
//
// Cost: one sort.
func (c Cut) Choose(scores []float64, labels []trace.Label) (float64, error) {
	use := func(i int) bool { return c.by != byFPR || !labels[i].Positive() }
	kept := scores[:0]
	if c.by == byF1 { // which takes the scores as they are
		kept = make([]float64, 0, len(scores))
	}
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
		best, ok := Rank(labels, scores).Best()
		if !ok {
			return 0, fmt.Errorf("the training part has no positive: choose the cut-off by share or FPR")
		}
		return float64(best.Threshold), nil
	}
	panic("eval: this cut-off is not chosen on the training part")
}

// TopShare is the lowest of the scores that at most share (0..1) of them reach, or
// the next float64 above all of them if there is none. It reorders scores, which hold
// no NaN, and panics if there are none. Cost: O(n) on average.
func TopShare(scores []float64, share float64) float64 {
	// The allowance is for shares such as 37/1000 that land a rounding below.
	return TopCount(scores, int(math.Floor(float64(share*float64(len(scores)))+1e-6)))
}

// TopCount is TopShare for a number of scores, 0 or more.
func TopCount(scores []float64, k int) float64 {
	n := len(scores)
	k = min(k, n)
	if k == 0 {
		return math.Nextafter(slices.Max(scores), math.Inf(1))
	}
	v := selected(scores, n-k)
	reach, above := 0, math.Inf(1) // how many reach v, and the lowest above it
	found := false
	for _, x := range scores {
		if x >= v {
			reach++
		}
		if x > v && (x < above || !found) {
			above, found = x, true
		}
	}
	switch {
	case reach <= k:
		return v
	case found: // a tie with one that is out
		return above
	}
	return math.Nextafter(v, math.Inf(1))
}

// selected is the score that would have index i in ascending order: quickselect (Hoare
// 1961) that sets the scores equal to the pivot apart, since samplers give many ties.
// Pivots are drawn from a fixed seed, so that no order of the scores is slow on purpose.
func selected(scores []float64, i int) float64 {
	rng := rand.New(rand.NewPCG(uint64(len(scores)), 0x73656c656374)) // "select"
	for {
		pivot := scores[rng.IntN(len(scores))]
		less, equal := 0, 0 // [0, less) below the pivot, [less, less+equal) equal
		for at, x := range scores {
			switch {
			case x < pivot:
				scores[at] = scores[less+equal]
				scores[less+equal] = scores[less]
				scores[less] = x
				less++
			case x == pivot:
				scores[at] = scores[less+equal]
				scores[less+equal] = x
				equal++
			}
		}
		switch {
		case i < less:
			scores = scores[:less]
		case i < less+equal:
			return pivot
		default:
			scores, i = scores[less+equal:], i-less-equal
		}
	}
}
