package hst

// shiftDetector tells three kinds of slow spans of a call apart: those it always
// had, which belong in the model; an incident, which does not; and a call that has
// become slower for good, which must be learned in the end. It watches suspects,
// spans more surprising than all but a fiftieth of ordinary traffic.
//
// Suspects are learned at the rate that is usual for the call, whose memory is
// usualAge times RelearnAfter; what comes in excess of it is not. While suspects
// are many nothing at all is learned, so that the milder half of an incident does
// not creep into the model. When most spans have been suspects for RelearnAfter,
// the slowness is the new normal.
//
// Time is that of the spans: their ends, as far as they go forward. A span adds at
// most a 16th of RelearnAfter, so that silence is no evidence, and at least a
// 131 072th, so that a source without times gets there too.
type shiftDetector struct {
	suspects float64 // share of the latest spans, some 16
	usual    float64 // share of all spans, slowly forgetting
	tokens   float64 // suspects that may be learned
	recent   float64 // location of the latest spans, suspects included
	last     int64   // latest end, ns since the Unix epoch
	age      int64   // how long most spans have been suspects, ns
	seen     uint32  // spans, saturating
}

const (
	shiftGain = 1.0 / 16
	// shiftJump is the gain of recent while a shift has just begun: forget what was.
	shiftJump = 0.25
	// Most spans are suspects from shiftBegin on, until below shiftEnd.
	shiftBegin = 0.5
	shiftEnd   = 0.25
	// disturbed is the share of suspects in excess of the usual at which learning stops:
	// four of the latest 16.
	disturbed = 0.2
	// A span adds RelearnAfter/slowest to RelearnAfter/fastest to the age.
	fastest = 16
	slowest = 1 << 17
	// usualAge is the memory of usual in units of RelearnAfter, usualPrior how many spans
	// the first guess, suspectShare, counts for.
	usualAge   = 3
	usualPrior = 50
	maxTokens  = 4
)

// observe is told of every span of the call: when it ended, its x, whether it is
// suspect, and RelearnAfter in ns. It returns how much time that adds, ns.
func (d *shiftDetector) observe(end int64, x float64, suspect bool, after int64) (passed int64) {
	passed = d.advance(end, after)
	f := 0.0
	if suspect {
		f = 1
	}
	gain := shiftGain
	if suspect && d.age == 0 {
		gain = shiftJump
	}
	if d.seen == 0 {
		d.usual, gain = suspectShare, 1
	}
	if d.seen < 1<<31 {
		d.seen++
	}
	d.recent += float64(gain * (x - d.recent))
	d.suspects += float64(shiftGain * (f - d.suspects))
	slow := max(1/float64(usualPrior+d.seen), float64(passed)/float64(usualAge*after))
	d.usual += float64(slow * (f - d.usual))
	d.tokens = min(d.tokens+d.usual, maxTokens)
	if d.suspects > shiftBegin || d.age > 0 && d.suspects > shiftEnd {
		d.age += passed
	} else {
		d.age = 0
	}
	return passed
}

// advance is how much time the span adds.
func (d *shiftDetector) advance(end, after int64) int64 {
	passed := min(max(elapsed(d.last, end), after/slowest+1), after/fastest)
	if end > d.last || elapsed(end, d.last) > after {
		d.last = end // far back: the clock was set, or was wrong before
	}
	return passed
}

// calm says whether suspects are no more frequent than usual, give or take.
func (d *shiftDetector) calm() bool { return d.suspects <= disturbed+d.usual && d.age == 0 }

// learnable says whether a span may be learned, and takes a token for a suspect.
func (d *shiftDetector) learnable(suspect bool) bool {
	if !d.calm() {
		return false
	}
	if !suspect {
		return true
	}
	if d.tokens < 1 {
		return false
	}
	d.tokens--
	return true
}

// elapsed is to - from where that is a positive int64, else 0.
func elapsed(from, to int64) int64 {
	if d := to - from; to > from && d > 0 {
		return d
	}
	return 0
}
