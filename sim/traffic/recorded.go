package traffic

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// MaxBins is the longest series ReadCounts takes: 23 days of seconds.
const MaxBins = 2_000_000

// Counts is a recorded number of requests a bin of time.
type Counts struct {
	Bin     int64 // ns
	PerBin  []float64
	Missing int // bins between the first and the last without a row, taken for 0
}

// Rate is the series as steps.
func (c *Counts) Rate() Rate {
	var r Rate
	for i, n := range c.PerBin {
		perSecond := n / (float64(c.Bin) / 1e9)
		from := int64(i) * c.Bin
		r.points = append(r.points, Point{from, perSecond}, Point{from + c.Bin, perSecond})
	}
	return r
}

// Mean is the mean rate, requests per second.
func (c *Counts) Mean() float64 {
	sum := 0.0
	for _, n := range c.PerBin {
		sum += n
	}
	return sum / (float64(len(c.PerBin)) * float64(c.Bin) / 1e9)
}

// timeColumns are the known forms of the first column, by its header.
var timeColumns = map[string]struct {
	bin   time.Duration
	parse func(string) (int64, error) // ns
}{
	"minute_utc": {time.Minute, parseUTC},
	"second":     {time.Second, parseSecond},
	"":           {time.Second, parseSecond}, // the index of a pandas series
}

func parseUTC(s string) (int64, error) {
	t, err := time.Parse(time.DateTime, s)
	if err != nil {
		return 0, fmt.Errorf("%q: want a time such as 1998-07-07 00:01:00", s)
	}
	return t.UnixNano(), nil
}

func parseSecond(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > forever/int64(time.Second) {
		return 0, fmt.Errorf("%q: want a whole number of seconds >= 0", s)
	}
	return n * 1e9, nil
}

// ReadCounts reads a series in CSV: a header, then a time and a number of requests a
// row. The header says what the time is: minute_utc (2006-01-02 15:04:05), second,
// or nothing (a number of seconds); the second column is requests or count. Rows
// are in order of time. Malformed ones are tallied and left out; a wrong header, a
// series longer than MaxBins and I/O errors end the reading. name is for messages.
func ReadCounts(r io.Reader, name string) (*Counts, *trace.Bad, error) {
	in := csv.NewReader(r)
	in.FieldsPerRecord = -1
	in.ReuseRecord = true
	head, err := in.Read()
	if err != nil {
		return nil, nil, fmt.Errorf("%s: header: %w; want e.g. second,requests", name, err)
	}
	column, known := timeColumns[head[0]]
	if len(head) != 2 || !known || head[1] != "requests" && head[1] != "count" {
		return nil, nil, fmt.Errorf("%s:1: header %q: want minute_utc, second or nothing, then requests or count", name, head)
	}
	c := &countReader{counts: Counts{Bin: int64(column.bin)}, parse: column.parse}
	bad := &trace.Bad{}
	for row := int64(2); ; row++ {
		rec, err := in.Read()
		if err == io.EOF {
			break
		}
		var syntax *csv.ParseError
		if err != nil && !errors.As(err, &syntax) {
			return nil, bad, fmt.Errorf("%s:%d: %w", name, row, err)
		}
		field := ""
		if err == nil {
			field, err = c.add(rec)
		}
		if err != nil {
			bad.Add(&trace.RowError{File: name, Row: row, Field: field, Msg: err.Error()})
		}
	}
	if len(c.counts.PerBin) == 0 {
		return nil, bad, fmt.Errorf("%s: no usable row: want a time and a count in each", name)
	}
	return &c.counts, bad, nil
}

type countReader struct {
	counts Counts
	parse  func(string) (int64, error)
	first  int64 // time of the first row, ns
}

// add takes one row, or names the field that is wrong.
func (c *countReader) add(rec []string) (field string, err error) {
	if len(rec) != 2 {
		return "", fmt.Errorf("%d fields: want a time and a count", len(rec))
	}
	at, err := c.parse(rec[0])
	if err != nil {
		return "time", err
	}
	n, err := strconv.ParseFloat(rec[1], 64)
	if most := maxPerSecond * (float64(c.counts.Bin) / 1e9); err != nil || !(n >= 0 && n <= most) {
		return "count", fmt.Errorf("%q: want a number of requests, 0..%g", rec[1], most)
	}
	have := int64(len(c.counts.PerBin))
	if have == 0 {
		c.first = at
	}
	i := (at - c.first) / c.counts.Bin
	switch {
	case (at-c.first)%c.counts.Bin != 0:
		return "time", fmt.Errorf("%q: want a whole number of bins of %s behind the first row", rec[0], time.Duration(c.counts.Bin))
	case i < have:
		return "time", fmt.Errorf("%q: want rows in order of time, one a bin", rec[0])
	case i >= MaxBins:
		return "time", fmt.Errorf("%q: more than %d bins behind the first row", rec[0], MaxBins)
	}
	for ; have < i; have++ {
		c.counts.PerBin = append(c.counts.PerBin, 0)
		c.counts.Missing++
	}
	c.counts.PerBin = append(c.counts.PerBin, n)
	return "", nil
}
