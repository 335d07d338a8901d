package gtrace

import (
	"bufio"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/scale-eval/scale-eval/datasets/input"
	"github.com/scale-eval/scale-eval/datasets/trace"
)

// written are the columns of a Writer, those of the raw format in its order, then
// the label.
var written = []string{
	"traceIdHigh", "traceIdLow", "spanId", "parentSpanId", "serviceName", "operationName", "status",
	"startTime", "nanosecond", "duration", "DBhash", "nodeLatencyLabel",
}

// Writer writes spans as CSV with names, not id maps. [Decoder] reads back the
// same spans, to the ns, except that of labels only normal and anomalous survive
// (a candidate becomes normal, all others unlabelled) and the kind becomes
// "latency". The labels of a whole trace (graphLatencyLabel, graphStructureLabel)
// are not written: a stream does not know them before the trace ends.
type Writer struct {
	w   *bufio.Writer
	buf []byte
	day int64 // whose date is in date
	// date is "YYYY-MM-DD " of day.
	date []byte
}

// NewWriter writes the header.
func NewWriter(w io.Writer) (*Writer, error) {
	out := &Writer{w: bufio.NewWriterSize(w, 64<<10), day: -1 << 62}
	_, err := out.w.WriteString(strings.Join(written, ",") + "\n")
	return out, err
}

// Write adds one span. startTime is in UTC. Cost: about 200 ns.
func (w *Writer) Write(s *trace.Span) error {
	b := strconv.AppendInt(w.buf[:0], int64(s.TraceID.Hi), 10)
	b = strconv.AppendInt(append(b, ','), int64(s.TraceID.Lo), 10)
	b = strconv.AppendInt(append(b, ','), int64(s.ID), 10)
	b = strconv.AppendInt(append(b, ','), int64(s.ParentID), 10)
	b = input.AppendField(append(b, ','), s.Service)
	b = input.AppendField(append(b, ','), s.Operation)
	b = append(b, ",0,"...)
	b = w.start(b, s.Start)
	b = input.AppendScaled(append(b, ','), s.Duration, 6)
	b = append(b, ",0,"...)
	switch s.Label {
	case trace.Normal, trace.Candidate:
		b = append(b, '0')
	case trace.Anomalous:
		b = append(b, '1')
	}
	w.buf = append(b, '\n')
	_, err := w.w.Write(w.buf)
	return err
}

// start appends startTime and nanosecond.
func (w *Writer) start(b []byte, ns int64) []byte {
	second, nano := floorDiv(ns, 1e9)
	day, inDay := floorDiv(second, 86400)
	if day != w.day {
		w.day = day
		w.date = time.Unix(second, 0).UTC().AppendFormat(w.date[:0], "2006-01-02 ")
	}
	b = append(b, w.date...)
	b = appendTwo(b, inDay/3600)
	b = appendTwo(append(b, ':'), inDay/60%60)
	b = appendTwo(append(b, ':'), inDay%60)
	return strconv.AppendInt(append(b, ','), nano, 10)
}

func appendTwo(b []byte, n int64) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }

func floorDiv(a, b int64) (q, r int64) {
	q, r = a/b, a%b
	if r < 0 {
		q, r = q-1, r+b
	}
	return q, r
}

// Close writes what is buffered. It does not close the underlying writer.
func (w *Writer) Close() error { return w.w.Flush() }
