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
func addTraceRivals(ctx context.Context, o *compared, src trace.Source, s *split, list []rival, p rivalParams) error {
	var entrants []tracesamplers.Entrant
	for _, r := range list {
		if r.traces != nil {
			entrants = append(entrants, tracesamplers.Entrant{Name: r.name, Sampler: r.traces(p)})
		}
	}
	got, err := tracesamplers.Run(ctx, src, entrants, tracesamplers.Options{Train: s.train, Test: s.test, Arrays: o.Plan.Arrays, Clock: o.Plan.Clock})
	if err != nil {
		return err
	}
	o.types = got.Types
	for _, e := range entrants {
		o.bytes[e.Name] = int64(size.Of(e.Sampler))
	}
	budget := count(o.Scores.Columns[0].Keep)
	ws := eval.NewWorkspace(o.Plan.Arrays)
	for i, col := range got.Scores.Columns {
		if _, err := col.KeepTop(budget, ws); err != nil {
			return err
		}
		o.Scores.Columns = append(o.Scores.Columns, col)
		ns := eval.Number(math.NaN())
		if n := len(col.Score); n > 0 {
			// All spans of the pass, those of the training part included.
			ns = eval.Number(float64(got.Ns[i]) / float64(int64(n)+s.train))
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
