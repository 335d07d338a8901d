package otlp

import (
	"strings"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

const csvHeader = "trace_id,span_id,parent_span_id,name,start_time_unix_nano,end_time_unix_nano,events,service_name,duration_ms,host_name\n"

func TestCSV(t *testing.T) {
	in := csvHeader +
		"AQIDBAUGBwgJCgsMDQ4PEA==,AQIDBAUGBwg=,,GET /,1000000,6018801,\"[{'name': 'a, \"\"b\"\"'}\nsecond line]\",shop,5.018801,h1\n" +
		"0102030405060708090a0b0c0d0e0f10,1112131415161718,AQIDBAUGBwg=,pay,1000000,6000000,,,,h2\n"
	d, err := NewCSV(strings.NewReader(in), "f", Options{})
	if err != nil {
		t.Fatal(err)
	}
	id := trace.TraceID{Hi: 0x0102030405060708, Lo: 0x090a0b0c0d0e0f10}
	for _, want := range []trace.Span{
		{TraceID: id, ID: 0x0102030405060708, Service: "shop", Operation: "GET /", Start: 1000000, Duration: 5018801},
		{TraceID: id, ID: 0x1112131415161718, ParentID: 0x0102030405060708, Service: UnknownService, Operation: "pay", Start: 1000000, Duration: 5000000},
	} {
		var got trace.Span
		if err := d.Decode(&got); err != nil || got != want {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
}

func TestCSVServiceColumn(t *testing.T) {
	in := csvHeader + "0102030405060708090a0b0c0d0e0f10,1112131415161718,,pay,1,2,,shop,,h2\n"
	d, err := NewCSV(strings.NewReader(in), "f", Options{ServiceAttr: "host.name"})
	if err != nil {
		t.Fatal(err)
	}
	var s trace.Span
	if err := d.Decode(&s); err != nil || s.Service != "h2" {
		t.Errorf("service %q, %v", s.Service, err)
	}
	if _, err := NewCSV(strings.NewReader(in), "f", Options{ServiceAttr: "pod"}); err == nil || !strings.Contains(err.Error(), "pod") {
		t.Errorf("absent column: %v", err)
	}
}

func TestCSVBadRows(t *testing.T) {
	const ids = "0102030405060708090a0b0c0d0e0f10,1112131415161718,,"
	tests := []struct{ row, want string }{
		{ids + "x,1,2,,s,0.000001,h", "x"},
		{ids + "x,one,2,,s,,h", `f:2: start_time_unix_nano: "one": want nanoseconds since 1970 as digits: not a number`},
		{ids + "x,1,NaN,,s,,h", `f:2: end_time_unix_nano: "NaN": want nanoseconds since 1970 as digits: not a number`},
		{ids + "x,2,1,,s,,h", `f:2: end_time_unix_nano: 1 ns: the span ends before it starts, at 2 ns`},
		{ids + "x,1000,5001000,,s,NaN,h", `f:2: duration_ms: "NaN": not a number`},
		{ids + "x,1000,5001000,,s,-5,h", `f:2: duration_ms: -5 ms, but end - start is 5 ms`},
		{ids + "x,1000,5001000,,s,5.002,h", `f:2: duration_ms: 5.002 ms, but end - start is 5 ms`},
		{ids + "x,1000,5001000,,s,5.001,h", "x"},
		{"AQID,1112131415161718,,x,1,2,,s,,h", `f:2: trace_id: "AQID": want 32 hex digits, or 16 bytes in base64`},
		{ids + "\xff,1,2,,s,,h", `f:2: name: "\xff" is not valid UTF-8`},
		{ids + "x,1,2", `f:2: 6 fields, the header has 10`},
		{ids + `"x,1,2,,s,,h`, `f:2: a quoted field is not closed before the end of the file`},
	}
	for _, tt := range tests {
		d, err := NewCSV(strings.NewReader(csvHeader+tt.row+"\n"), "f", Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := report(d); len(got) != 1 || !strings.HasPrefix(got[0], tt.want) {
			t.Errorf("%s: got %q, want %q", tt.row, got, tt.want)
		}
	}
	for _, header := range []string{"", "a,b,c\n"} {
		if _, err := NewCSV(strings.NewReader(header), "f", Options{}); err == nil || !strings.Contains(err.Error(), "trace_id") {
			t.Errorf("header %q: %v", header, err)
		}
	}
}
