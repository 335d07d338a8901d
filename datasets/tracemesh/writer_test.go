package tracemesh

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// randomSpans covers short and long ids, times before 1970, names that need quotes.
func randomSpans(rng *rand.Rand, n int) []trace.Span {
	names := []string{"cart", "GET /a,b", "say \"hi\"", "two\nlines", "", "é"}
	spans := make([]trace.Span, n)
	for i := range spans {
		spans[i] = trace.Span{
			TraceID: trace.TraceID{Hi: rng.Uint64() * (rng.Uint64() & 1), Lo: rng.Uint64()},
			ID:      trace.SpanID(rng.Uint64()), ParentID: trace.SpanID(rng.Uint64() * (rng.Uint64() & 1)),
			Operation: names[rng.IntN(len(names))],
			Start:     rng.Int64() >> rng.IntN(63), Duration: rng.Int64() >> rng.IntN(63) / 1000 * 1000,
		}
	}
	return spans
}

func encode(t testing.TB, spans []trace.Span, unit Unit) string {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, unit)
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
	return b.String()
}

func TestWriterRoundTrip(t *testing.T) {
	want := randomSpans(rand.New(rand.NewPCG(7, 8)), 2000)
	for i := range want {
		want[i].Duration -= want[i].Duration % 1000 // whole µs
	}
	for _, unit := range []Unit{Auto, Milliseconds, Microseconds, Nanoseconds} {
		opt := Options{Unit: unit}
		got, bad, _ := read(t, encode(t, want, unit), opt)
		if len(bad) > 0 || !reflect.DeepEqual(got, want) {
			t.Errorf("%v: read %d of %d, bad %q", unit, len(got), len(want), bad)
		}
	}
}

func TestWriterText(t *testing.T) {
	s := []trace.Span{{TraceID: trace.TraceID{Lo: 0xaa}, ID: 3, ParentID: 1, Operation: "b,c", Start: 5, Duration: 1e6}}
	want := header + "00000000000000aa,0000000000000003,0000000000000001,\"b,c\",5,1.0\n"
	if got := encode(t, s, Auto); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	w, err := NewWriter(&bytes.Buffer{}, Microseconds)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(&trace.Span{Duration: 1500}); err == nil || !strings.Contains(err.Error(), "no whole number of us") {
		t.Errorf("1.5 us: %v", err)
	}
	var b bytes.Buffer
	if err := WriteLabels(&b, []trace.TraceID{{Lo: 1}, {Hi: 2, Lo: 3}}); err != nil || b.String() != "0000000000000001\n00000000000000020000000000000003\n" {
		t.Errorf("labels %q, %v", b.String(), err)
	}
}

// FuzzDecode checks that any bytes end, and that what is read can be written and
// read again.
func FuzzDecode(f *testing.F) {
	f.Add(encode(f, randomSpans(rand.New(rand.NewPCG(9, 10)), 5), Auto))
	f.Add(header + "1,2,root,op,0,NaN\nx,y,z,\"\n\",0,1e3\n")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := New("fuzz.csv", strings.NewReader(text), Options{})
		if err != nil {
			return
		}
		spans, _, err := drain(t, d)
		if err != nil {
			t.Fatal(err)
		}
		again, bad, _ := read(t, encode(t, spans, Nanoseconds), Options{Unit: Nanoseconds})
		if len(bad) > 0 || len(again) != len(spans) {
			t.Fatalf("wrote %d, read %d, bad %q", len(spans), len(again), bad)
		}
		for i := range spans {
			spans[i].Operation = strings.ReplaceAll(spans[i].Operation, "\r\n", "\n")
			if spans[i] != again[i] {
				t.Fatalf("span %d: wrote %+v, read %+v", i, spans[i], again[i])
			}
		}
	})
}

// FuzzLabels checks that any label file ends in labels or an error.
func FuzzLabels(f *testing.F) {
	f.Add("00aa\n\n")
	f.Add("\ufeff1\r\nx")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := readLabels("labels", strings.NewReader(text))
		if err == nil && len(l.bad)+len(l.met) > 1+strings.Count(text, "\n") {
			t.Errorf("%d labels and %d bad lines in %q", len(l.met), len(l.bad), text)
		}
	})
}
