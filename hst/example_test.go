package hst_test

import (
	"fmt"

	"github.com/scale-eval/scale-eval/hst"
)

// The example of the documentation of River's HalfSpaceTrees, with its scores.
func ExampleRiver() {
	model, err := hst.NewRiver(hst.Config{Trees: 5, Height: 3, Window: 3, Seed: hst.NewSeed(42)})
	if err != nil {
		fmt.Println(err)
		return
	}
	values := []float64{0.5, 0.45, 0.43, 0.44, 0.445, 0.45, 0.0}
	for _, x := range values[:3] { // warm up
		if err := model.Learn(map[string]float64{"x": x}); err != nil {
			fmt.Println(err)
			return
		}
	}
	for _, x := range values {
		features := map[string]float64{"x": x}
		if err := model.Learn(features); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("Anomaly score for x=%.3f: %.3f\n", x, model.Score(features))
	}
	// Output:
	// Anomaly score for x=0.500: 0.107
	// Anomaly score for x=0.450: 0.071
	// Anomaly score for x=0.430: 0.107
	// Anomaly score for x=0.440: 0.107
	// Anomaly score for x=0.445: 0.107
	// Anomaly score for x=0.450: 0.071
	// Anomaly score for x=0.000: 0.853
}

// Where the features are known, a Forest takes vectors. Values may be missing.
func ExampleForest() {
	cfg := hst.DefaultConfig(hst.NewSeed(42))
	cfg.Limits = map[string][2]float64{"duration": {0, 1000}}
	forest, err := hst.NewForest(cfg, []string{"duration", "retries"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range 300 { // one window, and a part of the next
		forest.Learn([]float64{40 + float64(i%20), 0}, nil)
	}
	usual, slow := []float64{50, 0}, []float64{800, 0}
	fmt.Printf("ready %v, usual %.3f, slow %.3f\n", forest.Ready(), forest.Score(usual, nil), forest.Score(slow, nil))

	unknown := hst.NewMissing(2)
	unknown.Set(0)
	fmt.Printf("duration missing %.3f\n", forest.Score([]float64{0, 0}, unknown))
	// Output:
	// ready true, usual 0.522, slow 0.998
	// duration missing 0.495
}

// A snapshot continues where the forest was, to the last bit.
func ExampleForest_Snapshot() {
	forest, err := hst.NewForest(hst.DefaultConfig(hst.NewSeed(7)), []string{"x"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range 1000 {
		forest.Learn([]float64{float64(i%100) / 100}, nil)
	}
	restored, err := hst.RestoreForest(forest.Snapshot(), 1<<20) // at most 1 MiB
	if err != nil {
		fmt.Println(err)
		return
	}
	x := []float64{0.25}
	fmt.Println(restored.Learned(), restored.ScoreLearn(x, nil) == forest.ScoreLearn(x, nil))

	_, err = hst.RestoreForest([]byte("not a snapshot, but long enough to be one of them"), 1<<20)
	fmt.Println(err)
	// Output:
	// 1000 true
	// hst: snapshot: starts with "not ", not with "HSTF": a snapshot of something else
}

// CPython's random.seed takes integers of any size, and so does a Seed.
func ExampleParseSeed() {
	seed, err := hst.ParseSeed("-123456789012345678901234567890")
	fmt.Println(seed, err)
	_, err = hst.ParseSeed("forty-two")
	fmt.Println(err)
	// Output:
	// -123456789012345678901234567890 <nil>
	// hst: seed "forty-two": want a decimal integer such as 42 or -7
}
