package synth

import (
	"fmt"
	"math"
	"time"
)

// Shape says how the system is built.
type Shape string

// The shapes.
const (
	// Layered is a generated call graph of four layers: a gateway whose calls are
	// the request classes, then services that call the next layers.
	Layered Shape = "layered"
	// Independent is Calls calls that call nothing: a trace is one span, all calls
	// are equally frequent. What the sampler comparison of the variants A to F uses.
	Independent Shape = "independent"
	// Microservices, WebMobile and Single have the traces of otelgen v0.5.2. They
	// ignore Services, Calls, Median*, Sigma* and Tail*.
	Microservices Shape = "microservices"
	WebMobile     Shape = "web_mobile"
	Single        Shape = "single"
)

// Config is what a stream is made from. Start from a [Variant]: no field but
// Drift, DayDepth, the Tail, Kinds and AnomalyRate ones has a useful zero.
type Config struct {
	Shape Shape
	// Spans is the exact length of the stream, 1..[MaxSpans]. The last request makes
	// fewer calls when it must.
	Spans int64
	// Seed of the traffic and SystemSeed of the call graph, any value. One
	// SystemSeed with several Seeds is one system on several days.
	Seed, SystemSeed uint64

	// Services and Calls of a Layered system: 4..1000 and Services..10000.
	// Independent: 1..10000 calls, each of its own service.
	Services, Calls int
	// The median self time of a call is log-uniform in [MedianMin, MedianMax],
	// 1 µs..1 min, drawn in equal strata so that small systems cover the range too.
	MedianMin, MedianMax time.Duration
	// The sigma of ln(self time) is uniform in [SigmaMin, SigmaMax], 0..2, a call.
	SigmaMin, SigmaMax float64
	// TailShare of the calls (0..1) has a heavy tail: TailProb (0..0.5) of its self
	// times are multiplied by a Pareto variate of index TailAlpha (0.5..10, finite
	// mean above 1). Such spans are normal: telling them apart is the sampler's job.
	TailShare, TailProb, TailAlpha float64

	// RequestsPerSecond is the mean arrival rate, 0.001..1e6.
	RequestsPerSecond float64
	// Day is the length of the daily cycle of the rate, 1 s..10 000 h; DayDepth how
	// much of the cycle is applied: 0 none, 1 all (night at 0.25, evening at 1.7
	// times the mean).
	Day      time.Duration
	DayDepth float64
	// Drift is the amplitude of the slow triangular wave that a call's location,
	// ln(median), follows over DriftPeriod (1 s..10 000 h), each call at a phase of
	// its own: 0..2; 0.7 means half to twice the median.
	Drift       float64
	DriftPeriod time.Duration

	// AnomalyRate is the expected share of anomalous spans, propagated ones apart:
	// 0..0.2. Exact for the kinds drawn a span; for bursts the expectation over many
	// BurstEvery.
	AnomalyRate float64
	Kinds       Mix
	// A slow span lasts U(FactorMin, FactorMax) times as long, 1..1000. At 1 the
	// labels stay and the slowness goes: a negative control.
	FactorMin, FactorMax float64
	// A wait lasts U(DelayMin, DelayMax), 0..1 h.
	DelayMin, DelayMax time.Duration
	// BurstEvery is the time in which one burst falls, 1 s..10 000 h.
	BurstEvery time.Duration
}

// Mix weighs the kinds of anomalies against each other; only ratios matter.
type Mix struct{ SlowSelf, SlowDependency, NetworkDelay, Retry float64 }

func (m Mix) total() float64 { return m.SlowSelf + m.SlowDependency + m.NetworkDelay + m.Retry }

const (
	// MaxSpans is the longest stream.
	MaxSpans = 1_000_000_000
	// MaxInFlight is the number of spans of unended requests at which arrivals
	// begin to wait for one to end, as behind a connection limit.
	MaxInFlight = 1 << 18
	// MaxTraceSpans is the number of spans after which a request makes no more calls.
	MaxTraceSpans = 4096

	maxHours = 10_000 * time.Hour
	// maxHorizon keeps timestamps far from the end of int64 nanoseconds (2262).
	maxHorizon = 50 * 365 * 24 * time.Hour
)

