package synth

import (
	"fmt"
	"strings"
	"time"
)

// Variant is a named Config.
type Variant struct {
	Name   string
	About  string // one line for lists
	Config Config
}

// DefaultVariant is what `--dataset synth` means.
const DefaultVariant = "bookshop"

// DefaultSpans is the length of a stream that was not told otherwise.
const DefaultSpans = 200_000

// Variants lists the variants, the default first.
func Variants() []Variant {
	a := independent(60, 300*time.Microsecond, 2*time.Second, 0.25, 0.25)
	b := independent(60, 300*time.Microsecond, 2*time.Second, 0.1, 0.6)
	c := independent(60, 300*time.Microsecond, 2*time.Second, 0.5, 0.5)
	d := a
	d.Drift, d.DriftPeriod = 0.5, 40*time.Minute
	e := independent(12, 2*time.Millisecond, 40*time.Millisecond, 0.25, 0.25)
	f := a
	f.Kinds = Mix{NetworkDelay: 1}
	f.DelayMin, f.DelayMax = 2*time.Second, 10*time.Second
	return []Variant{
		{DefaultVariant, "16 services, 60 calls in four layers, heavy tails, drift, four kinds of anomalies (1.7 % of spans)", bookshop()},
		{"microservices", "otelgen's scenario: 102 spans a trace over 16 services, operations of 0-100 ms, 10 % errors, no anomalies", otelgen(Microservices)},
		{"web_mobile", "otelgen's scenario: 5 spans a trace, no anomalies", otelgen(WebMobile)},
		{"single", "one root span of about 10 µs a trace, as otelgen gives for an unknown scenario", otelgen(Single)},
		{"A", "60 independent calls, sigma 0.25, 1.7 % of spans x3-20", a},
		{"B", "as A, sigma 0.1-0.6", b},
		{"C", "as A, sigma 0.5", c},
		{"D", "as A, each call's median drifting between 0.61 and 1.65 times", d},
		{"E", "12 independent calls of 2-40 ms, sigma 0.25, 1.7 % of spans x3-20", e},
		{"F", "as A, anomalies take 2-10 s longer instead of a multiple", f},
	}
}

// Named is the Config of a variant; "" means DefaultVariant. The error lists the
// names.
func Named(name string) (Config, error) {
	if name == "" {
		name = DefaultVariant
	}
	var names []string
	for _, v := range Variants() {
		if v.Name == name {
			return v.Config, nil
		}
		names = append(names, v.Name)
	}
	return Config{}, fmt.Errorf("synth: no variant %q: want one of %s", name, strings.Join(names, ", "))
}

// base is what the variants have in common.
func base(shape Shape) Config {
	return Config{
		Shape: shape, Spans: DefaultSpans, Seed: 1, SystemSeed: 1,
		RequestsPerSecond: 100, Day: 24 * time.Hour, DriftPeriod: 24 * time.Hour,
		FactorMin: 3, FactorMax: 20,
		DelayMin: 100 * time.Millisecond, DelayMax: time.Second, BurstEvery: 2 * time.Minute,
	}
}

// bookshop compresses the day into an hour, so that the default size sees most
// of one.
func bookshop() Config {
	c := base(Layered)
	c.Services, c.Calls = 16, 60
	c.MedianMin, c.MedianMax = 300*time.Microsecond, 20*time.Millisecond
	c.SigmaMin, c.SigmaMax = 0.15, 0.5
	c.TailShare, c.TailProb, c.TailAlpha = 0.15, 0.02, 1.5
	c.RequestsPerSecond = 5
	c.Day, c.DayDepth = time.Hour, 1
	c.Drift, c.DriftPeriod = 0.2, 90*time.Minute
	c.AnomalyRate = 0.017
	c.Kinds = Mix{SlowSelf: 0.4, SlowDependency: 0.25, NetworkDelay: 0.2, Retry: 0.15}
	return c
}

// independent is a variant of the sampler comparison. Its range of medians is this
// package's choice: the comparison does not state one.
func independent(calls int, lo, hi time.Duration, sigmaMin, sigmaMax float64) Config {
	c := base(Independent)
	c.Calls = calls
	c.MedianMin, c.MedianMax = lo, hi
	c.SigmaMin, c.SigmaMax = sigmaMin, sigmaMax
	c.AnomalyRate = 0.017
	c.Kinds = Mix{SlowSelf: 1}
	return c
}

// otelgen has no anomalies: inject shocks, or give AnomalyRate a value.
func otelgen(shape Shape) Config {
	c := base(shape)
	c.RequestsPerSecond = 1
	c.Kinds = Mix{SlowSelf: 1}
	return c
}
