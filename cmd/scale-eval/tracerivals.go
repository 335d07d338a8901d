package main

import (
	"context"
	"math"

	"github.com/DmitriyVTitov/size"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/eval"
	"github.com/scale-eval/scale-eval/eval/tracesamplers"
)

// addTraceRivals appends the columns of samplers that decide whole traces to an
// outcome of the same spans. They get the first sampler's budget: as many spans as
// it kept, ties allowing. The pass also tells the types of the traces, so it is made
// without such samplers, too.
func addTraceRivals(ctx context.Context, o *compared, src trace.Source, train int64, list []rival, p rivalParams) error {
	var entrants []tracesamplers.Entrant
	for _, r := range list {
		if r.traces != nil {
			entrants = append(entrants, tracesamplers.Entrant{Name: r.name, Sampler: r.traces(p)})
		}
	}
	got, err := tracesamplers.Run(ctx, src, entrants, tracesamplers.Options{Train: train, Clock: o.Plan.Clock})
	if err != nil {
		return err
	}
	o.types = got.Types
	for _, e := range entrants {
		o.bytes[e.Name] = int64(size.Of(e.Sampler))
	}
	budget := count(o.Scores.Columns[0].Keep)
	for i, col := range got.Scores.Columns {
		keepTop(&col, budget)
		o.Scores.Columns = append(o.Scores.Columns, col)
		ns := eval.Number(math.NaN())
		if n := len(col.Score); n > 0 {
			// All spans of the pass, those of the training part included.
			ns = eval.Number(float64(got.Ns[i]) / float64(int64(n)+train))
		}
		o.Timing.Samplers = append(o.Timing.Samplers, eval.SamplerTimes{Name: col.Name, MeanNs: ns})
	}
	return nil
}

func count(keep []bool) (n int) {
	for _, k := range keep {
		if k {
			n++
		}
	}
	return n
}

// keepTop decides by the highest scores, at most so many.
func keepTop(col *eval.ScoreColumn, budget int) {
	var scores []float64
	for _, x := range col.Score {
		if x == x {
			scores = append(scores, x)
		}
	}
	col.Keep = make([]bool, len(col.Score))
	if len(scores) == 0 {
		return
	}
	threshold := eval.TopCount(scores, budget)
	for i, x := range col.Score {
		col.Keep[i] = x >= threshold
	}
}
