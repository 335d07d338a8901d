package eval_test

import (
	"context"
	"fmt"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/eval"
	"github.com/scale-eval/scale-eval/eval/baselines"
	"github.com/scale-eval/scale-eval/hst/samplertest"
)

// An external sampler's scores, one a span.
func ExampleSummarise() {
	s := &eval.Scores{
		Labels:  []trace.Label{trace.Normal, trace.Normal, trace.Anomalous, trace.Anomalous},
		Columns: []eval.ScoreColumn{{Name: "mine", Score: []float64{.1, .4, .35, .8}}},
	}
	threshold := .5
	r, err := eval.Summarise(s, 0, eval.SummaryOptions{Threshold: &threshold})
	if err != nil {
		fmt.Println(err)
		return
	}
	recall := r.Point.Metrics.Recall
	fmt.Printf("%+v\n", r.Point.Confusion)
	fmt.Printf("recall %.2f (%.2f to %.2f, %s)\n", recall.Value, recall.Lo, recall.Hi, recall.Method)
	fmt.Printf("AP %.3f, AUC %.2f\n", r.AP.Value, r.ROCAUC.Value)
	// Output:
	// {TP:1 FP:0 FN:1 TN:2}
	// recall 0.50 (0.09 to 0.91, wilson)
	// AP 0.833, AUC 0.75
}

// A sampler beside a baseline; both cut-offs are chosen on the training part.
func ExampleRun() {
	spans := samplertest.Workload(20_000, 1)
	o, err := eval.Run(context.Background(), eval.Plan{
		Train: of(spans[:5000]),
		Test:  of(spans[5000:]),
		Entrants: []eval.Entrant{
			{Name: "ratio", Sampler: baselines.NewRatio(0), Cut: eval.CutShare(.02)},
			{Name: "static", Sampler: baselines.Static{}, Cut: eval.CutShare(.02), Baseline: true},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := o.Result(eval.SummaryOptions{Seed: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range r.Samplers {
		fmt.Printf("%-6s %s: recall %.2f\n", s.Name, s.ThresholdBy, s.Point.Metrics.Recall.Value)
	}
	// Output:
	// ratio  keeps 2 % of the training spans: recall 1.00
	// static keeps 2 % of the training spans: recall 0.29
}
