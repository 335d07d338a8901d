package otlp

import (
	"fmt"
	"io"
	"strings"

	"github.com/scale-eval/scale-eval/datasets/input"
	"github.com/scale-eval/scale-eval/datasets/trace"
)

// durationSlack is by how much duration_ms may differ from end - start: half of
// the last digit of a column that was rounded to microseconds, and the rest of
// what a float64 of milliseconds cannot hold.
const durationSlack = 1_000 // ns

// CSV decodes one row a span, the form in which the authors of SCALE published
// their OpenTelemetry demo capture: ids in base64 (hex is taken too), times in ns,
// attributes and events as text, which are not looked at.
type CSV struct {
	file  string
	csv   *input.CSV
	col   csvColumns
	names names
	ids   textIDs
	rec   record
	tally Tally
}

// csvColumns are positions in a row; -1: the file does not have it.
type csvColumns struct {
	traceID, spanID, parentID, name, service, wanted, start, end, duration int
}

// NewCSV reads the header, in which the columns trace_id, span_id, name,
// start_time_unix_nano and end_time_unix_nano must be; parent_span_id,
// service_name and duration_ms (checked against end - start) may be. A
// ServiceAttr must be a column. file is for messages.
func NewCSV(r io.Reader, file string, opt Options) (*CSV, error) {
	want := []string{"trace_id", "span_id", "name", "start_time_unix_nano", "end_time_unix_nano"}
	attr := strings.ReplaceAll(opt.ServiceAttr, ".", "_")
	if attr != "" {
		want = append(want, attr)
	}
	c, err := input.NewCSV(file, r, want...)
	if err != nil {
		return nil, err
	}
	d := &CSV{file: file, csv: c, names: names{}}
	d.col = csvColumns{
		traceID: c.Column("trace_id"), spanID: c.Column("span_id"), parentID: c.Column("parent_span_id"),
		name: c.Column("name"), service: c.Column("service_name"), wanted: c.Column(attr),
		start: c.Column("start_time_unix_nano"), end: c.Column("end_time_unix_nano"), duration: c.Column("duration_ms"),
	}
	return d, nil
}

// Tally is what was decoded so far.
func (d *CSV) Tally() Tally { return d.tally }

// Position is the line of the last row; see datasets.Positioner.
func (d *CSV) Position() (file string, row int64) { return d.file, d.csv.Row() }

// Decode fills s with the next span; see datasets.Decoder. Row is the line on
// which the row starts: quoted fields may span lines.
func (d *CSV) Decode(s *trace.Span) error {
	row, err := d.csv.Next()
	if err != nil {
		return err
	}
	d.read(row)
	if ok := d.rec.span(s, &d.tally); !ok {
		return d.csv.Errorf(d.rec.field, "%s", d.rec.msg)
	}
	return nil
}

func (d *CSV) read(row [][]byte) {
	r, c := &d.rec, &d.col
	*r = record{}
	d.ids.setTrace(r, row[c.traceID])
	d.ids.setSpan(r, row[c.spanID])
	d.ids.setParent(r, column(row, c.parentID))
	r.set(&r.name, d.names, "name", row[c.name])
	r.set(&r.service.resource, d.names, "service_name", column(row, c.service))
	if c.wanted >= 0 {
		r.set(&r.service.wanted, d.names, d.csv.Header()[c.wanted], row[c.wanted])
	}
	r.start = d.nanos("start_time_unix_nano", row[c.start])
	r.end = d.nanos("end_time_unix_nano", row[c.end])
	d.checkDuration(column(row, c.duration))
}

// column is a column that may be absent.
func column(row [][]byte, i int) []byte {
	if i < 0 {
		return nil
	}
	return row[i]
}

func (d *CSV) nanos(field string, b []byte) uint64 {
	n, err := input.Uint(b)
	if err != nil {
		d.rec.fault(field, "%s: want nanoseconds since 1970 as digits: %v", quote(b), err)
	}
	return n
}

// checkDuration holds duration_ms against the times, which are the finer of the
// two and win.
func (d *CSV) checkDuration(b []byte) {
	if len(b) == 0 || d.rec.msg != "" {
		return
	}
	ns, err := input.Millis(b)
	if err != nil {
		d.rec.fault("duration_ms", "%s: %v", quote(b), err)
		return
	}
	span := int64(d.rec.end - d.rec.start)
	if diff := ns - span; diff < -durationSlack || diff > durationSlack {
		d.rec.fault("duration_ms", "%s ms, but end - start is %s ms", b, fmt.Sprint(float64(span)/1e6))
	}
}
