package live

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/DataDog/sketches-go/ddsketch"
	"github.com/DataDog/sketches-go/ddsketch/store"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// TestSketchesAreTheLibrarys: what goes through bins and batches is what the library's
// own Add makes of the same durations, the shortest and the longest included, and the
// baseline is that of those that were not sampled since its half-window began. All are
// counted for good.
func TestSketchesAreTheLibrarys(t *testing.T) {
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 8))
		plain := func() *ddsketch.DDSketch {
			return ddsketch.NewDDSketch(sketchMapping, store.NewCollapsingLowestDenseStore(sketchBins), store.NewCollapsingLowestDenseStore(1))
		}
		all, usual, selves := plain(), plain(), plain()
		var c callStats
		now := int64(0)
		for range 1 + rng.IntN(500) {
			s := &Span{Decision: trace.Decision{Keep: rng.IntN(4) == 0}}
			s.Duration = []int64{0, 1, maxTime, int64(rng.ExpFloat64() * 1e7), rng.Int64N(maxTime) >> rng.IntN(61)}[rng.IntN(5)]
			c.add(s, false)
			c.addSelf(s.Duration / 2)
			add := func(to *ddsketch.DDSketch, ns int64) {
				if err := to.Add(float64(ns)); err != nil {
					t.Fatal(err)
				}
			}
			add(all, s.Duration)
			add(selves, s.Duration/2)
			if !s.Decision.Keep {
				add(usual, s.Duration)
			}
			if rng.IntN(60) == 0 {
				for _, sketch := range []*ddsketch.DDSketch{usual, selves} {
					if now > 0 && sketch.GetCount() >= leastBaseline { // a half-window ends
						sketch.Clear()
					}
				}
				now += 100
				c.tick(now, 1, 100)
			}
		}
		c.flush()
		var total sketch
		c.all(&total)
		for name, x := range map[string]struct {
			got  sketch
			want *ddsketch.DDSketch
		}{"all": {total, all}, "usual": {c.duration.filling, usual}, "self": {c.self.filling, selves}} {
			if x.got.count() == 0 && x.want.IsEmpty() {
				continue
			}
			qs := []float64{0, .1, .25, .5, .75, .9, .99, 1}
			got, err1 := x.got.dd.GetValuesAtQuantiles(qs)
			want, err2 := x.want.GetValuesAtQuantiles(qs)
			if err1 != nil || err2 != nil || x.got.count() != x.want.GetCount() || !slices.Equal(got, want) {
				t.Errorf("seed %d, %s: %v of %v (%v), want %v of %v (%v)", seed, name, got, x.got.count(), err1, want, x.want.GetCount(), err2)
			}
		}
	}
}
