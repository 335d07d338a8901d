package hst

import (
	"time"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Explanation says why a span was kept or not.
type Explanation struct {
	// Location is the duration that the call usually takes. Scale is the factor by
	// which it usually varies upwards: about one span in six lasts longer than
	// Location * Scale.
	Location time.Duration
	Scale    float64
	// Spans is how many spans of the call the model has learned. Without any, Location
	// and Scale are what is usual in the service, or everywhere.
	Spans int64
	// Explained is the part of the duration that slow children account for. What
	// follows is about the rest.
	Explained time.Duration
	// Z is how many standard deviations the logarithm of the duration lies above that
	// of Location; negative: below.
	Z float64
	// OneIn is how rare it is: one in so many spans of the call lasts longer. At least 1.
	OneIn float64
	// Plateau is the share of the call's spans that are known to take about as long,
	// give or take 9 %, at least: a duration that it keeps coming back to, such as a
	// timeout. Then Surprise is at most that of an ordinary span which is as rare. 0:
	// it is no such duration.
	Plateau float64
	// Surprise is what the score is made from, in nats; see [Adaptive].
	Surprise float64
	// Score and Keep are those of the Decision, Threshold is the least score that is
	// kept now. All are zero while the sampler warms up.
	Score, Threshold float64
	Keep             bool
}

// Explain says what Sample makes of s and why: the same Decision, as long as
// nothing was learned in between. Cost: some 200 ns.
func (a *Adaptive) Explain(s *trace.Span) Explanation {
	v := *a.judge(s)
	c := a.known(s)
	z := (ln(float64(max(s.Duration, 0)-v.explained)+resolution) - c.location) / c.sd
	e := Explanation{
		Location:  time.Duration(usualNs(c)),
		Scale:     exp(c.scale),
		Spans:     int64(c.learned),
		Explained: time.Duration(v.explained),
		Z:         z,
		OneIn:     1 / a.survival(c, max(z, 0)),
		Plateau:   v.plateau,
		Surprise:  v.surprise,
	}
	if a.Ready() {
		d := a.decide(&v)
		e.Score, e.Keep, e.Threshold = d.Score, d.Keep, a.Threshold()
	}
	return e
}
