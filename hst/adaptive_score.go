package hst

// surpriseFeature is the one feature of the sampler's trees.
const surpriseFeature = "surprise"

// surpriseScale turns surprise, in nats, to a score in [0, 1), with Half-Space
// Trees over the surprise of all calls.
//
// Trees say how much mass lies around a value, which has no order: a gap between
// two crowds scores above the second one. Taken one-sided, a value is as anomalous
// as the most anomalous one below it, so the score is made its own running maximum.
// And trees know nothing beyond the last crowd: all far values fall into cells
// without mass and tie. There the surprise s itself has to tell them apart. With H
// the trees' score, the score is
//
//	1 - (1 - H(s)) / (1 + s)
//
// the mass around the span over how far out it is: strictly increasing wherever H
// stands still, and in units that are the same for every call.
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

// of is the score of a surprise.
func (h *surpriseScale) of(s float64) float64 {
	return 1 - float64((1-h.line.table.score(max(s, typical)))*(1/(1+s)))
}

// learnEvery: behind the warm-up the trees learn one span in so many. By the making of
// surprise its distribution hardly moves, and a window that reaches over more time
// is none the worse for it.
const learnEvery = 8

// learn is told the surprise of span number n.
func (h *surpriseScale) learn(s float64, n int64) {
	if n%learnEvery != 0 && h.line.Ready() {
		return
	}
	before := h.line.windows
	h.line.Learn(max(s, typical))
	if h.line.windows != before {
		h.line.table.raise(typical)
	}
}

// raise makes the scores from x on their running maximum.
func (t *lineTable) raise(x float64) {
	for i := t.piece(orderKey(x)) + 1; i < len(t.pieces); i++ {
		t.pieces[i].score = max(t.pieces[i].score, t.pieces[i-1].score)
	}
}
