package experiment

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The table is the logarithm, at the ends of all buckets and anywhere between.
func TestBucketsAreThoseOfTheLogarithm(t *testing.T) {
	b := latencyBuckets()
	check := func(ns int64) {
		if got, want := b.of(ns), bucketOf(ns); got != want {
			t.Errorf("%d ns: bucket %d, want %d", ns, got, want)
		}
	}
	for _, end := range b.ends {
		check(end - 1)
		check(end)
	}
	check(math.MaxInt64)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		check(rng.Int64() >> rng.IntN(63))
	}
}

// Quantiles of 1..100 ms are exact to 1 %.
func TestHistogramQuantiles(t *testing.T) {
	h := newHistogram()
	for ms := range int64(100) {
		h.add((ms + 1) * 1e6)
	}
	for _, p := range []float64{.5, .95, .99, 1} {
		if got := h.quantile(p); math.Abs(got/(100*p)-1) > .01 {
			t.Errorf("p%g: %v ms", 100*p, got)
		}
	}
	if empty := newHistogram(); empty.quantile(.5) != 0 {
		t.Error("a quantile of nothing")
	}
}
