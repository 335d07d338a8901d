package otlp

import (
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// record is a span as a front end found it. Ids are the bytes of the data, of any
// length; field and msg hold the first thing wrong with it, if any.
type record struct {
	traceID, spanID, parentID []byte
	name                      string
	service                   service
	start, end                uint64 // ns
	field, msg                string
}

// service holds the candidates for a service name, "" for the absent.
type service struct{ wanted, resource, dotted, underscored string }

func (s *service) pick() string {
	for _, name := range [...]string{s.wanted, s.resource, s.dotted, s.underscored} {
		if name != "" {
			return name
		}
	}
	return ""
}

// needsSpan says whether the span's attributes can change the answer.
func (s *service) needsSpan(opt *Options) bool { return opt.ServiceAttr != "" || s.resource == "" }

// spanSlot is where the string value of the span attribute key goes, nil for
// nowhere. When a key comes twice, its first string that is not empty counts.
func (s *service) spanSlot(key []byte, opt *Options) *string {
	switch {
	case opt.ServiceAttr != "" && string(key) == opt.ServiceAttr:
		return unset(&s.wanted)
	case string(key) == "service.name":
		return unset(&s.dotted)
	case string(key) == "service_name":
		return unset(&s.underscored)
	}
	return nil
}

// resourceSlot is spanSlot for the attributes of the resource.
func (s *service) resourceSlot(key []byte) *string {
	if string(key) == "service.name" {
		return unset(&s.resource)
	}
	return nil
}

func unset(s *string) *string {
	if *s != "" {
		return nil
	}
	return s
}

// fault keeps the first thing wrong.
func (r *record) fault(field, format string, args ...any) {
	if r.msg == "" {
		r.field, r.msg = field, fmt.Sprintf(format, args...)
	}
}

// span checks r and fills s. False: r.field and r.msg say why not.
func (r *record) span(s *trace.Span, t *Tally) bool {
	r.checkID("trace_id", r.traceID, 16)
	r.checkID("span_id", r.spanID, 8)
	if n := len(r.parentID); n != 0 && n != 8 {
		r.fault("parent_span_id", "%d bytes, want 8 or none", n)
	}
	switch {
	case r.start == 0:
		r.fault("start_time_unix_nano", "missing or 0")
	case r.end < r.start:
		r.fault("end_time_unix_nano", "%d ns: the span ends before it starts, at %d ns", r.end, r.start)
	case r.end > math.MaxInt64:
		r.fault("end_time_unix_nano", "%d ns: beyond the year 2262", r.end)
	}
	if r.msg != "" {
		return false
	}
	*s = trace.Span{
		TraceID: trace.TraceIDFromBytes(r.traceID), ID: trace.SpanIDFromBytes(r.spanID), ParentID: trace.SpanIDFromBytes(r.parentID),
		Service: r.service.pick(), Operation: r.name,
		Start: int64(r.start), Duration: int64(r.end - r.start),
	}
	t.name(s)
	return true
}

func (r *record) checkID(field string, id []byte, want int) {
	if r.msg != "" {
		return
	}
	if len(id) != want {
		r.fault(field, "%d bytes, want %d", len(id), want)
		return
	}
	for _, b := range id {
		if b != 0 {
			return
		}
	}
	r.fault(field, "all zeros, which OTLP calls invalid")
}

// name replaces missing names and counts.
func (t *Tally) name(s *trace.Span) {
	t.Spans++
	if s.Service == "" {
		s.Service = UnknownService
		t.NoService++
	}
	if s.Operation == "" {
		s.Operation = UnknownOperation
		t.NoName++
	}
}

// Names of spans repeat millions of times: they are kept once. The bounds keep a
// file of ever new names from filling the memory.
const (
	maxNames   = 1 << 16
	maxNameLen = 1 << 10
)

type names map[string]string

// of is b as a string that stays valid, or false when it is not UTF-8.
func (n names) of(b []byte) (string, bool) {
	if s, ok := n[string(b)]; ok {
		return s, true
	}
	if !utf8.Valid(b) {
		return "", false
	}
	s := string(b)
	if len(n) < maxNames && len(s) <= maxNameLen {
		n[s] = s
	}
	return s, true
}

// set puts the name b into dst.
func (r *record) set(dst *string, n names, field string, b []byte) {
	s, ok := n.of(b)
	if !ok {
		r.fault(field, "%s is not UTF-8", quote(b))
		return
	}
	*dst = s
}

// quote shows the start of a value of the data in a message.
func quote(b []byte) string {
	const most = 40
	if len(b) > most {
		return fmt.Sprintf("%q… (%d bytes)", b[:most], len(b))
	}
	return fmt.Sprintf("%q", b)
}
