package shards

import (
	"context"
	"fmt"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/eval"
)

// Job is one shard to score.
type Job struct {
	Shard   Shard
	Train   int64                                    // spans of the training part
	Entrant eval.Entrant                             // trained
	Mode    eval.Mode                                // anything but Frozen needs the whole test part in one shard
	Source  trace.Source                             // the labelled spans that take part, from Shard.Start on
	Traces  *Traces                                  // learns of every span
	Flag    func(s *trace.Span, score float64) error // is given every kept span
	// Progress is told now and then how many spans are read; nil: nobody.
	Progress func(done int64)
}

// spansBetweenChecks of the context and calls of Progress.
const spansBetweenChecks = 1 << 14

// Work scores a shard. It errs when the source does, when it ends before the shard does,
// when ctx is cancelled, and when the sampler is at fault.
func Work(ctx context.Context, j Job) (*eval.Tally, error) {
	tally, err := eval.NewTally(j.Entrant.Cut)
	if err != nil {
		return nil, err
	}
	sampler, at := j.Entrant.Sampler, j.Shard.Start.Index
	if j.Shard.Spans() == 0 {
		return tally, nil
	}
	for s, err := range j.Source {
		if err != nil {
			return nil, err
		}
		switch {
		case at >= j.Shard.From:
			if err := j.score(tally, s, at); err != nil {
				return nil, fmt.Errorf("sampler %q: %w", j.Entrant.Name, err)
			}
		case at >= j.Train:
			sampler.Sample(s) // children explain parents of the shard
		}
		if at++; at%spansBetweenChecks == 0 {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if j.Progress != nil {
				j.Progress(at - j.Shard.Start.Index)
			}
		}
		if at == j.Shard.To {
			break // before the source sees that its rows end here
		}
	}
	if at < j.Shard.To {
		return nil, fmt.Errorf("the data ends after span %d, the shard at %d: it is not the data that was planned for", at, j.Shard.To)
	}
	return tally, ctx.Err()
}

func (j *Job) score(tally *eval.Tally, s *trace.Span, at int64) error {
	sampler := j.Entrant.Sampler
	if j.Mode == eval.LearnThenScore {
		sampler.Learn(s)
	}
	d := sampler.Sample(s)
	if j.Mode == eval.ScoreThenLearn {
		sampler.Learn(s)
	}
	keep, err := tally.Add(s.Label, d, eval.GroupOf(s.TraceID, at))
	if err != nil {
		return err
	}
	j.Traces.Add(s.TraceID, at)
	if keep {
		return j.Flag(s, d.Score)
	}
	return nil
}
