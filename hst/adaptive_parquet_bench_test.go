//go:build unix

package hst_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"syscall"
	"testing"

	"github.com/scale-eval/scale-eval/datasets"
	"github.com/scale-eval/scale-eval/datasets/synth"
	"github.com/scale-eval/scale-eval/datasets/trace"
)

// BenchmarkAdaptiveFromParquet is what a pass over a file costs, in ns of CPU time a
// span: decoding it with its calls numbered and nothing else, and with the sampler
// behind it. What a row has in excess of the first is the sampling. The fastest pass
// counts, so give it some: -benchtime 20x.
func BenchmarkAdaptiveFromParquet(b *testing.B) {
	const spans = 1 << 19
	file := synthParquet(b, spans)
	columns := datasets.ColumnsOf(datasets.ColTraceID, datasets.ColSpanID, datasets.ColParentID,
		datasets.ColService, datasets.ColOperation, datasets.ColStart, datasets.ColDuration, datasets.ColLabel)
	for _, bench := range []struct {
		name          string
		sample, learn bool
	}{{"decode", false, false}, {"Sample", true, false}, {"Learn", false, true}, {"Sample+Learn", true, true}} {
		b.Run(bench.name, func(b *testing.B) {
			kept := 0
			a := newAdaptive(b, nil)
			pass := func(sample, learn bool) {
				r, err := datasets.NewParquetReader(bytes.NewReader(file), int64(len(file)), nil, "synth.parquet", columns, false)
				if err != nil {
					b.Fatal(err)
				}
				defer r.Close()
				for s, err := range datasets.Spans(r, trace.NewCalls(trace.DefaultMaxCalls, nil)) {
					if err != nil {
						b.Fatal(err)
					}
					if sample && a.Sample(s).Keep {
						kept++
					}
					if learn {
						a.Learn(s)
					}
				}
			}
			pass(false, true) // a trained model, whatever is timed
			fastest := math.Inf(1)
			for b.Loop() {
				before := cpuNs(b)
				pass(bench.sample, bench.learn)
				fastest = min(fastest, float64(cpuNs(b)-before))
			}
			b.ReportMetric(fastest/spans, "cpu-ns/span")
		})
	}
}

// cpuNs is the CPU time of the process so far.
func cpuNs(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// synthParquet is a file of n generated spans.
func synthParquet(b *testing.B, n int64) []byte {
	b.Helper()
	c, err := synth.Named(synth.DefaultVariant)
	if err != nil {
		b.Fatal(err)
	}
	c.Spans = n
	d, err := synth.New(c)
	if err != nil {
		b.Fatal(err)
	}
	var file bytes.Buffer
	w := datasets.NewParquetWriter(&file, nil)
	for {
		var s trace.Span
		if err := d.Decode(&s); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			b.Fatal(err)
		}
		if err := w.Write(&s); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	return file.Bytes()
}
