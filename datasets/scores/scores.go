// Package scores reads and writes per-span scores: the one thing that any sampler,
// ours or another's, can be asked for.
//
//  1. [NewWriter] writes the outcome of a run as Parquet, a row a test span with
//     its ids, label, score and decision;
//  2. [Read] takes CSV (compressed or not) or Parquet from any program, finds the
//     columns by name, and returns them whole.
//
// A file needs a label and a score or a decision. Booleans are true/false (any
// case) or 1/0; labels may also be the names of [trace.Label].
package scores

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Columns names the columns of a file. An empty name is looked for among the
// common ones.
type Columns struct {
	Label    string // "label", "shocked", "is_anomaly", "anomalous", "y_true", "y"
	Score    string // "score", "anomaly_score", "y_score"
	Decision string // "keep", "decision", "anomaly", "flagged", "sampled", "y_pred"
	Trace    string // "trace_id", "TraceID", "traceID", "trace"
}

var common = map[string][]string{
	"label":    {"label", "shocked", "is_anomaly", "anomalous", "y_true", "y"},
	"score":    {"score", "anomaly_score", "y_score"},
	"decision": {"keep", "decision", "anomaly", "flagged", "sampled", "y_pred"},
	"trace":    {"trace_id", "traceid", "trace"},
}

// Table is the content of a score file, a slot a row in order.
type Table struct {
	Columns Columns // as found; "" = the file has none
	Labels  []trace.Label
	Score   []float64 // nil: no score column; NaN: the sampler gave none
	Keep    []bool    // nil: no decision column
	Trace   []uint32  // dense number of the trace; nil: no trace column
	Bad     trace.Bad // rows left out, with their position
}

// table collects rows as text, whatever the file was.
type table struct {
	Table
	name   string
	at     [4]int // label, score, decision, trace: column index or -1
	traces map[string]uint32
	rows   int64 // read from Parquet
}

var roles = [4]string{"label", "score", "decision", "trace"}

func newTable(name string, header []string, want Columns) (*table, error) {
	t := &table{name: name, traces: map[string]uint32{}}
	names := [4]*string{&t.Columns.Label, &t.Columns.Score, &t.Columns.Decision, &t.Columns.Trace}
	for i, asked := range [4]string{want.Label, want.Score, want.Decision, want.Trace} {
		at, err := findColumn(name, header, roles[i], asked)
		if err != nil {
			return nil, err
		}
		if t.at[i] = at; at >= 0 {
			*names[i] = header[at]
		}
	}
	if t.at[0] < 0 {
		return nil, fmt.Errorf("%s: no label column: it has %q; name it with --label-column", name, header)
	}
	if t.at[1] < 0 && t.at[2] < 0 {
		return nil, fmt.Errorf("%s: neither a score nor a decision column: it has %q; name one with --score-column or --decision-column", name, header)
	}
	return t, nil
}

func findColumn(file string, header []string, role, asked string) (int, error) {
	want := common[role]
	if asked != "" {
		want = []string{strings.ToLower(asked)}
	}
	for _, w := range want {
		for i, h := range header {
			if strings.ToLower(strings.TrimSpace(h)) == w {
				return i, nil
			}
		}
	}
	if asked != "" {
		return 0, fmt.Errorf("%s: no column %q for the %s: it has %q", file, asked, role, header)
	}
	return -1, nil
}

// add takes one row; a row with a field that cannot be read is tallied and left
// out whole, so that columns stay aligned.
func (t *table) add(fields []string, row int64) {
	bad := func(i int, err error) {
		t.Bad.Add(&trace.RowError{File: t.name, Row: row, Field: roles[i], Msg: err.Error()})
	}
	label, err := parseLabel(fields[t.at[0]])
	if err != nil {
		bad(0, err)
		return
	}
	score, keep := math.NaN(), false
	if t.at[1] >= 0 {
		if score, err = parseScore(fields[t.at[1]]); err != nil {
			bad(1, err)
			return
		}
	}
	if t.at[2] >= 0 {
		if keep, err = parseBool(fields[t.at[2]]); err != nil {
			bad(2, err)
			return
		}
	}
	t.Labels = append(t.Labels, label)
	if t.at[1] >= 0 {
		t.Score = append(t.Score, score)
	}
	if t.at[2] >= 0 {
		t.Keep = append(t.Keep, keep)
	}
	if t.at[3] >= 0 {
		t.Trace = append(t.Trace, t.traceNumber(fields[t.at[3]]))
	}
}

