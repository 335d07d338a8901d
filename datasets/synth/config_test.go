package synth

import (
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

func TestVariantsAreValidAndNamedOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range Variants() {
		if seen[v.Name] || v.About == "" || strings.Contains(v.About, "\n") {
			t.Errorf("%q: named twice, or no line about it", v.Name)
		}
		seen[v.Name] = true
		if err := v.Config.Validate(); err != nil {
			t.Errorf("%s: %v", v.Name, err)
		}
		if c, err := Named(v.Name); err != nil || c != v.Config {
			t.Errorf("Named(%q): %v", v.Name, err)
		}
	}
	if c, err := Named(""); err != nil || c != Variants()[0].Config {
		t.Errorf("Named(\"\") is not the first variant: %v", err)
	}
	if _, err := Named("G"); err == nil || !strings.Contains(err.Error(), "bookshop, microservices") {
		t.Errorf("Named(\"G\"): %v", err)
	}
}

func TestValidateNamesTheField(t *testing.T) {
	for field, changes := range map[string][]func(*Config){
		"Shape":             {func(c *Config) { c.Shape = "ring" }, func(c *Config) { c.Shape = "" }},
		"Spans":             {func(c *Config) { c.Spans = 0 }, func(c *Config) { c.Spans = MaxSpans + 1 }},
		"Services":          {func(c *Config) { c.Services = 3 }, func(c *Config) { c.Services = 1001 }},
		"Calls":             {func(c *Config) { c.Calls = c.Services - 1 }, func(c *Config) { c.Calls = 10_001 }},
		"MedianMin":         {func(c *Config) { c.MedianMin = 0 }},
		"MedianMax":         {func(c *Config) { c.MedianMax = c.MedianMin - 1 }, func(c *Config) { c.MedianMax = 2 * time.Minute }},
		"SigmaMin":          {func(c *Config) { c.SigmaMin = -0.1 }, func(c *Config) { c.SigmaMin = math.NaN() }},
		"SigmaMax":          {func(c *Config) { c.SigmaMax = c.SigmaMin / 2 }, func(c *Config) { c.SigmaMax = math.Inf(1) }},
		"TailShare":         {func(c *Config) { c.TailShare = 1.1 }},
		"TailProb":          {func(c *Config) { c.TailProb = 0.6 }},
		"TailAlpha":         {func(c *Config) { c.TailAlpha = 0 }},
		"RequestsPerSecond": {func(c *Config) { c.RequestsPerSecond = 0 }, func(c *Config) { c.RequestsPerSecond, c.Spans = 0.01, MaxSpans }},
		"Day":               {func(c *Config) { c.Day = 0 }},
		"DayDepth":          {func(c *Config) { c.DayDepth = 2 }},
		"Drift":             {func(c *Config) { c.Drift = -1 }},
		"DriftPeriod":       {func(c *Config) { c.DriftPeriod = -time.Hour }},
		"AnomalyRate":       {func(c *Config) { c.AnomalyRate = 0.3 }, func(c *Config) { c.AnomalyRate = math.NaN() }},
		"Kinds.SlowSelf":    {func(c *Config) { c.Kinds.SlowSelf = -1 }},
		"Kinds.Retry":       {func(c *Config) { c.Kinds.Retry = math.Inf(1) }},
		"Kinds":             {func(c *Config) { c.Kinds = Mix{} }},
		"FactorMin":         {func(c *Config) { c.FactorMin = 0.5 }},
		"FactorMax":         {func(c *Config) { c.FactorMax = 2 }},
		"DelayMin":          {func(c *Config) { c.DelayMin = -1 }},
		"DelayMax":          {func(c *Config) { c.DelayMax = 2 * time.Hour }},
		"BurstEvery":        {func(c *Config) { c.BurstEvery = time.Millisecond }},
	} {
		for i, change := range changes {
			c := bookshop()
			change(&c)
			err := c.Validate()
			if err == nil || !strings.HasPrefix(err.Error(), "synth: "+field+": ") {
				t.Errorf("%s, case %d: %v", field, i, err)
			}
			if _, newErr := New(c); newErr == nil {
				t.Errorf("%s, case %d: New took it", field, i)
			}
		}
	}
}

// FuzzConfig: any Config is refused with its field named, or gives a stream that
// keeps every promise.
func FuzzConfig(f *testing.F) {
	for _, v := range Variants() {
		c := v.Config
		f.Add(string(c.Shape), c.Spans, c.Seed, c.Services, c.Calls, int64(c.MedianMin), int64(c.MedianMax), c.SigmaMax,
			c.TailShare, c.TailAlpha, c.RequestsPerSecond, int64(c.Day), c.DayDepth, c.Drift, int64(c.DriftPeriod),
			c.AnomalyRate, c.Kinds.SlowDependency, c.Kinds.Retry, c.FactorMax, int64(c.DelayMax), int64(c.BurstEvery))
	}
	f.Fuzz(func(t *testing.T, shape string, spans int64, seed uint64, services, calls int, medianMin, medianMax int64, sigma,
		tailShare, tailAlpha, rate float64, day int64, depth, drift float64, driftPeriod int64,
		anomalies, dependency, retry, factor float64, delay, burst int64) {
		c := Config{
			Shape: Shape(shape), Spans: min(spans, 2_000), Seed: seed, SystemSeed: seed, Services: services, Calls: calls,
			MedianMin: time.Duration(medianMin), MedianMax: time.Duration(medianMax), SigmaMax: sigma,
			TailShare: tailShare, TailProb: 0.1, TailAlpha: tailAlpha,
			RequestsPerSecond: rate, Day: time.Duration(day), DayDepth: depth, Drift: drift, DriftPeriod: time.Duration(driftPeriod),
			AnomalyRate: anomalies, Kinds: Mix{SlowSelf: 1, SlowDependency: dependency, NetworkDelay: 1, Retry: retry},
			FactorMin: 1, FactorMax: factor, DelayMax: time.Duration(delay), BurstEvery: time.Duration(burst),
		}
		d, err := New(c)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "synth: ") || strings.Count(err.Error(), ": ") < 2 {
				t.Fatalf("no field in %q", err)
			}
			return
		}
		var all []trace.Span
		var s trace.Span
		for err = d.Decode(&s); err == nil; err = d.Decode(&s) {
			all = append(all, s)
		}
		if err != io.EOF || int64(len(all)) != c.Spans {
			t.Fatalf("%d spans of %d, then %v", len(all), c.Spans, err)
		}
		if err := checkStream(all); err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
	})
}
