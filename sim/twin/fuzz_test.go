package twin

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// FuzzFit makes spans of any bytes, eleven a span: whatever they are, a fit ends, errs
// only because there is no root, and gives a topology that runs.
func FuzzFit(f *testing.F) {
	f.Add([]byte("\x01\x01\x00a\x00\x00\x00\x00\x00\x10\x00\x01\x02\x01b\x00\x01\x00\x00\x00\x04\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var spans []trace.Span
		for ; len(data) >= 11 && len(spans) < 200; data = data[11:] {
			spans = append(spans, trace.Span{
				TraceID: trace.TraceID{Lo: uint64(data[0] % 8)}, ID: trace.SpanID(data[1] % 32), ParentID: trace.SpanID(data[2] % 32),
				Service: string(data[3] % 4), Operation: string(data[3] / 4 % 4),
				Start:    int64(binary.BigEndian.Uint32(data[4:])) << (data[8] % 30),
				Duration: int64(binary.BigEndian.Uint16(data[9:])) << (data[8] % 40),
			})
		}
		m, err := Fit(read(t, spans), Options{MaxCourses: 3, Lognormal: len(spans)%2 == 0})
		if errors.Is(err, ErrNoTraces) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Topology(WhatIf{}); err != nil {
			t.Fatal(err)
		}
		// A call graph that breeds more calls than it ends is refused; the rest runs.
		_, _ = m.Predict(WhatIf{}, 1, 5)
	})
}
