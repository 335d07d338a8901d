package tracesamplers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/eval"
)

// Options of Run. The zero value is the default.
type Options struct {
	// Wait is how long, in ns of span time from its first span, a trace is gathered
	// before it is decided; 0: DefaultWait. Longer waits see more of a trace, keep
	// more in memory and decide later.
	Wait int64
	// MaxSpans bounds the buffered spans of all open traces; 0: DefaultMaxSpans. When
	// it is exceeded the trace that has waited longest is decided with the spans it
	// has: nothing is dropped.
	MaxSpans int
	// Train is how many spans, from the first, are observed but not reported.
	Train int64
	// Test is how many more to expect, 0 if that is not known, and Arrays say where what
	// is kept of each span and trace lies; nil: on the heap.
	Test   int64
	Arrays eval.Arrays
	// Clock returns ns on a monotonic scale; nil measures no time.
	Clock func() int64
}

// Entrant is a sampler with the name of its column.
type Entrant struct {
	Name    string
	Sampler Sampler
}

// Outcome is what a run saw of the spans after the training part, one row a span.
type Outcome struct {
	// Scores has a column an entrant, aligned with the source: traces are numbered
	// as eval.Run numbers them, so columns of both may stand side by side.
	Scores *eval.Scores
	// Calls are the calls of the rows, and Types the kinds of the traces by trace
	// number, both dense: what eval.Cover wants. Traces of one type have the same
	// set of call paths.
	Calls []trace.Call
	Types []uint32
	Stats Stats
	Ns    []int64 // an entrant, all traces together; nil without a clock
}

// checkEvery is how many spans go by between looks at the context.
const checkEvery = 1 << 14

// Run gathers the traces of src and lets every entrant observe each of them. It
// returns an error when the source fails, the context is cancelled, an option is
// negative, or a sampler answers NaN without saying that it is warming up.
//
// Spans that come after their trace was decided share its decision and are counted
// as late: for the rest of the run it is remembered, as by a collector with a
// decision cache. A corrupt start far in the future closes all open traces.
//
// Memory: 40 bytes a buffered span and some a kind of trace; and where o.Arrays say,
// about 50 a trace, 9 a trace and entrant, 13 a row, 9 a row and entrant.
func Run(ctx context.Context, src trace.Source, entrants []Entrant, o Options) (*Outcome, error) {
	if o.Wait < 0 || o.MaxSpans < 0 || o.Train < 0 || o.Test < 0 {
		return nil, fmt.Errorf("tracesamplers: Wait %d, MaxSpans %d, Train %d, Test %d: want 0 or more", o.Wait, o.MaxSpans, o.Train, o.Test)
	}
	w := &walk{entrants: entrants, o: o, out: &Outcome{Scores: &eval.Scores{}}, kinds: map[uint64]uint32{}}
	w.score, w.keep = make([][]float64, len(entrants)), make([][]bool, len(entrants))
	if err := w.room(); err != nil {
		return nil, err
	}
	if o.Clock != nil {
		w.out.Ns = make([]int64, len(entrants))
	}
	w.gather = newGatherer(o, w.decide)
	for s, err := range src {
		if err == nil && w.seen%checkEvery == 0 {
			err = ctx.Err()
		}
		if err == nil {
			w.add(s)
			err = w.err
		}
		if err != nil {
			return nil, fmt.Errorf("after %d spans: %w", w.seen, err)
		}
	}
	w.gather.flush()
	if w.err != nil {
		return nil, w.err
	}
	return w.out, w.report()
}

type walk struct {
	entrants []Entrant
	o        Options
	out      *Outcome
	gather   *gatherer
	seen     int64
	owner    []uint32 // of a row: the number that the gatherer gave its trace
	// By entrant and the gatherer's trace number:
	score  [][]float64
	keep   [][]bool
	kindOf []uint32 // by that number alone
	kinds  map[uint64]uint32
	forest forest
	err    error
}

