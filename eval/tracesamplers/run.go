package tracesamplers

import (
	"context"
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
// Memory: about 70 bytes a trace, 40 a buffered span, 9 a row and entrant.
func Run(ctx context.Context, src trace.Source, entrants []Entrant, o Options) (*Outcome, error) {
	if o.Wait < 0 || o.MaxSpans < 0 || o.Train < 0 {
		return nil, fmt.Errorf("tracesamplers: Wait %d, MaxSpans %d, Train %d: want 0 or more", o.Wait, o.MaxSpans, o.Train)
	}
	w := &walk{entrants: entrants, o: o, out: &Outcome{Scores: &eval.Scores{}}, kinds: map[uint64]uint32{}}
	w.decided = make([][]trace.Decision, len(entrants))
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
	w.report()
	return w.out, nil
}

type walk struct {
	entrants []Entrant
	o        Options
	out      *Outcome
	gather   *gatherer
	seen     int64
	owner    []uint32 // of a row: the number that the gatherer gave its trace
	decided  [][]trace.Decision
	kindOf   []uint32 // by the gatherer's trace number
	kinds    map[uint64]uint32
	forest   forest
	err      error
}

func (w *walk) add(s *trace.Span) {
	n := w.gather.add(s)
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
		w.decided[i] = put(w.decided[i], number, d)
	}
	w.forest.build(t)
	kind := w.forest.kind(t)
	if _, ok := w.kinds[kind]; !ok {
		w.kinds[kind] = uint32(len(w.kinds))
	}
	w.kindOf = put(w.kindOf, number, w.kinds[kind])
}

func put[T any](s []T, i uint32, v T) []T {
	for int(i) >= len(s) {
		var zero T
		s = append(s, zero)
	}
	s[i] = v
	return s
}

// report hands the decisions of the traces to their spans, and numbers what is
// reported anew, from 0 in order of first sight.
func (w *walk) report() {
	s := w.out.Scores
	traces, types := map[uint32]uint32{}, map[uint32]uint32{}
	s.Trace = make([]uint32, len(w.owner))
	for row, n := range w.owner {
		number, ok := traces[n]
		if !ok {
			number = uint32(len(traces))
			traces[n] = number
			kind := w.kindOf[n]
			if _, ok := types[kind]; !ok {
				types[kind] = uint32(len(types))
			}
			w.out.Types = append(w.out.Types, types[kind])
		}
		s.Trace[row] = number
	}
	for i, e := range w.entrants {
		c := eval.ScoreColumn{Name: e.Name, Score: make([]float64, len(w.owner)), Keep: make([]bool, len(w.owner))}
		for row, n := range w.owner {
			d := w.decided[i][n]
			c.Score[row], c.Keep[row] = d.Score, d.Keep
		}
		s.Columns = append(s.Columns, c)
	}
	w.out.Stats = w.gather.stats
}
