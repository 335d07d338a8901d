package eval

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// A virtual clock: every reading costs 25 ns, the sampler takes 100 ns, and every
// tenth span 1 000 ns; the source takes 40 ns.
func TestRunTiming(t *testing.T) {
	var now int64
	clock := func() int64 { now += 25; return now }
	spans := spansOf(make([]int64, 1000)...)
	slow := func(yield func(*trace.Span, error) bool) {
		for s, err := range source(spans) {
			now += 40
			if !yield(s, err) {
				return
			}
		}
	}
	f := &scripted{score: func(s *trace.Span) float64 {
		now += 100
		if s.ID%10 == 0 {
			now += 900
		}
		return 0
	}}
	var told []int64
	o := runOrFail(t, Plan{Test: slow, Entrants: []Entrant{entrant(f, Cut{})}, Clock: clock,
		Progress: func(n int64) { told = append(told, n) }})
	near(t, "load", float64(o.Timing.LoadNsPerSpan), 40, 0)
	near(t, "clock", float64(o.Timing.ClockNs), 25, 0)
	near(t, "mean", float64(o.Timing.Samplers[0].MeanNs), 190, 0)
	near(t, "p50", float64(o.Timing.Samplers[0].P50Ns), 100, 2)
	near(t, "p99", float64(o.Timing.Samplers[0].P99Ns), 1000, 1000.0/64)
	if len(told) == 0 || told[len(told)-1] != 1000 {
		t.Errorf("progress %v, want it to end at 1000", told)
	}
}

// Percentiles of the histogram lie within 1/64 of those of the sorted list.
func TestTimerPercentiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	h := newTimer()
	var all []int64
	for range 20_000 {
		ns := int64(math.Exp(rng.Float64() * 43)) // up to MaxInt64 or so
		all = append(all, ns)
		h.add(ns)
	}
	h.add(math.MaxInt64)
	all = append(all, math.MaxInt64)
	slices.Sort(all)
	for _, q := range []float64{0, .01, .5, .9, .99, 1} {
		want := float64(all[max(int(math.Ceil(q*float64(len(all))))-1, 0)])
		near(t, fmt.Sprintf("p%v", 100*q), float64(h.percentile(q, 0)), want, want/64)
	}
}
