package tracemesh

import (
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scale-eval/scale-eval/datasets"
)

// TestSCALECapture reads the SCALE authors' capture. Expected counts: wc -l less
// the header, and awk '$6 < 10000'.
func TestSCALECapture(t *testing.T) {
	dir := os.Getenv("SCALE_EVAL_DATA")
	if dir == "" {
		t.Skip("set SCALE_EVAL_DATA to the folder with spans_tracemesh_style_11_11.csv.bz2")
	}
	d, err := Open(filepath.Join(dir, "spans_tracemesh_style_11_11.csv.bz2"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	spans, bad, err := drain(t, d)
	if err != nil || len(bad) > 0 {
		t.Fatal(err, bad)
	}
	short := 0
	calls := map[string]bool{}
	for _, s := range spans {
		if s.DurationMS() < 10_000 {
			short++
		}
		calls[s.Operation] = true
	}
	if len(spans) != 77_311 || short != 77_210 || len(calls) != 1103 {
		t.Errorf("%d spans, %d below 10 s, %d operations; want 77311, 77210, 1103", len(spans), short, len(calls))
	}
	if d.Unit() != Milliseconds || d.Hashed() != 0 {
		t.Errorf("unit %v, %d hashed ids", d.Unit(), d.Hashed())
	}
}

// BenchmarkDecode reads spans from memory into Arrow batches.
func BenchmarkDecode(b *testing.B) {
	const rows = 200_000
	spans := randomSpans(rand.New(rand.NewPCG(1, 1)), rows)
	for i := range spans { // like real ones
		s := &spans[i]
		s.TraceID.Hi = 0
		s.Operation = "router frontend " + string(rune('a'+i%26))
		s.Start = 1730783632710019000 + int64(i)*1_000_003
		s.Duration = int64(i%50_000) * 1000
	}
	text := encode(b, spans, Milliseconds)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		d, err := New("x.csv", strings.NewReader(text), Options{})
		if err != nil {
			b.Fatal(err)
		}
		n := int64(0)
		r := datasets.NewReader(d, d, "x.csv", datasets.Options{})
		for {
			rec, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			n += rec.NumRows()
			rec.Release()
		}
		if n != rows || r.Bad().Total != 0 || r.Close() != nil {
			b.Fatalf("%d rows", n)
		}
	}
	b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
