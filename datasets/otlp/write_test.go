package otlp

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"google.golang.org/protobuf/proto"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// What is written is read again, batch by batch; the truth is there, but only in
// attributes, which no decoder looks at.
func TestWriterIsRead(t *testing.T) {
	var file bytes.Buffer
	w := NewWriter(&file)
	var want []trace.Span
	for i := range 1300 {
		s := trace.Span{TraceID: trace.TraceID{Lo: uint64(i/3 + 1)}, ID: trace.SpanID(i + 1), Service: []string{"web", "db"}[i%2], Operation: "op",
			Start: 1_731_283_200_000_000_000 + int64(i)*1e6, Duration: int64(i), Label: trace.Normal}
		if i%3 > 0 {
			s.ParentID = trace.SpanID(i)
		}
		if i == 700 {
			s.Label, s.Kind = trace.Anomalous, "slow"
		}
		if err := w.Write(&s); err != nil {
			t.Fatal(err)
		}
		s.Label, s.Kind = trace.Unlabelled, ""
		want = append(want, s)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var all tracepb.TracesData
	if err := proto.Unmarshal(file.Bytes(), &all); err != nil || !bytes.Contains(file.Bytes(), []byte("scale_eval.kind")) {
		t.Fatalf("not one message: %v", err)
	}
	got := map[trace.SpanID]trace.Span{}
	d := NewProto(&file, "f", Options{})
	for {
		var s trace.Span
		if err := d.Decode(&s); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		got[s.ID] = s
	}
	for _, s := range want {
		if got[s.ID] != s {
			t.Fatalf("%+v was read as %+v", s, got[s.ID])
		}
	}
	if err := NewWriter(failing{}).writeAll(600); err == nil {
		t.Error("a full disk is not told")
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func (w *Writer) writeAll(n int) error {
	for i := range n {
		if err := w.Write(&trace.Span{ID: trace.SpanID(i + 1), Service: "s"}); err != nil {
			return err
		}
	}
	return w.Close()
}
