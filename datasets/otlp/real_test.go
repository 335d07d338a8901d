package otlp

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/input"
	"github.com/scale-eval/scale-eval/datasets/trace"
)

// dataFile opens a file of the data folder, or skips the test.
func dataFile(t testing.TB, name string) io.Reader {
	t.Helper()
	dir := os.Getenv("SCALE_EVAL_DATA")
	if dir == "" {
		t.Skip("set SCALE_EVAL_DATA to the folder with the published data sets")
	}
	files, err := input.Open(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { files.Close() })
	f, err := files.Next()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// summary is what the real files are checked for.
type summary struct{ spans, traces, roots, services, calls, bad int }

func summarise(t testing.TB, d decoder) (sum summary) {
	t.Helper()
	type call struct{ service, operation string }
	traces, services, calls := map[trace.TraceID]bool{}, map[string]bool{}, map[call]bool{}
	var s trace.Span
	for {
		err := d.Decode(&s)
		if _, ok := err.(*trace.RowError); ok {
			sum.bad++
			continue
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		sum.spans++
		traces[s.TraceID], services[s.Service], calls[call{s.Service, s.Operation}] = true, true, true
		if s.ParentID == 0 {
			sum.roots++
		}
	}
	sum.traces, sum.services, sum.calls = len(traces), len(services), len(calls)
	return sum
}

// The counts were taken from the file with Python's csv module.
func TestRealCSV(t *testing.T) {
	d, err := NewCSV(dataFile(t, "spans_11_7.csv.bz2"), "spans_11_7.csv", Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := summarise(t, d)
	if want := (summary{spans: 24_023, traces: 1_876, roots: 1_876, services: 17, calls: 1_044}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// The counts were taken from the file with Python's json module.
func TestRealJSONLines(t *testing.T) {
	const name = "otelgen-v0.5.2-otlp.jsonl.xz"
	for attr, services := range map[string]int{"": 5, "service.name": 26, "service_name": 5} {
		got := summarise(t, NewJSON(dataFile(t, name), name, Options{ServiceAttr: attr}))
		if want := (summary{spans: 7_306, traces: 858, roots: 858, services: services, calls: 31}); got != want {
			t.Errorf("service attribute %q: %+v, want %+v", attr, got, want)
		}
	}
}
