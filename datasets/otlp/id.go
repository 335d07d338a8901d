package otlp

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
)

// textID is an id as text. OTLP/JSON writes hex; anything that went through plain
// protojson writes base64. Hex digits are base64 digits too, but 2n of them can
// only be n bytes of hex: as base64 they would be 1.5n bytes, which no id has.
// The result is in buf. False: neither.
func textID(buf *[16]byte, text []byte, size int) ([]byte, bool) {
	if len(text) == 0 {
		return nil, true
	}
	if len(text) == 2*size {
		n, err := hex.Decode(buf[:], text)
		return buf[:n], err == nil
	}
	digits := bytes.TrimRight(text, "=")
	if len(text)-len(digits) > 2 || len(digits) != base64.RawStdEncoding.EncodedLen(size) {
		return nil, false
	}
	enc := base64.RawStdEncoding
	if bytes.ContainsAny(digits, "-_") {
		enc = base64.RawURLEncoding
	}
	n, err := enc.Decode(buf[:], digits)
	return buf[:n], err == nil && n == size
}

// textIDs is room for the ids of one record.
type textIDs struct{ traceID, spanID, parentID [16]byte }

func (t *textIDs) setTrace(r *record, text []byte) {
	r.traceID = r.textID("trace_id", &t.traceID, text, 16)
}

func (t *textIDs) setSpan(r *record, text []byte) {
	r.spanID = r.textID("span_id", &t.spanID, text, 8)
}

func (t *textIDs) setParent(r *record, text []byte) {
	r.parentID = r.textID("parent_span_id", &t.parentID, text, 8)
}

func (r *record) textID(field string, buf *[16]byte, text []byte, size int) []byte {
	id, ok := textID(buf, text, size)
	if !ok {
		r.fault(field, "%s: want %d hex digits, or %d bytes in base64", quote(text), 2*size, size)
	}
	return id
}
