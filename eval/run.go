package eval

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Outcome is what a run saw, before it is reduced to a Result.
type Outcome struct {
	Plan   Plan
	Scores *Scores
	Counts Counts // Train, Test, Scored, Positives, Negatives, ByLabel and Traces are filled
	Timing *Timing
	// Thresholds are the cut-offs in force, NaN for a sampler's own decisions.
	Thresholds []float64
	// Marked are the test spans with a Kind, in order.
	Marked []MarkedSpan
	// Calls are the calls of the test spans, if the plan keeps them.
	Calls []trace.Call
}

// MarkedSpan is a test span whose label speaks of a fault or an anomaly.
type MarkedSpan struct {
	Row   uint32 // of Scores
	Fault int32  // index in Plan.Faults, -1: its Kind is not the name of one
	End   int64  // ns since the Unix epoch
}

// spansBetweenChecks of the context and calls of Progress.
const spansBetweenChecks = 1 << 14

// Run trains the entrants on the training part, chooses their cut-offs there, and
// sends each test span once through all of them, in order.
//
// It returns an error when the plan contradicts itself, a source fails, the context
// is cancelled, or a sampler answers NaN without saying that it is warming up.
//
// Cost beside sources and samplers: about 30 ns a span where the spans of a trace
// come together (a map access more where they do not) and 12 ns an entrant,
// without a clock (BenchmarkRun). Memory: that of Scores, about 40 bytes a trace, 16 a
// span with a Kind, and, only before the test part, of at most MaxCutSpans training
// spans; all of it lies where the plan's Arrays say.
func Run(ctx context.Context, p Plan) (*Outcome, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	w := newWalk(ctx, p)
	if err := w.parts(); err != nil {
		return nil, err
	}
	if err := w.matchFlagRates(); err != nil {
		return nil, err
	}
	if err := w.finish(); err != nil {
		return nil, err
	}
	return w.out, nil
}

// walk is a run under way.
type walk struct {
	ctx     context.Context
	p       *Plan
	out     *Outcome
	done    int64
	byLabel [256]int64
	traces  *numberer
	crowd   bool         // several entrants, on several cores: crowd.go
	pending []trace.Span // of a crowd
	batch   *Batch       // of a single sampler that can be asked of several; nil: it is not
	kept    *replay      // training spans that cut-offs are chosen on; nil: none are

	faults   map[string]int32
	said     []trace.Decision // of the span at hand, so that storing them is not timed
	timers   []timer
	load     loading
	finished int64 // reading of the clock after the previous span
	timed    bool  // whether the span at hand is timed
	// timedBelow is what the share of timed spans is of the largest uint64.
	timedBelow uint64
}

func newWalk(ctx context.Context, p Plan) *walk {
	w := &walk{
		ctx:    ctx,
		faults: map[string]int32{},
		said:   make([]trace.Decision, len(p.Entrants)),
		out:    &Outcome{Plan: p, Scores: &Scores{}},
	}
	w.p = &w.out.Plan
	w.timedBelow = math.MaxUint64 / uint64(max(p.TestSpans/timedSpans, 1))
	w.gather()
	for i, f := range p.Faults {
		w.faults[f.Name] = int32(i)
	}
	for _, e := range p.Entrants {
		w.timers = append(w.timers, newTimer())
		threshold := math.NaN()
		if e.Cut.by == byValue {
			threshold = e.Cut.value
		}
		w.out.Thresholds = append(w.out.Thresholds, threshold)
	}
	return w
}

// tick counts n spans, few, and, now and then, looks up.
func (w *walk) tick(n int) error {
	w.done += int64(n)
	if w.done%spansBetweenChecks >= int64(n) {
		return nil
	}
	w.progress()
	return w.ctx.Err()
}

func (w *walk) progress() {
	if w.p.Progress != nil {
		w.p.Progress(w.done)
	}
}

// parts walks the training part and then the test part.
func (w *walk) parts() error {
	inTraining, inTest := "training part: %w", "test part: %w"
	if w.p.Whole == nil {
		if err := w.train(); err != nil {
			return fmt.Errorf(inTraining, err)
		}
		return wrapped(inTest, w.test(w.p.Test))
	}
	if w.p.TrainSpans <= 0 {
		return wrapped(inTest, w.test(w.p.Whole))
	}
	if err := w.keepForCuts(); err != nil {
		return fmt.Errorf(inTraining, err)
	}
	var failed error
	err := w.test(func(yield func(*trace.Span, error) bool) {
		training := true
		for s, err := range w.p.Whole {
			if !training || err != nil {
				if !yield(s, err) {
					return
				}
				continue
			}
			if failed = w.learn(s); failed != nil {
				return
			}
			if w.done < w.p.TrainSpans {
				continue
			}
			training = false
			if failed = w.trained(); failed != nil {
				return
			}
			w.look()
		}
		if training {
			failed = w.trained()
		}
	})
	if failed != nil {
		return fmt.Errorf(inTraining, failed)
	}
	return wrapped(inTest, err)
}

