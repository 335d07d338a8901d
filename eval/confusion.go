package eval

import (
	"math"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Add counts one span: its label and whether the sampler kept it. Labels that take
// no part in the matrix ([trace.Label.Scored]) are ignored: count them apart.
func (c *Confusion) Add(label trace.Label, keep bool) {
	switch {
	case !label.Scored():
	case label.Positive() && keep:
		c.TP++
	case label.Positive():
		c.FN++
	case keep:
		c.FP++
	default:
		c.TN++
	}
}

// Total is the number of spans counted.
func (c Confusion) Total() int64 { return c.TP + c.FP + c.FN + c.TN }

// Kept is the number of spans that the sampler kept.
func (c Confusion) Kept() int64 { return c.TP + c.FP }

// Positives is the number of spans whose label is a positive.
func (c Confusion) Positives() int64 { return c.TP + c.FN }

// Negatives is the number of spans whose label is a negative.
func (c Confusion) Negatives() int64 { return c.FP + c.TN }

// Precision is TP/(TP+FP), NaN when nothing was kept.
func (c Confusion) Precision() float64 { return ratio(c.TP, c.Kept()) }

// Recall is TP/(TP+FN), NaN without positives.
func (c Confusion) Recall() float64 { return ratio(c.TP, c.Positives()) }

// FPR is FP/(FP+TN), NaN without negatives.
func (c Confusion) FPR() float64 { return ratio(c.FP, c.Negatives()) }

// Accuracy is (TP+TN)/total, NaN for an empty matrix.
func (c Confusion) Accuracy() float64 { return ratio(c.TP+c.TN, c.Total()) }

// F1 is 2TP/(2TP+FP+FN), the harmonic mean of precision and recall; NaN when there
// is neither a positive nor a kept span.
func (c Confusion) F1() float64 { return ratio(2*c.TP, 2*c.TP+c.FP+c.FN) }

// MCC is the Matthews correlation coefficient, -1..1, NaN when a row or a column of
// the matrix is empty (Matthews 1975; scikit-learn answers 0 there).
func (c Confusion) MCC() float64 {
	// Four square roots, because the product of four counts leaves the range in
	// which float64 is exact, and that of int64, at a few million spans.
	d := math.Sqrt(float64(c.Kept())) * math.Sqrt(float64(c.Positives())) *
		math.Sqrt(float64(c.Negatives())) * math.Sqrt(float64(c.FN+c.TN))
	if d == 0 {
		return math.NaN()
	}
	hits := float64(float64(c.TP) * float64(c.TN))
	misses := float64(float64(c.FP) * float64(c.FN))
	return (hits - misses) / d
}

func ratio(k, n int64) float64 {
	if n == 0 {
		return math.NaN()
	}
	return float64(k) / float64(n)
}
