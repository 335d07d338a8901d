package otlp

import (
	"encoding/binary"
	"math/rand/v2"
	"strings"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

// generator makes random valid-looking messages, with a good share of what the
// rules of a span must refuse.
type generator struct{ *rand.Rand }

func newGenerator(seed uint64) generator { return generator{rand.New(rand.NewPCG(seed, 1))} }

func (g generator) tracesData() *tracepb.TracesData {
	td := &tracepb.TracesData{}
	for range g.IntN(4) {
		td.ResourceSpans = append(td.ResourceSpans, g.resourceSpans())
	}
	return td
}

func (g generator) resourceSpans() *tracepb.ResourceSpans {
	rs := &tracepb.ResourceSpans{}
	if g.IntN(5) > 0 {
		rs.Resource = &resourcepb.Resource{Attributes: g.attributes()}
	}
	for range g.IntN(4) {
		scope := &tracepb.ScopeSpans{}
		if g.IntN(2) == 0 {
			scope.Scope = &commonpb.InstrumentationScope{Name: g.text()}
		}
		for range g.IntN(6) {
			scope.Spans = append(scope.Spans, g.span())
		}
		rs.ScopeSpans = append(rs.ScopeSpans, scope)
	}
	if g.IntN(4) == 0 {
		rs.SchemaUrl = "https://example.org/" + g.text()
	}
	return rs
}

func (g generator) span() *tracepb.Span {
	start := uint64(1_700_000_000_000_000_000) + g.Uint64N(1e15)
	s := &tracepb.Span{
		TraceId: g.id(16), SpanId: g.id(8), Name: g.text(),
		Kind:              tracepb.Span_SpanKind(g.IntN(6)),
		StartTimeUnixNano: start, EndTimeUnixNano: start + g.Uint64N(1e9),
		Attributes: g.attributes(),
	}
	if g.IntN(3) > 0 {
		s.ParentSpanId = g.id(8)
	}
	switch g.IntN(20) {
	case 0:
		s.EndTimeUnixNano = start - 1 - g.Uint64N(1e9)
	case 1:
		s.StartTimeUnixNano = 0
	case 2:
		s.EndTimeUnixNano = 1<<63 + g.Uint64N(100)
	case 3:
		s.Name = ""
	}
	if g.IntN(4) == 0 {
		s.Events = []*tracepb.Span_Event{{TimeUnixNano: start, Name: g.text(), Attributes: g.attributes()}}
		s.Status = &tracepb.Status{Code: 2, Message: g.text()}
	}
	return s
}

func (g generator) id(size int) []byte {
	switch g.IntN(30) {
	case 0:
		return nil
	case 1:
		return make([]byte, size)
	}
	b := make([]byte, 0, 16)
	for len(b) < size {
		b = binary.BigEndian.AppendUint64(b, g.Uint64())
	}
	return b
}

func (g generator) attributes() (kvs []*commonpb.KeyValue) {
	keys := []string{"service.name", "service_name", "peer.service", "http.url", "größe", ""}
	for range g.IntN(4) {
		kvs = append(kvs, &commonpb.KeyValue{Key: keys[g.IntN(len(keys))], Value: g.value(2)})
	}
	return kvs
}

func (g generator) value(depth int) *commonpb.AnyValue {
	switch n := g.IntN(9); {
	case n == 0:
		return &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: g.Int64()}}
	case n == 1:
		return &commonpb.AnyValue{Value: &commonpb.AnyValue_DoubleValue{DoubleValue: g.NormFloat64()}}
	case n == 2:
		return &commonpb.AnyValue{Value: &commonpb.AnyValue_BoolValue{BoolValue: true}}
	case n == 3 && depth > 0:
		list := &commonpb.ArrayValue{Values: []*commonpb.AnyValue{g.value(depth - 1), g.value(depth - 1)}}
		return &commonpb.AnyValue{Value: &commonpb.AnyValue_ArrayValue{ArrayValue: list}}
	case n == 4:
		return nil
	}
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: g.text()}}
}

// text is what is hard on a scanner: quotes, escapes, braces, line ends.
func (g generator) text() string {
	parts := []string{"checkout", "GET /cart", `"`, `\`, "{", "}", "[", "]", "\n", "\u2028", "é", "😀", "/", ",", ":", "\t", "a\\\"b", ""}
	var b strings.Builder
	for range g.IntN(5) {
		b.WriteString(parts[g.IntN(len(parts))])
	}
	return b.String()
}

// id16 is a good trace id.
func (g generator) id16() []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, g.Uint64()|1), g.Uint64())
}

func benchResource() *resourcepb.Resource {
	return &resourcepb.Resource{Attributes: []*commonpb.KeyValue{stringKV("service.name", "shop"), stringKV("host.name", "h1")}}
}

func benchAttributes() []*commonpb.KeyValue {
	return []*commonpb.KeyValue{
		stringKV("http.request.method", "GET"), stringKV("url.full", "https://shop.example/api/cart?currency=EUR"),
		stringKV("server.address", "10.1.2.3"), stringKV("peer.service", "cart"),
	}
}

func stringKV(k, v string) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: k, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: v}}}
}
