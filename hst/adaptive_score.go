package hst

// surpriseFeature is the one feature of the sampler's trees.
const surpriseFeature = "surprise"

// surpriseScale turns surprise, in nats, to a score of Half-Space Trees in [0, 1),
// increasing.
//
// Trees say how much mass lies around a value, which has no order: a gap between
// two crowds scores above the second one. One-sided, a value is as anomalous as the
// most anomalous one below it, so the score is the running maximum. And trees see
// nothing beyond the last crowd: all far values fall into cells without mass and
// tie. Half the story is therefore told by the surprise s itself: with H the trees'
// score, the score is
//
//	1 - (1 - H(s)) / (1 + s)
//
// which is strictly increasing where H stands still.
type surpriseScale struct {
	line *Line
}

// typical is what lesser surprises count as: more than half of all spans are below
// it, so there is mass, and the running maximum begins there.
const typical = 1

func newSurpriseScale(c AdaptiveConfig) (surpriseScale, error) {
	l, err := NewLine(c.forest(), surpriseFeature)
	return surpriseScale{l}, err
}

func (h *surpriseScale) score(s float64) float64 {
	return 1 - (1-h.line.table.score(max(s, typical)))/(1+s)
}

func (h *surpriseScale) learn(s float64) {
	before := h.line.windows
	h.line.Learn(max(s, typical))
	if h.line.windows != before {
		h.line.table.raise(typical)
	}
}

// surprise is the least value that scores at least score, by bisection.
func (h *surpriseScale) surprise(score float64) float64 {
	lo, hi := 0.0, 1e6
	for range 80 {
		if mid := (lo + hi) / 2; h.score(mid) >= score {
			hi = mid
		} else {
			lo = mid
		}
	}
	return hi
}

// raise makes the score from x on its running maximum.
func (t *lineTable) raise(x float64) {
	from := t.piece(orderKey(x))
	for i := from + 1; i < len(t.pieces); i++ {
		t.pieces[i].score = max(t.pieces[i].score, t.pieces[i-1].score)
	}
}
