package hst

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func TestGoldenLine(t *testing.T) {
	dir := goldenDir(t)
	var names []string
	readJSON(t, dir, "index.json", &names)
	inputs := map[string][]map[string]float64{}
	var rawInputs map[string]any
	readJSON(t, dir, "inputs.json", &rawInputs)
	for _, k := range []string{"unit", "dur"} {
		for _, o := range rawInputs[k].([]any) {
			m := map[string]float64{}
			for f, v := range o.(map[string]any) {
				m[f] = v.(float64)
			}
			inputs[k] = append(inputs[k], m)
		}
	}
	for _, name := range names {
		var v vector
		var raw struct {
			Seed json.Number `json:"seed"`
		}
		readJSON(t, dir, name+".json", &v)
		readJSON(t, dir, name+".json", &raw)
		v.RawSeed = raw.Seed
		if len(v.BuildKeys) != 1 || inputs[v.Inputs] == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			l, err := NewLine(v.config(t), v.BuildKeys[0])
			if err != nil {
				t.Fatal(err)
			}
			for i, o := range inputs[v.Inputs] {
				x := o[v.BuildKeys[0]]
				sum, _ := v.PreSum[i].Float64()
				want := 0.0
				if i >= v.Window {
					want = 1 - sum/l.trees.maxSum
				}
				if got := l.Score(x); got != want {
					t.Fatalf("obs %d x %v: before %v want %v", i, x, got, want)
				}
				l.Learn(x)
				if got := l.Score(x); got != v.Post[i] {
					t.Fatalf("obs %d: after %v want %v", i, got, v.Post[i])
				}
			}
		})
	}
}

func lognormal(n int, seed uint64) []float64 {
	r := rand.New(rand.NewPCG(seed, 1))
	xs := make([]float64, n)
	for i := range xs {
		xs[i] = 50 * math.Exp(r.NormFloat64())
	}
	return xs
}

func BenchmarkLine(b *testing.B) {
	for _, c := range []struct{ t, h int }{{10, 8}, {25, 15}, {50, 10}} {
		for _, w := range []int{250, 1000, 5000} {
			l, err := NewLine(Config{Trees: c.t, Height: c.h, Window: w, Seed: NewSeed(42), Limits: map[string][2]float64{"duration": {0, 10000}}}, "duration")
			if err != nil {
				b.Fatal(err)
			}
			xs := lognormal(1<<16, 7)
			for _, x := range xs {
				l.Learn(x)
			}
			if w == 250 {
				b.Run(fmt.Sprintf("score/%d_%d/W%d", c.t, c.h, w), func(b *testing.B) {
					b.ReportAllocs()
					s := 0.0
					for i := 0; i < b.N; i++ {
						s += l.Score(xs[i&(1<<16-1)])
					}
					sink = s
					b.ReportMetric(float64(len(l.table.pieces)), "pieces")
				})
			}
			b.Run(fmt.Sprintf("learnscore/%d_%d/W%d", c.t, c.h, w), func(b *testing.B) {
				b.ReportAllocs()
				s := 0.0
				for i := 0; i < b.N; i++ {
					x := xs[i&(1<<16-1)]
					l.Learn(x)
					s += l.Score(x)
				}
				sink = s
			})
		}
	}
}

var sink float64
