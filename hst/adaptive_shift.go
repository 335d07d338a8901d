package hst

// shiftDetector tells a call that has become slower for good from one that has an
// incident. It watches the share of flagged spans, a moving average over some 16
// of them: when most are flagged nothing is learned any more, so that a long
// incident does not creep into the model; when that has lasted for RelearnAfter
// the slowness is the new normal.
//
// Time is that of the spans: their ends, as far as they go forward. A span adds at
// most a 16th of RelearnAfter, so that silence is no evidence and at least 16 spans
// are, and at least 2^-17 of it, so that a source without times gets there too.
type shiftDetector struct {
	flagged float64 // share of the latest spans
	usual   float64
	tokens  float64
	recent  float64 // location of the latest spans, flagged or not
	last    int64   // latest end, ns since the Unix epoch
	age     int64   // how long most spans have been flagged, ns
}

const (
	shiftGain  = 1.0 / 16
	shiftBegin = 0.5
	shiftEnd   = 0.25
	shiftSpans = 16
	shiftSlow  = 1 << 17
	usualGain  = 1.0 / 512
)

// observe is told of every span of the call: when it ended, its x and whether it
// was flagged. It says whether the call is in an incident, and whether that has
// lasted for after.
func (d *shiftDetector) observe(end int64, x float64, flagged bool, after int64) (incident, relearn bool) {
	passed := min(max(elapsed(d.last, end), after/shiftSlow+1), after/shiftSpans)
	if end > d.last || d.last-end > after {
		d.last = end // far back: the clock was set, or it was wrong before
	}
	was := d.age > 0
	f := 0.0
	if flagged {
		f = 1
	}
	d.flagged += float64(shiftGain * (f - d.flagged))
	gain := shiftGain
	if !was && flagged {
		gain = 0.25 // the first of a shift: forget what came before
	}
	d.recent += float64(gain * (x - d.recent))
	switch {
	case d.flagged > shiftBegin || was && d.flagged > shiftEnd:
		d.age += passed
	default:
		d.age = 0
	}
	return d.age > 0, d.age >= after
}

// elapsed is to - from where that is a positive int64, else 0.
func elapsed(from, to int64) int64 {
	if d := to - from; to > from && d > 0 {
		return d
	}
	return 0
}

func (d *shiftDetector) admit(suspect bool) bool {
	if d.usual == 0 {
		d.usual = suspectShare
	}
	f := 0.0
	if suspect {
		f = 1
	}
	d.usual += float64(usualGain * (f - d.usual))
	d.tokens = min(d.tokens+d.usual, 4)
	if !suspect {
		return true
	}
	if d.tokens < 1 {
		return false
	}
	d.tokens--
	return true
}
