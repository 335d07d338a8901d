package catalog

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/scale-eval/scale-eval/datasets"
	"github.com/scale-eval/scale-eval/datasets/gtrace"
	"github.com/scale-eval/scale-eval/datasets/inject"
	"github.com/scale-eval/scale-eval/datasets/input"
	"github.com/scale-eval/scale-eval/datasets/jaeger"
	"github.com/scale-eval/scale-eval/datasets/nezha"
	"github.com/scale-eval/scale-eval/datasets/otlp"
	"github.com/scale-eval/scale-eval/datasets/synth"
	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/datasets/tracemesh"
)

// Options of reading, for all formats; each format takes what concerns it.
type Options struct {
	Strict         bool           // the first malformed row is an error
	KeepDuplicates bool           // spans with ids seen before stay
	TimeUnit       string         // tracemesh: auto, us, ms or ns; "" = auto
	Location       *time.Location // gtrace: zone of startTime; nil = UTC
	LabelColumn    string         // gtrace: node-latency, graph-latency or graph-structure; "" = the first
	SynthSpans     int64          // synth: 0 = the variant's default
	SynthSeed      uint64         // synth
	Where          datasets.Where // Parquet: which spans
}

// Dataset is a Ref that can be read, as often as needed.
type Dataset struct {
	*Ref
	ctx   context.Context // of all passes: readers have no place for one
	opt   Options
	parts []part // of a Parquet dataset
	cache batchCache
	facts facts
}

// facts are what only the reading of a dataset shows.
type facts struct {
	trainSpans int64 // spans that the dataset itself sets apart for training; 0: none
	faults     []inject.FaultCounts
	notes      []string
}

// stream is an open loader: a decoder, and what it knows when it has ended.
type stream struct {
	datasets.Decoder
	io.Closer
	facts func() facts
}

// Prepare checks that the dataset can be opened, without reading it through. ctx holds
// for all that is read of it in a bucket.
func Prepare(ctx context.Context, ref *Ref, opt Options) (*Dataset, error) {
	d := &Dataset{Ref: ref, ctx: ctx, opt: opt}
	if err := d.findParts(); err != nil {
		return nil, err
	}
	r, err := d.open(0)
	if err != nil {
		return nil, err
	}
	return d, r.Close()
}

// Open starts a pass that reads the columns of want. The first pass to its end
// fills TrainSpans, Faults and Notes.
func (d *Dataset) Open(want datasets.Columns) (datasets.Reader, error) {
	if d.Format == Parquet {
		return d.OpenRows(want, 0, math.MaxInt64)
	}
	if d.cache.complete {
		return &replay{cache: &d.cache}, nil
	}
	r, err := d.open(want)
	if err != nil {
		return nil, err
	}
	return &filling{Reader: r, cache: &d.cache}, nil
}

// TrainSpans is how many spans, from the first, the dataset's authors set apart
// for training; 0 when they did not. Known after a whole pass.
func (d *Dataset) TrainSpans() int64 { return d.facts.trainSpans }

// Faults are the injections of a Track B dataset with what they did to the labels.
// Known after a whole pass.
func (d *Dataset) Faults() []inject.FaultCounts { return d.facts.faults }

// Notes are what a reader of results should know of how the data was read. Known
// after a whole pass.
func (d *Dataset) Notes() []string { return d.facts.notes }

func (d *Dataset) open(want datasets.Columns) (datasets.Reader, error) {
	if d.Format == Parquet {
		return d.openParts(want, 0, math.MaxInt64)
	}
	s, err := d.stream()
	if err != nil {
		return nil, err
	}
	// The decoder itself, not the stream around it: it may know its position.
	r := datasets.NewReader(s.Decoder, s, d.Name, datasets.Options{
		Strict: d.opt.Strict,
		// nezha drops its duplicates itself, and synth makes none.
		DropDuplicates: !d.opt.KeepDuplicates && d.Format != Nezha && d.Format != Synth,
	})
	return &noting{Reader: r, note: func() { d.facts = s.facts() }}, nil
}

// noting calls note at the end of a pass.
type noting struct {
	datasets.Reader
	note func()
}

func (n *noting) Next() (rec arrow.Record, err error) {
	rec, err = n.Reader.Next()
	if err == io.EOF {
		n.note()
	}
	return rec, err
}

func (d *Dataset) stream() (*stream, error) {
	switch d.Format {
	case GTrace:
		return d.gtrace()
	case TraceMesh:
		return d.tracemesh()
	case Nezha:
		return d.nezha()
	case OTelCSV, OTLP:
		return d.files()
	case Jaeger:
		return d.jaeger()
	case Synth:
		return d.synth()
	}
	panic("catalog: no loader for format " + string(d.Format))
}

func (d *Dataset) gtrace() (*stream, error) {
	label := gtrace.NodeLatency
	if d.opt.LabelColumn != "" {
		var err error
		if label, err = gtrace.ParseLabel(d.opt.LabelColumn); err != nil {
			return nil, err
		}
	}
	dec, err := gtrace.Open(d.Path, gtrace.Options{Location: d.opt.Location, Label: label})
	if err != nil {
		return nil, err
	}
	return &stream{dec, dec, func() (f facts) {
		f.trainSpans, _ = dec.TrainSpans()
		st := dec.Stats()
		f.note(st.DBRows, "%d rows with DBhash != 0 left out, as the dataset's own reader does", st.DBRows)
		f.note(int64(st.UnknownIDs), "%d service or operation numbers are in no id map and stand as names", st.UnknownIDs)
		return f
	}}, nil
}

