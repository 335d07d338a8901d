package nezha_test

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/inject"
	"github.com/scale-eval/scale-eval/datasets/input"
	"github.com/scale-eval/scale-eval/datasets/nezha"
	"github.com/scale-eval/scale-eval/datasets/trace"
)

// openReal opens a day of the published data.
func openReal(t testing.TB, name string) *input.Files {
	t.Helper()
	dir := os.Getenv("SCALE_EVAL_DATA")
	if dir == "" {
		t.Skip("set SCALE_EVAL_DATA to the folder of nezha-*.tar.xz to read the published days")
	}
	files, err := input.Open(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = files.Close() }) // read to its end or failed by then
	return files
}

// realDay is what is known of a published day. Spans were counted by the data
// set's description; duplicates, services, injections by type and rows with two
// different times by an independent script (csv module, a dict and a sort), and so
// were the sums of the labels, from the definition in package inject.
type realDay struct {
	file                                     string
	spans                                    int
	duplicates                               int64
	services, faults, differing              int
	candidates, positives, propagated, guard int64
	construct                                bool
}

func (day realDay) check(t *testing.T) {
	var b inject.TrackB
	d := nezha.NewDecoder(openReal(t, day.file), nezha.Options{Label: &b})
	spans, bad, err := drain(d)
	if err != nil || len(bad) > 0 {
		t.Fatal(bad, err)
	}
	services := map[string]bool{}
	labels := map[trace.Label]int64{}
	for i, s := range spans {
		services[s.Service] = true
		labels[s.Label]++
		if (s.Label != trace.Normal) && s.Kind == "" {
			t.Fatalf("no kind: %+v", s)
		}
		if i > 0 && cmp.Compare(spans[i-1].End(), s.End()) > 0 {
			t.Fatalf("span %d ended before the one before it", i)
		}
	}
	differing := 0
	for _, w := range d.Warnings() {
		if strings.Contains(w, "inject_time ") {
			differing++
		}
	}
	got := realDay{
		file: day.file, spans: len(spans), duplicates: d.Duplicates(), services: len(services), faults: len(d.Faults()),
		differing: differing, construct: len(d.Warnings()) > differing,
		candidates: labels[trace.Candidate] + labels[trace.Anomalous], positives: labels[trace.Anomalous],
		propagated: labels[trace.Propagated], guard: labels[trace.Guard],
	}
	if got != day {
		t.Errorf("got  %+v\nwant %+v", got, day)
	}
	var sum inject.FaultCounts
	for _, c := range b.Counts() {
		t.Logf("%s: %d in the window, %d candidates (%d without reference), %d positive, %d propagated (%d were positive, %d without reference), %d guarded",
			c.Name(), c.Window, c.Candidates, c.NoReference, c.Positives, c.Propagated, c.Explained, c.Unknown, c.Guard)
		sum.Candidates += c.Candidates
		sum.Positives += c.Positives
		sum.Propagated += c.Propagated
		sum.Guard += c.Guard
		negative := c.Type == "return" || c.Type == "exception"
		if negative && c.Candidates+c.Propagated > 0 {
			t.Errorf("negative control %s: %+v", c.Name(), c)
		}
	}
	if sum.Candidates != got.candidates || sum.Positives != got.positives || sum.Propagated != got.propagated || sum.Guard != got.guard {
		t.Errorf("counts by fault %+v differ from the labels %+v", sum, got)
	}
	t.Logf("%.3f %% of all spans are positive", 100*float64(got.positives)/float64(got.spans))
}

func TestTrainTicket(t *testing.T) {
	realDay{file: "nezha-tt-2023-01-30.tar.xz", spans: 178_156, duplicates: 1_014, services: 28, faults: 17, differing: 4, construct: true,
		candidates: 1_637, positives: 517, propagated: 1_244, guard: 12_482}.check(t)
}

func TestOnlineBoutique(t *testing.T) {
	if testing.Short() || raceDetector {
		t.Skip("reads 170 MB of CSV: leave out -short and -race")
	}
	realDay{file: "nezha-ob-2022-08-22.tar.xz", spans: 846_632, duplicates: 5_788, services: 10, faults: 24, differing: 1,
		candidates: 41_104, positives: 15_194, propagated: 6_300, guard: 53_269}.check(t)
}

// BenchmarkRealDay decodes and labels Online Boutique, xz included.
func BenchmarkRealDay(b *testing.B) {
	for _, label := range []string{"plain", "labelled"} {
		b.Run(label, func(b *testing.B) {
			rows := int64(0)
			b.ReportAllocs()
			for b.Loop() {
				opt := nezha.Options{}
				if label == "labelled" {
					opt.Label = &inject.TrackB{}
				}
				d := nezha.NewDecoder(openReal(b, "nezha-ob-2022-08-22.tar.xz"), opt)
				var s trace.Span
				for d.Decode(&s) == nil {
					rows++
				}
				rows += d.Duplicates()
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
