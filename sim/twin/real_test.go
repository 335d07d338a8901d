package twin_test

import (
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/input"
	"github.com/scale-eval/scale-eval/datasets/nezha"
	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/sim/twin"
)

// recovery is how long a fault may still show after its injection, ns: 180 s of fault
// and the guard band of the data set's description, the longer one for CPU faults.
const recovery = 480e9

// faultFree reads the traces of a day that began outside of faults.
func faultFree(t *testing.T, file string) *twin.Recording {
	t.Helper()
	dir := os.Getenv("SCALE_EVAL_DATA")
	if dir == "" {
		t.Skip("set SCALE_EVAL_DATA to the folder of nezha-*.tar.xz to fit the published days")
	}
	files, err := input.Open(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	d := nezha.NewDecoder(files, nezha.Options{})
	var spans []trace.Span
	for {
		var s trace.Span
		var bad *trace.RowError
		err := d.Decode(&s)
		if err == io.EOF {
			break
		}
		if errors.As(err, &bad) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		spans = append(spans, s)
	}
	begins := map[trace.TraceID]int64{}
	for _, s := range spans {
		if at, ok := begins[s.TraceID]; !ok || s.Start < at {
			begins[s.TraceID] = s.Start
		}
	}
	faulty := func(at int64) bool {
		for _, f := range d.Faults() {
			if at >= f.At-10e9 && at < f.At+recovery {
				return true
			}
		}
		return false
	}
	r, err := twin.Read(func(yield func(*trace.Span, error) bool) {
		for i := range spans {
			if s := spans[i]; !faulty(begins[s.TraceID]) && !yield(&s, nil) {
				return
			}
		}
	}, twin.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestHeldOutMinutes fits a twin to the even fault-free minutes and predicts the odd
// ones. Not within 15 %: frontend's call of Convert, by which the two halves themselves
// differ by 16 %, and the root, whose median moves with the share of requests that no
// slow conversion hits; slow conversions come several in one request or none, more so
// than factors with normal scores say. (Train Ticket's day has no call with 500 spans in
// fault-free minutes of either parity.)
func TestHeldOutMinutes(t *testing.T) {
	if testing.Short() {
		t.Skip("a day's fit on one goroutine; run it without -short")
	}
	even, odd := faultFree(t, "nezha-ob-2022-08-22.tar.xz").Split()
	m, err := twin.Fit(even, twin.Options{})
	if err != nil {
		t.Fatal(err)
	}
	twinned, err := m.Predict(twin.WhatIf{}, 1, 20_000)
	if err != nil {
		t.Fatal(err)
	}
	rows := twin.Compare(twinned, odd.Durations(), even.Durations())
	var out strings.Builder
	if _, err := m.Report.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	if err := twin.WriteComparison(&out, rows); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + out.String())
	many, within, same := 0, 0, 0
	for _, r := range rows {
		if r.Spans < 500 {
			continue
		}
		many++
		if math.Abs(r.TwinErr) <= .15 {
			within++
		}
		if math.Abs(r.FitErr) <= .15 {
			same++
		}
	}
	t.Logf("p50 within 15 %% for %d of %d calls with 500 spans or more; without a twin, %d", within, many, same)
	if many < 20 || 10*within < 9*many {
		t.Errorf("p50 within 15 %% for only %d of %d calls", within, many)
	}
}
