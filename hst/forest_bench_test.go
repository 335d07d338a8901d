package hst

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// benchSizes are the forests of the SCALE paper's grid that the tables quote.
var benchSizes = []struct{ trees, height int }{{10, 8}, {25, 15}, {50, 10}}

const benchRows = 1 << 14

// benchForest is a forest over one one-hot key and a log-normal duration in ms,
// limits [0, 10 s], that has learnt all rows, with those rows.
func benchForest(b *testing.B, trees, height, window int) (*Forest, [][]float64) {
	cfg := Config{Trees: trees, Height: height, Window: window, Seed: NewSeed(42),
		Limits: map[string][2]float64{"duration": {0, 10_000}}}
	f, err := NewForest(cfg, []string{"0", "duration"})
	if err != nil {
		b.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	rows := make([][]float64, benchRows)
	for i := range rows {
		rows[i] = []float64{1, math.Exp(4 + rng.NormFloat64())}
		f.Learn(rows[i], nil)
	}
	return f, rows
}

func BenchmarkForest(b *testing.B) {
	missing := NewMissing(2)
	missing.Set(0)
	for _, s := range benchSizes {
		f, rows := benchForest(b, s.trees, s.height, 250)
		run := func(name string, call func(x []float64)) {
			b.Run(fmt.Sprintf("%s/%dx%d", name, s.trees, s.height), func(b *testing.B) {
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					call(rows[i%benchRows])
				}
			})
		}
		run("LearnScore", func(x []float64) { f.LearnScore(x, nil) })
		run("LearnScoreKeyMissing", func(x []float64) { f.LearnScore(x, missing) })
		run("ScoreLearnKeyMissing", func(x []float64) { f.ScoreLearn(x, missing) })
		run("Learn", func(x []float64) { f.Learn(x, nil) })
		run("Score", func(x []float64) { f.Score(x, nil) })
	}
}

func BenchmarkNewForest(b *testing.B) {
	for _, s := range benchSizes {
		b.Run(fmt.Sprintf("%dx%d", s.trees, s.height), func(b *testing.B) {
			cfg := Config{Trees: s.trees, Height: s.height, Window: 250}
			for b.Loop() {
				if _, err := NewForest(cfg, []string{"0", "duration"}); err != nil {
					b.Fatal(err)
				}
			}
			perBranch(b, s.trees, s.height)
		})
	}
}

func BenchmarkSnapshot(b *testing.B) {
	for _, s := range benchSizes {
		f, _ := benchForest(b, s.trees, s.height, 250)
		b.Run(fmt.Sprintf("%dx%d", s.trees, s.height), func(b *testing.B) {
			var size int
			for b.Loop() {
				size = len(f.Snapshot())
			}
			perBranch(b, s.trees, s.height)
			b.ReportMetric(float64(size), "bytes")
		})
	}
}

func perBranch(b *testing.B, trees, height int) {
	branches := float64(trees) * float64(int(1)<<height-1)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/branches, "ns/branch")
}

func BenchmarkRiver(b *testing.B) {
	for _, s := range benchSizes {
		f, rows := benchForest(b, s.trees, s.height, 250)
		r := &River{}
		r.use(f)
		b.Run(fmt.Sprintf("LearnScore/%dx%d", s.trees, s.height), func(b *testing.B) {
			b.ReportAllocs()
			x := map[string]float64{}
			for i := 0; b.Loop(); i++ {
				x["duration"] = rows[i%benchRows][1]
				if err := r.Learn(x); err != nil {
					b.Fatal(err)
				}
				r.Score(x)
			}
		})
	}
}
