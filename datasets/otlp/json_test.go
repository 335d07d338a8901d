package otlp

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// report lists what a decoder says of an input: spans by name, refused rows and
// the error of the stream in full.
func report(d decoder) (out []string) {
	var s trace.Span
	for {
		err := d.Decode(&s)
		var row *trace.RowError
		switch {
		case err == nil:
			out = append(out, s.Operation)
		case errors.As(err, &row):
			out = append(out, row.Error())
		case err == io.EOF:
			return out
		default:
			return append(out, "stream: "+err.Error())
		}
	}
}

const idMembers = `"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","startTimeUnixNano":"100","endTimeUnixNano":"250"`

// line is one request with the given spans.
func line(spans ...string) string {
	return `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeSpans":[{"spans":[` + strings.Join(spans, ",") + "]}]}]}\n"
}

// span is a good span; more comes behind it, so that it can overwrite.
func span(name, more string) string {
	return `{` + idMembers + `,"name":"` + name + `"` + more + `}`
}

func TestJSONFields(t *testing.T) {
	d := NewJSON(strings.NewReader(line(span("pay", `,"parentSpanId":"1112131415161718"`))), "f", Options{})
	var s trace.Span
	if err := d.Decode(&s); err != nil {
		t.Fatal(err)
	}
	want := trace.Span{
		TraceID: trace.TraceID{Hi: 0x0102030405060708, Lo: 0x090a0b0c0d0e0f10}, ID: 0x0102030405060708, ParentID: 0x1112131415161718,
		Service: "shop", Operation: "pay", Start: 100, Duration: 150,
	}
	if s != want {
		t.Errorf("got %+v, want %+v", s, want)
	}
	if err := d.Decode(&s); err != io.EOF {
		t.Errorf("after the last span: %v", err)
	}
}

