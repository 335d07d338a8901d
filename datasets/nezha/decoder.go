package nezha

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"slices"
	"strings"

	"github.com/scale-eval/scale-eval/datasets"
	"github.com/scale-eval/scale-eval/datasets/input"
	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Labeller makes labels of faults; *inject.TrackB is one.
type Labeller interface {
	// AddFault tells of one row of a fault list. An error makes it a bad row.
	AddFault(faultType, service string, at int64) error
	// Label sets Label and Kind of every span of the day, in any order.
	Label(spans []trace.Span) error
}

// Options of a Decoder.
type Options struct {
	// Label labels the spans. Nil leaves them unlabelled, and an input without a
	// fault list is no error.
	Label Labeller
}

// Decoder is the stream of a day's spans. The first calls of Decode, one for each
// bad row and one more, read the whole input.
//
// Memory: about 130 bytes a span once all are read; at the peak before it, with
// what the collector has not yet freed, about 500 (BenchmarkRealDay).
type Decoder struct {
	files *input.Files
	opt   Options

	table  *table // the open trace file, or nil
	badRow []*trace.RowError
	passed []string // files passed over, for the message when there is no other
	traces int      // trace files seen
	lists  int      // fault lists seen

	interned names

	spans      []trace.Span
	held       []bool            // by span: construction data, for labels only
	holding    bool              // the open file is construction data
	index      map[spanKey]int32 // nil once all is read
	order      []endKey          // what is still to be yielded
	faults     []Fault
	warnings   []string
	duplicates int64
	err        error // sticky: the end, or why the stream broke
}

type spanKey struct {
	trace trace.TraceID
	span  trace.SpanID
}

// endKey orders spans without moving them.
type endKey struct {
	end int64
	at  int32
}

var _ datasets.Decoder = (*Decoder)(nil)

// NewDecoder reads the day in files, which the caller closes behind it.
func NewDecoder(files *input.Files, opt Options) *Decoder {
	return &Decoder{files: files, opt: opt, index: map[spanKey]int32{}, interned: names{services: map[string]string{}}}
}

// Faults are the rows of the fault lists that could be read, in order of time.
// Complete once Decode has returned a span or io.EOF.
func (d *Decoder) Faults() []Fault { return d.faults }

// Duplicates is how many rows were exact copies of an earlier one. Complete when
// Faults is.
func (d *Decoder) Duplicates() int64 { return d.duplicates }

// Warnings says what a reader of results should know of the data: rows of the
// fault list whose two times differ, and spans kept back. Complete when Faults is.
func (d *Decoder) Warnings() []string { return d.warnings }

// Decode implements datasets.Decoder.
func (d *Decoder) Decode(s *trace.Span) error {
	for d.err == nil && d.index != nil {
		if err := d.step(); err != nil {
			var row *trace.RowError
			if errors.As(err, &row) {
				return err
			}
			d.err = err
		}
	}
	if d.err == nil && len(d.order) == 0 {
		d.err = io.EOF
	}
	if d.err != nil {
		return d.err
	}
	*s = d.spans[d.order[0].at]
	d.order = d.order[1:]
	return nil
}

// step reads one row or opens the next file. At the end of the input it finishes.
func (d *Decoder) step() error {
	if len(d.badRow) > 0 {
		row := d.badRow[0]
		d.badRow = d.badRow[1:]
		return row
	}
	if d.table != nil {
		var s trace.Span
		switch err := d.table.next(&s); {
		case err == nil:
			return d.add(&s)
		case err == io.EOF:
			d.table = nil
		default:
			return err
		}
	}
	f, err := d.files.Next()
	if err == io.EOF {
		return d.finish()
	}
	if err != nil {
		return err
	}
	return d.open(f)
}

// open starts on a file, chosen by its name: a day's folder also holds logs and
// metrics.
func (d *Decoder) open(f *input.File) error {
	base := path.Base(f.Name)
	switch {
	case strings.HasSuffix(base, "_trace.csv"), base == f.Name && strings.HasSuffix(base, ".csv"):
		t, err := newTable(f, &d.interned)
		d.table = t
		d.traces++
		d.holding = strings.Contains("/"+f.Name, "/construct_data/")
		return err
	case strings.HasSuffix(base, "fault_list.json"):
		d.lists++
		return d.readFaults(f)
	}
	if len(d.passed) < 3 {
		d.passed = append(d.passed, f.Name)
	}
	return nil
}

// add keeps s unless it is a copy.
func (d *Decoder) add(s *trace.Span) error {
	k := spanKey{s.TraceID, s.ID}
	if at, dup := d.index[k]; dup {
		if d.spans[at] == *s {
			d.duplicates++
			d.held[at] = d.held[at] && d.holding
			return nil
		}
		return d.table.Errorf("SpanID", "span %s of trace %s came before with other values: the first is kept", s.ID, s.TraceID)
	}
	if len(d.spans) == math.MaxInt32 {
		return fmt.Errorf("%s: more than %d spans in one input: read the days one at a time", d.table.path, math.MaxInt32)
	}
	d.index[k] = int32(len(d.spans))
	d.spans = append(d.spans, *s)
	d.held = append(d.held, d.holding)
	return nil
}

// finish labels and orders the spans once all are read.
func (d *Decoder) finish() error {
	d.index = nil
	if d.traces == 0 {
		return fmt.Errorf("no HH_MM_trace.csv in this input (it holds %q …): give the folder of a day, or an archive of it", d.passed)
	}
	slices.SortStableFunc(d.faults, func(a, b Fault) int { return cmp.Compare(a.At, b.At) })
	if d.opt.Label != nil {
		if d.lists == 0 {
			return errors.New("no <date>-fault_list.json in this input: spans cannot be labelled by faults without it; give the folder above trace/")
		}
		if err := d.opt.Label.Label(d.spans); err != nil {
			return err
		}
	}
	d.sort()
	return nil
}

// sort lists the spans to yield by their end.
func (d *Decoder) sort() {
	d.order = make([]endKey, 0, len(d.spans))
	// An input of nothing but construction data was given for its own sake.
	holds := slices.Contains(d.held, false)
	for i := range d.spans {
		if !holds || !d.held[i] {
			d.order = append(d.order, endKey{d.spans[i].End(), int32(i)})
		}
	}
	if n := len(d.spans) - len(d.order); n > 0 {
		d.warnings = append(d.warnings, fmt.Sprintf("%d spans of construct_data are part of the fault-free reference of labels and not of the stream", n))
	}
	slices.SortFunc(d.order, d.compare)
}

func (d *Decoder) compare(a, b endKey) int {
	if a.end != b.end { // the commonest case
		return cmp.Compare(a.end, b.end)
	}
	s, t := &d.spans[a.at], &d.spans[b.at]
	return cmp.Or(cmp.Compare(s.TraceID.Hi, t.TraceID.Hi), cmp.Compare(s.TraceID.Lo, t.TraceID.Lo), cmp.Compare(s.ID, t.ID))
}
