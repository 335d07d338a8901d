package nezha

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/scale-eval/scale-eval/datasets/input"
	"github.com/scale-eval/scale-eval/datasets/trace"
)

// maxFaultList bounds a fault list, bytes; those of the data have 5 KiB.
const maxFaultList = 16 << 20

// Fault is a row of a fault list.
type Fault struct {
	Type    string // inject_type: network_delay, cpu_contention, …
	Pod     string // inject_pod
	Service string // of Pod
	At      int64  // inject_timestamp, ns since the Unix epoch
	Row     int64  // number of the row in its file, the first is 1
}

// faultRow is a row as it lies in the file. The timestamp is a string of digits;
// a number is taken too.
type faultRow struct {
	Time      string     `json:"inject_time"`
	Timestamp jsonNumber `json:"inject_timestamp"`
	Pod       string     `json:"inject_pod"`
	Type      string     `json:"inject_type"`
}

// jsonNumber is the text of a JSON number or string.
type jsonNumber string

// UnmarshalJSON takes off the quotes, if any.
func (n *jsonNumber) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		return json.Unmarshal(b, (*string)(n))
	}
	*n = jsonNumber(b)
	return nil
}

// readFaults reads {"03": [row, …], "04": …}, the hours in file order. A row that
// makes no fault is a bad row; broken JSON breaks the stream, because labels made
// of half a list would be wrong everywhere.
func (d *Decoder) readFaults(f *input.File) error {
	dec := json.NewDecoder(io.LimitReader(f, maxFaultList))
	row, err := int64(0), delim(dec, '{')
	for err == nil && dec.More() {
		if _, err = dec.Token(); err != nil { // the hour
			break
		}
		var rows []json.RawMessage
		if err = dec.Decode(&rows); err != nil {
			break
		}
		for _, raw := range rows {
			row++
			d.addFault(f.Path, row, raw)
		}
	}
	if err == nil {
		err = delim(dec, '}')
	}
	if err != nil {
		return fmt.Errorf(`%s: after row %d: %w: want {"<hour>": [{"inject_timestamp": …}, …], …}`, f.Path, row, err)
	}
	return nil
}

func delim(dec *json.Decoder, want json.Delim) error {
	t, err := dec.Token()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err == nil && t != want {
		err = fmt.Errorf("found %v instead of %v", t, want)
	}
	return err
}

// addFault keeps one row, or queues what is wrong with it.
func (d *Decoder) addFault(path string, row int64, raw json.RawMessage) {
	bad := func(field, format string, args ...any) {
		d.badRow = append(d.badRow, &trace.RowError{File: path, Row: row, Field: field, Msg: fmt.Sprintf(format, args...)})
	}
	var r faultRow
	if err := json.Unmarshal(raw, &r); err != nil {
		bad("", "%v: want inject_time, inject_timestamp, inject_pod and inject_type", err)
		return
	}
	seconds, err := input.Int([]byte(r.Timestamp))
	if err != nil || seconds < 0 || seconds > maxSeconds {
		bad("inject_timestamp", "%.200q: want seconds since 1970", string(r.Timestamp))
		return
	}
	f := Fault{Type: r.Type, Pod: r.Pod, Service: serviceOf(r.Pod), At: seconds * int64(time.Second), Row: row}
	if f.Service == "" {
		bad("inject_pod", "%.200q: want <service>-<hash>-<suffix>", r.Pod)
		return
	}
	d.compareTimes(path, row, r.Time, seconds)
	d.faults = append(d.faults, f)
	if d.opt.Label != nil {
		if err := d.opt.Label.AddFault(f.Type, f.Service, f.At); err != nil {
			bad("inject_type", "%v", err)
		}
	}
}

// maxSeconds keeps times in int64 ns with room for windows.
const maxSeconds = 1 << 62 / int64(time.Second)

// compareTimes warns when the two times of a row differ.
func (d *Decoder) compareTimes(path string, row int64, text string, seconds int64) {
	at := time.Unix(seconds, 0).UTC()
	t, err := time.Parse(time.DateTime, text)
	switch {
	case err != nil:
		d.warnings = append(d.warnings, fmt.Sprintf("%s:%d: inject_time %.200q cannot be read; inject_timestamp %d (%s) is used",
			path, row, text, seconds, at.Format(time.DateTime)))
	case !t.Equal(at):
		d.warnings = append(d.warnings, fmt.Sprintf("%s:%d: inject_time %s is %+d s from inject_timestamp %d (%s), which is used",
			path, row, text, t.Unix()-seconds, seconds, at.Format(time.DateTime)))
	}
}
