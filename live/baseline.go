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
var sketchMapping = func() *mapping.CubicallyInterpolatedMapping {
	m, err := mapping.NewCubicallyInterpolatedMapping(SketchAccuracy)
	if err != nil {
		panic(err) // a constant is out of range
	}
	return m
}()

// bin is where a sketch counts a duration: 0 for none at all, 1 more than its index in
// sketchMapping for others, which is at most some 2 200.
type bin uint16

// binOf is the bin of a duration in ns, which is not negative.
func binOf(ns int64) bin {
	if ns == 0 {
		return 0
	}
	return bin(1 + sketchMapping.Index(float64(ns)))
}

// unusual marks the bin of a duration that a baseline must not learn.
const unusual bin = 1 << 15

// pending are durations that sketches have yet to learn. The spans of a thousand calls
// come in turns, and each sketch is kilobytes: to add one at a time would miss the
// cache for every one of them.
type pending struct {
	n    uint8
	bins [64]bin
}

// add says true when there is no room for another one.
func (p *pending) add(b bin) (full bool) {
	p.bins[p.n] = b
	p.n++
	return int(p.n) == len(p.bins)
}

// take returns what was pending, valid until the next add.
func (p *pending) take() []bin {
	n := p.n
	p.n = 0
	return p.bins[:n]
}

// sketch is a library sketch of durations.
type sketch struct {
	dd   *ddsketch.DDSketch // nil until the first add
	bins *store.CollapsingLowestDenseStore
}

// spread puts the shortest and the longest of bins first: a sketch that is empty then
// makes room once, and not each time that it meets a longer one.
func spread(bins []bin) {
	for i := range bins {
		if bins[i]&^unusual < bins[0]&^unusual {
			bins[i], bins[0] = bins[0], bins[i]
		}
	}
	for i := 1; i < len(bins); i++ {
		if bins[i]&^unusual > bins[1]&^unusual {
			bins[i], bins[1] = bins[1], bins[i]
		}
	}
}

// add is what dd.Add does with a duration of the bin.
func (s *sketch) add(b bin) {
	if s.dd == nil {
		s.begin()
	}
	if b == 0 {
		_ = s.dd.Add(0) // in range
		return
	}
	s.bins.AddWithCount(int(b)-1, 1)
}

func (s *sketch) begin() {
	s.bins = store.NewCollapsingLowestDenseStore(sketchBins)
	s.dd = ddsketch.NewDDSketch(sketchMapping, s.bins, store.NewCollapsingLowestDenseStore(1))
}

func (s *sketch) count() float64 {
	if s.dd == nil {
		return 0
	}
	return s.dd.GetCount()
}

// merge adds what other counted.
func (s *sketch) merge(other *sketch) {
	if other.count() == 0 {
		return
	}
	if s.dd == nil {
		s.begin()
	}
	_ = s.dd.MergeWith(other.dd) // of the same mapping
}

func (s *sketch) clear() {
	if s.dd != nil {
		s.dd.Clear()
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

// tick starts a new half-window when the old one has lasted half ns, and gives what was
// in the one before it to rest, if there is one.
func (b *baseline) tick(now, half int64, rest *sketch) {
	if !b.begun {
		b.begun, b.turned = true, now
	}
	if now-b.turned >= half && b.filling.count() >= leastBaseline {
		b.full, b.filling, b.turned = b.filling, b.full, now
		if rest != nil {
			rest.merge(&b.filling)
		}
		b.filling.clear()
	}
	b.median = b.quantile(0.5, leastBaseline)
}

// quantile is the q-quantile in ns, NaN when fewer than least durations are known.
// Cost: a walk over the buckets; callers keep the answer for a tick. It knows what was
// not pending at the last tick.
func (b *baseline) quantile(q float64, least int64) float64 {
	s := &b.full
	if s.dd == nil || s.count() == 0 {
		s = &b.filling
	}
	if s.count() < float64(max(least, 1)) {
		return math.NaN()
	}
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
