package main

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"github.com/scale-eval/scale-eval/datasets"
	"github.com/scale-eval/scale-eval/datasets/catalog"
	"github.com/scale-eval/scale-eval/datasets/trace"
)

// census is what one pass over the dataset must show before it can be split.
type census struct {
	read      int64
	kept      int64 // strictly shorter than max_duration
	positives int64
	overflow  int64
	bad       *trace.Bad

	firstStart, lastStart int64 // ns since the Unix epoch

	expected bool // nobody has counted

	keptAt []int64 // of kept, how many lie before each mark
}

// rate is the mean number of spans a second, 0 when all start at once.
func (n *census) rate() float64 {
	if n.lastStart <= n.firstStart {
		return 0
	}
	return float64(n.read) / (float64(n.lastStart-n.firstStart) / 1e9)
}

// expected are the census and the split of a dataset in which nothing is unusual: as many
// rows as its files state, all well-formed, a positive among them, and room for all calls.
// They are nil where the files do not state enough, or where something is wrong already,
// which a census then finds and tells.
func expected(c *cli.Context, ds *catalog.Dataset) (*census, *split) {
	stated, ok := ds.Stated()
	if !ok || stated.Rows == 0 {
		return nil, nil
	}
	n := &census{
		read: stated.Rows, kept: stated.Rows, positives: 1, bad: &trace.Bad{}, expected: true,
		firstStart: stated.FirstStart, lastStart: stated.LastStart,
	}
	s, err := newSplit(c, ds, n)
	if err != nil {
		return nil, nil
	}
	if limit := maxDurationNs(c); s.shocks != nil && limit != 0 && stated.Longest >= limit {
		return nil, nil // the protocol leaves spans out: how many is not known
	}
	return n, s
}

// censusColumns are those of samplerColumns but the ids, which take most of the time of
// decoding.
var censusColumns = datasets.ColumnsOf(datasets.ColService, datasets.ColOperation, datasets.ColLabel) | timeColumns

var timeColumns = datasets.ColumnsOf(datasets.ColStart, datasets.ColDuration)

// takeCensus reads the dataset once. marks are the rows before which kept spans are
// counted, ascending; nil: none. Where the files state when their spans begin, and that
// none is too long, times are not decoded.
func takeCensus(c *cli.Context, ds *catalog.Dataset, calls *trace.Calls, marks []int64) (*census, error) {
	return takeCensusBeside(c, ds, calls, marks, newTurns(), nil)
}

// takeCensusBeside is takeCensus that leaves one of several cores to beside until that
// returns. Where the census takes one core only, beside is not called; its error ends a
// census in parts. What beside starts takes turns with the parts.
func takeCensusBeside(c *cli.Context, ds *catalog.Dataset, calls *trace.Calls, marks []int64, cores turns, beside func(context.Context) error) (*census, error) {
	t := &taker{c: c, ds: ds, want: censusColumns, bar: newProgress(c.App.ErrWriter, "reading", -1), cores: cores, beside: beside}
	defer t.bar.finish()
	stated, ok := ds.Stated()
	if limit := maxDurationNs(c); ok && (limit == 0 || stated.Longest < limit) {
		t.want &^= timeColumns
	}
	var all datasets.Census
	bad, divided := &trace.Bad{}, false
	if cores := runtime.GOMAXPROCS(0); cores > 1 {
		if cuts := ds.Cuts(cores * partsPerCore); len(cuts) > 2 {
			all, divided = t.parts(calls, cuts, marks)
		}
	}
	if !divided {
		var err error
		if all, bad, err = t.whole(calls, marks); err != nil {
			return nil, err
		}
	}
	if t.want != censusColumns {
		all.FirstStart, all.LastStart = stated.FirstStart, stated.LastStart
	}
	if all.Read == 0 {
		return nil, fmt.Errorf("dataset %s has no spans%s", ds.Name, firstBad(bad))
	}
	return &census{
		read: all.Read, kept: all.Kept, positives: all.Positives, overflow: all.Overflow, bad: bad,
		firstStart: all.FirstStart, lastStart: all.LastStart, keptAt: all.KeptAt,
	}, nil
}

