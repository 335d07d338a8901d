package otlp

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/iotest"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
)

func namedSpan(name string) *tracepb.Span {
	return &tracepb.Span{
		TraceId: bytes.Repeat([]byte{1}, 16), SpanId: bytes.Repeat([]byte{2}, 8), Name: name,
		StartTimeUnixNano: 100, EndTimeUnixNano: 250,
	}
}

func request(spans ...*tracepb.Span) *tracepb.TracesData {
	return &tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{{ScopeSpans: []*tracepb.ScopeSpans{{Spans: spans}}}}}
}

func TestProtoBadSpans(t *testing.T) {
	short, late, invalid := namedSpan("short"), namedSpan("late"), namedSpan("x")
	short.TraceId = short.TraceId[:8]
	late.EndTimeUnixNano = 99
	all := []*tracepb.TracesData{request(namedSpan("a"), short), request(late, namedSpan("b"), invalid)}
	for framing, data := range framed(t, all) {
		data = bytes.Replace(data, []byte("\x2a\x01x"), []byte("\x2a\x01\xff"), 1) // the name of invalid
		want := []string{
			"a", "f:1: trace_id: span 2 of the message: 8 bytes, want 16",
			"f:2: end_time_unix_nano: span 1 of the message: 99 ns: the span ends before it starts, at 100 ns",
			"b", `f:2: name: span 3 of the message: "\xff" is not UTF-8`,
		}
		if got := report(NewProto(bytes.NewReader(data), "f", Options{})); !slices.Equal(got, want) {
			t.Errorf("%v: got %q\nwant %q", framing, got, want)
		}
	}
}

// A message whose inside is broken costs that message; a cut file its last one.
func TestProtoBrokenInside(t *testing.T) {
	all := []*tracepb.TracesData{request(namedSpan("a")), request(namedSpan("b")), request(namedSpan("c"))}
	for framing, data := range framed(t, all) {
		at := bytes.Index(data, []byte("\x2a\x01b"))
		broken := slices.Clone(data)
		broken[at] = 0x07 // wire type 7 does not exist
		want := []string{"a", "f:2: span 1 of the message: malformed protobuf field", "c"}
		if got := report(NewProto(bytes.NewReader(broken), "f", Options{})); !slices.Equal(got, want) {
			t.Errorf("%v, broken: got %q\nwant %q", framing, got, want)
		}
		want = []string{"a", "b", "f:3: the file ends in the middle of a message"}
		if got := report(NewProto(bytes.NewReader(data[:len(data)-5]), "f", Options{})); !slices.Equal(got, want) {
			t.Errorf("%v, cut: got %q\nwant %q", framing, got, want)
		}
		want = []string{"a", "b", "stream: f: message 3: disk on fire"}
		r := io.MultiReader(bytes.NewReader(data[:len(data)-5]), iotest.ErrReader(errors.New("disk on fire")))
		if got := report(NewProto(r, "f", Options{})); !slices.Equal(got, want) {
			t.Errorf("%v, reader broken: got %q\nwant %q", framing, got, want)
		}
	}
}

func TestProtoNotOurs(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", "stream: f: message 0: empty: want OTLP protobuf"},
		{`{"resourceSpans":[]}`, "stream: f: message 0: not OTLP protobuf (starts with 7b 22 72 65 73 6f 75 72): want TracesData messages, one or many with a length before each"},
		{"\n\n", "stream: f: message 0: not OTLP protobuf (starts with 0a 0a): want TracesData messages, one or many with a length before each"},
		{"PAR1", "stream: f: message 0: not OTLP protobuf (starts with 50 41 52 31): want TracesData messages, one or many with a length before each"},
		{"\x0a\x02\x0a\x00\x0f", "stream: f: message 2: wire type 7: not an OTLP message"},
	}
	for _, tt := range tests {
		if got := report(NewProto(bytes.NewReader([]byte(tt.in)), "f", Options{})); !slices.Equal(got, []string{tt.want}) {
			t.Errorf("%q: got %q, want %q", tt.in, got, tt.want)
		}
	}
}

// Fields of newer versions are passed over, whatever their wire type.
func TestProtoUnknownFields(t *testing.T) {
	unknown := protowire.AppendTag(nil, 900, protowire.VarintType)
	unknown = protowire.AppendVarint(unknown, 1<<40)
	unknown = protowire.AppendTag(unknown, 901, protowire.Fixed32Type)
	unknown = protowire.AppendFixed32(unknown, 7)
	unknown = protowire.AppendTag(unknown, 902, protowire.BytesType)
	unknown = protowire.AppendBytes(unknown, []byte("later"))
	unknown = protowire.AppendTag(unknown, 903, protowire.Fixed64Type)
	unknown = protowire.AppendFixed64(unknown, 7)
	td := request(namedSpan("a"))
	td.ProtoReflect().SetUnknown(unknown)
	td.ResourceSpans[0].ProtoReflect().SetUnknown(unknown)
	td.ResourceSpans[0].ScopeSpans[0].ProtoReflect().SetUnknown(unknown)
	td.ResourceSpans[0].ScopeSpans[0].Spans[0].ProtoReflect().SetUnknown(unknown)
	for framing, data := range framed(t, []*tracepb.TracesData{td, td}) {
		if got := report(NewProto(bytes.NewReader(data), "f", Options{})); !slices.Equal(got, []string{"a", "a"}) {
			t.Errorf("%v: got %q", framing, got)
		}
	}
}