func TestJSONBadRecords(t *testing.T) {
	good := span("good", "")
	tests := []struct {
		name, in string
		want     []string
	}{
		{"text in a number", line(span("x", `,"startTimeUnixNano":"soon"`), good),
			[]string{`f:1: start_time_unix_nano: "soon": want nanoseconds since 1970 as digits: not a number`, "good"}},
		{"NaN in a number", line(span("x", `,"endTimeUnixNano":"NaN"`), good),
			[]string{`f:1: end_time_unix_nano: "NaN": want nanoseconds since 1970 as digits: not a number`, "good"}},
		{"bare NaN", line(span("x", `,"endTimeUnixNano":NaN`)) + line(good),
			[]string{`f:1: 'N' where a value is wanted; the rest of this ResourceSpans object is skipped`, "good"}},
		{"negative time", line(span("x", `,"startTimeUnixNano":-5`), good),
			[]string{`f:1: start_time_unix_nano: "-5": want nanoseconds since 1970 as digits: not a number`, "good"}},
		{"beyond uint64", line(span("x", `,"endTimeUnixNano":"99999999999999999999"`)),
			[]string{`f:1: end_time_unix_nano: "99999999999999999999": want nanoseconds since 1970 as digits: number out of range`}},
		{"end before start", line(span("x", `,"endTimeUnixNano":99`), good),
			[]string{`f:1: end_time_unix_nano: 99 ns: the span ends before it starts, at 100 ns`, "good"}},
		{"no start", line(span("x", `,"startTimeUnixNano":null`)), []string{`f:1: start_time_unix_nano: missing or 0`}},
		{"no ids", line(`{"name":"x","startTimeUnixNano":"1","endTimeUnixNano":"2"}`), []string{`f:1: trace_id: 0 bytes, want 16`}},
		{"zero id", line(span("x", `,"spanId":"0000000000000000"`)), []string{`f:1: span_id: all zeros, which OTLP calls invalid`}},
		{"zero parent is a root", line(span("x", `,"parentSpanId":"0000000000000000"`)), []string{"x"}},
		{"short id", line(span("x", `,"spanId":"abc"`)), []string{`f:1: span_id: "abc": want 16 hex digits, or 8 bytes in base64`}},
		{"id of another length", line(span("x", `,"traceId":"0102030405060708"`)),
			[]string{`f:1: trace_id: "0102030405060708": want 32 hex digits, or 16 bytes in base64`}},
		{"wrong digits", line(span("x", `,"spanId":"010203040506070g"`)), []string{`f:1: span_id: "010203040506070g": want 16 hex digits, or 8 bytes in base64`}},
		{"id is a number", line(span("x", `,"spanId":7`)), []string{`f:1: span_id: "7": want a string`}},
		{"name is an object", line(span("x", `,"name":{"a":[1]}`), good), []string{`f:1: name: "": want a string`, "good"}},
		{"invalid UTF-8", line(span("\xff\xfe", ""), good), []string{`f:1: name: "\xff\xfe" is not UTF-8`, "good"}},
		{"invalid UTF-8 elsewhere", line(span("x", `,"traceState":"`+"\xff"+`"`)), []string{"x"}},
		{"a span that is none", line(`7`, `"x"`, good),
			[]string{`f:1: '7' where a span is wanted`, `f:1: '"' where a span is wanted`, "good"}},
		{"spans that are no list", `{"resourceSpans":[{"scopeSpans":[{"spans":{}}]}]}`,
			[]string{`f:1: spans is not a list; the rest of this ResourceSpans object is skipped`}},
		{"resourceSpans that are no list", `{"resourceSpans":{"a":1}}` + "\n" + `{"resourceSpans":null}` + "\n" + line(good),
			[]string{`f:1: '{' where the list of resourceSpans is wanted; skipped to line 2`, "good"}},
		{"escape that is none", line(span("x", `,"traceState":"\q"`)) + line(good),
			[]string{`f:1: a wrong escape in "\\q"; the rest of this ResourceSpans object is skipped`, "good"}},
		{"metrics", `{"resourceMetrics":[{"x":[1,{}]}]}` + "\n" + line(good),
			[]string{`f:1: no resourceSpans in this object, but "resourceMetrics": not a trace export`, "good"}},
		{"empty request", "{}\n" + line(good), []string{"good"}},
		{"text between records", line(good) + "oops\nmore oops\n" + line(good),
			[]string{"good", `f:2: 'o' where { is wanted: each line, or the whole file, is one JSON object; skipped to line 4`, "good"}},
		{"record cut at a value", `{"resourceSpans":` + "\n" + line(good),
			[]string{`f:2: the record has not ended when the next one starts; skipped to line 2`, "good"}},
		{"record cut between spans", `{"resourceSpans":[{"scopeSpans":[{"spans":[` + good + ",\n" + line(good),
			[]string{`f:2: the record has not ended when the next one starts; skipped to line 2`, "good"}},
		{"record cut inside a string", line(good)[:50] + "\n" + line(good),
			[]string{`f:1: a line ends inside a string; skipped to line 2`, "good"}},
		{"last record cut", line(good) + line(good)[:100],
			[]string{"good", `f:2: the input ends in the middle of a record; skipped to the end, line 2`}},
		{"brackets that do not match", `{"resourceSpans":[{"scopeSpans":[{"spans":[}]}]}` + "\n" + line(good),
			[]string{`f:1: '}' where a value is wanted; the rest of this ResourceSpans object is skipped`, `f:1: '}' where , is wanted; skipped to line 2`, "good"}},
		{"deep nesting", line(span("x", `,"links":`+strings.Repeat("[", 300)+strings.Repeat("]", 300))),
			[]string{`f:1: more than 200 values nested; the rest of this ResourceSpans object is skipped`}},
		{"empty file", "", []string{"stream: f: empty: want OTLP JSON, one object a line or one document"}},
		{"blank file", " \n\n", []string{"stream: f: empty: want OTLP JSON, one object a line or one document"}},
		{"byte order mark", "\ufeff" + line(good), []string{"good"}},
		{"Windows line ends", strings.ReplaceAll(line(good)+line(good), "\n", "\r\n"), []string{"good", "good"}},
		{"documents in a list", "[" + strings.TrimSpace(line(good)) + ",\n" + strings.TrimSpace(line(good)) + "]\n", []string{"good", "good"}},
		{"Tempo's name", strings.Replace(line(good), "resourceSpans", "batches", 1), []string{"good"}},
		{"several on a line", strings.TrimSpace(line(good)) + line(good), []string{"good", "good"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(tt.in), iotest.OneByteReader(strings.NewReader(tt.in))} {
				if got := report(NewJSON(r, "f", Options{})); !slices.Equal(got, tt.want) {
					t.Errorf("got  %q\nwant %q", got, tt.want)
				}
			}
		})
	}
}

