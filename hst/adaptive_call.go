package hst

import "math"

// The per-call model. All residuals are differences of logarithms: r = ln(d + 1 µs)
// - location, so that 0.69 is twice as long, whatever the call.
const (
	// resolution is added to every duration, ns: most tracers round to it, and
	// below it a ratio of durations says nothing.
	resolution = 1000
	// steadyGain is the weight of a new span in the location once a call is known,
	// a memory of some 50 spans. Half of it would follow a median that moves by half
	// its value in a thousand spans too late, twice of it makes the noise of the
	// location visible beside that of the spans (1 % of the variance at 0.02).
	steadyGain = 0.02
	locationQ  = steadyGain * steadyGain / (1 - steadyGain)
	// maxStep is how many standard deviations a span can pull the location by.
	maxStep = 1.5
	// spreadCut winsorises what the scale learns, in scales; spreadBias is the mean of
	// min(Z², spreadCut²) of a normal Z.
	spreadCut  = 2.5
	spreadBias = 0.97754
	// spreadPrior is how many spans the inherited scale counts for, spreadMemory how
	// many the scale remembers.
	spreadPrior  = 8
	spreadMemory = 512
	// minScale is the least scale: timers and schedulers jitter by as much.
	minScale = 0.03
	// tailPrior is how many spans of its own outweigh what a call inherits of its tail.
	tailPrior = 32
	// allPrior is how many spans the assumed tail counts for, among those of all calls.
	allPrior = 256
	// callMemory, groupMemory: after so many spans a tail halves its counts.
	callMemory  = 1 << 12
	groupMemory = 1 << 20
	// fallRun is how many spans in a row below the location say that the call has become
	// faster (1 in 65 536 by chance); its location then moves as if it were young.
	fallRun    = 16
	fallMemory = 8
)

// callModel is what is known of one call. The zero value knows nothing.
type callModel struct {
	location float64 // of ln ns
	variance float64 // of the error of location
	spread   float64 // squared scale
	upper    uint32  // spans that the scale was learned from
	learned  uint32
	below    uint16 // how many of the latest spans in a row were faster than location
	refused  uint8  // flagged spans since one was admitted to the tail
	counted  bool   // is among its group's calls
	group    int32  // number of its service's group
	shift    shiftDetector
	// what its groups count it with
	countedLocation, countedLogSpread float64
	tail                              tail
}

// group is what the calls of a service, or all calls, have in common.
type group struct {
	calls     float64
	location  float64 // sums over its calls
	squares   float64
	logSpread float64
	tail      tail
}

// With no call known, a duration is 10 ms give or take a factor of e² (7.4), and
// the scale of a call is 0.5.
const (
	priorLocation = 16.118 // ln 10 ms
	priorVariance = 4
	priorSpread   = 0.25
)

// inherit is the model of a call that was never learned, from its service's calls
// and, as one more of them, from all calls.
func (c *callModel) inherit(service, all *group) {
	m, v, ls := all.expect(priorLocation, priorVariance, math.Log(priorSpread))
	if service != nil {
		m, v, ls = service.expect(m, v, ls)
	}
	c.location, c.variance, c.spread = m, v, max(math.Exp(ls), minScale*minScale)
}

// expect is the mean and variance of the locations of the group's calls, and the
// mean of ln(squared scale), the given ones counting as one call.
func (g *group) expect(m, v, logSpread float64) (mean, variance, ls float64) {
	n := g.calls + 1
	mean = (g.location + m) / n
	variance = (max(0, g.squares-float64(g.location*g.location)/max(g.calls, 1)) + v) / n
	return mean, variance, (g.logSpread + logSpread) / n
}

// count puts the call's present location and scale in the place of those that
// its groups have.
func (c *callModel) count(groups ...*group) {
	l, s := c.location, math.Log(c.spread)
	for _, g := range groups {
		if c.counted {
			g.location -= c.countedLocation
			g.squares -= float64(c.countedLocation * c.countedLocation)
			g.logSpread -= c.countedLogSpread
			g.calls--
		}
		g.location += l
		g.squares += float64(l * l)
		g.logSpread += s
		g.calls++
	}
	c.counted, c.countedLocation, c.countedLogSpread = true, l, s
}

// learn updates location and scale with x = ln(ns + resolution). A Kalman filter
// for a location that does a random walk, with a bounded innovation: the gain falls
// from nearly 1 for a new call to steadyGain.
func (c *callModel) learn(x float64) {
	r := x - c.location
	total := c.variance + c.spread
	gain := c.variance / total
	step := maxStep * math.Sqrt(total)
	c.location += float64(gain * min(max(r, -step), step))
	c.variance = float64((1-gain)*c.variance) + float64(locationQ*c.spread)
	if r > 0 {
		c.below = 0
		c.learnSpread(r)
	} else if c.below++; c.below >= fallRun {
		c.below = 0
		c.variance = max(c.variance, c.spread/fallMemory)
	}
	c.learned++
}

// learnSpread takes the scale from slower spans alone: durations are skewed, and
// only slowness is judged.
func (c *callModel) learnSpread(r float64) {
	c.upper = min(c.upper+1, spreadMemory)
	r2 := min(float64(r*r), float64(spreadCut*spreadCut*c.spread)) / spreadBias
	gain := 1 / float64(c.upper+spreadPrior)
	c.spread = max(c.spread+float64(gain*(r2-c.spread)), minScale*minScale)
}