// partsPerCore is into how many parts a census is cut for each core: enough that all are
// done at about the same time, though one of them has something else to do first.
const partsPerCore = 4

// taker takes one census.
type taker struct {
	c      *cli.Context
	ds     *catalog.Dataset
	want   datasets.Columns
	bar    *progress
	cores  turns                       // of parts and beside
	beside func(context.Context) error // holds one of the cores while it runs; may be nil
	rows   atomic.Int64                // done in all parts
}

func (t *taker) whole(calls *trace.Calls, marks []int64) (datasets.Census, *trace.Bad, error) {
	r, err := t.ds.Open(t.want)
	if err != nil {
		return datasets.Census{}, nil, err
	}
	return t.of(datasets.Ahead(r), calls, marks, func(rows int64) { t.bar.set(rows) })
}

// of counts the rows of r and closes it.
func (t *taker) of(r datasets.Reader, calls *trace.Calls, marks []int64, done func(rows int64)) (datasets.Census, *trace.Bad, error) {
	defer r.Close()
	n, err := datasets.TakeCensus(r, calls, maxDurationNs(t.c), marks, func(rows int64) error {
		done(rows)
		return t.c.Context.Err()
	})
	if err != nil {
		return n, nil, err
	}
	return n, r.Bad(), nil
}

// parts counts the rows between cuts, a part on each core. Parts but the first
// number calls of their own, which calls then takes over in the order in which they came.
// It is not ok, and the data has to be gone through as a whole, after an error and when
// rows are malformed or there are more calls than fit: then it matters what came first.
func (t *taker) parts(calls *trace.Calls, cuts, marks []int64) (all datasets.Census, ok bool) {
	list := make([]censusPart, len(cuts)-1)
	g, ctx := errgroup.WithContext(t.c.Context)
	g.SetLimit(runtime.GOMAXPROCS(0))
	if t.beside != nil {
		g.Go(func() error {
			t.cores.take()
			defer t.cores.give()
			return t.beside(ctx)
		})
	}
	for i := range list {
		p := &list[i]
		p.from, p.to, p.calls = cuts[i], cuts[i+1], calls
		if i > 0 {
			var err error
			if p.calls, err = newCalls(t.c); err != nil {
				return all, false
			}
		}
		for len(marks) > 0 && (marks[0] < p.to || i == len(list)-1) {
			p.marks, marks = append(p.marks, marks[0]-p.from), marks[1:]
		}
		g.Go(func() error { return t.count(p) })
	}
	if g.Wait() != nil {
		return all, false
	}
	for i, p := range list {
		if p.bad.Total+p.n.Overflow > 0 || i > 0 && !takeOver(calls, p.calls) {
			return all, false
		}
		all = all.And(p.n)
	}
	return all, true
}

// censusPart is the rows [from, to) and what is found in them. marks are counted from the
// first of them.
type censusPart struct {
	from, to int64
	marks    []int64
	calls    *trace.Calls
	n        datasets.Census
	bad      *trace.Bad
}

func (t *taker) count(p *censusPart) error {
	t.cores.take()
	defer t.cores.give()
	r, err := t.ds.OpenRows(t.want, p.from, p.to)
	if err != nil {
		return err
	}
	before := int64(0)
	p.n, p.bad, err = t.of(r, p.calls, p.marks, func(rows int64) {
		t.bar.set(t.rows.Add(rows - before))
		before = rows
		t.cores.give()
		t.cores.take()
	})
	return err
}

// takeOver adds the calls of a later part and says whether they fitted.
func takeOver(calls, part *trace.Calls) bool {
	for id := trace.Call(1); int(id) < part.Len(); id++ {
		if calls.OfSanitised(part.Service(id), part.Operation(id)) == trace.OverflowCall {
			return false
		}
	}
	return true
}

func firstBad(bad *trace.Bad) string {
	if bad.Total == 0 {
		return ""
	}
	return fmt.Sprintf(" but %d malformed records, the first: %v", bad.Total, bad.First[0])
}
