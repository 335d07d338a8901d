package synth

import "math"

// Kinds of labels. The first four are anomalies: the span so labelled is
// Anomalous, and the excess is its own self time.
const (
	// KindSlowSelf: the span lasts a factor longer than it would have, all of it
	// self time behind its last child (a long collection, a lock).
	KindSlowSelf = "slow-self"
	// KindSlowDependency: as slow-self, with one factor for all spans of one call in
	// a window of time.
	KindSlowDependency = "slow-dependency"
	// KindNetworkDelay: the caller waits before its first children hear of the call,
	// or, if it has none, for something that is not traced.
	KindNetworkDelay = "network-delay"
	// KindRetry: a child fails once to three times before it succeeds, and the caller
	// waits before each further attempt. The failed attempts are ordinary spans
	// without children. At calls without a certain child: KindNetworkDelay.
	KindRetry = "retry"
	// KindError marks a Normal span that failed without being late (otelgen's random
	// errors): a Span has no status of its own.
	KindError = "error"
)

// maxFailures is the most failed attempts of a retry.
const maxFailures = 3

// kindOf a span: an index into kindNames.
type kindOf uint8

const (
	ordinary kindOf = iota
	slowSelf
	slowDependency
	networkDelay
	retry
	failed
)

var kindNames = [...]string{"", KindSlowSelf, KindSlowDependency, KindNetworkDelay, KindRetry, KindError}

// fault is what is wrong with one span.
type fault struct {
	kind     kindOf
	factor   float64 // slowSelf, slowDependency
	wait     int64   // networkDelay, retry: ns, a retry's a failure
	failures int     // retry
}

// faults decides which spans are anomalous: a Bernoulli trial a span for the kinds
// of single spans, drawn as the gap to the next success, and bursts.
type faults struct {
	gap    int64 // ordinary spans before the next anomalous one
	logQ   float64
	single Mix // without SlowDependency
	cfg    Config
	bursts bursts
}

func newFaults(c *Config, s *system, r *rng) faults {
	f := faults{single: c.Kinds, cfg: *c, gap: math.MaxInt64}
	f.single.SlowDependency = 0
	share := 0.0
	if c.AnomalyRate > 0 {
		share = c.AnomalyRate * (f.single.total() / c.Kinds.total())
	}
	f.bursts = newBursts(c, s, c.AnomalyRate-share)
	if share > 0 {
		f.logQ = log(1 - share)
		f.gap = f.drawGap(r)
	}
	return f
}

// drawGap is geometric.
func (f *faults) drawGap(r *rng) int64 { return int64(log(r.open()) / f.logQ) }

// next is the fault of the next span, of call number i and starting at t.
func (f *faults) next(c *call, i int32, t int64, r *rng) fault {
	single := f.gap == 0
	if single {
		f.gap = f.drawGap(r)
	} else {
		f.gap--
	}
	if factor := f.bursts.slow(i, t); factor > 0 {
		return fault{kind: slowDependency, factor: factor}
	}
	if !single {
		return fault{}
	}
	return f.drawSingle(c, r)
}

func (f *faults) drawSingle(c *call, r *rng) fault {
	u := float64(r.float() * f.single.total())
	if u < f.single.SlowSelf {
		return fault{kind: slowSelf, factor: r.between(f.cfg.FactorMin, f.cfg.FactorMax)}
	}
	wait := int64(r.between(float64(f.cfg.DelayMin), float64(f.cfg.DelayMax)))
	if u < f.single.SlowSelf+f.single.NetworkDelay || c.retried < 0 {
		return fault{kind: networkDelay, wait: wait}
	}
	return fault{kind: retry, wait: wait, failures: 1 + r.intn(maxFailures)}
}
