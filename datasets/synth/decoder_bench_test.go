package synth_test

import (
	"io"
	"testing"

	"github.com/scale-eval/scale-eval/datasets"
	"github.com/scale-eval/scale-eval/datasets/synth"
	"github.com/scale-eval/scale-eval/datasets/trace"
)

func endless(b *testing.B, variant string) *synth.Decoder {
	c, err := synth.Named(variant)
	if err != nil {
		b.Fatal(err)
	}
	c.Spans = synth.MaxSpans
	d, err := synth.New(c)
	if err != nil {
		b.Fatal(err)
	}
	return d
}

var benchVariants = []string{"bookshop", "microservices", "A", "D"}

func BenchmarkDecode(b *testing.B) {
	for _, v := range benchVariants {
		b.Run(v, func(b *testing.B) {
			d := endless(b, v)
			b.ReportAllocs()
			var s trace.Span
			for b.Loop() {
				if err := d.Decode(&s); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "spans/s")
		})
	}
}

// BenchmarkReader is what a run pays: spans into Arrow batches.
func BenchmarkReader(b *testing.B) {
	for _, v := range benchVariants {
		b.Run(v, func(b *testing.B) {
			r := datasets.NewReader(endless(b, v), nil, "synth:"+v, datasets.Options{})
			defer r.Close()
			spans := int64(0)
			b.ReportAllocs()
			for b.Loop() {
				batch, err := r.Next()
				if err == io.EOF {
					b.Fatal("an endless stream ended")
				}
				spans += batch.NumRows()
				batch.Release()
			}
			b.ReportMetric(float64(spans)/b.Elapsed().Seconds(), "spans/s")
		})
	}
}
