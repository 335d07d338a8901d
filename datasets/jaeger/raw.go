package jaeger

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// rawTrace is an element of data, decoded in one go. Its fields take whatever JSON
// they find, and remember what was wrong with it: encoding/json goes on behind a
// mismatch but names only the first, and a span must not pay for its siblings.
type rawTrace struct {
	Spans     []rawSpan          `json:"spans"`
	Processes map[string]process `json:"processes"`
}

// rawSpan is an element of spans; one that is no object stays empty.
type rawSpan struct {
	TraceID       text            `json:"traceID"`
	SpanID        text            `json:"spanID"`
	ParentSpanID  text            `json:"parentSpanID"` // before references existed
	OperationName text            `json:"operationName"`
	References    json.RawMessage `json:"references"`
	StartTime     scalar          `json:"startTime"` // µs since 1970
	Duration      scalar          `json:"duration"`  // µs
	ProcessID     text            `json:"processID"`
	Process       process         `json:"process"` // written in place by some exporters
}

type reference struct {
	RefType string `json:"refType"`
	TraceID string `json:"traceID"`
	SpanID  string `json:"spanID"`
}

type process struct {
	ServiceName text `json:"serviceName"`
}

// text is a string; null is the empty one.
type text struct {
	string
	bad string // what is wrong, "" for nothing
}

func (t *text) UnmarshalJSON(b []byte) error {
	*t = text{}
	switch {
	case b[0] != '"':
		if string(b) != "null" {
			t.bad = "want a string"
		}
	case !utf8.Valid(b):
		t.bad = "not valid UTF-8"
	case bytes.IndexByte(b, '\\') < 0: // the commonest case
		t.string = string(b[1 : len(b)-1])
	default:
		return json.Unmarshal(b, &t.string)
	}
	return nil
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
