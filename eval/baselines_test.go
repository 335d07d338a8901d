package eval_test

import (
	"context"
	"encoding/json"
	"math"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/eval"
	"github.com/scale-eval/scale-eval/eval/baselines"
	"github.com/scale-eval/scale-eval/hst/samplertest"
)

func of(spans []trace.Span) trace.Source {
	return func(yield func(*trace.Span, error) bool) {
		for i := range spans {
			if s := spans[i]; !yield(&s, nil) {
				return
			}
		}
	}
}

// Calls whose medians differ 2 000-fold: a span ten times its call's median is
// obvious to whoever knows the call, and lost on one threshold for all.
func baselinePlan() eval.Plan {
	spans := samplertest.Workload(40_000, 3)
	return eval.Plan{
		Train: of(spans[:10_000]), Test: of(spans[10_000:]), TestSpans: 30_000,
		Entrants: []eval.Entrant{
			{Name: "ratio", Sampler: baselines.NewRatio(0), Cut: eval.CutBestF1()},
			{Name: "quantile", Sampler: baselines.NewQuantile(0), Cut: eval.CutShare(.02)},
			{Name: "static", Sampler: baselines.Static{}, Cut: eval.CutFPR(.02)},
			{Name: "random", Sampler: baselines.NewRandom(1, 9), Cut: eval.CutFlagRate()},
		},
	}
}

func TestRunBaselines(t *testing.T) {
	var bytes [2]string
	var r *eval.Result
	for i := range bytes {
		o, err := eval.Run(context.Background(), baselinePlan())
		if err != nil {
			t.Fatal(err)
		}
		if r, err = o.Result(eval.SummaryOptions{Seed: 1, Replicates: 50}); err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		bytes[i] = string(b)
	}
	if bytes[0] != bytes[1] {
		t.Error("two runs of one plan give different bytes")
	}
	prevalence := float64(r.Counts.Positives) / float64(r.Counts.Scored)
	ratio, quantile, static, random := r.Samplers[0], r.Samplers[1], r.Samplers[2], r.Samplers[3]
	// A factor of 10 is 5.8 sigma of the workload's log-normal: separable but for a
	// rare normal span, so knowing the median is worth all but a little.
	if ratio.AP.Value < .99 || ratio.Point.Metrics.F1.Value < .95 {
		t.Errorf("ratio: AP %v, F1 %v", ratio.AP.Value, ratio.Point.Metrics.F1.Value)
	}
	if quantile.AP.Value < .9 {
		t.Errorf("quantile: AP %v", quantile.AP.Value)
	}
	if static.AP.Value > .5 || static.AP.Value < eval.Number(prevalence) {
		t.Errorf("static: AP %v", static.AP.Value)
	}
	// Cut-offs from the training part carry over to the test part: 2 % of some 29 400
	// negatives, four standard errors of either part.
	fpr := float64(static.Point.Metrics.FPR.Value)
	if tolerance := 4 * math.Sqrt(.02*.98*(1/9_800.0+1/29_400.0)); math.Abs(fpr-.02) > tolerance {
		t.Errorf("static: FPR %v on the test part, chosen to be .02 on the training part", fpr)
	}
	// The AP of a random order is the prevalence.
	if lo, hi := float64(random.AP.Lo), float64(random.AP.Hi); prevalence < lo*.9 || prevalence > hi*1.1 {
		t.Errorf("random: AP %v..%v, prevalence %v", lo, hi, prevalence)
	}
	if random.Point.Confusion.Kept() != ratio.Point.Confusion.Kept() {
		t.Errorf("random kept %d, the sampler %d", random.Point.Confusion.Kept(), ratio.Point.Confusion.Kept())
	}
	if len(r.Warnings) != 0 {
		t.Errorf("warnings %q", r.Warnings)
	}
}

func BenchmarkRunBaselines(b *testing.B) {
	for range b.N {
		if _, err := eval.Run(context.Background(), baselinePlan()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/40_000, "ns/span")
}
