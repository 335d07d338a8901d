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
	Steady  int                                      // how many that it yielded last stay as they are, 0 for 1: see eval.Plan
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
	w := &work{Job: j}
	var err error
	if w.tally, err = eval.NewTally(j.Entrant.Cut); err != nil {
		return nil, err
	}
	at := j.Shard.Start.Index
	if j.Shard.Spans() == 0 {
		return w.tally, nil
	}
	w.batch, w.next = eval.NewBatch(j.Entrant.Sampler, j.Mode, j.Steady), max(at, j.Train)
	for s, err := range j.Source {
		if err != nil {
			return nil, err
		}
		if at >= j.Train {
			if err := w.judge(s); err != nil {
				return nil, err
			}
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
	if err := w.flush(); err != nil {
		return nil, err
	}
	if at < j.Shard.To {
		return nil, fmt.Errorf("the data ends after span %d, the shard at %d: it is not the data that was planned for", at, j.Shard.To)
	}
	return w.tally, ctx.Err()
}

// work is a shard under way.
type work struct {
	Job
	tally *eval.Tally
	batch *eval.Batch // nil: spans are judged one by one
	next  int64       // index of the next span to count
}

// judge shows the next span behind the training part to the sampler, at once or in a batch.
func (w *work) judge(s *trace.Span) error {
	switch {
	case w.batch == nil:
		return w.count(s, w.ask(s))
	case w.batch.Add(s):
		return w.flush()
	}
	return nil
}

// flush judges the spans that wait.
func (w *work) flush() error { return w.batch.Ask(w.count) }

// ask is what the sampler says of a span; of one before the shard, whose children explain
// parents in it, without learning.
func (w *work) ask(s *trace.Span) trace.Decision {
	sampler, inShard := w.Entrant.Sampler, w.next >= w.Shard.From
	if inShard && w.Mode == eval.LearnThenScore {
		sampler.Learn(s)
	}
	d := sampler.Sample(s)
	if inShard && w.Mode == eval.ScoreThenLearn {
		sampler.Learn(s)
	}
	return d
}

// count adds what the sampler says of the next span, if that is of the shard.
func (w *work) count(s *trace.Span, d trace.Decision) error {
	at := w.next
	if w.next++; at < w.Shard.From {
		return nil
	}
	keep, err := w.tally.Add(s.Label, d, eval.GroupOf(s.TraceID, at))
	if err != nil {
		return fmt.Errorf("sampler %q: %w", w.Entrant.Name, err)
	}
	w.Traces.Add(s.TraceID, at)
	if keep {
		if err := w.Flag(s, d.Score); err != nil {
			return fmt.Errorf("sampler %q: %w", w.Entrant.Name, err)
		}
	}
	return nil
}
