package tempo

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/scale-eval/scale-eval/datasets/otlp"
	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/live/training"
)

// searchAnswer is what /api/search answers, as far as it is needed.
type searchAnswer struct {
	Traces []foundTrace `json:"traces"`
}

type foundTrace struct {
	TraceID  string    `json:"traceID"`
	Start    number    `json:"startTimeUnixNano"`
	SpanSets []spanSet `json:"spanSets"`
	SpanSet  *spanSet  `json:"spanSet"` // versions before spanSets
}

type spanSet struct {
	Spans   []foundSpan `json:"spans"`
	Matched number      `json:"matched"`
}

type foundSpan struct {
	SpanID     string      `json:"spanID"`
	Name       string      `json:"name"`
	Start      number      `json:"startTimeUnixNano"`
	Duration   number      `json:"durationNanos"`
	Attributes []attribute `json:"attributes"`
}

type attribute struct {
	Key   string `json:"key"`
	Value struct {
		String string `json:"stringValue"`
	} `json:"value"`
}

// number is a 64-bit integer that protobuf's JSON writes as a string and others as
// a number.
type number int64

// UnmarshalJSON takes both.
func (n *number) UnmarshalJSON(b []byte) error {
	text := strings.Trim(string(b), `"`)
	if text == "" || text == "null" {
		*n = 0
		return nil
	}
	u, err := strconv.ParseUint(text, 10, 64)
	if err != nil || u > math.MaxInt64 {
		return fmt.Errorf("want an integer of 0 to 2^63-1, found %.40q", text)
	}
	*n = number(u)
	return nil
}

func readSearch(body []byte) (*searchAnswer, error) {
	a := &searchAnswer{}
	if err := json.Unmarshal(body, a); err != nil {
		return nil, fmt.Errorf("tempo: /api/search did not answer as Tempo does: %w", err)
	}
	return a, nil
}

func (t *foundTrace) sets() []spanSet {
	if len(t.SpanSets) == 0 && t.SpanSet != nil {
		return []spanSet{*t.SpanSet}
	}
	return t.SpanSets
}

// complete says whether the answer holds every span that matched, with its service.
func (t *foundTrace) complete() bool {
	sets := t.sets()
	for _, set := range sets {
		if int(set.Matched) > len(set.Spans) {
			return false
		}
	}
	return len(sets) > 0
}

// spans adds the spans of the trace to b.
func (t *foundTrace) spans(b *training.Batch) {
	id, err := traceID(t.TraceID)
	for _, set := range t.sets() {
		for i := range set.Spans {
			s, field, msg := set.Spans[i].span(id)
			if err != nil {
				field, msg = "traceID", err.Error()
			}
			if msg != "" {
				b.Bad.Add(&trace.RowError{File: "/api/search", Row: int64(len(b.Spans)) + b.Bad.Total + 1, Field: field, Msg: msg})
				continue
			}
			b.Spans = append(b.Spans, s)
		}
	}
}

func (f *foundSpan) span(id trace.TraceID) (s trace.Span, field, msg string) {
	raw, err := hex.DecodeString(pad(f.SpanID, 16))
	if err != nil || len(raw) != 8 {
		return s, "spanID", fmt.Sprintf("want 16 hex digits, found %.40q", f.SpanID)
	}
	if f.Duration > math.MaxInt64-f.Start {
		return s, "durationNanos", "start and duration overflow"
	}
	s = trace.Span{TraceID: id, ID: trace.SpanIDFromBytes(raw), Start: int64(f.Start), Duration: int64(f.Duration),
		Service: otlp.UnknownService, Operation: f.Name}
	for _, a := range f.Attributes {
		switch a.Key {
		case "service.name", "resource.service.name":
			s.Service = a.Value.String
		case "name":
			s.Operation = a.Value.String
		}
	}
	if s.Operation == "" {
		s.Operation = otlp.UnknownOperation
	}
	return s, "", ""
}

// traceID reads an id whose leading zeros may be missing.
func traceID(text string) (trace.TraceID, error) {
	raw, err := hex.DecodeString(pad(text, 32))
	if err != nil || len(raw) != 16 || text == "" {
		return trace.TraceID{}, fmt.Errorf("want at most 32 hex digits, found %.40q", text)
	}
	return trace.TraceIDFromBytes(raw), nil
}

func pad(text string, n int) string {
	if len(text) >= n {
		return text
	}
	return strings.Repeat("0", n-len(text)) + text
}
