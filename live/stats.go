package live

import (
	"math"

	"github.com/DataDog/sketches-go/ddsketch"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// The trend detectors. The EWMA half-life is in ticks with spans, and the CUSUM has
// the textbook's allowance and alarm for a shift of one standard deviation.
const (
	ewmaWeight = 0.1
	// CusumAllowance is subtracted from every standardised tick mean.
	CusumAllowance = 0.5
	// CusumAlarm is the sum at which a trend counts as a change.
	CusumAlarm = 5.0
	// cusumCap keeps one absurd tick from ringing for hours.
	cusumCap = 4 * CusumAlarm
	// trendWarmUp ticks are seen before the CUSUM moves.
	trendWarmUp = 10
)

// callStats is what is kept of one call.
type callStats struct {
	count     int64
	errors    int64
	sampled   int64
	tickCount int64 // since the last tick
	tickSum   float64
	entry     bool // it is in the entries of its service

	durations pending
	duration  baseline // unsampled spans: what is normal must not learn the fault
	rest      sketch   // durations that are not in the baseline, or no longer
	selves    pending
	self      baseline // of closed traces
	trend     trend
}

// trend follows tick means of a call's duration.
type trend struct {
	ticks    int64
	rate     float64 // EWMA, spans a second
	mean     float64 // EWMA, ns
	variance float64 // EW variance of tick means
	up, down float64 // CUSUM
}

// add counts a span. Unless learnAll, the baseline does not learn sampled spans.
func (c *callStats) add(s *Span, learnAll bool) {
	c.count++
	c.tickCount++
	c.tickSum += float64(s.Duration)
	if s.Status == StatusError {
		c.errors++
	}
	b := binOf(s.Duration)
	if s.Decision.Keep {
		c.sampled++
		if !learnAll {
			b |= unusual
		}
	}
	if c.durations.add(b) {
		c.flush()
	}
}

// addSelf counts the self time of a span that was not sampled.
func (c *callStats) addSelf(ns int64) {
	if c.selves.add(binOf(ns)) {
		c.flush()
	}
}

// flush lets the sketches learn what is pending.
func (c *callStats) flush() {
	bins := c.durations.take()
	if c.duration.filling.count() == 0 {
		spread(bins)
	}
	for _, b := range bins {
		if b&unusual == 0 {
			c.duration.filling.add(b)
		} else {
			c.rest.add(b &^ unusual)
		}
	}
	bins = c.selves.take()
	if c.self.filling.count() == 0 {
		spread(bins)
	}
	for _, b := range bins {
		c.self.filling.add(b)
	}
}

// all makes into the sketch of all durations, none of which are pending.
func (c *callStats) all(into *sketch) {
	into.clear()
	into.merge(&c.rest)
	into.merge(&c.duration.full)
	into.merge(&c.duration.filling)
}

// tick closes a tick that lasted dt ns.
func (c *callStats) tick(now, dt, half int64) {
	c.flush()
	c.duration.tick(now, half, &c.rest)
	c.self.tick(now, half, nil)
	if dt > 0 {
		c.trend.tick(c.tickCount, c.tickSum, float64(dt)/1e9)
	}
	c.tickCount, c.tickSum = 0, 0
}

func (t *trend) tick(n int64, sum, seconds float64) {
	t.rate += float64(ewmaWeight * (float64(n)/seconds - t.rate))
	if n == 0 {
		return // no spans say nothing of durations
	}
	x := sum / float64(n)
	t.ticks++
	if t.ticks == 1 {
		t.mean = x
		return
	}
	d := x - t.mean
	if sd := math.Sqrt(t.variance); t.ticks > trendWarmUp && sd > 0 {
		z := d / sd
		t.up = min(max(0, t.up+z-CusumAllowance), cusumCap)
		t.down = min(max(0, t.down-z-CusumAllowance), cusumCap)
	}
	// An alarm freezes the reference, or a lasting shift would become the norm.
	if t.up < CusumAlarm && t.down < CusumAlarm {
		t.mean += float64(ewmaWeight * d)
		t.variance = (1 - ewmaWeight) * (t.variance + float64(ewmaWeight*d*d))
	}
}

// CallStats is what is known of one call. Durations are ns.
type CallStats struct {
	Call      trace.Call
	Service   string
	Operation string
	Count     int64
	Errors    int64
	Sampled   int64
	Rate      float64 // spans a second, EWMA over ticks
	Mean      float64 // EWMA of tick means
	CusumUp   float64 // at CusumAlarm or above: slower than it was
	CusumDown float64
	// Baseline is the median of unsampled spans over the last BaselineWindow, NaN
	// while too few are known. SelfBaseline is that of the self time.
	Baseline, SelfBaseline float64
	// Sketch holds all durations since the start, within SketchAccuracy. It is valid
	// during the visit: Copy it to keep it.
	Sketch *ddsketch.DDSketch
}

// Stats visits the calls that have had a span, in order of first sight, the
// overflow call first.
func (p *Pipeline) Stats(visit func(CallStats)) {
	var all sketch
	for id := range p.stats {
		c := &p.stats[id]
		if c.count == 0 {
			continue
		}
		call := trace.Call(id)
		c.flush()
		c.all(&all)
		visit(CallStats{
			Call: call, Service: p.calls.Service(call), Operation: p.calls.Operation(call),
			Count: c.count, Errors: c.errors, Sampled: c.sampled,
			Rate: c.trend.rate, Mean: c.trend.mean, CusumUp: c.trend.up, CusumDown: c.trend.down,
			Baseline: c.duration.known(), SelfBaseline: c.self.known(), Sketch: all.dd,
		})
	}
}
