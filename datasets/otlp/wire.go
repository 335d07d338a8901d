package otlp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// The fields of opentelemetry/proto/trace/v1 and common/v1 that are read, as tags:
// number and wire type. A known number with another type is an unknown field, as
// for every protobuf decoder.
const (
	tracesDataResourceSpans = 1<<3 | 2
	resourceSpansResource   = 1<<3 | 2
	resourceSpansScopeSpans = 2<<3 | 2
	resourceAttributes      = 1<<3 | 2
	scopeSpansSpans         = 2<<3 | 2
	spanTraceID             = 1<<3 | 2
	spanSpanID              = 2<<3 | 2
	spanParentSpanID        = 4<<3 | 2
	spanName                = 5<<3 | 2
	spanKind                = 6 << 3
	spanStart               = 7<<3 | 1
	spanEnd                 = 8<<3 | 1
	spanAttributes          = 9<<3 | 2
	spanStatus              = 15<<3 | 2
	statusCode              = 3 << 3
	keyValueKey             = 1<<3 | 2
	keyValueValue           = 2<<3 | 2
	anyValueString          = 1<<3 | 2
	anyValueBool            = 2 << 3
	anyValueInt             = 3 << 3
	anyValueDouble          = 4<<3 | 1
	anyValueArray           = 5<<3 | 2
	anyValueMap             = 6<<3 | 2
	anyValueBytes           = 7<<3 | 2
)

// ErrMalformed is a message that is not protobuf. (The text of protowire's own
// errors differs from build to build.)
var ErrMalformed = errors.New("malformed protobuf field")

// fields walks the fields of a message in place. The zero value is at its end.
type fields struct {
	b   []byte // what follows
	tag uint64 // of the field that next read
	v   []byte // content of a length-delimited field
	x   uint64 // value of a varint or fixed64
	err error
}

// next reads one field; false at the end and after an error.
func (f *fields) next() bool {
	b := f.b
	if len(b) == 0 {
		return false
	}
	tag, n := uint64(b[0]), 1
	if tag >= 0x80 || tag < 8 {
		if tag, n = protowire.ConsumeVarint(b); n < 0 || tag>>3 == 0 || tag>>3 > uint64(protowire.MaxValidNumber) {
			return f.fail(0)
		}
	}
	f.tag = tag
	b = b[n:]
	switch tag & 7 {
	case uint64(protowire.BytesType):
		if len(b) > 0 && b[0] < 0x80 && int(b[0]) < len(b) { // the commonest case
			f.v, f.b = b[1:1+int(b[0])], b[1+int(b[0]):]
			return true
		}
		v, n := protowire.ConsumeBytes(b)
		if n < 0 {
			return f.fail(tag >> 3)
		}
		f.v, f.b = v, b[n:]
	case uint64(protowire.Fixed64Type):
		if len(b) < 8 {
			return f.fail(tag >> 3)
		}
		f.x, f.b = binary.LittleEndian.Uint64(b), b[8:]
	case uint64(protowire.VarintType):
		x, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return f.fail(tag >> 3)
		}
		f.x, f.b = x, b[n:]
	default:
		n := protowire.ConsumeFieldValue(protowire.Number(tag>>3), protowire.Type(tag&7), b)
		if n < 0 {
			return f.fail(tag >> 3)
		}
		f.b = b[n:]
	}
	return true
}

// find reads fields up to one with this tag.
func (f *fields) find(tag uint64) bool {
	for f.next() {
		if f.tag == tag {
			return true
		}
	}
	return false
}

func (f *fields) fail(number uint64) bool {
	f.b, f.err = nil, ErrMalformed
	if number > 0 {
		f.err = fmt.Errorf("%w, number %d", ErrMalformed, number)
	}
	return false
}

// EachResourceSpans calls visit with each ResourceSpans of a TracesData, or of an
// ExportTraceServiceRequest, which is the same bytes. It errs, before any visit,
// when the message is malformed at its outermost level; and it returns what visit
// does.
func EachResourceSpans(msg []byte, visit func(rs []byte) error) error {
	f := fields{b: msg}
	for f.next() {
	}
	if f.err != nil {
		return f.err
	}
	f = fields{b: msg}
	for f.find(tracesDataResourceSpans) {
		if err := visit(f.v); err != nil {
			return err
		}
	}
	return nil
}

// Wire reads the spans of ResourceSpans messages where they lie, and says where:
// a span that is wanted whole can be cut out of the message (see [Picker]).
// Nothing is allocated a span but new names. Not safe for concurrent use.
type Wire struct {
	opt    Options
	wanted map[string]string // the keys of Options.Attributes, and themselves
	names  names
	rec    record
	tally  Tally

	items, scope fields
	spans        int64       // begun since Reset
	owner        string      // service.name of the resource
	resource     []Attribute // of it, those wanted
	attrs        []Attribute // of the span, those wanted
}

// Attribute is one key and its value as text: a string as it is, a number in
// decimal, a bool as true or false. Arrays, maps and bytes are left out.
type Attribute struct{ Key, Value string }

// Meta is what a span has besides a trace.Span. It is valid until the next call
// of a method, and Raw and Scope as long as the message.
type Meta struct {
	Kind   uint8 // as in OTLP, 0..5; unknown ones are 0
	Status uint8 // as in OTLP: 0 unset, 1 ok, 2 error; unknown ones are 0
	Raw    []byte
	Scope  []byte // the ScopeSpans message that Raw lies in
	// Attributes are those of the span, then of the resource, that
	// Options.Attributes names.
	Attributes []Attribute
}

