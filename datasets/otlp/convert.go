package otlp

import (
	"iter"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Converter turns decoded OTLP messages, as a gRPC server gets them, into spans.
// Not safe for concurrent use.
type Converter struct {
	name  string
	opt   Options
	names names
	rec   record
	span  trace.Span
	row   int64
	tally Tally
}

// NewConverter makes a Converter. name stands for the file in messages, such as
// the address that the spans came from.
func NewConverter(name string, opt Options) *Converter {
	return &Converter{name: name, opt: opt, names: names{}}
}

// Tally is what was converted so far.
func (c *Converter) Tally() Tally { return c.tally }

// Spans yields each span of rs, or the reason why it is refused: exactly one of
// the two is nil. The span is reused by the next; its strings stay valid. Row
// counts the spans, good and bad, of this Converter's life. A nil rs has no spans.
func (c *Converter) Spans(rs *tracepb.ResourceSpans) iter.Seq2[*trace.Span, *trace.RowError] {
	return func(yield func(*trace.Span, *trace.RowError) bool) {
		var owner record
		c.attributes(&owner, rs.GetResource().GetAttributes(), owner.service.resourceSlot)
		for _, scope := range rs.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				if !yield(c.one(s, owner)) {
					return
				}
			}
		}
	}
}

// one converts s, whose record starts as its resource's.
func (c *Converter) one(s *tracepb.Span, owner record) (*trace.Span, *trace.RowError) {
	c.row++
	c.rec = owner
	r := &c.rec
	r.traceID, r.spanID, r.parentID = s.GetTraceId(), s.GetSpanId(), s.GetParentSpanId()
	r.start, r.end = s.GetStartTimeUnixNano(), s.GetEndTimeUnixNano()
	r.set(&r.name, c.names, "name", []byte(s.GetName()))
	if r.service.needsSpan(&c.opt) {
		c.attributes(r, s.GetAttributes(), func(key []byte) *string { return r.service.spanSlot(key, &c.opt) })
	}
	if !r.span(&c.span, &c.tally) {
		return nil, &trace.RowError{File: c.name, Row: c.row, Field: r.field, Msg: r.msg}
	}
	return &c.span, nil
}

func (c *Converter) attributes(r *record, kvs []*commonpb.KeyValue, slot func(key []byte) *string) {
	for _, kv := range kvs {
		if dst := slot([]byte(kv.GetKey())); dst != nil {
			r.set(dst, c.names, kv.GetKey(), []byte(kv.GetValue().GetStringValue()))
		}
	}
}
