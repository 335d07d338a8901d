package hst

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestFlagTable compares flags with the exact score on random durations and on the
// neighbours of every border, where a wrong answer would be.
func TestFlagTable(t *testing.T) {
	for seed := range uint64(cases() / 20) {
		rng := rand.New(rand.NewPCG(seed, 5))
		cfg := Config{Trees: 1 + rng.IntN(6), Height: 1 + rng.IntN(8), Window: 1 + rng.IntN(60), Seed: NewSeed(int64(seed)),
			Limits: map[string][2]float64{"duration": {0, math.Pow(10, float64(rng.IntN(12)-5))}}}
		l, err := NewLine(cfg, "duration")
		if err != nil {
			t.Fatal(err)
		}
		width := cfg.Limits["duration"][1]
		for range rng.IntN(3 * cfg.Window) {
			l.Learn(width * math.Exp(2*rng.NormFloat64()-3))
		}
		if err := checkFlags(l, rng, width*nsPerMS); err != nil {
			t.Fatalf("case %d, %+v: %v", seed, cfg, err)
		}
	}
}

func checkFlags(l *Line, rng *rand.Rand, widthNS float64) error {
	least := rng.Float64()
	if rng.IntN(2) == 0 { // exactly a score that occurs
		least = l.table.pieces[rng.IntN(len(l.table.pieces))].score
	}
	f := l.FlagTable(least)
	durations := []int64{0, 1, 2, -1, math.MinInt64, math.MaxInt64, 1 << 53, 1<<53 + 1, 1<<62 - 1}
	for _, p := range l.table.pieces {
		at := keyNumber(p.upper) * nsPerMS
		if at < math.MaxInt64/2 && at > math.MinInt64/2 {
			durations = append(durations, int64(at)-1, int64(at), int64(at)+1)
		}
	}
	for range 200 {
		durations = append(durations, int64(widthNS*math.Exp(2*rng.NormFloat64()-3)))
	}
	for _, ns := range durations {
		want := l.Ready() && l.Score(float64(ns)/1e6) >= least
		if got := f.Flag(ns); got != want {
			return fmt.Errorf("%d ns at score %v, threshold %v: flag %v", ns, l.Score(float64(ns)/1e6), least, got)
		}
	}
	return nil
}

func TestOrderKey(t *testing.T) {
	ascending := []float64{math.Inf(-1), -math.MaxFloat64, -1, -5e-324, math.Copysign(0, -1), 0, 5e-324, 1, math.MaxFloat64, math.Inf(1)}
	last := uint64(keyBelow)
	for _, x := range ascending {
		k := orderKey(x)
		if k <= last || k >= keyAbove {
			t.Errorf("key of %v is %#x, after %#x", x, k, last)
		}
		if got := keyNumber(k); math.Float64bits(got) != math.Float64bits(x) {
			t.Errorf("%v comes back as %v", x, got)
		}
		last = k
	}
	for _, nan := range []float64{math.NaN(), math.Copysign(math.NaN(), -1)} {
		if orderKey(nan) != orderKey(math.Inf(1)) {
			t.Errorf("key of %#x is not that of +Inf", math.Float64bits(nan))
		}
	}
}

func BenchmarkFlag(b *testing.B) {
	ns := make([]int64, benchSpans)
	for i, x := range logNormal(benchSpans) {
		ns[i] = int64(x * nsPerMS)
	}
	for _, s := range benchSizes {
		b.Run(fmt.Sprintf("%dx%d", s.trees, s.height), func(b *testing.B) {
			f := benchLine(b, s.trees, s.height, 250).FlagTable(0.9)
			n := 0
			b.ResetTimer()
			for i := range b.N {
				if f.Flag(ns[i%benchSpans]) {
					n++
				}
			}
			ambiguous := 0
			for _, a := range f.buckets {
				if a == flagAmbiguous {
					ambiguous++
				}
			}
			b.ReportMetric(float64(n)/float64(b.N), "flagged/span")
			b.ReportMetric(float64(ambiguous), "ambiguous-buckets")
		})
	}
}
