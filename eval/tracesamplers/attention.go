package tracesamplers

import "math"

// attention turns scores into sampling probabilities by comparing each with the
// scores of the traces just before.
type attention struct {
	window    int     // scores compared with, the latest included
	threshold float64 // rise of the variance above which a score stands out
	scores    []float64
}

// add is the logit, ln(p/(1-p)), of the latest score's probability; ok is false
// before the third. Where the score raises the variance of the window by more than
// the threshold, p is the sigmoid 1/(1 + 2 exp(mean - score)), else the score's share
// of the sum. Logits order as probabilities do, without their crowding at 1.
func (a *attention) add(score float64) (odds float64, ok bool) {
	a.scores = append(a.scores, score)
	if n := len(a.scores); n > a.window {
		a.scores = append(a.scores[:0], a.scores[n-a.window:]...)
	}
	n := len(a.scores)
	if n <= 2 {
		return 0, false
	}
	mean, variance := spreadOf(a.scores)
	_, before := spreadOf(a.scores[:n-1])
	if variance-before > a.threshold {
		return score - mean - math.Ln2, true
	}
	if mean == 0 {
		return -mostOdds, true
	}
	p := score / (mean * float64(n))
	return max(-mostOdds, min(mostOdds, math.Log(p)-math.Log1p(-p))), true
}

// mostOdds stands for the logits of 0 and 1.
const mostOdds = 700

// spreadOf is the mean and the variance with n-1 in the denominator; n >= 2.
func spreadOf(x []float64) (mean, variance float64) {
	for _, v := range x {
		mean += v
	}
	mean /= float64(len(x))
	for _, v := range x {
		variance += float64((v - mean) * (v - mean))
	}
	return mean, variance / float64(len(x)-1)
}
