package otlp

import (
	"fmt"
	"io"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// The span attributes in which a Writer keeps the truth, which OTLP has no field for.
// The decoders do not read them: a sampler could, too.
const (
	LabelAttribute = "scale_eval.label"
	KindAttribute  = "scale_eval.kind"
)

// writeBatch is how many spans a TracesData holds: an SDK's default batch.
const writeBatch = 512

// Writer writes spans as OTLP protobuf: TracesData messages one behind the other, which
// is one message to whoever reads the file whole. Not safe for concurrent use.
type Writer struct {
	w     io.Writer
	data  tracepb.TracesData
	of    map[string]*tracepb.ScopeSpans // by service
	spans int
}

// NewWriter writes to w, a batch of spans a Write.
func NewWriter(w io.Writer) *Writer {
	return &Writer{w: w, of: map[string]*tracepb.ScopeSpans{}}
}

// Write adds s. The span is copied.
func (w *Writer) Write(s *trace.Span) error {
	scope := w.of[s.Service]
	if scope == nil {
		scope = &tracepb.ScopeSpans{}
		w.of[s.Service] = scope
		w.data.ResourceSpans = append(w.data.ResourceSpans, &tracepb.ResourceSpans{
			Resource:   &resourcepb.Resource{Attributes: []*commonpb.KeyValue{text("service.name", s.Service)}},
			ScopeSpans: []*tracepb.ScopeSpans{scope},
		})
	}
	traceID, id := s.TraceID.Bytes(), s.ID.Bytes()
	span := &tracepb.Span{
		TraceId: traceID[:], SpanId: id[:], Name: s.Operation, Kind: tracepb.Span_SPAN_KIND_SERVER,
		StartTimeUnixNano: uint64(s.Start), EndTimeUnixNano: uint64(s.End()),
	}
	if s.ParentID != 0 {
		parent := s.ParentID.Bytes()
		span.ParentSpanId = parent[:]
	}
	if s.Label != trace.Unlabelled {
		span.Attributes = append(span.Attributes, text(LabelAttribute, s.Label.String()))
	}
	if s.Kind != "" {
		span.Attributes = append(span.Attributes, text(KindAttribute, s.Kind))
	}
	scope.Spans = append(scope.Spans, span)
	if w.spans++; w.spans%writeBatch == 0 {
		return w.flush()
	}
	return nil
}

func text(key, value string) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: value}}}
}

func (w *Writer) flush() error {
	if len(w.data.ResourceSpans) == 0 {
		return nil
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(&w.data)
	if err == nil {
		_, err = w.w.Write(b)
	}
	if err != nil {
		return fmt.Errorf("writing OTLP after %d spans: %w", w.spans, err)
	}
	w.data.ResourceSpans = nil
	clear(w.of)
	return nil
}

// Close writes what is left. It does not close the underlying writer.
func (w *Writer) Close() error { return w.flush() }