func (t *table) traceNumber(id string) uint32 {
	n, ok := t.traces[id]
	if !ok {
		n = uint32(len(t.traces))
		t.traces[strings.Clone(id)] = n
	}
	return n
}

func parseLabel(s string) (trace.Label, error) {
	if b, err := parseBool(s); err == nil {
		if b {
			return trace.Anomalous, nil
		}
		return trace.Normal, nil
	}
	return trace.ParseLabel(strings.ToLower(strings.TrimSpace(s)))
}

func parseScore(s string) (float64, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return math.NaN(), nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number", s)
	}
	return f, nil
}

func parseBool(s string) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "true", "1", "1.0":
		return true, nil
	case "false", "0", "0.0":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither true/false nor 1/0", s)
}

// ReadCSV reads a score file with a header. name is for messages. Memory: the
// result, about 14 bytes a row.
func ReadCSV(r io.Reader, name string, want Columns) (*Table, error) {
	cr := csv.NewReader(r)
	cr.ReuseRecord = true
	header, err := cr.Read()
	if err == io.EOF {
		return nil, fmt.Errorf("%s: empty file, want a CSV header", name)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: reading the header: %w", name, err)
	}
	t, err := newTable(name, append([]string(nil), header...), want)
	if err != nil {
		return nil, err
	}
	for {
		fields, err := cr.Read()
		var parse *csv.ParseError
		switch {
		case err == io.EOF:
			return &t.Table, nil
		case errors.As(err, &parse):
			t.Bad.Add(&trace.RowError{File: name, Row: int64(parse.StartLine), Msg: parse.Err.Error()})
		case err != nil:
			return nil, fmt.Errorf("%s: after %d rows: %w", name, len(t.Labels), err)
		default:
			line, _ := cr.FieldPos(0)
			t.add(fields, int64(line))
		}
	}
}

// ReadParquet reads a score file of any flat schema.
func ReadParquet(r io.ReaderAt, size int64, name string, want Columns) (tab *Table, err error) {
	defer func() {
		if p := recover(); p != nil { // the library panics on some corrupt files
			tab, err = nil, fmt.Errorf("%s: corrupt Parquet file: %v", name, p)
		}
	}()
	f, err := parquet.OpenFile(r, size, parquet.SkipBloomFilters(true), parquet.SkipPageIndex(true))
	if err != nil {
		return nil, fmt.Errorf("%s: not a readable Parquet file: %w", name, err)
	}
	var header []string
	for _, field := range f.Schema().Fields() {
		if !field.Leaf() || field.Repeated() {
			return nil, fmt.Errorf("%s: column %q is nested; want a flat table", name, field.Name())
		}
		header = append(header, field.Name())
	}
	t, err := newTable(name, header, want)
	if err != nil {
		return nil, err
	}
	for _, group := range f.RowGroups() {
		if err := t.readRows(group.Rows()); err != nil {
			return nil, err
		}
	}
	return &t.Table, nil
}

// readRows adds the rows of one row group.
func (t *table) readRows(rows parquet.Rows) error {
	defer rows.Close()
	buf := make([]parquet.Row, 512)
	var fields []string
	for {
		n, err := rows.ReadRows(buf)
		for _, values := range buf[:n] {
			fields = fields[:0]
			for _, v := range values {
				fields = append(fields, text(v))
			}
			t.rows++
			t.add(fields, t.rows)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: after row %d: %w", t.name, t.rows, err)
		}
	}
}

// text is the CSV form of a value, "" for null.
func text(v parquet.Value) string {
	if v.IsNull() {
		return ""
	}
	return v.String()
}
