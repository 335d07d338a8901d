package tracemesh

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/scale-eval/scale-eval/datasets/input"
	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Writer writes spans as CSV. The format has no column for a service and none for
// labels: what they hold is lost, see [WriteLabels].
type Writer struct {
	w    *bufio.Writer
	unit Unit
	buf  []byte
}

// NewWriter writes the header. Durations are exact decimals in unit; Auto means
// Milliseconds, always with a fraction, so that reading with Auto inverts it. In
// Microseconds and Nanoseconds only whole numbers are written.
func NewWriter(w io.Writer, unit Unit) (*Writer, error) {
	if unit == Auto {
		unit = Milliseconds
	}
	out := &Writer{w: bufio.NewWriterSize(w, 64<<10), unit: unit}
	_, err := out.w.WriteString(strings.Join(columns[:], ",") + "\n")
	return out, err
}

// Write adds one span. A duration that is no whole number of µs is an error when
// the unit is Microseconds. Trace ids of 64 bits are written with 16 digits.
func (w *Writer) Write(s *trace.Span) error {
	if w.unit == Microseconds && s.Duration%1000 != 0 {
		return fmt.Errorf("span %s of trace %s: %d ns is no whole number of us: write ms or ns", s.ID, s.TraceID, s.Duration)
	}
	b := w.buf[:0]
	if s.TraceID.Hi != 0 {
		b = appendHex(b, s.TraceID.Hi)
	}
	b = append(appendHex(b, s.TraceID.Lo), ',')
	b = append(appendHex(b, uint64(s.ID)), ',')
	if s.ParentID == 0 {
		b = append(b, root...)
	} else {
		b = appendHex(b, uint64(s.ParentID))
	}
	b = input.AppendField(append(b, ','), s.Operation)
	b = strconv.AppendInt(append(b, ','), s.Start, 10)
	b = input.AppendScaled(append(b, ','), s.Duration, scales[w.unit])
	if w.unit == Milliseconds && s.Duration%1e6 == 0 {
		b = append(b, ".0"...)
	}
	w.buf = append(b, '\n')
	_, err := w.w.Write(w.buf)
	return err
}

// Close writes what is buffered. It does not close the underlying writer.
func (w *Writer) Close() error { return w.w.Flush() }

func appendHex(dst []byte, u uint64) []byte {
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, digits[u>>shift&15])
	}
	return dst
}

// WriteLabels writes a test_label.txt of the given traces, in their order.
func WriteLabels(w io.Writer, ids []trace.TraceID) error {
	out := bufio.NewWriter(w)
	for _, id := range ids {
		var b []byte
		if id.Hi != 0 {
			b = appendHex(b, id.Hi)
		}
		if _, err := out.Write(append(appendHex(b, id.Lo), '\n')); err != nil {
			return err
		}
	}
	return out.Flush()
}