// Validate says which field is out of its range, and what the range is. nil means
// that New accepts c.
func (c *Config) Validate() error {
	v := validator{}
	v.in("Spans", float64(c.Spans), 1, MaxSpans)
	c.validateSystem(&v)
	c.validateTime(&v)
	c.validateAnomalies(&v)
	return v.err
}

func (c *Config) validateSystem(v *validator) {
	switch c.Shape {
	case Layered:
		v.in("Services", float64(c.Services), 4, 1000)
		v.in("Calls", float64(c.Calls), float64(max(c.Services, 4)), 10_000)
	case Independent:
		v.in("Calls", float64(c.Calls), 1, 10_000)
	case Microservices, WebMobile, Single:
		return
	default:
		v.fail("Shape", "%q: want layered, independent, microservices, web_mobile or single", c.Shape)
	}
	v.inTime("MedianMin", c.MedianMin, time.Microsecond, time.Minute)
	v.inTime("MedianMax", c.MedianMax, c.MedianMin, time.Minute)
	v.in("SigmaMin", c.SigmaMin, 0, 2)
	v.in("SigmaMax", c.SigmaMax, c.SigmaMin, 2)
	v.in("TailShare", c.TailShare, 0, 1)
	if c.TailShare > 0 {
		v.in("TailProb", c.TailProb, 0, 0.5)
		v.in("TailAlpha", c.TailAlpha, 0.5, 10)
	}
}

func (c *Config) validateTime(v *validator) {
	v.in("RequestsPerSecond", c.RequestsPerSecond, 0.001, 1e6)
	if v.err == nil && float64(c.Spans)/c.RequestsPerSecond > maxHorizon.Seconds() {
		v.fail("RequestsPerSecond", "%g for %d spans may last more than 50 years: raise the rate or lower Spans", c.RequestsPerSecond, c.Spans)
	}
	v.inTime("Day", c.Day, time.Second, maxHours)
	v.in("DayDepth", c.DayDepth, 0, 1)
	v.in("Drift", c.Drift, 0, 2)
	v.inTime("DriftPeriod", c.DriftPeriod, time.Second, maxHours)
}

func (c *Config) validateAnomalies(v *validator) {
	v.in("AnomalyRate", c.AnomalyRate, 0, 0.2)
	for _, k := range []struct {
		name   string
		weight float64
	}{
		{"Kinds.SlowSelf", c.Kinds.SlowSelf}, {"Kinds.SlowDependency", c.Kinds.SlowDependency},
		{"Kinds.NetworkDelay", c.Kinds.NetworkDelay}, {"Kinds.Retry", c.Kinds.Retry},
	} {
		v.in(k.name, k.weight, 0, 1e6)
	}
	if c.AnomalyRate > 0 && !(c.Kinds.total() > 0) {
		v.fail("Kinds", "no kind has a weight: give one, or set AnomalyRate to 0")
	}
	v.in("FactorMin", c.FactorMin, 1, 1000)
	v.in("FactorMax", c.FactorMax, c.FactorMin, 1000)
	v.inTime("DelayMin", c.DelayMin, 0, time.Hour)
	v.inTime("DelayMax", c.DelayMax, c.DelayMin, time.Hour)
	v.inTime("BurstEvery", c.BurstEvery, time.Second, maxHours)
}

// validator keeps the first complaint.
type validator struct{ err error }

func (v *validator) fail(field, format string, args ...any) {
	if v.err == nil {
		v.err = fmt.Errorf("synth: %s: %s", field, fmt.Sprintf(format, args...))
	}
}

func (v *validator) in(field string, x, lo, hi float64) {
	if !(x >= lo && x <= hi) || math.IsInf(x, 0) { // NaN fails both
		v.fail(field, "%v: want %v..%v", x, lo, hi)
	}
}

func (v *validator) inTime(field string, x, lo, hi time.Duration) {
	if x < lo || x > hi {
		v.fail(field, "%v: want %v..%v", x, lo, hi)
	}
}
