package hst

import (
	"math"
	"time"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Explanation says why a span was kept or not.
type Explanation struct {
	// Location is the duration that the call usually takes, Scale the factor by which
	// it usually varies upwards: about one span in six lasts longer than Location *
	// Scale.
	Location time.Duration
	Scale    float64
	// Spans is how many spans of the call the model has learned. Without any,
	// Location and Scale are those of the service, or of all calls.
	Spans int64
	// Explained is the part of the duration that slow children account for.
	Explained time.Duration
	// Z is how many scales the duration, without what is explained, lies above the
	// location, on the logarithmic scale; negative: below.
	Z float64
	// OneIn is how rare a longer span is in this call: one in so many; at least 1.
	OneIn float64
	// Surprise is what is ranked by, in nats; see [Adaptive].
	Surprise float64
	// Score and Threshold are Decision.Score and the least score that is kept now.
	// Both are 0 while the sampler warms up.
	Score, Threshold float64
	Keep             bool
}

// Explain says what Sample makes of s and why. It may be called at any time after
// Sample, as long as nothing was learned in between; s is not modified.
func (a *Adaptive) Explain(s *trace.Span) Explanation {
	c := a.known(s)
	v := a.judge(s)
	ns := max(s.Duration, 0) - v.explained
	z := (math.Log(float64(ns)+resolution) - c.location) / math.Sqrt(c.variance+c.spread)
	e := Explanation{
		Location:  time.Duration(math.Exp(c.location)) - resolution,
		Scale:     math.Exp(math.Sqrt(c.spread)),
		Spans:     int64(c.learned),
		Explained: time.Duration(v.explained),
		Z:         z,
		OneIn:     1 / a.survival(&c, max(z, 0), math.Exp(-max(z, 0)*math.Sqrt(c.spread))),
		Surprise:  v.surprise,
	}
	if d := a.Sample(s); !d.WarmUp {
		e.Score, e.Keep, e.Threshold = d.Score, d.Keep, a.Threshold()
	}
	return e
}

// Threshold is the least score that is kept now.
func (a *Adaptive) Threshold() float64 {
	if a.cfg.Mode == ThresholdScore {
		return a.cfg.Target
	}
	return a.scale.score(a.point.value)
}
