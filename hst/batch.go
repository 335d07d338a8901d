package hst

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// Order is what comes first at each observation of a run.
type Order uint8

const (
	// ScoreThenLearn scores an observation against the window before it: no value
	// takes part in its own score. Test-then-train.
	ScoreThenLearn Order = iota
	// LearnThenScore is what the SCALE paper's code does. It differs at the last
	// observation of each window, which is scored against its own window.
	LearnThenScore
	numOrders
)

var orderNames = [numOrders]string{"score-then-learn", "learn-then-score"}

// String is "score-then-learn" or "learn-then-score".
func (o Order) String() string {
	if o >= numOrders {
		return fmt.Sprintf("order(%d)", uint8(o))
	}
	return orderNames[o]
}

// ParseOrder is the inverse of String.
func ParseOrder(s string) (Order, error) {
	for i, name := range orderNames {
		if s == name {
			return Order(i), nil
		}
	}
	return 0, fmt.Errorf("hst: order %q: want score-then-learn or learn-then-score", clip(s, 40))
}

// Batch runs a [Line] over columns. Scores of a window depend on the window before
// it and on nothing else, so windows run in parallel; results are the same to the
// last bit for every number of workers and however the column is cut into calls,
// and the Line is left as if it had seen the observations one at a time.
//
// Cost on one core: see the table at [Line]; two workers take half.
type Batch struct {
	// Order is what comes first at each observation.
	Order Order
	// Train, if above 0, freezes the model once the Line has learned that many
	// observations, those of earlier calls included: the rest is only scored. A
	// window that is not full by then is lost, as in any frozen model.
	Train int64
	// MinScore is the least score that [Batch.Flags] and [Batch.FlagsNS] flag.
	MinScore float64
	// Workers is how many goroutines share the work, 0 for GOMAXPROCS.
	Workers int
}

// Scores writes the score of each x, in the feature's unit, to dst. It panics if
// dst is shorter than xs.
func (b Batch) Scores(l *Line, dst, xs []float64) {
	b.run(l, column{xs: xs}, scoreSink(dst[:len(xs)]))
}

// ScoresNS is Scores for durations in nanoseconds and a Line in milliseconds, as
// the paper's: the value is float64(ns)/1e6.
func (b Batch) ScoresNS(l *Line, dst []float64, ns []int64) {
	b.run(l, column{ns: ns}, scoreSink(dst[:len(ns)]))
}

// Flags sets bit i%64 of dst[i/64] where the score of xs[i] is at least MinScore,
// and clears it elsewhere; observations of the first window are never flagged. It
// panics if dst has fewer than ceil(len(xs)/64) words; bits beyond are cleared.
func (b Batch) Flags(l *Line, dst []uint64, xs []float64) {
	b.flags(l, dst, column{xs: xs})
}

// FlagsNS is Flags for durations in nanoseconds and a Line in milliseconds.
func (b Batch) FlagsNS(l *Line, dst []uint64, ns []int64) {
	b.flags(l, dst, column{ns: ns})
}

func (b Batch) flags(l *Line, dst []uint64, c column) {
	dst = dst[:(c.len()+63)/64]
	clear(dst)
	b.run(l, c, &flagSink{words: dst, min: b.MinScore})
}

// run splits a column in the part that is learned and the part that is not.
func (b Batch) run(l *Line, c column, out sink) {
	workers := b.Workers
	if workers < 1 {
		workers = runtime.GOMAXPROCS(0)
	}
	n := c.len()
	learn := n
	if b.Train > 0 {
		learn = int(min(int64(n), max(0, b.Train-l.Learned())))
	}
	l.runLearning(c, 0, learn, out, b.Order, workers)
	l.runFrozen(c, learn, n, out, workers)
}

// runLearning runs observations [from, to): one at a time until a window starts,
// whole windows in parallel, and the rest one at a time.
func (l *Line) runLearning(c column, from, to int, out sink, o Order, workers int) {
	w := l.trees.window
	if len(l.filling) > 0 {
		head := min(to, from+w-len(l.filling))
		l.runOneByOne(c, from, head, out, o)
		from = head
	}
	if windows := (to - from) / w; windows > 0 {
		l.runWindows(c, from, windows, out, o, workers)
		from += windows * w
	}
	l.runOneByOne(c, from, to, out, o)
}

// runOneByOne runs observations within one window.
func (l *Line) runOneByOne(c column, from, to int, out sink, o Order) {
	for from < to {
		xs := c.load(from, min(to, from+blockLen), l.scratch()[:])
		scores := l.outScratch()
		for i, x := range xs {
			if o == LearnThenScore {
				l.Learn(x)
				scores[i] = l.Score(x)
				continue
			}
			scores[i] = l.Score(x)
			l.Learn(x)
		}
		out.write(from, scores[:len(xs)], l.windows > 0)
		from += len(xs)
	}
}