func (d *Dataset) tracemesh() (*stream, error) {
	unit, err := tracemesh.ParseUnit(d.opt.TimeUnit)
	if err != nil {
		return nil, err
	}
	dec, err := tracemesh.Open(d.Path, tracemesh.Options{Unit: unit})
	if err != nil {
		return nil, err
	}
	return &stream{dec, dec, func() (f facts) {
		f.trainSpans, _ = dec.TrainSpans()
		f.note(1, "durations read as %s", dec.Unit())
		f.note(dec.Hashed(), "%d ids are not hexadecimal and were hashed", dec.Hashed())
		listed, met := dec.LabelledTraces()
		f.note(int64(listed-met), "%d of %d traces of the label list are not in the data", listed-met, listed)
		return f
	}}, nil
}

func (d *Dataset) nezha() (*stream, error) {
	files, err := input.Open(d.Path)
	if err != nil {
		return nil, err
	}
	labels := &inject.TrackB{}
	dec := nezha.NewDecoder(files, nezha.Options{Label: labels})
	return &stream{dec, files, func() (f facts) {
		f.faults = labels.Counts()
		f.note(dec.Duplicates(), "%d duplicate rows left out", dec.Duplicates())
		f.notes = append(f.notes, dec.Warnings()...)
		return f
	}}, nil
}

func (d *Dataset) jaeger() (*stream, error) {
	files, err := input.Open(d.Path)
	if err != nil {
		return nil, err
	}
	dec := jaeger.NewFiles(files, jaeger.Options{})
	return &stream{dec, files, func() (f facts) {
		n, names := dec.Skipped()
		f.note(int64(n), "%d files are not Jaeger JSON and were left out: %s", n, strings.Join(names, ", "))
		return f
	}}, nil
}

func (d *Dataset) synth() (*stream, error) {
	cfg, err := synth.Named(d.Variant)
	if err != nil {
		return nil, err
	}
	if d.opt.SynthSpans > 0 {
		cfg.Spans = d.opt.SynthSpans
	}
	cfg.Seed = d.opt.SynthSeed
	dec, err := synth.New(cfg)
	if err != nil {
		return nil, err
	}
	return &stream{dec, io.NopCloser(nil), func() facts { return facts{} }}, nil
}

// note adds a note if n, what it counts, is not 0.
func (f *facts) note(n int64, format string, args ...any) {
	if n != 0 {
		f.notes = append(f.notes, fmt.Sprintf(format, args...))
	}
}

// chain decodes one file after another.
type chain struct {
	files   *input.Files
	start   func(f *input.File, head []byte, r io.Reader) (datasets.Decoder, error)
	current datasets.Decoder
	skipped int64
	first   string // of the skipped
	used    int
}

func (d *Dataset) files() (*stream, error) {
	files, err := input.Open(d.Path)
	if err != nil {
		return nil, err
	}
	c := &chain{files: files, start: d.startFile}
	return &stream{c, files, func() (f facts) {
		f.note(c.skipped, "%d files of another format left out, the first: %s", c.skipped, c.first)
		return f
	}}, nil
}

// startFile picks the decoder of one file by its first bytes; nil: not of this
// format.
func (d *Dataset) startFile(f *input.File, head []byte, r io.Reader) (datasets.Decoder, error) {
	opt := otlp.Options{ServiceAttr: d.ServiceAttr}
	text := strings.TrimLeft(strings.TrimPrefix(string(head), "\ufeff"), " \t\r\n")
	isJSON := strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[")
	switch format := sniffHead(head); {
	case d.Format == OTelCSV && format == OTelCSV:
		return otlp.NewCSV(r, f.Path, opt)
	case d.Format == OTLP && isJSON:
		return otlp.NewJSON(r, f.Path, opt), nil
	case d.Format == OTLP && format == OTLP:
		return otlp.NewProto(r, f.Path, opt), nil
	}
	return nil, nil
}

func (c *chain) Decode(s *trace.Span) error {
	for {
		if c.current != nil {
			err := c.current.Decode(s)
			if err != io.EOF {
				return err
			}
			c.current = nil
		}
		if err := c.advance(); err != nil {
			return err
		}
	}
}

// Position is that of the file being read.
func (c *chain) Position() (string, int64) {
	if p, ok := c.current.(datasets.Positioner); ok {
		return p.Position()
	}
	return "", 0
}

func (c *chain) advance() error {
	f, err := c.files.Next()
	if err == io.EOF && c.used == 0 {
		return fmt.Errorf("no file of the expected format in it (%d others, the first: %q)", c.skipped, c.first)
	}
	if err != nil {
		return err
	}
	br := bufio.NewReaderSize(f, sniffBytes)
	head, err := br.Peek(sniffBytes)
	if err != nil && err != io.EOF {
		return err
	}
	if c.current, err = c.start(f, head, br); err != nil {
		return err
	}
	if c.current == nil {
		if c.skipped++; c.skipped == 1 {
			c.first = f.Path
		}
		return nil
	}
	c.used++
	return nil
}