func wrapped(format string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format, err)
}

func (w *walk) train() error {
	if w.p.Train == nil {
		return w.ctx.Err()
	}
	if err := w.keepForCuts(); err != nil {
		return err
	}
	for s, err := range w.p.Train {
		if err != nil {
			return fmt.Errorf("after %d spans: %w", w.done, err)
		}
		if err := w.learn(s); err != nil {
			return err
		}
	}
	return w.trained()
}

// keepForCuts makes room for the spans that cut-offs are chosen on.
func (w *walk) keepForCuts() error {
	for _, e := range w.p.Entrants {
		if e.Cut.needsTraining() {
			w.kept = newReplay(MaxCutSpans, w.p.Seed)
			return w.kept.expect(w.p.Arrays, w.p.TrainSpans)
		}
	}
	return nil
}

// learn shows one training span to all entrants.
func (w *walk) learn(s *trace.Span) error {
	if w.crowd {
		if w.pending = append(w.pending, *s); len(w.pending) == cap(w.pending) {
			w.learnPending()
		}
		return w.tick(1)
	}
	for i := range w.p.Entrants {
		w.p.Entrants[i].Sampler.Learn(s)
	}
	if w.kept != nil {
		w.kept.add(s)
	}
	return w.tick(1)
}

// trained ends the training part.
func (w *walk) trained() error {
	w.learnPending()
	w.out.Counts.Train = w.done
	err := w.chooseCuts(w.kept)
	w.kept = nil
	return err
}

// chooseCuts lets the trained samplers score the training spans.
func (w *walk) chooseCuts(kept *replay) error {
	if kept != nil {
		kept.sort()
	}
	return w.eachEntrant(func(i int, e *Entrant) error {
		if !e.Cut.needsTraining() {
			return nil
		}
		if err := w.ctx.Err(); err != nil {
			return err
		}
		scores, err := empty[float64](w.p.Arrays, len(kept.spans))
		if err != nil {
			return err
		}
		labels, err := empty[trace.Label](w.p.Arrays, len(kept.spans))
		if err != nil {
			return err
		}
		kept.each(func(s *trace.Span) {
			d := e.Sampler.Sample(s)
			if d.WarmUp {
				d.Score = math.NaN()
			}
			scores, labels = append(scores, d.Score), append(labels, s.Label)
		})
		threshold, err := e.Cut.Choose(scores, labels)
		if err != nil {
			return fmt.Errorf("sampler %q: cut-off: %w", e.Name, err)
		}
		w.out.Thresholds[i] = threshold
		return nil
	})
}

func (w *walk) test(src trace.Source) error {
	if err := w.allocate(); err != nil {
		return err
	}
	defer w.traces.finish()
	w.look()
	for s, err := range src {
		if err != nil {
			return fmt.Errorf("after %d spans: %w", w.out.Counts.Test+int64(len(w.pending)+w.batch.Len()), err)
		}
		if w.batch != nil {
			if !w.batch.Add(s) {
				continue
			}
			if err := w.offerBatch(); err != nil {
				return err
			}
			continue
		}
		if w.crowd {
			if w.pending = append(w.pending, *s); len(w.pending) < cap(w.pending) {
				continue
			}
			if err := w.offerPending(); err != nil {
				return err
			}
			continue
		}
		if err := w.offer(s); err != nil {
			return err
		}
		if err := w.record(s); err != nil {
			return err
		}
		if err := w.tick(1); err != nil {
			return err
		}
		w.look()
	}
	if err := errors.Join(w.offerPending(), w.offerBatch()); err != nil {
		return err
	}
	return w.ctx.Err()
}

// timedSpans is about how many test spans are timed, all if there are no more: readings
// would take longer than fast samplers.
const timedSpans = 1 << 16

// look decides whether the next span is timed and if so reads the clock. The choice
// follows the golden ratio (Knuth, TAOCP 3, section 6.4), which spreads evenly
// and falls in step with no length of traces.
func (w *walk) look() {
	if w.timed = w.isTimed(w.out.Counts.Test); w.timed {
		w.finished = w.p.Clock()
	}
}

