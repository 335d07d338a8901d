package synth

import (
	"bytes"
	"io"
	"testing"

	"github.com/scale-eval/scale-eval/datasets"
	"github.com/scale-eval/scale-eval/datasets/gtrace"
	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/datasets/tracemesh"
)

type spanWriter interface {
	Write(*trace.Span) error
	Close() error
}

func written(t *testing.T, w spanWriter, err error, spans []trace.Span) {
	t.Helper()
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
}

// compare reads dec to its end and holds it to want.
func compare(t *testing.T, dec datasets.Decoder, want []trace.Span) {
	t.Helper()
	var s trace.Span
	for i := range want {
		if err := dec.Decode(&s); err != nil {
			t.Fatalf("span %d: %v", i, err)
		}
		if s != want[i] {
			t.Fatalf("span %d: read %+v, wrote %+v", i, s, want[i])
		}
	}
	if err := dec.Decode(&s); err != io.EOF {
		t.Errorf("behind the last span: %v", err)
	}
}

// What a format cannot hold is what its Writer says it loses, and nothing else.
func TestRoundTripGTrace(t *testing.T) {
	spans := collect(t, labelled(5_000))
	var file bytes.Buffer
	w, err := gtrace.NewWriter(&file)
	written(t, w, err, spans)
	dec, err := gtrace.New("synth.csv", &file, gtrace.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range spans {
		spans[i].Kind = ""
		switch spans[i].Label {
		case trace.Anomalous:
			spans[i].Kind = "latency"
		case trace.Propagated:
			spans[i].Label = trace.Unlabelled
		}
	}
	compare(t, dec, spans)
}

func TestRoundTripTraceMesh(t *testing.T) {
	spans := collect(t, labelled(5_000))
	var file bytes.Buffer
	w, err := tracemesh.NewWriter(&file, tracemesh.Auto)
	written(t, w, err, spans)
	dec, err := tracemesh.New("synth.csv", &file, tracemesh.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range spans {
		spans[i].Service, spans[i].Label, spans[i].Kind = "", trace.Unlabelled, ""
	}
	compare(t, dec, spans)
}

// Parquet and the Arrow batches between hold everything.
func TestRoundTripParquet(t *testing.T) {
	spans := collect(t, labelled(5_000))
	var file bytes.Buffer
	written(t, datasets.NewParquetWriter(&file, nil), nil, spans)
	r, err := datasets.NewParquetReader(bytes.NewReader(file.Bytes()), int64(file.Len()), nil, "synth.parquet", 0, true)
	if err != nil {
		t.Fatal(err)
	}
	compareSource(t, r, spans)
}

func TestRoundTripArrow(t *testing.T) {
	c := labelled(5_000)
	d, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	r := datasets.NewReader(d, nil, "synth", datasets.Options{Strict: true, DropDuplicates: true, BatchRows: 512})
	compareSource(t, r, collect(t, c))
}

func compareSource(t *testing.T, r datasets.Reader, want []trace.Span) {
	t.Helper()
	defer r.Close()
	i := 0
	for s, err := range datasets.Spans(r, trace.NewCalls(1000, nil)) {
		if err != nil {
			t.Fatal(err)
		}
		got := *s
		got.Call = 0
		if i >= len(want) || got != want[i] {
			t.Fatalf("span %d: read %+v", i, got)
		}
		i++
	}
	if i != len(want) {
		t.Errorf("%d spans, want %d", i, len(want))
	}
}
