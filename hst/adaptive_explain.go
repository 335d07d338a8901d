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
	// Rarity, Outside and Slower are the evidence, in nats: how rare it is in the call's
	// own tail, how far it is outside the body, and by what factor it is slower. Each is
	// at least 0, but Rarity that of half the spans or more.
	Rarity, Outside, Slower float64
	// Surprise is what the score is made from, in nats: the sum of the evidence, less
	// for a span that is faster than usual, and on a plateau no more than its rarity
	// allows. See [Adaptive].
	Surprise float64
	// KeptFrom is the least duration with which a span of the call would be kept now,
	// without slow children and off its plateaus; 146 years if none would.
	KeptFrom time.Duration
	// Score and Keep are those of the Decision, Threshold is the least score that is
	// kept now. All are zero while the sampler warms up.
	Score, Threshold float64
	Keep             bool
}

// Explain says what Sample makes of s and why: the same Decision, as long as
// nothing was learned in between. Cost: some 2 µs.
func (a *Adaptive) Explain(s *trace.Span) Explanation {
	v := *a.judge(s)
	c := a.learnedModel(s.Call)
	if c == nil {
		c = a.unknown(s)
	}
	z := (ln(float64(max(s.Duration, 0)-v.explained)+resolution) - c.location) / c.sd
	slower := max(z, 0)
	survival := a.survival(c, slower)
	e := Explanation{
		Location:  time.Duration(usualNs(c)),
		Scale:     exp(c.scale),
		Spans:     int64(c.learned),
		Explained: time.Duration(v.explained),
		Z:         z,
		OneIn:     1 / survival,
		Plateau:   v.plateau,
		Rarity:    -ln(survival),
		Outside:   2 * ln(bodyEvidence(min(slower, bodyLimit))),
		Slower:    effectWeight * slower * c.scale,
		Surprise:  v.surprise,
	}
	if a.Ready() {
		d := a.decide(v.surprise)
		e.Score, e.Keep, e.Threshold = d.Score, d.Keep, a.Threshold()
		e.KeptFrom = a.keptFrom(c)
	}
	return e
}

// KeptFrom is the least duration with which a span of the call would be kept now, as in
// [Explanation]; 0 while the sampler warms up, and for a call that it has not learned.
// Nothing is changed. Cost: some 2 µs.
func (a *Adaptive) KeptFrom(call trace.Call) time.Duration {
	c := a.learnedModel(call)
	if c == nil || !a.Ready() {
		return 0
	}
	return a.keptFrom(c)
}

// keptFrom is the least duration of c that is kept, by bisection: surprise rises
// with the duration.
func (a *Adaptive) keptFrom(c *callModel) time.Duration {
	lo, hi := int64(-1), int64(longest) // lo is not kept
	for hi-lo > 1 {
		mid := lo + (hi-lo)/2
		nats, _ := a.surprise(c, ln(float64(mid)+resolution))
		if a.decide(nats).Keep {
			hi = mid
		} else {
			lo = mid
		}
	}
	return time.Duration(hi)
}
