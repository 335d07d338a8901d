package gtrace

import (
	"fmt"

	"github.com/scale-eval/scale-eval/datasets/input"
	"github.com/scale-eval/scale-eval/datasets/trace"
)

// required are the columns without which a file is not in this format.
var required = []string{
	"traceIdHigh", "traceIdLow", "spanId", "parentSpanId", "serviceName", "operationName",
	"startTime", "nanosecond", "duration",
}

// columns are positions in a row; -1: the file has none.
type columns struct {
	traceHigh, traceLow, span, parent, service, operation int
	start, nano, duration, db, label                      int
}

func findColumns(rows *input.CSV, l Label) columns {
	return columns{
		traceHigh: rows.Column("traceIdHigh"), traceLow: rows.Column("traceIdLow"),
		span: rows.Column("spanId"), parent: rows.Column("parentSpanId"),
		service: rows.Column("serviceName"), operation: rows.Column("operationName"),
		start: rows.Column("startTime"), nano: rows.Column("nanosecond"),
		duration: rows.Column("duration"), db: rows.Column("DBhash"),
		label: rows.Column(labelColumns[l].column),
	}
}

// Label says which column becomes a span's label.
type Label uint8

const (
	// NodeLatency labels a span whose own latency is anomalous.
	NodeLatency Label = iota
	// GraphLatency labels all spans of a trace with a latency anomaly.
	GraphLatency
	// GraphStructure labels all spans of a trace with a structural anomaly, which a
	// sampler of durations is not made to see.
	GraphStructure
)

var labelColumns = [...]struct{ name, column, kind string }{
	NodeLatency:    {"node-latency", "nodeLatencyLabel", "latency"},
	GraphLatency:   {"graph-latency", "graphLatencyLabel", "graph latency"},
	GraphStructure: {"graph-structure", "graphStructureLabel", "graph structure"},
}

// String is the name that ParseLabel takes.
func (l Label) String() string {
	if int(l) >= len(labelColumns) {
		return fmt.Sprintf("label(%d)", uint8(l))
	}
	return labelColumns[l].name
}

// ParseLabel reads node-latency, graph-latency or graph-structure.
func ParseLabel(s string) (Label, error) {
	for i, c := range labelColumns {
		if s == c.name {
			return Label(i), nil
		}
	}
	return 0, fmt.Errorf("label column %q: want node-latency, graph-latency or graph-structure", s)
}

// label reads 0 as normal and any other number as anomalous. A file without the
// column, or an empty field, is unlabelled.
func (d *Decoder) label(f [][]byte, s *trace.Span) error {
	s.Label, s.Kind = trace.Unlabelled, ""
	if d.cols.label < 0 || len(f[d.cols.label]) == 0 {
		return nil
	}
	text := f[d.cols.label]
	n, err := input.Scaled(text, 0)
	if err != nil {
		return d.bad(labelColumns[d.opt.Label].column, text, err.Error()+", want 0 for normal, another for anomalous")
	}
	s.Label = trace.Normal
	if n != 0 {
		s.Label, s.Kind = trace.Anomalous, labelColumns[d.opt.Label].kind
	}
	return nil
}