// isTimed says whether test span number n, from 0, is timed.
func (w *walk) isTimed(n int64) bool {
	const golden = 0x9e3779b97f4a7c15
	return w.p.Clock != nil && uint64(n)*golden <= w.timedBelow
}

// allocate makes room for the expected spans at once: growing would need both the
// old and the new memory.
func (w *walk) allocate() (err error) {
	n, s := int(max(w.p.TestSpans, 0)), w.out.Scores
	if s.Labels, err = empty[trace.Label](w.p.Arrays, n); err != nil {
		return err
	}
	if w.p.KeepCalls {
		if w.out.Calls, err = empty[trace.Call](w.p.Arrays, n); err != nil {
			return err
		}
	}
	for _, e := range w.p.Entrants {
		c := ScoreColumn{Name: e.Name}
		if c.Score, err = empty[float64](w.p.Arrays, n); err != nil {
			return err
		}
		if c.Keep, err = empty[bool](w.p.Arrays, n); err != nil {
			return err
		}
		s.Columns = append(s.Columns, c)
	}
	w.traces, err = newNumberer(w.p.Arrays, n)
	return err
}

// empty has room for n values.
func empty[T Plain](a Arrays, n int) ([]T, error) {
	s, err := ArrayOf[T](a, n)
	return s[:0], err
}

// offer sends s to every entrant and keeps what it says.
func (w *walk) offer(s *trace.Span) error {
	before := w.finished
	if w.timed {
		before = w.p.Clock()
		w.load.add(before-w.finished, 1)
	}
	for i := range w.p.Entrants {
		w.said[i] = w.ask(w.p.Entrants[i].Sampler, s)
		if w.timed {
			now := w.p.Clock()
			w.timers[i].add(now - before)
			before = now
		}
	}
	for i := range w.said {
		if err := w.keep(i, w.out.Counts.Test, w.said[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) ask(sampler trace.Sampler, s *trace.Span) trace.Decision {
	if w.p.Mode == LearnThenScore {
		sampler.Learn(s)
	}
	d := sampler.Sample(s)
	if w.p.Mode == ScoreThenLearn {
		sampler.Learn(s)
	}
	return d
}

// keep stores what entrant i says of test spans, of which first is the number of the first
// one, from 0.
func (w *walk) keep(i int, first int64, said []trace.Decision) error {
	c, t := &w.out.Scores.Columns[i], w.out.Thresholds[i]
	score, keep := c.Score, c.Keep
	for n, d := range said {
		if d.WarmUp || d.Score != d.Score || t == t {
			var err error
			if d, err = w.checked(i, first+int64(n), d); err != nil {
				return err
			}
		}
		score, keep = append(score, d.Score), append(keep, d.Keep)
	}
	c.Score, c.Keep = score, keep
	return nil
}

// checked is what is stored of what entrant i says.
func (w *walk) checked(i int, n int64, d trace.Decision) (trace.Decision, error) {
	if d.WarmUp {
		d.Score, d.Keep = math.NaN(), false
	} else if d.Score != d.Score {
		return d, fmt.Errorf("sampler %q: score of test span %d is NaN although it is not warming up: "+
			"this is a defect of the sampler", w.p.Entrants[i].Name, n+1)
	}
	if t := w.out.Thresholds[i]; t == t {
		d.Keep = d.Score >= t
	}
	return d, nil
}

// record keeps what does not depend on the samplers, a column after the other. An error is
// one of room.
func (w *walk) record(spans ...*trace.Span) error {
	labels := w.out.Scores.Labels
	for i, s := range spans {
		if s.Kind != "" {
			if err := w.mark(s, len(w.out.Scores.Labels)+i); err != nil {
				return err
			}
		}
		w.byLabel[s.Label]++
		labels = append(labels, s.Label)
	}
	w.out.Scores.Labels = labels
	if w.p.KeepCalls {
		for _, s := range spans {
			w.out.Calls = append(w.out.Calls, s.Call)
		}
	}
	for _, s := range spans {
		w.traces.add(s.TraceID)
	}
	w.out.Counts.Test += int64(len(spans))
	return nil
}

// mark keeps that s, of that row, is of a fault or an anomaly.
func (w *walk) mark(s *trace.Span, row int) (err error) {
	fault, ok := w.faults[s.Kind]
	if !ok {
		fault = -1
	}
	if w.out.Marked, err = GrowArray(w.p.Arrays, w.out.Marked, 1); err != nil {
		return err
	}
	w.out.Marked = append(w.out.Marked, MarkedSpan{uint32(row), fault, s.End()})
	return nil
}