// room is for the expected rows.
func (w *walk) room() error {
	n, a, s := int(w.o.Test), w.o.Arrays, w.out.Scores
	var errs [3]error
	w.owner, errs[0] = eval.ArrayOf[uint32](a, n)
	w.out.Calls, errs[1] = eval.ArrayOf[trace.Call](a, n)
	s.Labels, errs[2] = eval.ArrayOf[trace.Label](a, n)
	w.owner, w.out.Calls, s.Labels = w.owner[:0], w.out.Calls[:0], s.Labels[:0]
	return errors.Join(errs[:]...)
}

func (w *walk) add(s *trace.Span) {
	n, err := w.gather.add(s)
	if err != nil {
		w.err = cmp.Or(w.err, err)
		return
	}
	if w.seen++; w.seen <= w.o.Train {
		return
	}
	w.owner = append(w.owner, n)
	w.out.Calls = append(w.out.Calls, s.Call)
	w.out.Scores.Labels = append(w.out.Scores.Labels, s.Label)
}

// decide is told of traces in the order in which they close.
func (w *walk) decide(number uint32, t *Trace) {
	for i, e := range w.entrants {
		var began int64
		if w.o.Clock != nil {
			began = w.o.Clock()
		}
		d := e.Sampler.Observe(t)
		if w.o.Clock != nil {
			w.out.Ns[i] += w.o.Clock() - began
		}
		if d.WarmUp {
			d = trace.Decision{Score: math.NaN(), WarmUp: true}
		} else if d.Score != d.Score && w.err == nil {
			w.err = fmt.Errorf("sampler %q: score of trace %v is NaN although it is not warming up: this is a defect of the sampler", e.Name, t.ID)
		}
		w.score[i] = put(w, w.score[i], number, d.Score)
		w.keep[i] = put(w, w.keep[i], number, d.Keep)
	}
	w.forest.build(t)
	kind := w.forest.kind(t)
	if _, ok := w.kinds[kind]; !ok {
		w.kinds[kind] = uint32(len(w.kinds))
	}
	w.kindOf = put(w, w.kindOf, number, w.kinds[kind])
}

// put sets s[i] and grows s for it, or leaves an error in w.
func put[T eval.Plain](w *walk, s []T, i uint32, v T) []T {
	if more := int(i) + 1 - len(s); more > 0 {
		grown, err := eval.GrowArray(w.o.Arrays, s, more)
		if err != nil {
			w.err = cmp.Or(w.err, err)
			return s
		}
		s = grown[:i+1]
	}
	s[i] = v
	return s
}

// report hands the decisions of the traces to their spans, and numbers what is
// reported anew, from 0 in order of first sight.
func (w *walk) report() (err error) {
	s, a := w.out.Scores, w.o.Arrays
	if s.Trace, err = eval.ArrayOf[uint32](a, len(w.owner)); err != nil {
		return err
	}
	traces, err := eval.ArrayOf[uint32](a, len(w.kindOf)) // numbers from 1
	if err != nil {
		return err
	}
	types := map[uint32]uint32{}
	for row, n := range w.owner {
		if traces[n] == 0 {
			kind := w.kindOf[n]
			if _, ok := types[kind]; !ok {
				types[kind] = uint32(len(types))
			}
			if w.out.Types, err = eval.GrowArray(a, w.out.Types, 1); err != nil {
				return err
			}
			w.out.Types = append(w.out.Types, types[kind])
			traces[n] = uint32(len(w.out.Types))
		}
		s.Trace[row] = traces[n] - 1
	}
	for i, e := range w.entrants {
		c := eval.ScoreColumn{Name: e.Name}
		if c.Score, err = eval.ArrayOf[float64](a, len(w.owner)); err != nil {
			return err
		}
		if c.Keep, err = eval.ArrayOf[bool](a, len(w.owner)); err != nil {
			return err
		}
		for row, n := range w.owner {
			c.Score[row], c.Keep[row] = w.score[i][n], w.keep[i][n]
		}
		s.Columns = append(s.Columns, c)
	}
	w.out.Stats = w.gather.stats
	return nil
}
