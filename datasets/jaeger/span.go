package jaeger

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/scale-eval/scale-eval/datasets/input"
	"github.com/scale-eval/scale-eval/datasets/trace"
)

// The names of spans that came without one.
const (
	UnknownService   = "unknown_service"
	UnknownOperation = "unknown_operation"
)

// span reads one span of the current trace.
func (d *Decoder) span(s *trace.Span, r *rawSpan) error {
	*s = trace.Span{Operation: r.OperationName.string, Service: d.service(r)}
	if bad := r.OperationName.bad; bad != "" {
		return d.rowError("operationName", bad)
	}
	if s.Operation == "" {
		s.Operation = UnknownOperation
	}
	if err := d.ids(s, r); err != nil {
		return err
	}
	if s.Service == "" {
		return d.rowError("processID", fmt.Sprintf("%.40q has no service name in this trace's processes", r.ProcessID.string))
	}
	return d.times(s, r)
}

func (d *Decoder) service(r *rawSpan) string {
	if name := r.Process.ServiceName.string; name != "" {
		return name
	}
	return d.trace.Processes[r.ProcessID.string].ServiceName.string
}

func (d *Decoder) ids(s *trace.Span, r *rawSpan) error {
	hi, lo, ok := input.Hex([]byte(r.TraceID.string))
	if !ok || hi|lo == 0 {
		return d.rowError("traceID", fmt.Sprintf("%.40q: want 1 to 32 hex digits, not all zero", r.TraceID.string))
	}
	s.TraceID = trace.TraceID{Hi: hi, Lo: lo}
	id, ok := spanID(r.SpanID.string)
	if !ok || id == 0 {
		return d.rowError("spanID", fmt.Sprintf("%.40q: want 1 to 16 hex digits, not all zero", r.SpanID.string))
	}
	s.ID = id
	parent, err := parentOf(r, s.TraceID)
	if err != nil {
		return d.rowError("references", err.Error())
	}
	if parent == "" {
		return nil
	}
	if s.ParentID, ok = spanID(parent); !ok {
		return d.rowError("references", fmt.Sprintf("%.40q: want 1 to 16 hex digits", parent))
	}
	return nil
}

func spanID(text string) (trace.SpanID, bool) {
	_, lo, ok := input.Hex([]byte(text))
	return trace.SpanID(lo), ok && len(text) <= 16
}

// parentOf picks the parent: spans of another trace are links, not parents.
func parentOf(r *rawSpan, own trace.TraceID) (string, error) {
	if len(r.References) <= len("[]") { // the roots
		return r.ParentSpanID.string, nil
	}
	var refs []reference
	if json.Unmarshal(r.References, &refs) != nil {
		return "", errors.New("want a list of {refType, traceID, spanID}")
	}
	for _, kind := range [...]string{"CHILD_OF", "FOLLOWS_FROM"} {
		for _, ref := range refs {
			hi, lo, ok := input.Hex([]byte(ref.TraceID))
			if ref.RefType == kind && (ref.TraceID == "" || ok && own == trace.TraceID{Hi: hi, Lo: lo}) {
				return ref.SpanID, nil
			}
		}
	}
	return r.ParentSpanID.string, nil
}

func (d *Decoder) times(s *trace.Span, r *rawSpan) (err error) {
	if s.Start, err = micros(r.StartTime); err != nil || s.Start <= 0 {
		return d.rowError("startTime", badMicros(r.StartTime, err, "want µs since 1970, above 0"))
	}
	if s.Duration, err = micros(r.Duration); err != nil || s.Duration < 0 {
		return d.rowError("duration", badMicros(r.Duration, err, "want µs: a span cannot end before it starts"))
	}
	if s.Duration > math.MaxInt64-s.Start {
		return d.rowError("duration", badMicros(r.Duration, nil, "the span ends beyond the year 2262"))
	}
	return nil
}

// micros is ns.
func micros(text scalar) (int64, error) {
	if len(text) == 0 || string(text) == "null" {
		return 0, errors.New("missing")
	}
	return input.Micros(text)
}

func badMicros(text scalar, err error, want string) string {
	if err != nil {
		return fmt.Sprintf("%.40q: %v: %s", text, err, want)
	}
	return fmt.Sprintf("%.40q: %s", text, want)
}
