package hst

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

const benchSpans = 1 << 16

// logNormal are durations in ms around 50 ms.
func logNormal(n int) []float64 {
	rng := rand.New(rand.NewPCG(7, 1))
	xs := make([]float64, n)
	for i := range xs {
		xs[i] = 50 * math.Exp(rng.NormFloat64())
	}
	return xs
}

// benchLine is a Line on ms up to 10 s that has learned log-normal durations.
func benchLine(t testing.TB, trees, height, window int) *Line {
	l, err := NewLine(Config{Trees: trees, Height: height, Window: window, Seed: NewSeed(42),
		Limits: map[string][2]float64{"duration": {0, 10_000}}}, "duration")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range logNormal(benchSpans) {
		l.Learn(x)
	}
	return l
}

// benchLines runs n spans of a model through run for each size and window. run has
// the loop, so that no call through a variable is measured.
func benchLines(b *testing.B, windows []int, run func(l *Line, xs []float64, n int) float64) {
	xs := logNormal(benchSpans)
	for _, w := range windows {
		for _, s := range benchSizes {
			b.Run(fmt.Sprintf("W%d/%dx%d", w, s.trees, s.height), func(b *testing.B) {
				l := benchLine(b, s.trees, s.height, w)
				b.ReportAllocs()
				b.ResetTimer()
				if math.IsNaN(run(l, xs, b.N)) {
					b.Fatal("a score is not a number")
				}
			})
		}
	}
}

// BenchmarkLineScore is the exact score only, of a model that does not learn.
func BenchmarkLineScore(b *testing.B) {
	benchLines(b, []int{250}, func(l *Line, xs []float64, n int) (sum float64) {
		for i := range n {
			sum += l.Score(xs[i%benchSpans])
		}
		return sum
	})
}

// BenchmarkLineLearnScore is the exact score after learning, the order of the
// SCALE paper.
func BenchmarkLineLearnScore(b *testing.B) {
	benchLines(b, []int{250, 1000, 5000}, func(l *Line, xs []float64, n int) (sum float64) {
		for i := range n {
			x := xs[i%benchSpans]
			l.Learn(x)
			sum += l.Score(x)
		}
		return sum
	})
}

// BenchmarkLineStreams is what other streams cost than the log-normal one: they
// must not be much dearer, whatever the values.
func BenchmarkLineStreams(b *testing.B) {
	rng := rand.New(rand.NewPCG(8, 1))
	duration, z := [2]float64{0, 10_000}, [2]float64{-5, 5}
	for _, c := range []struct {
		name   string
		limits [2]float64
		value  func() float64
	}{
		{"zeros", duration, func() float64 { return max(0, 50*rng.NormFloat64()) }},
		{"constant", duration, func() float64 { return 50 }},
		{"fast", duration, func() float64 { return 0.1 * math.Exp(rng.NormFloat64()) }},
		{"beyond", duration, func() float64 { return 1e5 * math.Exp(rng.NormFloat64()) }},
		{"outlier", duration, func() float64 {
			if rng.IntN(100) == 0 {
				return 1e300
			}
			return 50 + rng.NormFloat64()
		}},
		{"standard", z, rng.NormFloat64},
		{"nan", duration, math.NaN},
	} {
		b.Run(c.name, func(b *testing.B) {
			cfg := Config{Trees: 50, Height: 10, Window: 250, Seed: NewSeed(42), Limits: map[string][2]float64{"x": c.limits}}
			l, err := NewLine(cfg, "x")
			if err != nil {
				b.Fatal(err)
			}
			xs := make([]float64, benchSpans)
			for i := range xs {
				xs[i] = c.value()
			}
			b.ResetTimer()
			sum := 0.0
			for i := range b.N {
				l.Learn(xs[i%benchSpans])
				sum += l.Score(xs[i%benchSpans])
			}
			if math.IsNaN(sum) {
				b.Fatal("a score is not a number")
			}
		})
	}
}

// BenchmarkBatch reports ns a span of whole columns, by number of workers. On an
// idle machine of two cores, two workers take just over half the time of one.
func BenchmarkBatch(b *testing.B) {
	xs := logNormal(1 << 18)
	ns := make([]int64, len(xs))
	for i, x := range xs {
		ns[i] = int64(x * nsPerMS)
	}
	scores, flags := make([]float64, len(xs)), make([]uint64, len(xs)/64)
	run := func(name string, train int64, call func(b Batch, l *Line)) {
		for _, s := range benchSizes {
			for _, workers := range []int{1, 2} {
				b.Run(fmt.Sprintf("%s/%dx%d/workers%d", name, s.trees, s.height, workers), func(b *testing.B) {
					l := benchLine(b, s.trees, s.height, 250)
					batch := Batch{Order: LearnThenScore, MinScore: 0.9, Train: train, Workers: workers}
					for b.Loop() {
						call(batch, l)
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(xs)), "ns/span")
				})
			}
		}
	}
	run("LearnScores", 0, func(batch Batch, l *Line) { batch.Scores(l, scores, xs) })
	run("FrozenScores", 1, func(batch Batch, l *Line) { batch.Scores(l, scores, xs) })
	run("FrozenScoresNS", 1, func(batch Batch, l *Line) { batch.ScoresNS(l, scores, ns) })
	run("FrozenFlagsNS", 1, func(batch Batch, l *Line) { batch.FlagsNS(l, flags, ns) })
}
