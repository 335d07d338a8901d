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

// batchMost is how many spans a sampler is asked of at a time, at most.
const batchMost = 64

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
	if s, ok := j.Entrant.Sampler.(trace.BatchSampler); ok && j.Mode == eval.Frozen && j.Steady > 1 {
		w.batch, w.spans = s, make([]*trace.Span, 0, min(j.Steady, batchMost))
		w.said = make([]trace.Decision, cap(w.spans))
	}
	for s, err := range j.Source {
		if err != nil {
			return nil, err
		}
		if at >= j.Train {
			if err := w.judge(s, at); err != nil {
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

	batch trace.BatchSampler // nil: spans are judged one by one
	spans []*trace.Span      // that wait for it
	said  []trace.Decision
	first int64 // index of the first of spans
}

// judge shows span number at, behind the training part, to the sampler, at once or in a
// batch.
func (w *work) judge(s *trace.Span, at int64) error {
	if w.batch == nil {
		return w.count(s, w.ask(s, at), at)
	}
	if len(w.spans) == 0 {
		w.first = at
	}
	if w.spans = append(w.spans, s); len(w.spans) < cap(w.spans) {
		return nil
	}
	return w.flush()
}

// flush judges the spans that wait.
func (w *work) flush() error {
	if len(w.spans) == 0 {
		return nil
	}
	w.batch.SampleAll(w.spans, w.said[:len(w.spans)])
	for i, s := range w.spans {
		if err := w.count(s, w.said[i], w.first+int64(i)); err != nil {
			return err
		}
	}
	w.spans = w.spans[:0]
	return nil
}

// ask is what the sampler says of a span; of one before the shard, whose children explain
// parents in it, without learning.
func (w *work) ask(s *trace.Span, at int64) trace.Decision {
	sampler, inShard := w.Entrant.Sampler, at >= w.Shard.From
	if inShard && w.Mode == eval.LearnThenScore {
		sampler.Learn(s)
	}
	d := sampler.Sample(s)
	if inShard && w.Mode == eval.ScoreThenLearn {
		sampler.Learn(s)
	}
	return d
}

// count adds what the sampler says of a span of the shard.
func (w *work) count(s *trace.Span, d trace.Decision, at int64) error {
	if at < w.Shard.From {
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
