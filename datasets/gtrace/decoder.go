package gtrace

import (
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/scale-eval/scale-eval/datasets/input"
	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Options of a Decoder. The zero value is the default.
type Options struct {
	// Location is the time zone of startTime; nil means UTC.
	Location *time.Location
	// Label is the column that becomes the label; default NodeLatency.
	Label Label
}

// Stats counts what a Decoder met so far.
type Stats struct {
	// Spans were decoded.
	Spans int64
	// DBRows had DBhash != 0 and were dropped, like the data set's own reader does.
	DBRows int64
	// UnknownIDs is the number of distinct service and operation numbers that no
	// id map knows. They stand as names.
	UnknownIDs int
}

// Decoder is a datasets.Decoder. It is not safe for concurrent use.
type Decoder struct {
	seq    *input.Sequence // nil: a single stream
	opt    Options
	maps   *idMaps
	rows   *input.CSV
	cols   columns
	path   string
	part   int
	train  int64
	clock  clock
	stats  Stats
	lookup lookup
}

// The order in which files are read.
const (
	partTrain = iota
	partVal
	partOther
	partTest
)

func part(name string) int {
	switch base := path.Base(name); {
	case base == "train.csv":
		return partTrain
	case base == "val.csv":
		return partVal
	case base == "test.csv":
		return partTest
	case strings.HasSuffix(base, ".csv"):
		return partOther
	}
	return -1
}

// Open reads a CSV file (of any name), or a folder or archive whose CSV files are
// all in this format; each may be compressed. Id maps are read here, which unpacks
// an archive once more.
func Open(name string, opt Options) (*Decoder, error) {
	maps, names, err := findMaps(name)
	if err != nil {
		return nil, err
	}
	rank := part
	if len(names) == 1 && part(names[0]) < 0 {
		rank = func(string) int { return partOther }
	}
	seq := input.NewSequence(name, names, rank)
	if len(seq.Names()) == 0 {
		return nil, fmt.Errorf("%s: no CSV file in it: want files with the columns %s", name, strings.Join(required, ","))
	}
	d := newDecoder(opt)
	d.seq, d.maps = seq, maps
	return d, nil
}

// New reads one uncompressed CSV stream whose services and operations are names;
// path is for messages.
func New(path string, r io.Reader, opt Options) (*Decoder, error) {
	d := newDecoder(opt)
	d.part = partOther
	return d, d.start(path, "", r)
}

func newDecoder(opt Options) *Decoder {
	if opt.Location == nil {
		opt.Location = time.UTC
	}
	return &Decoder{opt: opt, maps: &idMaps{}, clock: clock{loc: opt.Location}}
}

// start reads the header of a file.
func (d *Decoder) start(path, name string, r io.Reader) (err error) {
	d.path = path
	if d.rows, err = input.NewCSV(path, r, required...); err != nil {
		return err
	}
	d.cols = findColumns(d.rows, d.opt.Label)
	d.lookup.use(d.maps.of(name))
	return nil
}

// Decode implements datasets.Decoder. The strings that it puts into s stay valid.
// Cost: about 200 ns.
func (d *Decoder) Decode(s *trace.Span) error {
	for {
		if d.rows == nil {
			if err := d.nextFile(); err != nil {
				return err
			}
		}
		fields, err := d.rows.Next()
		if err == io.EOF && d.seq != nil {
			d.rows = nil
			continue
		}
		if err != nil {
			return err
		}
		switch dropped, err := d.dropped(fields); {
		case err != nil:
			return err
		case dropped:
			d.stats.DBRows++
			continue
		}
		return d.span(fields, s)
	}
}

func (d *Decoder) nextFile() error {
	f, err := d.seq.Next()
	if err != nil {
		return err
	}
	d.part = part(f.Name)
	return d.start(f.Path, f.Name, f)
}

// dropped says whether DBhash marks the row as one of a database.
func (d *Decoder) dropped(f [][]byte) (bool, error) {
	if d.cols.db < 0 {
		return false, nil
	}
	text := f[d.cols.db]
	if len(text) == 1 && text[0] == '0' { // the commonest case
		return false, nil
	}
	n, err := input.Scaled(text, 0)
	if err != nil && err != input.ErrRange {
		return false, d.bad("DBhash", text, err.Error()+", want 0 for a span to keep")
	}
	return n != 0 || err == input.ErrRange, nil
}

// span decodes one row.
func (d *Decoder) span(f [][]byte, s *trace.Span) (err error) {
	if err = d.ids(f, s); err != nil {
		return err
	}
	if s.Start, err = d.clock.parse(f[d.cols.start]); err != nil {
		return d.bad("startTime", f[d.cols.start], err.Error())
	}
	nano, err := input.Scaled(f[d.cols.nano], 0)
	if err != nil || nano < 0 || nano > 999_999_999 {
		return d.bad("nanosecond", f[d.cols.nano], "want 0 to 999999999, the offset in the second of startTime")
	}
	s.Start += nano
	if s.Duration, err = input.Millis(f[d.cols.duration]); err != nil {
		return d.bad("duration", f[d.cols.duration], err.Error()+", want ms")
	}
	if s.Duration < 0 {
		return d.bad("duration", f[d.cols.duration], "negative: a span cannot end before it starts")
	}
	if err = d.label(f, s); err != nil {
		return err
	}
	s.Service = d.lookup.service(f[d.cols.service])
	s.Operation = d.lookup.operation(f[d.cols.operation])
	d.stats.Spans++
	if d.part == partTrain {
		d.train++
	}
	return nil
}

func (d *Decoder) ids(f [][]byte, s *trace.Span) (err error) {
	const want = ", want a decimal 64-bit id"
	if s.TraceID.Hi, err = id(f[d.cols.traceHigh]); err != nil {
		return d.bad("traceIdHigh", f[d.cols.traceHigh], err.Error()+want)
	}
	if s.TraceID.Lo, err = id(f[d.cols.traceLow]); err != nil {
		return d.bad("traceIdLow", f[d.cols.traceLow], err.Error()+want)
	}
	u, err := id(f[d.cols.span])
	if err != nil {
		return d.bad("spanId", f[d.cols.span], err.Error()+want)
	}
	s.ID = trace.SpanID(u)
	if u, err = id(f[d.cols.parent]); err != nil {
		return d.bad("parentSpanId", f[d.cols.parent], err.Error()+want+", 0 for a root")
	}
	s.ParentID = trace.SpanID(u)
	return nil
}

// id is a signed or unsigned 64-bit number, bit for bit.
func id(b []byte) (uint64, error) {
	if len(b) > 0 && b[0] == '-' {
		n, err := input.Int(b)
		return uint64(n), err
	}
	return input.Uint(b)
}

func (d *Decoder) bad(field string, found []byte, msg string) error {
	return d.rows.Errorf(field, "%.100q: %s", found, msg)
}

// Stats counts what was met so far.
func (d *Decoder) Stats() Stats {
	s := d.stats
	s.UnknownIDs = d.lookup.unknown
	return s
}

// TrainSpans is the number of spans that came from train.csv so far. They come
// before all others; final says that a span of another file has been decoded, so
// that n will not change.
func (d *Decoder) TrainSpans() (n int64, final bool) { return d.train, d.stats.Spans > d.train }

// Position is the file and row of the span that Decode returned last.
func (d *Decoder) Position() (file string, row int64) {
	if d.rows == nil {
		return d.path, 0
	}
	return d.path, d.rows.Row()
}

// Close closes the input.
func (d *Decoder) Close() error {
	if d.seq == nil {
		return nil
	}
	return d.seq.Close()
}
