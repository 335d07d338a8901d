package otlp

import (
	"bytes"
	"fmt"
	"io"

	"github.com/scale-eval/scale-eval/datasets/input"
	"github.com/scale-eval/scale-eval/datasets/trace"
)

// JSON decodes OTLP/JSON: TracesData or ExportTraceServiceRequest objects, one a
// line as the Collector's file exporter writes them, or pretty-printed ones, one
// after the other or in a list. Tempo's name for resourceSpans, batches, is known.
// Member names are taken in lowerCamelCase and snake_case, ids
// in hex and base64, 64-bit integers as strings and as numbers.
//
// A line (or document) of metrics or logs is a *trace.RowError. So is a record
// that does not end; reading goes on at the next line that starts with "{".
type JSON struct {
	file  string
	opt   Options
	scan  *scanner
	lex   lexer
	level level
	names names
	ids   textIDs
	rec   record
	tally Tally
	at    int    // where the last span starts in the current item
	owner string // service.name of the resource of the current item
}

// level is how deep in a ResourceSpans object the lexer stands.
type level uint8

const (
	noItem      level = iota
	inItem            // among the members of the object
	inScopes          // in the array scopeSpans
	inScope           // among the members of a ScopeSpans object
	inSpanArray       // in the array spans
)

// NewJSON decodes the spans of r. file is for messages.
func NewJSON(r io.Reader, file string, opt Options) *JSON {
	return &JSON{file: file, opt: opt, scan: newScanner(r, opt.maxMessage()), names: names{}}
}

// Tally is what was decoded so far.
func (d *JSON) Tally() Tally { return d.tally }

// Position is the line on which the last span starts; see datasets.Positioner.
func (d *JSON) Position() (file string, row int64) { return d.file, d.lineOf(d.at) }

// Decode fills s with the next span; see datasets.Decoder.
func (d *JSON) Decode(s *trace.Span) error {
	for {
		found, err := d.advance()
		if err != nil {
			return err
		}
		if d.lex.err != "" {
			return d.syntaxError()
		}
		if !found {
			continue
		}
		d.at = d.lex.i
		d.span()
		if d.lex.err != "" {
			return d.syntaxError()
		}
		if !d.rec.span(s, &d.tally) {
			return d.rowError(d.at, d.rec.field, d.rec.msg)
		}
		return nil
	}
}

// advance makes one step towards the next span; true when the lexer stands at it.
func (d *JSON) advance() (bool, error) {
	l := &d.lex
	switch d.level {
	case noItem:
		return false, d.item()
	case inItem:
		d.enter('}', noItem, inScopes, '[', "scopeSpans", "scope_spans")
	case inScopes:
		switch {
		case !l.more(']'):
			d.level = inItem
		case l.open('{'):
			d.level = inScope
		default:
			l.fail("%s where a ScopeSpans object is wanted", l.shown())
		}
	case inScope:
		d.enter('}', inScopes, inSpanArray, '[', "spans", "spans")
	case inSpanArray:
		if l.more(']') {
			return true, nil
		}
		d.level = inScope
	}
	return false, nil
}

// enter walks the members of an object until the one called camel or snake, and
// steps into its array; at the end of the object it goes back up.
func (d *JSON) enter(end byte, up, down level, open byte, camel, snake string) {
	l := &d.lex
	for l.more(end) {
		if k := l.key(); string(k) != camel && string(k) != snake {
			l.skip()
			continue
		}
		if l.open(open) {
			d.level = down
			return
		}
		if w, ok := l.scalar(); l.err == "" && (w != nil || !ok) { // null is an empty list
			l.fail("%s is not a list", camel)
		}
	}
	if l.err == "" {
		d.level = up
	}
}

// item takes the next ResourceSpans object from the stream and looks for its
// resource, which may stand behind the spans.
func (d *JSON) item() error {
	if err := d.scan.next(); err != nil {
		return d.streamError(err)
	}
	d.rec = record{}
	d.lex = lexer{b: d.scan.item}
	d.lex.open('{')
	for d.lex.more('}') {
		if k := d.lex.key(); string(k) == "resource" {
			d.resource()
			break
		}
		d.lex.skip()
	}
	d.owner = d.rec.service.resource
	if d.rec.msg != "" {
		return d.rowError(0, d.rec.field, d.rec.msg)
	}
	if d.lex.err == "" {
		d.lex = lexer{b: d.scan.item}
		d.lex.open('{')
		d.level = inItem
	}
	return nil
}

