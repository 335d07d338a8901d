package main

import (
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

	keptAt []int64 // of kept, how many lie before each mark
}

// rate is the mean number of spans a second, 0 when all start at once.
func (n *census) rate() float64 {
	if n.lastStart <= n.firstStart {
		return 0
	}
	return float64(n.read) / (float64(n.lastStart-n.firstStart) / 1e9)
}

// censusColumns are those of samplerColumns but the ids, which take most of the time of
// decoding.
var censusColumns = datasets.ColumnsOf(datasets.ColService, datasets.ColOperation, datasets.ColLabel) | timeColumns

var timeColumns = datasets.ColumnsOf(datasets.ColStart, datasets.ColDuration)

// takeCensus reads the dataset once. marks are the rows before which kept spans are
// counted, ascending; nil: none. Where the files state when their spans begin, and that
// none is too long, times are not decoded.
func takeCensus(c *cli.Context, ds *catalog.Dataset, calls *trace.Calls, marks []int64) (*census, error) {
	t := &taker{c: c, ds: ds, want: censusColumns, bar: newProgress(c.App.ErrWriter, "reading", -1)}
	defer t.bar.finish()
	stated, ok := ds.Stated()
	if limit := maxDurationNs(c); ok && (limit == 0 || stated.Longest < limit) {
		t.want &^= timeColumns
	}
	var all datasets.Census
	bad, halved := &trace.Bad{}, false
	if marks == nil && ds.Middle() > 0 && runtime.GOMAXPROCS(0) > 1 {
		all, halved = t.halves(calls)
	}
	if !halved {
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

// taker takes one census.
type taker struct {
	c    *cli.Context
	ds   *catalog.Dataset
	want datasets.Columns
	bar  *progress
	rows atomic.Int64 // done by both halves
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

// halves counts two halves of a Parquet dataset on two cores. The second numbers calls
// of its own, which calls then takes over in the order in which they came. It is not ok,
// and the data has to be gone through as a whole, after an error and when rows are
// malformed or there are more calls than fit: then it matters what came first.
func (t *taker) halves(calls *trace.Calls) (all datasets.Census, ok bool) {
	own, err := newCalls(t.c)
	if err != nil {
		return all, false
	}
	var g errgroup.Group
	var half [2]datasets.Census
	var bad [2]*trace.Bad
	cuts := [3]int64{0, t.ds.Middle(), t.ds.Rows()}
	for i, of := range []*trace.Calls{calls, own} {
		g.Go(func() error {
			r, err := t.ds.OpenRows(t.want, cuts[i], cuts[i+1])
			if err != nil {
				return err
			}
			before := int64(0)
			half[i], bad[i], err = t.of(r, of, nil, func(rows int64) {
				t.bar.set(t.rows.Add(rows - before))
				before = rows
			})
			return err
		})
	}
	if g.Wait() != nil || bad[0].Total+bad[1].Total+half[0].Overflow+half[1].Overflow > 0 {
		return all, false
	}
	for id := trace.Call(1); int(id) < own.Len(); id++ {
		if calls.OfSanitised(own.Service(id), own.Operation(id)) == trace.OverflowCall {
			return all, false
		}
	}
	return half[0].And(half[1]), true
}

func firstBad(bad *trace.Bad) string {
	if bad.Total == 0 {
		return ""
	}
	return fmt.Sprintf(" but %d malformed records, the first: %v", bad.Total, bad.First[0])
}
