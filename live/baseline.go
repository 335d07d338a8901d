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

// sketch is a library sketch behind a small batch. The spans of a thousand calls
// come in turns, and each sketch is kilobytes: adding one at a time would miss the
// cache for every bucket.
type sketch struct {
	dd    *ddsketch.DDSketch // nil until the first add
	batch []int64
}

const sketchBatch = 32

// add learns a duration in ns, which is not negative.
func (s *sketch) add(ns int64) {
	if s.dd == nil {
		s.begin()
	}
	if s.batch = append(s.batch, ns); len(s.batch) == sketchBatch {
		s.flush()
	}
}

func (s *sketch) begin() {
	s.dd = ddsketch.NewDDSketch(sketchMapping, store.NewCollapsingLowestDenseStore(sketchBins), store.NewCollapsingLowestDenseStore(1))
	s.batch = make([]int64, 0, sketchBatch)
}

func (s *sketch) flush() {
	for _, ns := range s.batch {
		_ = s.dd.Add(float64(ns)) // finite and not negative, which is all it asks for
	}
	s.batch = s.batch[:0]
}

func (s *sketch) count() float64 {
	if s.dd == nil {
		return 0
	}
	return s.dd.GetCount() + float64(len(s.batch))
}

func (s *sketch) clear() {
	if s.dd != nil {
		s.dd.Clear()
		s.batch = s.batch[:0]
	}
}

// baseline is what durations of a call are normally: those of the last finished
// half-window, or, in the first one, those so far. It lags on purpose: the start of
// a fault is not in it.
type baseline struct {
	filling, full sketch
	turned        int64 // when filling began
	begun         bool
	median        float64 // of the last tick, ns; NaN: too few
}

// tick starts a new half-window when the old one has lasted half ns.
func (b *baseline) tick(now, half int64) {
	if !b.begun {
		b.begun, b.turned = true, now
	}
	if now-b.turned >= half && b.filling.count() >= leastBaseline {
		b.full, b.filling, b.turned = b.filling, b.full, now
		b.filling.clear()
	}
	b.median = b.quantile(0.5, leastBaseline)
}

// quantile is the q-quantile in ns, NaN when fewer than least durations are known.
// Cost: a walk over the buckets; callers keep the answer for a tick.
func (b *baseline) quantile(q float64, least int64) float64 {
	s := &b.full
	if s.dd == nil || s.count() == 0 {
		s = &b.filling
	}
	if s.count() < float64(max(least, 1)) {
		return math.NaN()
	}
	s.flush()
	v, err := s.dd.GetValueAtQuantile(q)
	if err != nil {
		return math.NaN()
	}
	return v
}

// known is the median of the last tick, NaN before the first.
func (b *baseline) known() float64 {
	if !b.begun {
		return math.NaN()
	}
	return b.median
}