func (d *JSON) resource() {
	l := &d.lex
	if !l.open('{') {
		l.skip()
		return
	}
	for l.more('}') {
		if string(l.key()) != "attributes" {
			l.skip()
			continue
		}
		d.attributes(d.rec.service.resourceSlot)
	}
}

// attributes walks a list of KeyValue objects and keeps the string values for
// which slot has a place.
func (d *JSON) attributes(slot func(key []byte) *string) {
	l := &d.lex
	if !l.open('[') {
		l.skip()
		return
	}
	for l.more(']') {
		if !l.open('{') {
			l.skip()
			continue
		}
		var key, value []byte
		for l.more('}') {
			switch string(l.key()) {
			case "key":
				key, _ = l.scalar()
			case "value":
				value = d.stringValue()
			default:
				l.skip()
			}
		}
		if dst := slot(key); dst != nil && l.err == "" {
			d.rec.set(dst, d.names, string(key), value)
		}
	}
}

// stringValue reads an AnyValue, nil unless it is a string.
func (d *JSON) stringValue() (value []byte) {
	l := &d.lex
	if !l.open('{') {
		l.skip()
		return nil
	}
	for l.more('}') {
		switch string(l.key()) {
		case "stringValue", "string_value":
			if l.peek() == '"' {
				value = l.str()
				continue
			}
		}
		l.skip()
	}
	return value
}

// span reads one Span object into rec.
func (d *JSON) span() {
	l, r := &d.lex, &d.rec
	*r = record{service: service{resource: d.owner}}
	if !l.open('{') {
		r.fault("", "%s where a span is wanted", l.shown())
		l.skip()
		return
	}
	for l.more('}') {
		switch string(l.key()) {
		case "traceId", "trace_id":
			d.ids.setTrace(r, d.text("trace_id"))
		case "spanId", "span_id":
			d.ids.setSpan(r, d.text("span_id"))
		case "parentSpanId", "parent_span_id":
			d.ids.setParent(r, d.text("parent_span_id"))
		case "name":
			r.set(&r.name, d.names, "name", d.text("name"))
		case "startTimeUnixNano", "start_time_unix_nano":
			r.start = d.nanos("start_time_unix_nano")
		case "endTimeUnixNano", "end_time_unix_nano":
			r.end = d.nanos("end_time_unix_nano")
		case "attributes":
			if r.service.needsSpan(&d.opt) {
				d.attributes(d.spanSlot)
				continue
			}
			l.skip()
		default:
			l.skip()
		}
	}
}

func (d *JSON) spanSlot(key []byte) *string { return d.rec.service.spanSlot(key, &d.opt) }

// text reads a string member; null is empty.
func (d *JSON) text(field string) []byte {
	quoted := d.lex.peek() == '"'
	b, ok := d.lex.scalar()
	if !ok || !quoted && b != nil {
		d.rec.fault(field, "%s: want a string", quote(b))
	}
	return b
}

func (d *JSON) nanos(field string) uint64 {
	b, ok := d.lex.scalar()
	if ok && len(b) == 0 {
		return 0 // null or empty: the check for a missing time speaks of it
	}
	n, err := input.Uint(b)
	if err != nil {
		d.rec.fault(field, "%s: want nanoseconds since 1970 as digits: %v", quote(b), err)
	}
	return n
}

// syntaxError reports where the current item stops making sense and leaves it.
func (d *JSON) syntaxError() error {
	msg := d.lex.err + "; the rest of this ResourceSpans object is skipped"
	d.level, d.lex.err = noItem, ""
	return d.rowError(d.lex.i, "", msg)
}

// rowError is about the byte at of the current item.
func (d *JSON) rowError(at int, field, msg string) error {
	return &trace.RowError{File: d.file, Row: d.lineOf(at), Field: field, Msg: msg}
}

// lineOf is the line of the byte at of the current item.
func (d *JSON) lineOf(at int) int64 {
	return d.scan.from + int64(bytes.Count(d.lex.b[:min(at, len(d.lex.b))], []byte{'\n'}))
}

func (d *JSON) streamError(err error) error {
	if err == io.EOF && !d.scan.seen {
		return fmt.Errorf("%s: empty: want OTLP JSON, one object a line or one document", d.file)
	}
	if err == io.EOF {
		return err
	}
	if p, ok := err.(*problem); ok {
		return &trace.RowError{File: d.file, Row: p.line, Msg: p.msg}
	}
	return fmt.Errorf("%s: line %d: %w", d.file, d.scan.line, err)
}
