package live

import (
	"math"

	"github.com/DataDog/sketches-go/ddsketch"
	"github.com/DataDog/sketches-go/ddsketch/mapping"
	"github.com/DataDog/sketches-go/ddsketch/store"
)

// Sketch bounds. 1024 buckets of 2 % cover a range of 10^17 of durations; a call
// that needs more loses precision in its shortest ones, which no threshold uses.
const (
	// SketchAccuracy is the relative error of every quantile.
	SketchAccuracy = 0.01
	sketchBins     = 1024
	// leastBaseline is how many durations make a baseline good enough to say what is
	// in excess, and worth keeping for half a window.
	leastBaseline = 20
)

// Interpolation costs a few more buckets and no logarithm a span.
var sketchMapping = func() mapping.IndexMapping {
	m, err := mapping.NewCubicallyInterpolatedMapping(SketchAccuracy)
	if err != nil {
		panic(err) // a constant is out of range
	}
	return m
}()

func newSketch() *ddsketch.DDSketch {
	return ddsketch.NewDDSketch(sketchMapping, store.NewCollapsingLowestDenseStore(sketchBins), store.NewCollapsingLowestDenseStore(1))
}

// baseline is what durations of a call are normally: those of the last finished
// half-window, or, in the first one, those so far. It lags on purpose: the start of
// a fault is not in it.
type baseline struct {
	filling, full *ddsketch.DDSketch // nil until needed
	turned        int64              // when filling began
	median        float64            // of the last tick, ns; NaN: too few
}

// add learns a duration in ns.
func (b *baseline) add(ns int64) {
	if b.filling == nil {
		b.filling = newSketch()
		b.median = math.NaN()
	}
	// A duration is finite and not negative, which is all the sketch asks for.
	_ = b.filling.Add(float64(ns))
}

// tick starts a new half-window when the old one has lasted half ns.
func (b *baseline) tick(now, half int64) {
	if b.filling == nil {
		return
	}
	if b.turned == 0 {
		b.turned = now
	}
	if now-b.turned >= half && b.filling.GetCount() >= leastBaseline {
		b.full, b.filling, b.turned = b.filling, b.full, now
		if b.filling == nil {
			b.filling = newSketch()
		}
		b.filling.Clear()
	}
	b.median = b.quantile(0.5, leastBaseline)
}

// quantile is the q-quantile in ns, NaN when fewer than least durations are known.
// Cost: a walk over the buckets; callers keep the answer for a tick.
func (b *baseline) quantile(q float64, least int64) float64 {
	s := b.full
	if s == nil {
		s = b.filling
	}
	if s == nil || s.GetCount() < float64(max(least, 1)) {
		return math.NaN()
	}
	v, err := s.GetValueAtQuantile(q)
	if err != nil {
		return math.NaN()
	}
	return v
}

// known is the median of the last tick, NaN before the first.
func (b *baseline) known() float64 {
	if b.filling == nil {
		return math.NaN()
	}
	return b.median
}
