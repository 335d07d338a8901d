package gtrace

import (
	"bytes"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// randomSpans covers ids of any sign, times before 1970, names that need quotes.
func randomSpans(rng *rand.Rand, n int) []trace.Span {
	names := []string{"cart", "GET /a,b", "say \"hi\"", "two\nlines", "", "é"}
	spans := make([]trace.Span, n)
	for i := range spans {
		spans[i] = trace.Span{
			TraceID: trace.TraceID{Hi: rng.Uint64(), Lo: rng.Uint64() >> rng.IntN(64)},
			ID:      trace.SpanID(rng.Uint64()), ParentID: trace.SpanID(rng.Uint64() >> rng.IntN(64)),
			Service: names[rng.IntN(len(names))], Operation: names[rng.IntN(len(names))],
			Start: rng.Int64N(1<<61) - 1<<60, Duration: rng.Int64() >> rng.IntN(63),
		}
		if rng.IntN(2) == 0 {
			spans[i].Label = trace.Normal
		} else if rng.IntN(2) == 0 {
			spans[i].Label, spans[i].Kind = trace.Anomalous, "latency"
		}
	}
	return spans
}

func encode(t testing.TB, spans []trace.Span) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	for i := range spans {
		if err := w.Write(&spans[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWriterRoundTrip(t *testing.T) {
	want := randomSpans(rand.New(rand.NewPCG(7, 8)), 2000)
	want[0].Duration, want[1].Start = math.MaxInt64, -1
	d, err := New("x.csv", bytes.NewReader(encode(t, want)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, bad, err := drain(t, d)
	if err != nil || len(bad) > 0 || !reflect.DeepEqual(got, want) {
		t.Fatalf("read %d of %d, bad %q, err %v", len(got), len(want), bad, err)
	}
}

func TestWriterText(t *testing.T) {
	got := string(encode(t, []trace.Span{{
		TraceID: trace.TraceID{Hi: 1<<64 - 1, Lo: 2}, ID: 3, Service: "a", Operation: "b,c",
		Start: 1651515009_102000000, Duration: 1_500_000, Label: trace.Anomalous,
	}}))
	want := "traceIdHigh,traceIdLow,spanId,parentSpanId,serviceName,operationName,status,startTime,nanosecond,duration,DBhash,nodeLatencyLabel\n" +
		"-1,2,3,0,a,\"b,c\",0,2022-05-02 18:10:09,102000000,1.5,0,1\n"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// FuzzDecode checks that any bytes end, and that what is read can be written and
// read again.
func FuzzDecode(f *testing.F) {
	f.Add(encode(f, randomSpans(rand.New(rand.NewPCG(9, 10)), 5)))
	f.Add([]byte(header + "1,1,1,0,s,o,0,2022-05-02 18:10:09,0,NaN,0\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := New("fuzz.csv", bytes.NewReader(data), Options{})
		if err != nil {
			return
		}
		spans, _, err := drain(t, d)
		if err != nil {
			t.Fatal(err)
		}
		if d, err = New("again.csv", bytes.NewReader(encode(t, spans)), Options{}); err != nil {
			t.Fatal(err)
		}
		again, bad, err := drain(t, d)
		if err != nil || len(bad) > 0 || len(again) != len(spans) {
			t.Fatalf("wrote %d, read %d, bad %q, err %v", len(spans), len(again), bad, err)
		}
		for i := range spans {
			spans[i].Service = strings.ReplaceAll(spans[i].Service, "\r\n", "\n")
			spans[i].Operation = strings.ReplaceAll(spans[i].Operation, "\r\n", "\n")
			if spans[i] != again[i] {
				t.Fatalf("span %d: wrote %+v, read %+v", i, spans[i], again[i])
			}
		}
	})
}

// FuzzIDMap checks that any id map gives names or an error.
func FuzzIDMap(f *testing.F) {
	f.Add("? ''\n: 0\n1/1: 1\n")
	f.Add("a: &x [1]\nb: *x\n")
	f.Fuzz(func(t *testing.T, text string) {
		m := &idMaps{byFolder: map[string]*names{}}
		if err := m.read(".", serviceMap, "map", strings.NewReader(text)); err != nil && !strings.HasPrefix(err.Error(), "map: ") {
			t.Errorf("error does not name the file: %v", err)
		}
	})
}
