package jaeger

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

type decoder interface{ Decode(*trace.Span) error }

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

// span is a good span; more comes behind it, so that it can overwrite.
func span(name, more string) string {
	return `{"traceID":"a1","spanID":"b1","operationName":"` + name + `","references":[],"startTime":1000,"duration":5,"processID":"p1"` + more + `}`
}

func document(spans ...string) string {
	return `{"data":[{"traceID":"a1","spans":[` + strings.Join(spans, ",") + `],"processes":{"p1":{"serviceName":"shop","tags":[]}}}],"total":0,"errors":null}` + "\n"
}

func ref(kind, trace, span string) string {
	return fmt.Sprintf(`{"refType":%q,"traceID":%q,"spanID":%q}`, kind, trace, span)
}

func TestDecode(t *testing.T) {
	refs := `,"references":[` + ref("FOLLOWS_FROM", "00a1", "c1") + "," + ref("CHILD_OF", "ff", "c2") + "," + ref("CHILD_OF", "a1", "c3") + `]`
	in := document(span("child", refs), span("root", `,"traceID":"0102030405060708090a0b0c0d0e0f10","startTime":"1655753779376592"`))
	d := NewDecoder(strings.NewReader(in), "f", Options{})
	for _, want := range []trace.Span{
		{TraceID: trace.TraceID{Lo: 0xa1}, ID: 0xb1, ParentID: 0xc3, Service: "shop", Operation: "child", Start: 1_000_000, Duration: 5_000},
		{TraceID: trace.TraceID{Hi: 0x0102030405060708, Lo: 0x090a0b0c0d0e0f10}, ID: 0xb1, Service: "shop", Operation: "root",
			Start: 1_655_753_779_376_592_000, Duration: 5_000},
	} {
		got := trace.Span{ParentID: 9, Kind: "dirty", Label: trace.Guard}
		if err := d.Decode(&got); err != nil || got != want {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
}

func TestParent(t *testing.T) {
	tests := []struct {
		more string
		want trace.SpanID
	}{
		{"", 0},
		{`,"references":null`, 0},
		{`,"references":[` + ref("FOLLOWS_FROM", "a1", "c1") + `]`, 0xc1},
		{`,"references":[` + ref("CHILD_OF", "ff", "c1") + `]`, 0}, // a link to another trace
		{`,"references":[` + ref("CHILD_OF", "", "c1") + `]`, 0xc1},
		{`,"parentSpanID":"c4"`, 0xc4},
		{`,"parentSpanID":"0"`, 0},
	}
	for _, tt := range tests {
		d := NewDecoder(strings.NewReader(document(span("x", tt.more))), "f", Options{})
		var s trace.Span
		if err := d.Decode(&s); err != nil || s.ParentID != tt.want {
			t.Errorf("%s: parent %v, %v, want %v", tt.more, s.ParentID, err, tt.want)
		}
	}
}

func TestBadRecords(t *testing.T) {
	good := span("good", "")
	behind := strings.Index(document(good), `],"total"`)
	tests := []struct {
		name, in string
		want     []string
	}{
		{"text in a number", document(span("x", `,"startTime":"soon"`), good),
			[]string{`f:1: startTime: "soon": not a number: want µs since 1970, above 0`, "good"}},
		{"NaN in quotes", document(span("x", `,"duration":"NaN"`), good),
			[]string{`f:1: duration: "NaN": not a number: want µs: a span cannot end before it starts`, "good"}},
		{"negative duration", document(good, span("x", `,"duration":-5`)),
			[]string{"good", `f:2: duration: "-5": want µs: a span cannot end before it starts`}},
		{"no start", document(span("x", `,"startTime":null`)), []string{`f:1: startTime: "null": missing: want µs since 1970, above 0`}},
		{"start is an object", document(span("x", `,"startTime":{}`)), []string{`f:1: startTime: "{}": not a number: want µs since 1970, above 0`}},
		{"beyond int64", document(span("x", `,"startTime":9223372036854776`)),
			[]string{`f:1: startTime: "9223372036854776": number out of range: want µs since 1970, above 0`}},
		{"end beyond int64", document(span("x", `,"startTime":9223372036854775,"duration":9`)), []string{`f:1: duration: "9": the span ends beyond the year 2262`}},
		{"wrong trace id", document(span("x", `,"traceID":"xyz"`), good), []string{`f:1: traceID: "xyz": want 1 to 32 hex digits, not all zero`, "good"}},
		{"zero span id", document(span("x", `,"spanID":"0000"`)), []string{`f:1: spanID: "0000": want 1 to 16 hex digits, not all zero`}},
		{"long span id", document(span("x", `,"spanID":"00000000000000001"`)), []string{`f:1: spanID: "00000000000000001": want 1 to 16 hex digits, not all zero`}},
		{"wrong parent", document(span("x", `,"references":[`+ref("CHILD_OF", "a1", "?")+`]`)), []string{`f:1: references: "?": want 1 to 16 hex digits`}},
		{"id is a number", document(span("x", `,"spanID":7`), good), []string{`f:1: spanID: "": want 1 to 16 hex digits, not all zero`, "good"}},
		{"references that are no list", document(span("x", `,"references":{"a":1}`), good), []string{`f:1: references: want a list of {refType, traceID, spanID}`, "good"}},
		{"reference that is none", document(span("x", `,"references":[7]`), good), []string{`f:1: references: want a list of {refType, traceID, spanID}`, "good"}},
		{"name is a number", document(span("x", `,"operationName":7`), good), []string{`f:1: operationName: want a string`, "good"}},
		{"invalid UTF-8", document(span("\xff", ""), good), []string{`f:1: operationName: not valid UTF-8`, "good"}},
		{"escapes", document(span(`a\u002fb`, "")), []string{"a/b"}},
		{"processes that are none", strings.Replace(document(good), `{"p1":`, `{"p1":7,"p2":`, 1), []string{`f:1: processID: "p1" has no service name in this trace's processes`}},
		{"unknown process", document(span("x", `,"processID":"p9"`), good), []string{`f:1: processID: "p9" has no service name in this trace's processes`, "good"}},
		{"no name", document(span("", "")), []string{UnknownOperation}},
		{"process in place", document(span("x", `,"processID":"","process":{"serviceName":"s"}`)), []string{"x"}},
		{"a span that is none", document("7", good), []string{`f:1: traceID: "": want 1 to 32 hex digits, not all zero`, "good"}},
		{"a trace that is none", `{"data":[7,` + document(good)[9:], []string{`f:1: number where an object {spans: [], processes: {}} is wanted; the trace is skipped`, "good"}},
		{"spans that are no list", `{"data":[{"spans":{}},` + document(good)[9:],
			[]string{`f:1: spans: object where an object {spans: [], processes: {}} is wanted; the trace is skipped`, "good"}},
		{"no data", `{"total":[{"a":1}],"x":2}`, []string{`stream: f: after span 0, byte 25: no "data" in this object: want {"data": [{"spans": [], "processes": {}}]}`}},
		{"null data", `{"data":null}`, nil},
		{"members before data", `{"total":0,"more":[[{}]],` + document(good)[1:], []string{"good"}},
		{"two documents", document(good) + document(good), []string{"good", "good"}},
		{"a list", `[]`, []string{"stream: f: after span 0, byte 1: [ where an object is wanted"}},
		{"bare NaN", document(span("x", `,"duration":NaN`)),
			[]string{"stream: f: after span 0, byte 9: invalid character 'N' looking for beginning of value"}},
		{"cut", document(good)[:100], []string{"stream: f: after span 0, byte 9: the file ends in the middle of a trace: fetch it again"}},
		{"cut behind a trace", document(good)[:behind], []string{"good", fmt.Sprintf("stream: f: after span 1, byte %d: the file ends in the middle of a trace: fetch it again", behind)}},
		{"empty file", " \n", []string{`stream: f: after span 0, byte 0: empty: want Jaeger JSON, {"data": [{"spans": [], "processes": {}}]}`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(tt.in), iotest.OneByteReader(strings.NewReader(tt.in))} {
				if got := report(NewDecoder(r, "f", Options{})); !slices.Equal(got, tt.want) {
					t.Errorf("got  %q\nwant %q", got, tt.want)
				}
			}
		})
	}
}

func TestErrorsAreRepeated(t *testing.T) {
	d := NewDecoder(strings.NewReader("nonsense"), "f", Options{})
	first := d.Decode(&trace.Span{})
	if second := d.Decode(&trace.Span{}); first == nil || second != first {
		t.Errorf("first %v, then %v", first, second)
	}
}

func TestBrokenReader(t *testing.T) {
	r := io.MultiReader(strings.NewReader(document(span("good", ""))), iotest.ErrReader(errors.New("disk on fire")))
	got := report(NewDecoder(r, "f", Options{}))
	if want := "disk on fire"; len(got) != 2 || got[0] != "good" || !strings.HasSuffix(got[1], want) {
		t.Errorf("got %q, want a good span, then %s", got, want)
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add([]byte(document(span("a", `,"references":[`+ref("CHILD_OF", "a1", "c3")+`]`), span("b", ""))))
	f.Add([]byte(`{"data":[{"spans":[7,{"startTime":"NaN","duration":-1}]},7],"x":[{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d := NewDecoder(strings.NewReader(string(data)), "f", Options{MaxTrace: 1 << 12})
		var s trace.Span
		for calls := 0; ; calls++ {
			if calls > len(data)+1 {
				t.Fatalf("%d calls for %d bytes: no progress", calls, len(data))
			}
			err := d.Decode(&s)
			var row *trace.RowError
			switch {
			case errors.As(err, &row):
				if row.File != "f" || row.Row < 1 || row.Msg == "" {
					t.Fatalf("row error without position: %+v", row)
				}
			case err != nil:
				if err != io.EOF && !strings.HasPrefix(err.Error(), "f: ") {
					t.Fatalf("error without the file: %v", err)
				}
				return
			case s.TraceID == (trace.TraceID{}) || s.ID == 0 || s.Start <= 0 || s.Duration < 0 || s.End() < 0 || s.Service == "" || s.Operation == "":
				t.Fatalf("bad span let through: %+v", s)
			}
		}
	})
}

func BenchmarkDecoder(b *testing.B) {
	tags := `,"tags":[{"key":"span.kind","type":"string","value":"server"},{"key":"component","type":"string","value":"gRPC"}],"logs":[]`
	var w strings.Builder
	w.WriteString(`{"data":[`)
	const traces, spans = 200, 11
	for i := range traces {
		if i > 0 {
			w.WriteByte(',')
		}
		one := document(slices.Repeat([]string{span("/rate.Rate/GetRates", tags)}, spans)...)
		w.WriteString(one[len(`{"data":[`):strings.LastIndex(one, `],"total"`)])
	}
	w.WriteString(`]}`)
	b.SetBytes(int64(w.Len()))
	for b.Loop() {
		if got := len(report(NewDecoder(strings.NewReader(w.String()), "f", Options{}))); got != traces*spans {
			b.Fatalf("%d spans, want %d", got, traces*spans)
		}
	}
	b.ReportMetric(float64(b.N*traces*spans)/b.Elapsed().Seconds(), "spans/s")
}