func TestJSONRowIsTheLineOfTheSpan(t *testing.T) {
	in := "{\n  \"resourceSpans\": [\n    {\n      \"scopeSpans\": [{\"spans\": [\n" +
		"        " + span("a", "") + ",\n        " + span("b", `,"spanId":"?"`) + "\n      ]}]\n    }\n  ]\n}\n"
	got := report(NewJSON(strings.NewReader(in), "f", Options{}))
	if want := []string{"a", `f:6: span_id: "?": want 16 hex digits, or 8 bytes in base64`}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPosition(t *testing.T) {
	d := NewJSON(strings.NewReader(line(span("a", ""))+line(span("b", ""), span("c", ""))), "f", Options{})
	var s trace.Span
	for _, want := range []int64{1, 2, 2} {
		if err := d.Decode(&s); err != nil {
			t.Fatal(err)
		}
		if file, row := d.Position(); file != "f" || row != want {
			t.Errorf("span %s is at %s:%d, want f:%d", s.Operation, file, row, want)
		}
	}
}

func TestServiceNameOrder(t *testing.T) {
	attr := func(k, v string) string { return fmt.Sprintf(`{"key":%q,"value":{"stringValue":%q}}`, k, v) }
	request := func(resource, attrs string) string {
		return `{"resourceSpans":[{"resource":{"attributes":[` + resource + `]},"scopeSpans":[{"spans":[` + span("x", `,"attributes":[`+attrs+`]`) + `]}]}]}`
	}
	owner := attr("service.name", "owner")
	spanAttrs := attr("service_name", "low") + "," + attr("service.name", "dot") + "," + attr("peer", "asked")
	tests := []struct{ in, attr, want string }{
		{request(owner, spanAttrs), "", "owner"},
		{request("", spanAttrs), "", "dot"},
		{request("", attr("service_name", "low")), "", "low"},
		{request("", ""), "", UnknownService},
		{request(owner, spanAttrs), "peer", "asked"},
		{request(owner, spanAttrs), "service_name", "low"},
		{request(owner, spanAttrs), "absent", "owner"},
		{request(owner, `{"key":"peer","value":{"intValue":"7"}}`), "peer", "owner"},
		{request(attr("service.name", ""), spanAttrs), "", "dot"},
	}
	for _, tt := range tests {
		d := NewJSON(strings.NewReader(tt.in), "f", Options{ServiceAttr: tt.attr})
		var s trace.Span
		if err := d.Decode(&s); err != nil || s.Service != tt.want {
			t.Errorf("%s, attribute %q: service %q, %v, want %q", tt.in, tt.attr, s.Service, err, tt.want)
		}
		if unnamed := tt.want == UnknownService; unnamed != (d.Tally().NoService == 1) {
			t.Errorf("%s: tally %+v", tt.in, d.Tally())
		}
	}
}

func TestBrokenReaderEndsTheStream(t *testing.T) {
	broken := func(s string) io.Reader {
		return io.MultiReader(strings.NewReader(s), iotest.ErrReader(errors.New("disk on fire")))
	}
	want := []string{"good", "stream: f: line 2: disk on fire"}
	for _, cut := range []string{"", "{", `{"resourceSpans":[`, `{"resourceSpans":[{"a`, `{"res`, "oops"} {
		if got := report(NewJSON(broken(line(span("good", ""))+cut), "f", Options{})); !slices.Equal(got, want) {
			t.Errorf("cut %q: got %q, want %q", cut, got, want)
		}
	}
}
