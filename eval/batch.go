package eval

import "github.com/scale-eval/scale-eval/datasets/trace"

// batch is the spans that a single frozen sampler is asked of at a time.
type batch struct {
	sampler trace.BatchSampler // nil: spans are offered one by one
	spans   []*trace.Span
	said    []trace.Decision
}

// batchMost is how many spans are collected, at most: few enough to stay in a core's
// cache.
const batchMost = 64

func newBatch(p *Plan) batch {
	n := min(p.Steady, batchMost)
	if n <= 1 || len(p.Entrants) != 1 || p.Mode != Frozen {
		return batch{}
	}
	s, ok := p.Entrants[0].Sampler.(trace.BatchSampler)
	if !ok {
		return batch{}
	}
	return batch{s, make([]*trace.Span, 0, n), make([]trace.Decision, n)}
}

// offerBatch sends the collected spans to the sampler and keeps what it says.
func (w *walk) offerBatch() error {
	b := &w.batch
	if len(b.spans) == 0 {
		return nil
	}
	if w.p.Clock != nil {
		w.load.add(w.p.Clock()-w.finished, len(b.spans))
	}
	first := w.out.Counts.Test
	w.askBatch(first)
	for i, s := range b.spans {
		if err := w.keep(0, first+int64(i), b.said[i]); err != nil {
			return err
		}
		if err := w.record(s); err != nil {
			return err
		}
		if err := w.tick(); err != nil {
			return err
		}
	}
	b.spans = b.spans[:0]
	if w.p.Clock != nil {
		w.finished = w.p.Clock()
	}
	return nil
}

// askBatch asks of all spans, of which first is the number of the first one in the test
// part. What is timed is timed alone.
func (w *walk) askBatch(first int64) {
	b, from := &w.batch, 0
	for i, s := range b.spans {
		if !w.isTimed(first + int64(i)) {
			continue
		}
		b.sampler.SampleAll(b.spans[from:i], b.said[from:i])
		from = i + 1
		before := w.p.Clock()
		b.said[i] = b.sampler.Sample(s)
		w.timers[0].add(w.p.Clock() - before)
	}
	b.sampler.SampleAll(b.spans[from:], b.said[from:len(b.spans)])
}
