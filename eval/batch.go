package eval

import "github.com/scale-eval/scale-eval/datasets/trace"

// Batch is the spans that a frozen sampler is asked of at a time. A nil Batch has none.
type Batch struct {
	sampler trace.BatchSampler
	spans   []*trace.Span
	said    []trace.Decision
}

// batchMost is how many spans are collected, at most: few enough to stay in a core's
// cache.
const batchMost = 64

// NewBatch is a batch for s, of spans of a source of which so many stay as they are (see
// Plan.Steady). It is nil where spans have to be shown one by one.
func NewBatch(s trace.Sampler, mode Mode, steady int) *Batch {
	n := min(steady, batchMost)
	several, ok := s.(trace.BatchSampler)
	if n <= 1 || mode != Frozen || !ok {
		return nil
	}
	return &Batch{several, make([]*trace.Span, 0, n), make([]trace.Decision, n)}
}

// Add collects s and says whether the batch is full. A full one must be asked.
func (b *Batch) Add(s *trace.Span) (full bool) {
	b.spans = append(b.spans, s)
	return len(b.spans) == cap(b.spans)
}

// Len is how many spans are collected.
func (b *Batch) Len() int {
	if b == nil {
		return 0
	}
	return len(b.spans)
}

// Ask empties the batch: each gets every span with what the sampler says of it, in order,
// until it errs.
func (b *Batch) Ask(each func(s *trace.Span, d trace.Decision) error) error {
	if b.Len() == 0 {
		return nil
	}
	b.sampler.SampleAll(b.spans, b.said[:len(b.spans)])
	defer func() { b.spans = b.spans[:0] }()
	for i, s := range b.spans {
		if err := each(s, b.said[i]); err != nil {
			return err
		}
	}
	return nil
}

// offerBatch sends the collected spans to the sampler and keeps what it says.
func (w *walk) offerBatch() error {
	n := w.batch.Len()
	if n == 0 {
		return nil
	}
	if w.p.Clock != nil {
		w.load.add(w.p.Clock()-w.finished, n)
	}
	w.askBatch(w.out.Counts.Test)
	spans, said := w.batch.spans, w.batch.said[:n]
	w.batch.spans = spans[:0]
	if err := w.keep(0, w.out.Counts.Test, said); err != nil {
		return err
	}
	if err := w.record(spans...); err != nil {
		return err
	}
	err := w.tick(n)
	if w.p.Clock != nil { // behind the tick, which is no loading
		w.finished = w.p.Clock()
	}
	return err
}

// askBatch asks of all spans, of which first is the number of the first one in the test
// part. What is timed is timed alone.
func (w *walk) askBatch(first int64) {
	b, from := w.batch, 0
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
