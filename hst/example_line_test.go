package hst_test

import (
	"fmt"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/hst"
)

// Durations around 50 ms teach the model what is usual.
func ExampleLine() {
	cfg := hst.DefaultConfig(hst.NewSeed(42))
	cfg.Limits = map[string][2]float64{"duration": {0, 1000}}
	line, err := hst.NewLine(cfg, "duration")
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range cfg.Window {
		line.Learn(50 + float64(i%7))
	}
	for _, ms := range []float64{52, 80, 400} {
		fmt.Printf("%3.0f ms: %.2f\n", ms, line.Score(ms))
	}
	// Output:
	//  52 ms: 0.29
	//  80 ms: 0.79
	// 400 ms: 0.99
}

// A whole column at once, learned up to a point and only scored from there.
func ExampleBatch() {
	cfg := hst.DefaultConfig(hst.NewSeed(42))
	cfg.Limits = map[string][2]float64{"duration": {0, 1000}}
	line, err := hst.NewLine(cfg, "duration")
	if err != nil {
		fmt.Println(err)
		return
	}
	ns := make([]int64, 1000)
	for i := range ns {
		ns[i] = 50_000_000 + int64(i%7)*1_000_000
	}
	ns[900] = 400_000_000
	flags := make([]uint64, (len(ns)+63)/64)
	hst.Batch{Order: hst.ScoreThenLearn, Train: 500, MinScore: 0.9}.FlagsNS(line, flags, ns)
	for i := range ns {
		if flags[i/64]>>(i%64)&1 == 1 {
			fmt.Println("flagged:", i)
		}
	}
	fmt.Println("learned:", line.Learned())
	// Output:
	// flagged: 900
	// learned: 500
}

// The sampler of the SCALE paper, spans in, decisions out.
func ExampleSampler() {
	cfg := hst.DefaultSamplerConfig(hst.NewSeed(42))
	cfg.WindowSize, cfg.MinScore, cfg.MaxDuration = 100, 0.9, 1000
	sampler, err := hst.NewSampler(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	calls := trace.NewCalls(trace.DefaultMaxCalls, nil)
	span := trace.Span{Service: "cart", Operation: "add"}
	span.Call = calls.Of(span.Service, span.Operation)
	fmt.Println("before:", sampler.Sample(&span))
	for i := range 100 {
		span.Duration = 50_000_000 + int64(i%7)*1_000_000
		sampler.Learn(&span)
	}
	span.Duration = 400_000_000
	fmt.Println("slow:  ", sampler.Sample(&span).Keep)
	// Output:
	// before: {0 false true}
	// slow:   true
}
