package otlp

import (
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Proto decodes OTLP protobuf files: TracesData messages (ExportTraceServiceRequest
// and Tempo's trace are the same bytes), framed in one of three ways, which it
// finds out by itself. Fields of the wire format are walked in place: nothing is
// allocated a span but new names.
type Proto struct {
	file   string
	opt    Options
	frames *frames
	ready  bool  // the framing is known
	fatal  error // the framing was lost
	wire   cursor
	span   int64 // number of the span within its message
	number int64 // of that message
	names  names
	rec    record
	owner  string // service.name of the current resource
	tally  Tally
}

// NewProto decodes the spans of r. file is for messages, whose Row is the number
// of the TracesData message, or of the ResourceSpans in a file of one message.
func NewProto(r io.Reader, file string, opt Options) *Proto {
	return &Proto{file: file, opt: opt, frames: newFrames(r, opt.maxMessage()), names: names{}}
}

// Tally is what was decoded so far.
func (d *Proto) Tally() Tally { return d.tally }

// Framing is how the messages lie in the file; known after the first Decode.
func (d *Proto) Framing() Framing { return d.frames.framing }

// Position is the number of the last span's message; see datasets.Positioner.
func (d *Proto) Position() (file string, row int64) { return d.file, d.frames.message }

// Decode fills s with the next span; see datasets.Decoder.
func (d *Proto) Decode(s *trace.Span) error {
	for {
		b, ok, err := d.wire.next()
		if err != nil {
			return d.rowError("", err.Error())
		}
		if !ok {
			if err := d.message(); err != nil {
				return err
			}
			continue
		}
		d.span++
		if err := d.read(b); err != nil {
			return d.rowError("", fmt.Sprintf("span %d of the message: %v", d.span, err))
		}
		if !d.rec.span(s, &d.tally) {
			return d.rowError(d.rec.field, fmt.Sprintf("span %d of the message: %s", d.span, d.rec.msg))
		}
		return nil
	}
}

// message takes the next ResourceSpans and reads its resource.
func (d *Proto) message() error {
	if d.fatal != nil {
		return d.fatal
	}
	if !d.ready {
		if err := d.frames.sniff(); err != nil {
			return d.lost(err)
		}
		d.ready = true
	}
	b, err := d.frames.next()
	if n := d.frames.message; n != d.number {
		d.number, d.span = n, 0
	}
	if errors.Is(err, errTooLarge) || errors.Is(err, errCut) {
		return d.rowError("", err.Error())
	}
	if err != nil {
		return d.lost(err)
	}
	d.wire = cursor{items: b}
	d.rec = record{}
	if err := d.resource(b); err != nil {
		d.wire = cursor{}
		return d.rowError("", err.Error())
	}
	d.owner = d.rec.service.resource
	if d.rec.msg != "" {
		d.wire = cursor{}
		return d.rowError(d.rec.field, d.rec.msg)
	}
	return nil
}

// lost ends the stream with err.
func (d *Proto) lost(err error) error {
	if err != io.EOF {
		err = fmt.Errorf("%s: message %d: %w", d.file, d.frames.message, err)
	}
	d.fatal = err
	return err
}

func (d *Proto) rowError(field, msg string) error {
	return &trace.RowError{File: d.file, Row: d.frames.message, Field: field, Msg: msg}
}

// The field numbers of opentelemetry/proto/trace/v1 and common/v1 that are read.
const (
	resourceSpansResource   = 1
	resourceSpansScopeSpans = 2
	resourceAttributes      = 1
	scopeSpansSpans         = 2
	spanTraceID             = 1
	spanSpanID              = 2
	spanParentSpanID        = 4
	spanName                = 5
	spanStart               = 7
	spanEnd                 = 8
	spanAttributes          = 9
	keyValueKey             = 1
	keyValueValue           = 2
	anyValueString          = 1
)

// cursor walks the spans of a ResourceSpans message.
type cursor struct{ items, scope []byte }

func (c *cursor) next() (span []byte, ok bool, err error) {
	for len(c.scope) > 0 || len(c.items) > 0 {
		if len(c.scope) == 0 {
			c.scope, err = take(&c.items, resourceSpansScopeSpans)
		} else {
			span, err = take(&c.scope, scopeSpansSpans)
		}
		if err != nil {
			return nil, false, fmt.Errorf("%w; the rest of the ResourceSpans is skipped", err)
		}
		if span != nil {
			return span, true, nil
		}
	}
	return nil, false, nil
}

// errWire stands for protowire's errors, whose text differs from build to build.
var errWire = errors.New("malformed protobuf field")

// take consumes fields of b up to the first message in field num; nil at the end.
// After an error b is empty.
func take(b *[]byte, num protowire.Number) (found []byte, err error) {
	err = fields(b, func(n protowire.Number, typ protowire.Type, v []byte, _ uint64) bool {
		if n == num && typ == protowire.BytesType {
			found = v
			return false
		}
		return true
	})
	return found, err
}

// fields calls visit for each field of b until it says no, and leaves in b what
// follows. v is the content of a length-delimited field and never nil then, x the
// value of a fixed64.
func fields(b *[]byte, visit func(num protowire.Number, typ protowire.Type, v []byte, x uint64) bool) error {
	for len(*b) > 0 {
		num, typ, n := protowire.ConsumeTag(*b)
		if n < 0 {
			*b = nil
			return errWire
		}
		rest := (*b)[n:]
		var v []byte
		var x uint64
		switch typ {
		case protowire.BytesType:
			v, n = protowire.ConsumeBytes(rest)
		case protowire.Fixed64Type:
			x, n = protowire.ConsumeFixed64(rest)
		default:
			n = protowire.ConsumeFieldValue(num, typ, rest)
		}
		if n < 0 {
			*b = nil
			return fmt.Errorf("%w, number %d", errWire, num)
		}
		*b = rest[n:]
		if !visit(num, typ, v, x) {
			return nil
		}
	}
	return nil
}

func (d *Proto) resource(b []byte) error {
	return each(b, resourceSpansResource, func(resource []byte) error {
		return each(resource, resourceAttributes, func(kv []byte) error {
			return d.attribute(kv, d.rec.service.resourceSlot)
		})
	})
}

// each calls visit for every message in field num of b.
func each(b []byte, num protowire.Number, visit func([]byte) error) error {
	for len(b) > 0 {
		v, err := take(&b, num)
		if err != nil {
			return err
		}
		if v == nil {
			return nil
		}
		if err := visit(v); err != nil {
			return err
		}
	}
	return nil
}

// attribute keeps a KeyValue's string if slot has a place for it.
func (d *Proto) attribute(kv []byte, slot func(key []byte) *string) error {
	var key, value []byte
	err := fields(&kv, func(num protowire.Number, typ protowire.Type, v []byte, _ uint64) bool {
		switch {
		case typ != protowire.BytesType:
		case num == keyValueKey:
			key = v
		case num == keyValueValue:
			value = v
		}
		return true
	})
	if err != nil {
		return err
	}
	dst := slot(key)
	if dst == nil {
		return nil
	}
	return each(value, anyValueString, func(text []byte) error {
		d.rec.set(dst, d.names, string(key), text)
		return nil
	})
}

// read fills rec from a Span message.
func (d *Proto) read(b []byte) error {
	r := &d.rec
	*r = record{service: service{resource: d.owner}}
	var inner error
	err := fields(&b, func(num protowire.Number, typ protowire.Type, v []byte, x uint64) bool {
		switch {
		case typ == protowire.Fixed64Type && num == spanStart:
			r.start = x
		case typ == protowire.Fixed64Type && num == spanEnd:
			r.end = x
		case typ != protowire.BytesType:
		case num == spanTraceID:
			r.traceID = v
		case num == spanSpanID:
			r.spanID = v
		case num == spanParentSpanID:
			r.parentID = v
		case num == spanName:
			r.set(&r.name, d.names, "name", v)
		case num == spanAttributes && r.service.needsSpan(&d.opt):
			inner = d.attribute(v, d.spanSlot)
		}
		return inner == nil
	})
	return errors.Join(err, inner)
}

func (d *Proto) spanSlot(key []byte) *string { return d.rec.service.spanSlot(key, &d.opt) }
