package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/datasets/catalog"
	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/eval"
	"github.com/scale-eval/scale-eval/tuning"
)

// columns is a dataset in memory, read once and shared by all workers: about 45
// bytes a span, and 16 a trace.
type columns struct {
	start, duration []int64
	id, parent      []trace.SpanID
	call            []trace.Call
	trace           []uint32 // dense
	label           []trace.Label
	name            []uint32 // of names
	names           [][2]string
	traceIDs        []trace.TraceID // of trace
}

func loadColumns(c *cli.Context, ds *catalog.Dataset, calls *trace.Calls, spans int64) (*columns, error) {
	d := &columns{}
	traces, names := map[trace.TraceID]uint32{}, map[[2]string]uint32{}
	bar := newProgress(c.App.ErrWriter, "loading", spans)
	defer bar.finish()
	for s, err := range passes(ds, calls, samplerColumns) {
		if err != nil {
			return nil, err
		}
		if err := interrupted(c, int64(len(d.start)), bar); err != nil {
			return nil, err
		}
		t, ok := traces[s.TraceID]
		if !ok {
			t = uint32(len(traces))
			traces[s.TraceID] = t
			d.traceIDs = append(d.traceIDs, s.TraceID)
		}
		key := [2]string{s.Service, s.Operation}
		n, ok := names[key]
		if !ok {
			n = uint32(len(names))
			names[key] = n
			d.names = append(d.names, key)
		}
		d.start, d.duration = append(d.start, s.Start), append(d.duration, s.Duration)
		d.id, d.parent = append(d.id, s.ID), append(d.parent, s.ParentID)
		d.call, d.label = append(d.call, s.Call), append(d.label, s.Label)
		d.trace, d.name = append(d.trace, t), append(d.name, n)
	}
	return d, nil
}

// span fills s with row i.
func (d *columns) span(s *trace.Span, i uint32) {
	s.ID, s.ParentID, s.TraceID = d.id[i], d.parent[i], d.traceIDs[d.trace[i]]
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
			if !yield(&s, nil) {
				return
			}
		}
	}
}

// scenario is the data as one protocol sees it: rows that train, then rows that are
// scored, with the durations and labels that shocks gave them.
type scenario struct {
	row      []uint32
	duration []int64
	label    []trace.Label
	train    int
	ends     []int // blocks of the scored part
	mode     eval.Mode
	protocol string
}

// newScenario materialises the split of c.
func newScenario(c *cli.Context, ds *catalog.Dataset, census *census, d *columns) (*scenario, error) {
	split, err := newSplit(c, ds, census)
	if err != nil {
		return nil, err
	}
	sc := &scenario{train: int(split.train), mode: split.mode, protocol: split.protocol}
	n := split.train + split.test
	sc.row, sc.duration, sc.label = make([]uint32, 0, n), make([]int64, 0, n), make([]trace.Label, 0, n)
	var row uint32
	for s, err := range take(split.labelled(d.source(&row)), 0, n) {
		if err != nil {
			return nil, err
		}
		sc.row = append(sc.row, row)
		sc.duration, sc.label = append(sc.duration, s.Duration), append(sc.label, s.Label)
	}
	if split.test < 2 {
		return nil, fmt.Errorf("%d spans are left to choose and test on: want more, or a smaller --train", split.test)
	}
	sc.ends = tuning.Blocks(int(split.test), c.Int("folds"), c.Float64("validation"))
	return sc, nil
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
