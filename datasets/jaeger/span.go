package jaeger

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"

	"github.com/scale-eval/scale-eval/datasets/input"
	"github.com/scale-eval/scale-eval/datasets/trace"
)

// The names of spans that came without one.
const (
	UnknownService   = "unknown_service"
	UnknownOperation = "unknown_operation"
)

// rawSpan is an element of spans. Numbers stay text until they are checked.
type rawSpan struct {
	TraceID       string      `json:"traceID"`
	SpanID        string      `json:"spanID"`
	ParentSpanID  string      `json:"parentSpanID"` // before references existed
	OperationName string      `json:"operationName"`
	References    []reference `json:"references"`
	StartTime     scalar      `json:"startTime"` // µs since 1970
	Duration      scalar      `json:"duration"`  // µs
	ProcessID     string      `json:"processID"`
	Process       *process    `json:"process"` // written in place by some exporters
}

type reference struct {
	RefType string `json:"refType"`
	TraceID string `json:"traceID"`
	SpanID  string `json:"spanID"`
}

type process struct {
	ServiceName string `json:"serviceName"`
}

// scalar is a number, in quotes or not: JavaScript tools quote what a float64
// cannot hold.
type scalar []byte

func (n *scalar) UnmarshalJSON(b []byte) error {
	if len(b) >= 2 && b[0] == '"' {
		b = b[1 : len(b)-1]
	}
	*n = append((*n)[:0], b...)
	return nil
}

// span reads one span of the current trace.
func (d *Decoder) span(s *trace.Span, raw json.RawMessage) error {
	var r rawSpan
	if err := json.Unmarshal(raw, &r); err != nil {
		var typ *json.UnmarshalTypeError
		if errors.As(err, &typ) {
			return d.rowError(typ.Field, fmt.Sprintf("%s where %s is wanted", typ.Value, wanted(typ.Type.Kind())))
		}
		return d.rowError("", err.Error())
	}
	*s = trace.Span{Operation: r.OperationName, Service: d.service(&r)}
	if s.Operation == "" {
		s.Operation = UnknownOperation
	}
	if s.Service == "" {
		return d.rowError("processID", fmt.Sprintf("%.40q has no service name in this trace's processes", r.ProcessID))
	}
	if err := d.ids(s, &r); err != nil {
		return err
	}
	return d.times(s, &r)
}

// wanted names the JSON of a Go type.
func wanted(k reflect.Kind) string {
	switch k {
	case reflect.String:
		return "a string"
	case reflect.Slice:
		return "a list"
	}
	return "an object"
}

func (d *Decoder) service(r *rawSpan) string {
	if r.Process != nil && r.Process.ServiceName != "" {
		return r.Process.ServiceName
	}
	return d.trace.services[r.ProcessID]
}

func (d *Decoder) ids(s *trace.Span, r *rawSpan) error {
	hi, lo, ok := input.Hex([]byte(r.TraceID))
	if !ok || hi|lo == 0 {
		return d.rowError("traceID", fmt.Sprintf("%.40q: want 1 to 32 hex digits, not all zero", r.TraceID))
	}
	s.TraceID = trace.TraceID{Hi: hi, Lo: lo}
	id, ok := spanID(r.SpanID)
	if !ok || id == 0 {
		return d.rowError("spanID", fmt.Sprintf("%.40q: want 1 to 16 hex digits, not all zero", r.SpanID))
	}
	s.ID = id
	parent := parentOf(r, s.TraceID)
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
func parentOf(r *rawSpan, own trace.TraceID) string {
	for _, kind := range [...]string{"CHILD_OF", "FOLLOWS_FROM"} {
		for _, ref := range r.References {
			hi, lo, ok := input.Hex([]byte(ref.TraceID))
			if ref.RefType == kind && (ref.TraceID == "" || ok && own == trace.TraceID{Hi: hi, Lo: lo}) {
				return ref.SpanID
			}
		}
	}
	return r.ParentSpanID
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
