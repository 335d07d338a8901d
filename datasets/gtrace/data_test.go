package gtrace

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/scale-eval/scale-eval/datasets"
	"github.com/scale-eval/scale-eval/datasets/trace"
)

// TestPublishedSample reads the TraceVAE authors' sample in this format. Counts by
// hand: wc -l less one header a file, and awk over the label columns of test.csv.
func TestPublishedSample(t *testing.T) {
	dir := os.Getenv("SCALE_EVAL_DATA")
	if dir == "" {
		t.Skip("set SCALE_EVAL_DATA to the folder with tracevae-sample-gtrace-csv.tar.xz")
	}
	for label, positive := range map[Label]int{NodeLatency: 1, GraphLatency: 11, GraphStructure: 31} {
		spans, d := openAll(t, filepath.Join(dir, "tracevae-sample-gtrace-csv.tar.xz"), Options{Label: label})
		n := 0
		for _, s := range spans {
			if s.Label == trace.Anomalous {
				n++
			}
		}
		if len(spans) != 92 || n != positive {
			t.Errorf("%v: %d spans, %d anomalous; want 92 and %d", label, len(spans), n, positive)
		}
		if train, final := d.TrainSpans(); train != 21 || !final {
			t.Errorf("%d train spans %v, want 21", train, final)
		}
		if s := d.Stats(); s.DBRows != 0 || s.UnknownIDs != 0 {
			t.Errorf("%+v", s)
		}
		// The first row of train.csv: service 2 and operation 3 in the id maps.
		if s := spans[0]; s.Service != "2" || s.Operation != "3" || s.Duration != 8e6 || s.ID != 0xffffffffbacfdad3 {
			t.Errorf("first span %+v", s)
		}
	}
}

// BenchmarkDecode reads spans from memory into Arrow batches.
func BenchmarkDecode(b *testing.B) {
	const rows = 200_000
	spans := randomSpans(rand.New(rand.NewPCG(1, 1)), rows)
	for i := range spans { // like real ones: short durations, 40 calls, few seconds
		s := &spans[i]
		s.Service = []string{"cart", "checkout", "frontend", "payment"}[i%4]
		s.Operation = "GET /api/v1/" + string(rune('a'+i%10))
		s.Start = 1651515009_000000000 + int64(i)*1_000_003
		s.Duration = int64(i%50_000) * 1000
	}
	data := encode(b, spans)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		d, err := New("x.csv", bytes.NewReader(data), Options{})
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
