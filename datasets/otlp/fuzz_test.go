package otlp

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// checkDecoder drains d and holds whatever comes out to the contract. A decoder
// makes progress with every call, so calls are bounded by the input's length.
func checkDecoder(t *testing.T, d decoder, size int) {
	var s trace.Span
	for calls := 0; ; calls++ {
		if calls > 2*size+2 {
			t.Fatalf("%d calls for %d bytes: no progress", calls, size)
		}
		err := d.Decode(&s)
		var row *trace.RowError
		if errors.As(err, &row) {
			if row.File != "f" || row.Msg == "" {
				t.Fatalf("row error without position: %+v", row)
			}
			continue
		}
		if err == nil {
			if s.TraceID == (trace.TraceID{}) || s.ID == 0 || s.Start <= 0 || s.Duration < 0 || s.End() < 0 {
				t.Fatalf("bad span let through: %+v", s)
			}
			if s.Service == "" || s.Operation == "" || !utf8.ValidString(s.Service) || !utf8.ValidString(s.Operation) {
				t.Fatalf("bad name let through: %+v", s)
			}
			continue
		}
		if err != io.EOF && !strings.HasPrefix(err.Error(), "f:") {
			t.Fatalf("error without the file: %v", err)
		}
		return
	}
}

// seedMessages are small: the fuzzer minimises what it finds, byte by byte.
func seedMessages() []*tracepb.TracesData {
	a, b := namedSpan("a"), namedSpan("b")
	a.ParentSpanId = b.SpanId
	a.Attributes = []*commonpb.KeyValue{stringKV("service.name", "s")}
	return []*tracepb.TracesData{request(a), request(b)}
}

func FuzzJSON(f *testing.F) {
	for _, data := range jsonForms(f, seedMessages()) {
		f.Add(data)
	}
	f.Add([]byte(line(span("a", `,"startTimeUnixNano":NaN`)) + "oops\n" + line(span("b", ""))))
	f.Fuzz(func(t *testing.T, data []byte) {
		checkDecoder(t, NewJSON(bytes.NewReader(data), "f", Options{MaxMessage: 1 << 12}), len(data))
	})
}

func FuzzProto(f *testing.F) {
	for _, data := range framed(f, seedMessages()) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		checkDecoder(t, NewProto(bytes.NewReader(data), "f", Options{MaxMessage: 1 << 12}), len(data))
	})
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte(csvHeader + "AQIDBAUGBwgJCgsMDQ4PEA==,AQIDBAUGBwg=,,GET /,1000000,6018801,\"[{'a': 'b\"\"'}\n]\",shop,5.018801,h1\n"))
	f.Add([]byte(csvHeader + "0102030405060708090a0b0c0d0e0f10,1112131415161718,x,,-1,NaN,,,Inf,\xff\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := NewCSV(bytes.NewReader(data), "f", Options{})
		if err != nil {
			return // no such header
		}
		checkDecoder(t, d, len(data))
	})
}
