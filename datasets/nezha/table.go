package nezha

import (
	"strings"

	"github.com/scale-eval/scale-eval/datasets/input"
	"github.com/scale-eval/scale-eval/datasets/trace"
)

// columns of a trace file, in the order of table.at.
var columns = []string{"TraceID", "SpanID", "ParentID", "PodName", "OperationName", "StartTimeUnixNano", "EndTimeUnixNano", "Duration"}

const (
	colTrace = iota
	colSpan
	colParent
	colPod
	colOperation
	colStart
	colEnd
	colDuration
	numColumns
)

// names interns what repeats over all files of a day.
type names struct {
	operations input.Strings
	pods       input.Strings
	services   map[string]string // pod -> service, "" when it is no pod name
}

func (n *names) service(pod []byte) string {
	p := n.pods.Get(pod)
	s, ok := n.services[p]
	if !ok {
		s = serviceOf(p)
		n.services[p] = s
	}
	return s
}

// serviceOf drops the ReplicaSet's hash and the pod's suffix from a pod's name; ""
// when it has no such parts.
func serviceOf(pod string) string {
	for range 2 {
		i := strings.LastIndexByte(pod, '-')
		if i < 0 || i == len(pod)-1 {
			return ""
		}
		pod = pod[:i]
	}
	return pod
}

// table is one trace file.
type table struct {
	*input.CSV
	path  string
	at    [numColumns]int
	names *names
}

func newTable(f *input.File, n *names) (*table, error) {
	c, err := input.NewCSV(f.Path, f, columns...)
	if err != nil {
		return nil, err
	}
	t := &table{CSV: c, path: f.Path, names: n}
	for i, name := range columns {
		t.at[i] = c.Column(name)
	}
	return t, nil
}

// next reads a row into a fresh s; io.EOF is the end.
func (t *table) next(s *trace.Span) error {
	fields, err := t.Next()
	if err != nil {
		return err
	}
	if err := t.ids(s, fields); err != nil {
		return err
	}
	if err := t.times(s, fields); err != nil {
		return err
	}
	pod := fields[t.at[colPod]]
	if s.Service = t.names.service(pod); s.Service == "" {
		return t.Errorf("PodName", "%.200q: want <service>-<hash>-<suffix>", pod)
	}
	s.Operation = t.names.operations.Get(fields[t.at[colOperation]])
	return nil
}

func (t *table) ids(s *trace.Span, fields [][]byte) error {
	text := fields[t.at[colTrace]]
	hi, lo, ok := input.Hex(text)
	if s.TraceID = (trace.TraceID{Hi: hi, Lo: lo}); !ok || s.TraceID == (trace.TraceID{}) {
		return t.Errorf("TraceID", "%.200q: want up to 32 hex digits, not all 0", text)
	}
	text = fields[t.at[colSpan]]
	if s.ID, ok = spanID(text); !ok {
		return t.Errorf("SpanID", "%.200q: want up to 16 hex digits, not all 0", text)
	}
	text = fields[t.at[colParent]]
	if string(text) == "root" {
		return nil
	}
	if s.ParentID, ok = spanID(text); !ok {
		return t.Errorf("ParentID", "%.200q: want root, or up to 16 hex digits, not all 0", text)
	}
	return nil
}

func spanID(text []byte) (trace.SpanID, bool) {
	hi, lo, ok := input.Hex(text)
	return trace.SpanID(lo), ok && hi == 0 && lo != 0
}

func (t *table) times(s *trace.Span, fields [][]byte) error {
	start, err := t.time(fields, colStart)
	if err != nil {
		return err
	}
	end, err := t.time(fields, colEnd)
	if err != nil {
		return err
	}
	if end < start {
		return t.Errorf("EndTimeUnixNano", "%d is before StartTimeUnixNano %d", end, start)
	}
	s.Start, s.Duration = start, end-start
	text := fields[t.at[colDuration]]
	if us, err := input.Int(text); err != nil {
		return t.Errorf("Duration", "%.200q: %v: want whole µs", text, err)
	} else if us != s.Duration/1000 {
		return t.Errorf("Duration", "%d µs, but end - start is %d ns", us, s.Duration)
	}
	return nil
}

func (t *table) time(fields [][]byte, column int) (int64, error) {
	text := fields[t.at[column]]
	ns, err := input.Int(text)
	if err != nil {
		return 0, t.Errorf(columns[column], "%.200q: %v: want ns since 1970", text, err)
	}
	if ns < 0 {
		return 0, t.Errorf(columns[column], "%d: want ns since 1970, not a negative time", ns)
	}
	return ns, nil
}
