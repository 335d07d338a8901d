package jaeger

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// DefaultMaxTrace is 64 MiB, about 50 000 spans with tags and logs.
const DefaultMaxTrace = 64 << 20

// Options of a Decoder.
type Options struct {
	// MaxTrace is the largest trace in bytes of JSON, and with it the memory of a
	// Decoder: about twice as much for real spans, 80 times for a list of {}. A larger one ends the stream with an
	// error: there is no way to the next trace but through this one. 0 means
	// DefaultMaxTrace.
	MaxTrace int64
}

// Decoder decodes the spans of one JSON document, or of several one behind the
// other. Row in its errors counts the spans of the file, from 1; a trace that
// cannot be read counts as one.
type Decoder struct {
	file  string
	in    *budget
	json  *json.Decoder
	where place
	trace rawTrace
	next  int // index of the next span of trace
	row   int64
	seen  bool // a document
	data  bool // with an array data
	err   error
}

// place is where in the document the decoder stands.
type place uint8

const (
	outside place = iota
	inObject
	inData
)

// NewDecoder decodes the spans of r. file is for messages.
func NewDecoder(r io.Reader, file string, opt Options) *Decoder {
	if opt.MaxTrace <= 0 {
		opt.MaxTrace = DefaultMaxTrace
	}
	in := &budget{r: r, max: opt.MaxTrace}
	d := &Decoder{file: file, in: in, json: json.NewDecoder(in)}
	in.decoder = d.json
	return d
}

// Position is the file and the number of its last span; see datasets.Positioner.
func (d *Decoder) Position() (file string, row int64) { return d.file, d.row }

// Decode fills s with the next span; see datasets.Decoder. JSON that is malformed
// ends the stream: nothing behind it can be trusted to be what it looks like.
func (d *Decoder) Decode(s *trace.Span) error {
	for d.err == nil {
		if d.next < len(d.trace.Spans) {
			d.next++
			d.row++
			return d.span(s, &d.trace.Spans[d.next-1])
		}
		if err := d.advance(); err != nil {
			var row *trace.RowError
			if errors.As(err, &row) {
				return err
			}
			d.err = d.streamError(err)
		}
	}
	return d.err
}

// advance goes on to the next trace, or one step towards it.
func (d *Decoder) advance() error {
	switch d.where {
	case outside:
		return d.document()
	case inObject:
		return d.member()
	}
	if d.json.More() {
		return d.element()
	}
	d.where = inObject
	_, err := d.json.Token() // ]
	return err
}

func (d *Decoder) document() error {
	t, err := d.json.Token()
	if err != nil {
		return err
	}
	if t != json.Delim('{') {
		return fmt.Errorf("%v where an object is wanted", t)
	}
	d.where, d.seen, d.data = inObject, true, false
	return nil
}

func (d *Decoder) member() error {
	if !d.json.More() {
		d.where = outside
		if _, err := d.json.Token(); err != nil { // }
			return err
		}
		if !d.data {
			return errors.New(`no "data" in this object: want {"data": [{"spans": [], "processes": {}}]}`)
		}
		return nil
	}
	name, err := d.json.Token()
	if err != nil {
		return err
	}
	if name != "data" {
		return d.skip()
	}
	d.data = true
	switch t, err := d.json.Token(); {
	case err != nil:
		return err
	case t == nil: // "data": null, no trace found
		return nil
	case t != json.Delim('['):
		return fmt.Errorf("data is %v: want a list of traces", t)
	}
	d.where = inData
	return nil
}

// skip steps over a value token by token, so that its size does not matter.
func (d *Decoder) skip() error {
	for depth := 0; ; {
		t, err := d.json.Token()
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// element reads a trace. A mismatch inside of it shows in the spans that it
// touches; when there is none, the trace is one bad record.
func (d *Decoder) element() error {
	d.trace, d.next = rawTrace{}, 0
	err := d.json.Decode(&d.trace)
	var typ *json.UnmarshalTypeError
	if errors.As(err, &typ) {
		if len(d.trace.Spans) > 0 {
			return nil
		}
		d.row++
		return d.rowError(typ.Field, fmt.Sprintf("%s where an object {spans: [], processes: {}} is wanted; the trace is skipped", typ.Value))
	}
	return err
}

func (d *Decoder) rowError(field, msg string) error {
	return &trace.RowError{File: d.file, Row: d.row, Field: field, Msg: msg}
}

func (d *Decoder) streamError(err error) error {
	switch {
	case d.in.err != nil:
		err = d.in.err
	case err == io.EOF && d.where == outside && d.seen:
		return io.EOF
	case err == io.EOF && d.where == outside:
		err = errors.New(`empty: want Jaeger JSON, {"data": [{"spans": [], "processes": {}}]}`)
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		err = errors.New("the file ends in the middle of a trace: fetch it again")
	}
	return fmt.Errorf("%s: after span %d, byte %d: %w", d.file, d.row, d.json.InputOffset(), err)
}

// budget stops json.Decoder from buffering a value of any size: it allows max
// bytes beyond what the decoder has consumed. It also remembers a read error,
// which json.Decoder wraps in its own words.
type budget struct {
	r       io.Reader
	decoder *json.Decoder
	max     int64
	read    int64
	err     error
	// tooLarge says that err is budget's own.
	tooLarge bool
}

func (b *budget) Read(p []byte) (int, error) {
	if b.read-b.decoder.InputOffset() > b.max {
		b.err = fmt.Errorf("a trace or value of more than %d bytes: split the file, or raise the limit", b.max)
		b.tooLarge = true
		return 0, b.err
	}
	n, err := b.r.Read(p)
	b.read += int64(n)
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}
