//go:build unix

package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/scale-eval/scale-eval/datasets"
	"github.com/scale-eval/scale-eval/datasets/catalog"
	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/hst"
)

// benchSpans is the size of the largest public dataset of this field that the project
// was measured on.
const benchSpans = 4_881_687

// BenchmarkRunFromParquet is what `run --sampler adaptive` costs on a generated file,
// beside decoding that file alone:
//
//	go test -run '^$' -bench RunFromParquet -benchtime 5x ./cmd/scale-eval
//
// decode-all reads all columns into Arrow batches, decode those that samplers need,
// both without a second goroutine; spans also resolves
// the calls; sample also scores every span with a trained model, as many at a time as a
// run does, and writes score and decision. What sample takes beyond decode is the sampling, end to end, in CPU time:
// spans and sample decode on a core of its own, which hides a part of it from the clock.
// run is the whole command: report, figures and scores written; lean is the same without
// baselines, intervals and files. The fastest pass counts, in wall time and in CPU time
// of all cores; a median of the passes' ratios stands beside the ratio of the fastest.
func BenchmarkRunFromParquet(b *testing.B) {
	file := filepath.Join(b.TempDir(), "spans.parquet")
	mustRun(b, "datasets", "convert", "--dataset", "synth", "--spans", fmt.Sprint(benchSpans), "--out", file)
	ref, err := catalog.Find(b.Context(), file, nil)
	if err != nil {
		b.Fatal(err)
	}
	ds, err := catalog.Prepare(b.Context(), ref, catalog.Options{})
	if err != nil {
		b.Fatal(err)
	}
	source := func() trace.Source { return passes(ds, trace.NewCalls(trace.DefaultMaxCalls, nil), samplerColumns) }
	sampler := trained(b, take(source(), 0, benchSpans/4))
	score, keep := make([]float64, benchSpans), make([]bool, benchSpans)

	wall, cpu := map[string]float64{}, map[string]float64{}
	var ratios []float64 // of lean to decode, by pass
	steps := []struct {
		name string
		do   func()
	}{
		{"decode-all", func() { decodeAll(b, ds, 0) }},
		{"decode", func() { decodeAll(b, ds, samplerColumns) }},
		{"spans", func() { each(b, source(), func(int, *trace.Span) {}) }},
		{"sample", func() {
			var batch []*trace.Span
			said, done := make([]trace.Decision, datasets.SteadySpans), 0
			flush := func() {
				sampler.SampleAll(batch, said[:len(batch)])
				for _, d := range said[:len(batch)] {
					score[done], keep[done] = d.Score, d.Keep
					done++
				}
				batch = batch[:0]
			}
			each(b, source(), func(_ int, s *trace.Span) {
				if batch = append(batch, s); len(batch) == datasets.SteadySpans {
					flush()
				}
			})
			flush()
		}},
		{"run", func() {
			mustRun(b, "run", "--dataset", file, "--sampler", "adaptive", "--out", filepath.Join(b.TempDir(), "out"))
		}},
		{"lean", func() {
			mustRun(b, "run", "--dataset", file, "--sampler", "adaptive", "--baselines", "none", "--bootstrap", "0", "--out", "")
		}},
	}
	for _, s := range steps {
		wall[s.name], cpu[s.name] = math.Inf(1), math.Inf(1)
	}
	for b.Loop() {
		pass := map[string]float64{}
		for _, s := range steps {
			began, used := time.Now(), cpuTime(b)
			s.do()
			pass[s.name] = float64(time.Since(began)) / benchSpans
			wall[s.name] = min(wall[s.name], pass[s.name])
			cpu[s.name] = min(cpu[s.name], float64(cpuTime(b)-used)/benchSpans)
		}
		ratios = append(ratios, pass["lean"]/pass["decode"])
	}
	for _, s := range steps {
		b.ReportMetric(wall[s.name], s.name+"-ns/span")
		b.ReportMetric(cpu[s.name], s.name+"-cpu-ns/span")
	}
	b.ReportMetric(cpu["sample"]-cpu["decode"], "sampling-cpu-ns/span")
	b.ReportMetric(wall["run"]/wall["decode"], "run/decode")
	b.ReportMetric(wall["lean"]/wall["decode"], "lean/decode")
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "lean/decode-median")
	b.ReportMetric(wall["run"]/wall["decode-all"], "run/decode-all")
	b.ReportMetric(wall["lean"]/wall["decode-all"], "lean/decode-all")
}

func mustRun(b *testing.B, args ...string) {
	b.Helper()
	if err := run(context.Background(), append([]string{"scale-eval"}, args...), strings.NewReader(""), io.Discard, io.Discard); err != nil {
		b.Fatal(err)
	}
}

// trained is an adaptive sampler that has learnt src.
func trained(b *testing.B, src trace.Source) trace.BatchSampler {
	b.Helper()
	s, err := hst.NewAdaptive(hst.DefaultAdaptiveConfig(hst.NewSeed(1)))
	if err != nil {
		b.Fatal(err)
	}
	each(b, src, func(_ int, span *trace.Span) { s.Learn(span) })
	return s
}

func each(b *testing.B, src trace.Source, do func(int, *trace.Span)) {
	b.Helper()
	i := 0
	for s, err := range src {
		if err != nil {
			b.Fatal(err)
		}
		do(i, s)
		i++
	}
}

// decodeAll decodes every batch and looks at none.
func decodeAll(b *testing.B, ds *catalog.Dataset, want datasets.Columns) {
	b.Helper()
	r, err := ds.Open(want)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	n := 0
	for {
		rec, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			b.Fatal(err)
		}
		n += int(rec.NumRows())
		rec.Release()
	}
	if n != benchSpans {
		b.Fatalf("%d spans decoded, want %d", n, benchSpans)
	}
}

// cpuTime of the process so far, all threads, ns.
func cpuTime(b *testing.B) int64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
