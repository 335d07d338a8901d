package hst

import "math"

// The per-call model. Residuals are differences of logarithms, r = ln(d + 1 µs) -
// location, so that 0.69 is twice as long whatever the call.
const (
	// resolution is added to every duration, ns: most tracers round to it, and
	// below it a ratio of durations says nothing.
	resolution = 1000
	// steadyGain is the weight of a new span in the location of a known call, a memory
	// of some 50 spans. With half of it the location trails a median that halves
	// within a thousand spans; with twice of it the location's noise shows beside
	// that of the spans (1 % of the variance at 0.02).
	steadyGain = 0.02
	locationQ  = steadyGain * steadyGain / (1 - steadyGain)
	// maxStep is how many standard deviations a span can pull the location by.
	maxStep = 1.5
	// spreadCut winsorises what the scale learns, in scales; spreadBias is the mean of
	// min(Z², spreadCut²) for a normal Z.
	spreadCut  = 2.5
	spreadBias = 0.97754
	// spreadPrior is how many spans the inherited scale counts for; spreadMemory is
	// how many the scale remembers.
	spreadPrior  = 8
	spreadMemory = 1 << 12
	// minScale is the least scale: timers and schedulers jitter by as much.
	minScale = 0.03
	// A known call takes its scale anew from one span in measureEvery: it changes by less
	// than a hundredth between two.
	measureAlways = 256
	measureEvery  = 4
	// fallRun is how many spans in a row below the location say that the call has become
	// faster (1 in 65 536 by chance). The location then moves as if it had seen
	// fallMemory spans.
	fallRun    = 16
	fallMemory = 8
	// youngCall is how many spans of a new call are learned whatever they are.
	youngCall = 16
)

// callModel is what is known of one call: some 900 bytes. The zero value knows
// nothing.
type callModel struct {
	location float64 // of ln(ns + resolution)
	variance float64 // of the error of location
	spread   float64 // squared scale
	scale    float64 // its root
	sd       float64 // of a span around the location, both being uncertain
	inverse  float64 // 1 / sd
	learned  uint64  // spans
	upper    uint32  // spans that the scale was learned from, up to spreadMemory
	group    int32   // number of its service's group, -1: none
	below    uint16  // how many of the latest spans in a row were faster than location
	shift    shiftDetector
	recur    recurrence
	tail     tail
	mass     mass
	share    groupShare // last, being seldom asked
}

// measure sets what follows from variance and spread. A scale that few spans have
// shown, most of them of the same minute, may be too small by half.
func (c *callModel) measure() { c.measureWith(c.spreadGain()) }

// spreadGain is the weight of a new span in the scale.
func (c *callModel) spreadGain() float64 { return 1 / float64(c.upper+spreadPrior) }

// measureWith is measure when the spreadGain is at hand.
func (c *callModel) measureWith(gain float64) {
	doubt := 1 + float64(spreadPrior*gain)
	c.scale, c.sd = math.Sqrt(c.spread), math.Sqrt(c.variance+float64(c.spread*doubt))
	c.inverse = 1 / c.sd
}

// inherit is the model of a call that was never learned: what the calls of its
// service, and all calls, have in common.
func (c *callModel) inherit(service, all *group) {
	p := all.expect(assumed)
	if service != nil {
		p = service.expect(p)
	}
	c.location, c.variance = p.location, p.variance
	c.spread = max(exp(p.logSpread), minScale*minScale)
	c.measure()
}

// learn updates location and scale with x = ln(ns + resolution). A Kalman filter
// for a location that does a random walk, with a bounded innovation: the gain falls
// from nearly 1 for a new call to steadyGain.
func (c *callModel) learn(x float64) {
	old := c.location
	r := x - old
	inverse := 1 / (c.variance + c.spread)
	gain := float64(c.variance * inverse)
	u2 := float64(float64(r*r) * inverse)
	if c.learned > 0 { // of the first span everything is believed
		step := float64(maxStep * c.sd)
		r = min(max(r, -step), step)
	}
	c.location += float64(gain * r)
	c.variance = float64((1-gain)*c.variance) + float64(locationQ*c.spread)
	above := isAbove(x, old) // half of all spans, in no order: no jump
	spreadGain := c.learnSpread(u2, above)
	if c.below = (c.below + 1) * uint16(1-above); c.below >= fallRun {
		c.below = 0
		c.variance = max(c.variance, c.spread/fallMemory)
		c.measureWith(spreadGain)
	}
	if c.learned < measureAlways || c.learned%measureEvery == 0 {
		c.measureWith(spreadGain)
	}
}

// learnSpread takes the scale from slower spans alone: durations are skewed, and
// only slowness is judged. u2 is in variances, the location's own error included, so
// that an uncertain location is not taken for a wide scale. above is 1 for a slower
// span, 0 for one to leave out. It returns the spreadGain.
func (c *callModel) learnSpread(u2 float64, above uint64) (gain float64) {
	c.upper = min(c.upper+uint32(above), spreadMemory)
	u2 = float64(min(u2, spreadCut*spreadCut) * (1 / spreadBias))
	gain = c.spreadGain()
	change := float64(float64(gain*float64(above)) * (u2 - 1))
	c.spread = max(float64(c.spread*(1+change)), minScale*minScale)
	return gain
}

// relearn accepts that the call is now as slow as its latest spans.
func (c *callModel) relearn() {
	c.location, c.variance = c.shift.recent, c.spread/4
	c.shift.suspects, c.shift.age = c.shift.usual, 0
	c.recur = recurrence{}
	c.measure()
}
