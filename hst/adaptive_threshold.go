package hst

// operatingPoint chooses the surprise from which spans are kept, and the lesser
// one from which they are suspect. It reads no label.
//
// By share or rate it is a quantile of all recent spans. By false-positive rate it
// is the quantile of ordinary spans, and which those are nobody says. Two things
// help. Surprise is minus the logarithm of a probability, so the surprise of
// ordinary spans has an exponential tail, or a lighter one, whatever the durations
// look like; and anomalies come on top of that, further out. So
//
//  1. the rate of decay is fitted where ordinary spans are nearly alone, between the
//     upper fifth and the upper twentieth, a window that is cut off at both ends
//     (extreme-value theory's peaks over a threshold, with the top censored);
//  2. from there upwards, a tail that decays at that rate or faster holds no more
//     than density/rate beyond a point: the threshold is the first point where that
//     is at most the target;
//  3. unless the density rises again before, from the upper 15 % on: then anomalies
//     begin there, and the threshold is the valley between the two;
//  4. and at the latest where the fitted tail itself reaches the target, or where
//     there are more than twice as many spans as it says: most are not ordinary.
//
// Neither 1 % nor 10 % of anomalies move it far, where a quantile of all spans would
// end up among them.
type operatingPoint struct {
	ordinary surpriseHistogram // of what was learned, and of all spans of calm calls
	all      surpriseHistogram // of every span that came to Learn, if there is a budget
	fresh    uint32            // spans since the last refresh
	keep     float64           // keep from here, nats
	suspect  float64           // suspect from here, nats
	clock    int64             // latest end of a span, at the last refresh
	now      int64             // latest end of a span
	rate     float64           // spans a second
	curve    surpriseCurve     // scratch
}

const (
	// refreshEvery is how often the threshold follows, rememberSpans the memory of the
	// histograms: enough for the fit to have some 5 000 spans.
	refreshEvery  = 1024
	rememberSpans = 1 << 15
	// suspectShare of ordinary spans are suspects.
	suspectShare = 0.02
	// The window of the fit, as shares of the ordinary spans above its ends.
	windowBegin = 0.2
	windowEnd   = 0.05
	// valleyBegin is the same of the first cell in which the valley can be.
	valleyBegin = 0.15
	// nominalSlope is how many nats the surprise of a log-normal call grows by while
	// the logarithm of its probability grows by one: the guess before the first fit.
	nominalSlope = 1.5
)

func newOperatingPoint(c *AdaptiveConfig) operatingPoint {
	p := operatingPoint{suspect: -nominalSlope * ln(suspectShare)}
	switch c.Mode {
	case ThresholdFPR, ThresholdShare:
		p.keep = -nominalSlope * ln(c.Target)
	default:
		p.keep = -nominalSlope * ln(0.001)
	}
	return p
}

// add counts a span that came to Learn, ordinary or part of an incident.
func (p *operatingPoint) add(surprise float64, end int64, ordinary bool, c *AdaptiveConfig) {
	cell := surpriseIndex(surprise)
	if ordinary {
		p.ordinary.add(cell)
	}
	if c.budgeted() {
		p.all.add(cell)
	}
	p.now = max(p.now, end)
	if p.fresh++; p.fresh >= refreshEvery {
		p.refresh(c)
	}
}

func (p *operatingPoint) refresh(c *AdaptiveConfig) {
	p.curve.sum(&p.ordinary)
	p.suspect = p.curve.quantile(suspectShare)
	switch c.Mode {
	case ThresholdFPR:
		p.keep = p.curve.extrapolate(c.Target, p.keep)
	case ThresholdShare:
		p.curve.sum(&p.all)
		p.keep = p.curve.quantile(c.Target)
	case ThresholdRate:
		p.measureRate()
		p.curve.sum(&p.all)
		p.keep = p.curve.quantile(min(1, c.Target/max(p.rate, 1e-9)))
	case ThresholdScore:
		// What is flagged is the score's to say; what is learned is not.
		p.keep = p.curve.extrapolate(0.001, p.keep)
	}
	p.ordinary.fade(p.fresh)
	if c.budgeted() {
		p.all.fade(p.fresh)
	}
	p.fresh = 0
}

// measureRate follows the rate of spans with a memory of 16 refreshes.
func (p *operatingPoint) measureRate() {
	passed := elapsed(p.clock, p.now)
	first := p.clock == 0
	p.clock = p.now
	if passed == 0 || first {
		return
	}
	rate := float64(p.fresh) / (float64(passed) / 1e9)
	if p.rate == 0 {
		p.rate = rate
	}
	p.rate += (rate - p.rate) / 16
}
