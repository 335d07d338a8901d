package experiment

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// recordVersion changes when old records cannot be continued.
const recordVersion = 1

// Header says what a record is of: a record is continued only with the same one.
type Header struct {
	Version int `json:"version"`
	// Tool is the version of the program: other code plays other runs.
	Tool string `json:"tool"`
	// Cases are the scenarios by name, with a digest of each file and of the options
	// that change runs.
	Cases map[string]string `json:"cases"`
	Load  float64           `json:"load"` // share of the load of the scenarios
}

// line is one line of a record: exactly one of them is set.
type line struct {
	Header      *Header      `json:"header,omitempty"`
	Calibration *Calibration `json:"calibration,omitempty"`
	Run         *Measures    `json:"run,omitempty"`
}

// File is what a record is kept in, such as an *os.File opened for reading and
// writing.
type File interface {
	io.ReadWriteSeeker
	Truncate(size int64) error
}

// Record is an append-only file of what is finished, a JSON line each, written by one
// call: whatever ends the process leaves at most a torn last line, which OpenRecord
// cuts off.
type Record struct {
	f            File
	name         string
	runs         map[runKey]*Measures
	order        []*Measures
	Calibrations map[string]*Calibration
}

type runKey struct {
	c, policy string
	seed      uint64
}

// OpenRecord reads what there is and continues it. An empty file gets the header. The
// error says so when the file is of another experiment.
func OpenRecord(f File, name string, h Header) (*Record, error) {
	h.Version = recordVersion
	r := &Record{f: f, name: name, runs: map[runKey]*Measures{}, Calibrations: map[string]*Calibration{}}
	content, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	whole := bytes.LastIndexByte(content, '\n') + 1
	for i, text := range bytes.Split(content[:whole], []byte("\n")) {
		if len(text) == 0 {
			continue
		}
		if err := r.read(i, text, &h); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, i+1, err)
		}
	}
	if err := f.Truncate(int64(whole)); err != nil {
		return nil, err
	}
	if _, err := f.Seek(int64(whole), io.SeekStart); err != nil {
		return nil, err
	}
	if whole == 0 {
		return r, r.write(line{Header: &h})
	}
	return r, nil
}

func (r *Record) read(i int, text []byte, h *Header) error {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return fmt.Errorf("not a line of a record: %w. Remove the file to start over", err)
	}
	switch {
	case (i == 0) != (l.Header != nil):
		return fmt.Errorf("want the header in the first line and nowhere else. Remove the file to start over")
	case l.Header != nil:
		return l.Header.sameAs(h)
	case l.Calibration != nil:
		r.Calibrations[l.Calibration.Case] = l.Calibration
	case l.Run != nil:
		r.keep(l.Run)
	}
	return nil
}

// sameAs wants every case of the new experiment to be what it was; it may leave some out.
func (h *Header) sameAs(now *Header) error {
	if h.Version != now.Version || h.Load != now.Load {
		return fmt.Errorf("the record is of version %d and load %g, not %d and %g. Choose another --out, or remove it", h.Version, h.Load, now.Version, now.Load)
	}
	if h.Tool != now.Tool {
		return fmt.Errorf("the record was made by version %q of the program, this is %q. Choose another --out, or remove it", h.Tool, now.Tool)
	}
	for name, digest := range now.Cases {
		if old, ok := h.Cases[name]; !ok || old != digest {
			return fmt.Errorf("the record is of other scenarios: %s is not the one that it was. Choose another --out, or remove it", name)
		}
	}
	return nil
}

func (r *Record) keep(m *Measures) {
	k := runKey{m.Case, m.Policy, m.Seed}
	if r.runs[k] == nil {
		r.runs[k] = m
		r.order = append(r.order, m)
	}
}

// Done says whether a run is in the record.
func (r *Record) Done(c, policy string, seed uint64) bool {
	return r.runs[runKey{c, policy, seed}] != nil
}

// Runs are all of them.
func (r *Record) Runs() []*Measures { return r.order }

// Add appends a run.
func (r *Record) Add(m *Measures) error {
	r.keep(m)
	return r.write(line{Run: m})
}

// Calibrated appends a calibration.
func (r *Record) Calibrated(c *Calibration) error {
	r.Calibrations[c.Case] = c
	return r.write(line{Calibration: c})
}

func (r *Record) write(l line) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	if _, err := r.f.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("%s: %w", r.name, err)
	}
	return nil
}
