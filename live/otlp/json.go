package otlp

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// fromJSON is OTLP/JSON as protobuf. JSON is the slow way in: it is decoded whole.
//
// OTLP writes ids in hex where protobuf's own JSON has base64. Hex digits are base64
// digits, and the lengths of ids are multiples of four: the text is what comes
// out when the bytes that were read are written as base64 again.
func fromJSON(b []byte) ([]byte, error) {
	var td tracepb.TracesData
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(b, &td); err != nil {
		return nil, fmt.Errorf("not OTLP/JSON: %w", err)
	}
	for _, rs := range td.ResourceSpans {
		for _, scope := range rs.ScopeSpans {
			for _, s := range scope.Spans {
				s.TraceId, s.SpanId, s.ParentSpanId = unhex(s.TraceId, 16), unhex(s.SpanId, 8), unhex(s.ParentSpanId, 8)
				for _, l := range s.Links {
					l.TraceId, l.SpanId = unhex(l.TraceId, 16), unhex(l.SpanId, 8)
				}
			}
		}
	}
	return proto.Marshal(&td)
}

// unhex is the id whose hex digits were read as base64. What has the right size, in
// bytes, was base64.
func unhex(read []byte, size int) []byte {
	if len(read) == size {
		return read
	}
	id, err := hex.DecodeString(base64.StdEncoding.EncodeToString(read))
	if err != nil {
		return read
	}
	return id
}
