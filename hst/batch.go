package hst

import (
	"runtime"
	"sync"
	"sync/atomic"
)

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
	warm := b.warmUp(l, c.len())
	b.run(l, c, &flagSink{words: dst, min: b.MinScore})
	for i := 0; i < warm; i += 64 {
		dst[i/64] &^= 1<<min(64, warm-i) - 1
	}
}

// warmUp is how many of the next n observations fall in the first window.
func (b Batch) warmUp(l *Line, n int) int {
	missing := int64(l.trees.cfg.Window) - l.Learned() // until there is a reference
	if missing <= 0 {
		return 0
	}
	if missing > int64(b.learns(l, n)) {
		return n
	}
	if b.Order == LearnThenScore {
		missing--
	}
	return int(missing)
}

// learns is how many of the next n observations are learned.
func (b Batch) learns(l *Line, n int) int {
	if b.Train <= 0 {
		return n
	}
	return int(min(int64(n), max(0, b.Train-l.Learned())))
}

// run splits a column in the part that is learned and the part that is not.
func (b Batch) run(l *Line, c column, out sink) {
	if b.Order >= numOrders {
		panic("hst: Batch.Order is neither ScoreThenLearn nor LearnThenScore")
	}
	workers := b.Workers
	if workers < 1 {
		workers = runtime.GOMAXPROCS(0)
	}
	n := c.len()
	learn := b.learns(l, n)
	l.runLearning(c, learn, out, b.Order, workers)
	runFrozen(learn, n, workers, l.frozenPart(c, n-learn, out))
}

// frozenPart scores a part of a column against the table as it is, or, where only
// flags are asked for and a FlagTable pays, answers from that.
func (l *Line) frozenPart(c column, n int, out sink) func(from, to int) {
	if flags, ok := out.(*flagSink); ok && c.ns != nil && n > frozenRun {
		table := l.FlagTable(flags.min)
		return func(from, to int) { flags.writeNS(table, c.ns, from, to) }
	}
	return func(from, to int) {
		var block blocks
		scoreColumn(&l.table, c, from, to, out, &block)
	}
}

// runLearning runs observations [0, n): one at a time until a window starts, whole
// windows in parallel, and the rest one at a time.
func (l *Line) runLearning(c column, n int, out sink, o Order, workers int) {
	w := l.trees.cfg.Window
	from := 0
	if len(l.filling) > 0 {
		from = min(n, w-len(l.filling))
		l.runOneByOne(c, 0, from, out, o)
	}
	if windows := (n - from) / w; windows >= minWindows {
		l.runWindows(c, from, windows, out, o, workers)
		from += windows * w
	}
	l.runOneByOne(c, from, n, out, o)
}

// runOneByOne is the plain loop that everything here must equal.
func (l *Line) runOneByOne(c column, from, to int, out sink, o Order) {
	var block blocks
	for from < to {
		xs, scores := block.load(c, from, min(to, from+blockLen))
		for i, x := range xs {
			if o == LearnThenScore {
				l.Learn(x)
			}
			scores[i] = l.Score(x)
			if o == ScoreThenLearn {
				l.Learn(x)
			}
		}
		out.write(from, scores)
		from += len(xs)
	}
}

// runWindows runs whole windows of a column, of which the first starts at from.
// Workers draw runs of windows from a shared counter, so that a core that others
// use takes fewer.
func (l *Line) runWindows(c column, from, windows int, out sink, o Order, workers int) {
	workers = min(workers, windows)
	run := min(maxRun, max(1, windows/(4*workers)))
	var next atomic.Int64
	parallel(workers, func() {
		w := lineWorker{line: l, builder: newLineBuilder(l.trees), column: c, from: from, order: o, out: out}
		for {
			first := int(next.Add(int64(run))) - run
			if first >= windows {
				return
			}
			w.run(first, min(windows, first+run))
		}
	})
	l.follow(c, from, windows)
}

// minWindows is how many windows are worth the scratch memory of a worker.
const minWindows = 8

// maxRun is the most windows that a worker draws at once. It builds one table more
// than it has windows, so longer runs waste less and balance worse.
const maxRun = 64

// follow leaves l as if it had learned the windows. Learning the last one is enough.
func (l *Line) follow(c column, from, windows int) {
	var block blocks
	w := l.trees.cfg.Window
	skip := max(0, windows-1)
	l.windows += int64(skip)
	for at, end := from+skip*w, from+windows*w; at < end; at += blockLen {
		xs, _ := block.load(c, at, min(end, at+blockLen))
		for _, x := range xs {
			l.Learn(x)
		}
	}
}

// lineWorker runs windows of a column, without touching its Line.
type lineWorker struct {
	line    *Line
	builder *lineBuilder
	table   lineTable
	keys    []uint64
	block   blocks
	column  column
	from    int // where window 0 of the column starts
	order   Order
	out     sink
}

// run scores windows [first, end) of the column.
func (w *lineWorker) run(first, end int) {
	table := &w.line.table
	if first > 0 {
		table = w.learn(first - 1)
	}
	size := w.line.trees.cfg.Window
	for k := first; k < end; k++ {
		at := w.from + k*size
		last := at + size - 1
		if w.order == ScoreThenLearn {
			w.score(table, at, last+1)
			if k+1 < end {
				table = w.learn(k)
			}
			continue
		}
		w.score(table, at, last)
		table = w.learn(k)
		w.score(table, last, last+1)
	}
}

// learn makes the table of window k of the column.
func (w *lineWorker) learn(k int) *lineTable {
	size := w.line.trees.cfg.Window
	w.keys = w.keys[:0]
	for at, end := w.from+k*size, w.from+(k+1)*size; at < end; at += blockLen {
		xs, _ := w.block.load(w.column, at, min(end, at+blockLen))
		for _, x := range xs {
			w.keys = append(w.keys, orderKey(x))
		}
	}
	w.builder.build(&w.table, w.keys, w.line.windows == 0 && k == 0)
	return &w.table
}

func (w *lineWorker) score(t *lineTable, from, to int) {
	scoreColumn(t, w.column, from, to, w.out, &w.block)
}

// scoreColumn scores observations [from, to) against one table.
func scoreColumn(t *lineTable, c column, from, to int, out sink, block *blocks) {
	for from < to {
		xs, scores := block.load(c, from, min(to, from+blockLen))
		t.scoreAll(scores, xs)
		out.write(from, scores)
		from += len(xs)
	}
}

// frozenRun is how many observations a worker draws at once from a frozen run.
const frozenRun = 1 << 14

// runFrozen hands out observations [from, to), which need no order.
func runFrozen(from, to, workers int, part func(from, to int)) {
	var next atomic.Int64
	next.Store(int64(from))
	workers = min(workers, (to-from+frozenRun-1)/frozenRun)
	parallel(workers, func() {
		for {
			at := int(next.Add(frozenRun)) - frozenRun
			if at >= to {
				return
			}
			part(at, min(to, at+frozenRun))
		}
	})
}

// parallel runs work on n goroutines and waits for all.
func parallel(n int, work func()) {
	if n == 1 {
		work()
		return
	}
	var group sync.WaitGroup
	for range n {
		group.Go(work)
	}
	group.Wait()
}
