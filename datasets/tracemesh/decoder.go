package tracemesh

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"path"
	"strings"

	"github.com/scale-eval/scale-eval/datasets/input"
	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Uncommon is the label kind of the spans that test_label.txt speaks of.
const Uncommon = "uncommon trace"

const (
	colTrace = iota
	colSpan
	colParent
	colOperation
	colStart
	colDuration
	numColumns
)

var columns = [numColumns]string{"TraceID", "SpanID", "ParentID", "OperationName", "StartTimeUnixNano", "Duration"}

// root is the parent of a span without one.
const root = "root"

// Options of a Decoder. The zero value is the default.
type Options struct {
	// Unit of durations; default Auto.
	Unit Unit
}

// Decoder is a datasets.Decoder. It is not safe for concurrent use.
type Decoder struct {
	seq    *input.Sequence
	opt    Options
	auto   bool // the unit was not given
	labels *labels
	single bool

	rows  *input.CSV
	at    [numColumns]int
	part  int // of the layout: the rank of the open file
	path  string
	names input.Strings

	spans, train, hashed int64
}

// The parts of OpsPAI's layout, in the order in which they are read.
const (
	partLabels = iota
	partTrain
	partOther
	partTest
)

// part says where a stream stands in the layout, -1 for nowhere.
func part(name string) int {
	switch base := path.Base(name); {
	case base == "test_label.txt":
		return partLabels
	case base == "train.csv":
		return partTrain
	case base == "test.csv":
		return partTest
	case strings.HasSuffix(base, ".csv"):
		return partOther
	}
	return -1
}

// Open reads a CSV file (of any name), or a folder or archive whose CSV files are
// all in this format; each may be compressed. The order is train.csv, other CSV
// files, test.csv. Labels are read here.
func Open(name string, opt Options) (*Decoder, error) {
	d := &Decoder{opt: opt, auto: opt.Unit == Auto}
	names, err := input.List(name)
	if err != nil {
		return nil, err
	}
	rank := part
	if len(names) == 1 && part(names[0]) < 0 {
		rank = func(string) int { return partOther }
	}
	d.seq = input.NewSequence(name, names, rank)
	if len(d.seq.Names()) == 0 {
		return nil, fmt.Errorf("%s: no CSV file in it: want train.csv and test.csv, or any file with the columns %s", name, strings.Join(columns[:], ","))
	}
	if part(d.seq.Names()[0]) == partLabels && len(d.seq.Names()) > 1 {
		if err = d.readLabels(); err != nil {
			return nil, errors.Join(err, d.seq.Close())
		}
	}
	return d, nil
}

// readLabels reads the first stream.
func (d *Decoder) readLabels() error {
	f, err := d.seq.Next()
	if err != nil {
		return err
	}
	d.labels, err = readLabels(f.Path, f)
	return err
}

// New reads one uncompressed CSV stream; path is for messages.
func New(path string, r io.Reader, opt Options) (*Decoder, error) {
	d := &Decoder{opt: opt, auto: opt.Unit == Auto, part: partOther, single: true}
	return d, d.start(path, r)
}

// start reads the header of a file.
func (d *Decoder) start(path string, r io.Reader) (err error) {
	if d.opt.Unit == Auto {
		if d.opt.Unit, r, err = detect(path, r); err != nil {
			return err
		}
	}
	d.path = path
	if d.rows, err = input.NewCSV(path, r, columns[:]...); err != nil {
		return err
	}
	for i, c := range columns {
		d.at[i] = d.rows.Column(c)
	}
	return nil
}

// Decode implements datasets.Decoder. The strings that it puts into s stay valid.
// Cost: about 150 ns.
func (d *Decoder) Decode(s *trace.Span) error {
	for {
		if d.rows == nil {
			if err := d.nextFile(); err != nil {
				return err
			}
		}
		fields, err := d.rows.Next()
		if err == nil {
			return d.span(fields, s)
		}
		if err != io.EOF || d.single {
			return err
		}
		d.rows = nil
	}
}