// FieldError is a span that can be read and breaks a rule.
type FieldError struct{ Field, Msg string }

func (e *FieldError) Error() string { return e.Field + ": " + e.Msg }

// NewWire makes a Wire.
func NewWire(opt Options) *Wire {
	w := &Wire{opt: opt, names: names{}, wanted: map[string]string{}}
	for _, key := range opt.Attributes {
		w.wanted[key] = key
	}
	return w
}

// Tally is what was let through so far.
func (w *Wire) Tally() Tally { return w.tally }

// Reset turns to a ResourceSpans message and reads its resource. It errs when that
// is malformed, or breaks a rule (*FieldError); there are no spans then.
func (w *Wire) Reset(rs []byte) error {
	w.items, w.scope = fields{}, fields{}
	w.spans, w.resource = 0, w.resource[:0]
	w.rec = record{}
	f := fields{b: rs}
	for f.find(resourceSpansResource) {
		r := fields{b: f.v}
		for r.find(resourceAttributes) {
			if err := w.attribute(r.v, true); err != nil {
				return err
			}
		}
		if r.err != nil {
			return r.err
		}
	}
	if f.err != nil {
		return f.err
	}
	if w.rec.msg != "" {
		return &FieldError{w.rec.field, w.rec.msg}
	}
	w.owner = w.rec.service.resource
	w.items = fields{b: rs}
	return nil
}

// Next fills s and m with the next span. io.EOF is the end; after a *FieldError,
// and after a malformed span, the next call goes on behind it; a malformed
// ScopeSpans ends the message, too.
func (w *Wire) Next(s *trace.Span, m *Meta) error {
	raw, err := w.cut()
	if err != nil {
		return err
	}
	w.spans++
	if err := w.read(raw, m); err != nil {
		return err
	}
	if !w.rec.span(s, &w.tally) {
		return &FieldError{w.rec.field, w.rec.msg}
	}
	return nil
}

// cut is the bytes of the next Span.
func (w *Wire) cut() ([]byte, error) {
	for {
		if w.scope.find(scopeSpansSpans) {
			return w.scope.v, nil
		}
		if w.scope.err == nil && w.items.find(resourceSpansScopeSpans) {
			w.scope = fields{b: w.items.v}
			continue
		}
		err := errors.Join(w.scope.err, w.items.err)
		w.scope, w.items = fields{}, fields{}
		if err != nil {
			return nil, fmt.Errorf("%w; the rest of the ResourceSpans is skipped", err)
		}
		return nil, io.EOF
	}
}

// read fills rec and m from a Span message.
func (w *Wire) read(b []byte, m *Meta) error {
	r := &w.rec
	*r = record{service: service{resource: w.owner}}
	w.attrs = w.attrs[:0]
	m.Kind, m.Status, m.Raw, m.Scope = 0, 0, b, w.items.v
	attributes := r.service.needsSpan(&w.opt) || len(w.wanted) > 0
	f := fields{b: b}
	for f.next() {
		switch f.tag {
		case spanTraceID:
			r.traceID = f.v
		case spanSpanID:
			r.spanID = f.v
		case spanParentSpanID:
			r.parentID = f.v
		case spanName:
			r.set(&r.name, w.names, "name", f.v)
		case spanKind:
			m.Kind = enum(f.x, 5)
		case spanStart:
			r.start = f.x
		case spanEnd:
			r.end = f.x
		case spanAttributes:
			if !attributes {
				continue
			}
			if err := w.attribute(f.v, false); err != nil {
				return err
			}
		case spanStatus:
			status := fields{b: f.v}
			for status.find(statusCode) {
				m.Status = enum(status.x, 2)
			}
			if status.err != nil {
				return status.err
			}
		}
	}
	if len(w.wanted) > 0 {
		w.attrs = append(w.attrs, w.resource...)
	}
	m.Attributes = w.attrs
	return f.err
}

// enum is x if it is at most max, which OTLP knows, and 0, "unspecified", if not.
func enum(x uint64, max uint32) uint8 {
	if e := uint32(x); e <= max {
		return uint8(e)
	}
	return 0
}

// attribute keeps a KeyValue's string if it may name the service, and its value as
// text if its key is wanted.
func (w *Wire) attribute(kv []byte, ofResource bool) error {
	var key, value []byte
	f := fields{b: kv}
	for f.next() {
		switch f.tag {
		case keyValueKey:
			key = f.v
		case keyValueValue:
			// A message that comes twice is one message, its parts one after the other.
			if value == nil {
				value = f.v
			} else {
				value = append(value[:len(value):len(value)], f.v...)
			}
		}
	}
	if f.err != nil {
		return f.err
	}
	dst, list, name := w.rec.service.spanSlot(key, &w.opt), &w.attrs, w.wanted[string(key)]
	if ofResource {
		dst, list = w.rec.service.resourceSlot(key), &w.resource
	}
	if dst == nil && name == "" {
		return nil
	}
	var text, str string // of the last alternative that is set
	v := fields{b: value}
	for v.next() {
		switch v.tag {
		case anyValueString:
			var ok bool
			if str, ok = w.names.of(v.v); !ok {
				w.rec.fault(string(key), "%s is not UTF-8", quote(v.v))
			}
			text = str
		case anyValueBool, anyValueInt, anyValueDouble:
			str, text = "", number(v.tag, v.x)
		case anyValueArray, anyValueMap, anyValueBytes:
			str, text = "", ""
		}
	}
	if dst != nil {
		*dst = str
	}
	if name != "" && text != "" {
		*list = append(*list, Attribute{name, text})
	}
	return v.err
}
