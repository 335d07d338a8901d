package hst

// group is what the calls of a service, or all calls, have in common.
type group struct {
	calls     float64
	location  float64 // sum over its calls
	squares   float64 // sum of squared locations
	logSpread float64 // sum of ln(squared scale)
	tail      tail
}

// prior is what to expect of a call before its first span.
type prior struct{ location, variance, logSpread float64 }

// assumed is the prior before any call is known: 10 ms give or take a factor of
// e² (7.4), and a scale of 0.5.
var assumed = prior{ln(10e6), 4, ln(0.25)}

// expect is the mean and variance of the locations of the group's calls, and the
// mean of their scales; what is expected of the group itself counts as one more
// call.
func (g *group) expect(p prior) prior {
	n := g.calls + 1
	within := max(0, g.squares-float64(g.location*g.location)/max(g.calls, 1))
	return prior{
		location:  (g.location + p.location) / n,
		variance:  (within + p.variance) / n,
		logSpread: (g.logSpread + p.logSpread) / n,
	}
}

// groupShare is what a call has contributed to its groups.
type groupShare struct {
	location, logSpread float64
	counted             bool
}

// update puts the call's present location and scale in the place of its share.
func (g *group) update(c *callModel) {
	l, s := c.location, ln(c.spread)
	if old := c.share; old.counted {
		g.location -= old.location
		g.squares -= float64(old.location * old.location)
		g.logSpread -= old.logSpread
	} else {
		g.calls++
	}
	g.location += l
	g.squares += float64(l * l)
	g.logSpread += s
}

// shareOf is what update has made c's share.
func shareOf(c *callModel) groupShare {
	return groupShare{c.location, ln(c.spread), true}
}

// A call tells its groups where each of its first groupAlways spans lay, then of one in
// groupEvery: what calls have in common is not for the busiest of them to say.
const (
	groupAlways = 64
	groupEvery  = 8
)

// dueForGroups says whether a call that has learned n spans tells its groups: at
// each power of two, and every 64.
func dueForGroups(n uint64) bool { return n&(n-1) == 0 || n%64 == 0 }
