package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/datasets/catalog"
	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/eval"
	"github.com/scale-eval/scale-eval/tuning"
)

// columns is a dataset, read once and shared by all workers: 61 bytes a span that are
// spilled to disk where they are many, and a table of the names.
type columns struct {
	start, duration []int64
	id, parent      []trace.SpanID
	traceID         []trace.TraceID
	call            []trace.Call
	trace           []uint32 // dense
	label           []trace.Label
	name            []uint32 // of names
	names           [][2]string
	spill
}

func newColumns(n int) (*columns, error) {
	d := &columns{}
	var errs [9]error
	d.start, errs[0] = spilled[int64](&d.spill, n)
	d.duration, errs[1] = spilled[int64](&d.spill, n)
	d.id, errs[2] = spilled[trace.SpanID](&d.spill, n)
	d.parent, errs[3] = spilled[trace.SpanID](&d.spill, n)
	d.traceID, errs[4] = spilled[trace.TraceID](&d.spill, n)
	d.call, errs[5] = spilled[trace.Call](&d.spill, n)
	d.trace, errs[6] = spilled[uint32](&d.spill, n)
	d.label, errs[7] = spilled[trace.Label](&d.spill, n)
	d.name, errs[8] = spilled[uint32](&d.spill, n)
	return d, errors.Join(errs[:]...)
}

// loadColumns reads the dataset, of which a census found so many spans. While it does, it
// holds some 60 bytes a trace to number them.
func loadColumns(c *cli.Context, ds *catalog.Dataset, calls *trace.Calls, spans int64) (*columns, error) {
	d, err := newColumns(int(spans))
	if err != nil {
		return nil, err
	}
	traces, names := map[trace.TraceID]uint32{}, map[[2]string]uint32{}
	bar := newProgress(c.App.ErrWriter, "loading", spans)
	defer bar.finish()
	i := 0
	for s, err := range passes(ds, calls, samplerColumns) {
		if err != nil {
			return nil, err
		}
		if err := interrupted(c, int64(i), bar); err != nil {
			return nil, err
		}
		if i == len(d.start) {
			return nil, fmt.Errorf("dataset %s has more spans than a moment ago: it changed while it was read", ds.Name)
		}
		t, ok := traces[s.TraceID]
		if !ok {
			t = uint32(len(traces))
			traces[s.TraceID] = t
		}
		key := [2]string{s.Service, s.Operation}
		n, ok := names[key]
		if !ok {
			n = uint32(len(names))
			names[key] = n
			d.names = append(d.names, key)
		}
		d.start[i], d.duration[i] = s.Start, s.Duration
		d.id[i], d.parent[i], d.traceID[i] = s.ID, s.ParentID, s.TraceID
		d.call[i], d.label[i] = s.Call, s.Label
		d.trace[i], d.name[i] = t, n
		passed(i, &d.spill)
		i++
	}
	if i != len(d.start) {
		return nil, fmt.Errorf("dataset %s has fewer spans than a moment ago: it changed while it was read", ds.Name)
	}
	d.forget()
	return d, nil
}

// span fills s with row i.
func (d *columns) span(s *trace.Span, i uint32) {
	s.ID, s.ParentID, s.TraceID = d.id[i], d.parent[i], d.traceID[i]
	s.Service, s.Operation = d.names[d.name[i]][0], d.names[d.name[i]][1]
	s.Call, s.Start, s.Duration, s.Label = d.call[i], d.start[i], d.duration[i], d.label[i]
}

// source yields all rows and says in row which one it is at, so that it is known
// behind a filter.
func (d *columns) source(row *uint32) trace.Source {
	return func(yield func(*trace.Span, error) bool) {
		var s trace.Span
		for i := range d.start {
			*row = uint32(i)
			d.span(&s, *row)
			passed(i, &d.spill)
			if !yield(&s, nil) {
				return
			}
		}
	}
}

// scenario is the data as one protocol sees it: rows that train, then rows that are
// scored, with the durations and labels that shocks gave them. 13 bytes a span, spilled.
type scenario struct {
	row      []uint32
	duration []int64
	label    []trace.Label
	train    int
	ends     []int // blocks of the scored part
	mode     eval.Mode
	protocol string
	*spill
}

// newScenario materialises the split of c.
func newScenario(c *cli.Context, ds *catalog.Dataset, census *census, d *columns) (*scenario, error) {
	split, err := newSplit(c, ds, census)
	if err != nil {
		return nil, err
	}
	sc := &scenario{train: int(split.train), mode: split.mode, protocol: split.protocol, spill: &spill{}}
	n := split.train + split.test
	if err := sc.room(int(n)); err != nil {
		return nil, err
	}
	var row uint32
	i := 0
	for s, err := range take(split.labelled(d.source(&row)), 0, n) {
		if err != nil {
			return nil, err
		}
		sc.row[i], sc.duration[i], sc.label[i] = row, s.Duration, s.Label
		passed(i, sc.spill)
		i++
	}
	if i != int(n) {
		return nil, fmt.Errorf("the %s protocol came to %d spans of dataset %s, not to %d as its census says", split.protocol, i, ds.Name, n)
	}
	sc.forget()
	if split.test < 2 {
		return nil, fmt.Errorf("%d spans are left to choose and test on: want more, or a smaller --train", split.test)
	}
	sc.ends = tuning.Blocks(int(split.test), c.Int("folds"), c.Float64("validation"))
	return sc, nil
}

func (sc *scenario) room(n int) (err error) {
	var errs [3]error
	sc.row, errs[0] = spilled[uint32](sc.spill, n)
	sc.duration, errs[1] = spilled[int64](sc.spill, n)
	sc.label, errs[2] = spilled[trace.Label](sc.spill, n)
	return errors.Join(errs[:]...)
}

// share is the part of a scenario that a share of the data leaves: the last of the
// training part and the first of the validation part, which lie together, and no
// test block.
func (sc *scenario) share(share float64) *scenario {
	if share >= 1 {
		return sc
	}
	train := int(share * float64(sc.train))
	from := sc.train - train
	small := *sc
	small.train, small.ends = train, make([]int, len(sc.ends))
	last := len(sc.ends) - 1
	for i := range last {
		small.ends[i] = int(share * float64(sc.ends[i]))
	}
	small.ends[last] = small.ends[last-1]
	to := sc.train + small.ends[last]
	small.row, small.duration, small.label = sc.row[from:to], sc.duration[from:to], sc.label[from:to]
	return &small
}