func (d *Decoder) nextFile() error {
	if d.labels != nil {
		if bad := d.labels.nextBad(); bad != nil {
			return bad
		}
	}
	f, err := d.seq.Next()
	if err != nil {
		return err
	}
	d.part = part(f.Name)
	return d.start(f.Path, f)
}

// span decodes one row.
func (d *Decoder) span(f [][]byte, s *trace.Span) error {
	id := f[d.at[colTrace]]
	hi, lo, ok := input.Hex(id)
	if !ok {
		if lo, ok = d.hash(id); !ok {
			return d.bad(colTrace, id, "want hexadecimal digits or a name")
		}
		hi = 0
	}
	s.TraceID = trace.TraceID{Hi: hi, Lo: lo}
	if s.ID, ok = d.spanID(f[d.at[colSpan]]); !ok {
		return d.bad(colSpan, f[d.at[colSpan]], "want hexadecimal digits or a name")
	}
	s.ParentID = 0
	if parent := f[d.at[colParent]]; string(parent) != root {
		if s.ParentID, ok = d.spanID(parent); !ok {
			return d.bad(colParent, parent, `want an id, or "root"`)
		}
	}
	if err := d.times(f, s); err != nil {
		return err
	}
	s.Service = ""
	s.Operation = d.names.Get(f[d.at[colOperation]])
	s.Label, s.Kind = trace.Unlabelled, ""
	if d.part == partTest {
		s.Label, s.Kind = d.labels.of(s.TraceID)
	}
	d.spans++
	if d.part == partTrain {
		d.train++
	}
	return nil
}

func (d *Decoder) times(f [][]byte, s *trace.Span) (err error) {
	if s.Start, err = input.Int(f[d.at[colStart]]); err != nil {
		return d.bad(colStart, f[d.at[colStart]], err.Error()+", want integer ns since 1970")
	}
	text := f[d.at[colDuration]]
	unit := d.opt.Unit
	if unit == Auto {
		unit = unitOf(text)
	}
	if s.Duration, err = input.Scaled(text, scales[unit]); err != nil {
		return d.bad(colDuration, text, err.Error()+", want a duration in "+unit.String())
	}
	if d.auto && unit == Microseconds && fractional(text) {
		return d.bad(colDuration, text, "a fraction in a file whose first durations are integers and were taken for us: give the unit of durations")
	}
	if s.Duration < 0 {
		return d.bad(colDuration, text, "negative: a span cannot end before it starts")
	}
	d.opt.Unit = unit
	return nil
}

func (d *Decoder) bad(col int, found []byte, msg string) error {
	const most = 100
	return d.rows.Errorf(columns[col], "%q: %s", found[:min(len(found), most)], msg)
}

// spanID is 1 to 16 hexadecimal digits, or the hash of another name.
func (d *Decoder) spanID(b []byte) (trace.SpanID, bool) {
	if hi, lo, ok := input.Hex(b); ok && hi == 0 { // the commonest case
		return trace.SpanID(lo), true
	}
	h, ok := d.hash(b)
	return trace.SpanID(h), ok
}

// hash stands in for an id that is not hexadecimal.
func (d *Decoder) hash(b []byte) (uint64, bool) {
	if len(b) == 0 {
		return 0, false
	}
	d.hashed++
	h := fnv.New64a()
	h.Write(b)
	return h.Sum64(), true
}

// Unit is the unit in which durations are read; with Auto what was decided, or
// Auto before the first readable row.
func (d *Decoder) Unit() Unit { return d.opt.Unit }

// TrainSpans is the number of spans that came from train.csv so far. They come
// before all others; final says that a span of another file has
// been decoded, so that n will not change.
func (d *Decoder) TrainSpans() (n int64, final bool) { return d.train, d.spans > d.train }

// Hashed is the number of ids so far that were not hexadecimal and were replaced by
// their 64-bit FNV-1a hash.
func (d *Decoder) Hashed() int64 { return d.hashed }

// LabelledTraces is the number of distinct ids of test_label.txt, and how many of
// them have been met in test.csv so far.
func (d *Decoder) LabelledTraces() (listed, met int) { return d.labels.counts() }

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
