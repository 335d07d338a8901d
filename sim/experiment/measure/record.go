package measure

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// recordVersion changes when old records cannot be continued.
const recordVersion = 2

// Header says what a record is of: a record is continued only with the same one.
type Header struct {
	Version int `json:"version"`
	// Tool is the version of the program: other code plays other runs.
	Tool  string  `json:"tool"`
	Load  float64 `json:"load"` // share of the load of the scenarios
	Cases []About `json:"cases"`
}

// About is a scenario as results tell of it.
type About struct {
	Name string `json:"name"`
	// Digest is of the file and of whatever else changes runs.
	Digest  string   `json:"digest"`
	Summary string   `json:"summary"`
	Lesson  string   `json:"lesson"`
	Notes   []string `json:"notes,omitempty"` // what readers must know
}

// line is one line of a record: exactly one of them is set.
type line struct {
	Header      *Header      `json:"header,omitempty"`
	Calibration *Calibration `json:"calibration,omitempty"`
	Run         *Measures    `json:"run,omitempty"`
	Timeline    *Timeline    `json:"timeline,omitempty"`
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
	Header       Header
	f            File // nil: for reading only
	name         string
	runs         map[runKey]*Measures
	order        []*Measures
	timelines    map[runKey]*Timeline
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
	r, whole, err := readRecord(f, name, &h)
	if err != nil {
		return nil, fmt.Errorf("%w. Choose another folder, or remove the record to start over", err)
	}
	r.f = f
	if err := f.Truncate(whole); err != nil {
		return nil, err
	}
	if _, err := f.Seek(whole, io.SeekStart); err != nil {
		return nil, err
	}
	if whole == 0 {
		r.Header = h
		return r, r.write(line{Header: &h})
	}
	return r, nil
}

// ReadRecord reads a record, whatever it is of. Nothing can be added to it.
func ReadRecord(f io.Reader, name string) (*Record, error) {
	r, whole, err := readRecord(f, name, nil)
	if err == nil && whole == 0 {
		return nil, fmt.Errorf("%s: empty: no record of simulate", name)
	}
	return r, err
}

// readRecord reads the whole lines of a record, and how many bytes they are. want, if
// not nil, is what it has to be of.
func readRecord(f io.Reader, name string, want *Header) (*Record, int64, error) {
	r := &Record{name: name, runs: map[runKey]*Measures{}, timelines: map[runKey]*Timeline{}, Calibrations: map[string]*Calibration{}}
	content, err := io.ReadAll(f)
	if err != nil {
		return nil, 0, err
	}
	whole := bytes.LastIndexByte(content, '\n') + 1
	for i, text := range bytes.Split(content[:whole], []byte("\n")) {
		if len(text) == 0 {
			continue
		}
		if err := r.read(i, text, want); err != nil {
			return nil, 0, fmt.Errorf("%s:%d: %w", name, i+1, err)
		}
	}
	return r, int64(whole), nil
}

func (r *Record) read(i int, text []byte, want *Header) error {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return fmt.Errorf("not a line of a record of simulate: %w", err)
	}
	switch {
	case (i == 0) != (l.Header != nil):
		return fmt.Errorf("want the header in the first line and nowhere else")
	case l.Header != nil:
		r.Header = *l.Header
		if want != nil {
			return l.Header.sameAs(want)
		}
		if l.Header.Version != recordVersion {
			return fmt.Errorf("the record is of version %d, this program reads %d", l.Header.Version, recordVersion)
		}
	case l.Calibration != nil:
		r.Calibrations[l.Calibration.Case] = l.Calibration
	case l.Run != nil:
		r.keep(l.Run)
	case l.Timeline != nil:
		if err := l.Timeline.Check(); err != nil {
			return err
		}
		r.timelines[runKey{l.Timeline.Case, l.Timeline.Policy, l.Timeline.Seed}] = l.Timeline
	default:
		return fmt.Errorf("want a calibration, a run or a timeline")
	}
	return nil
}

// sameAs wants every case of the new experiment to be what it was; it may leave some out.
func (h *Header) sameAs(now *Header) error {
	if h.Version != now.Version || h.Load != now.Load {
		return fmt.Errorf("the record is of version %d and load %g, not %d and %g", h.Version, h.Load, now.Version, now.Load)
	}
	if h.Tool != now.Tool {
		return fmt.Errorf("the record was made by version %q of the program, this is %q", h.Tool, now.Tool)
	}
	for _, c := range now.Cases {
		if !slices.ContainsFunc(h.Cases, func(old About) bool { return old.Name == c.Name && old.Digest == c.Digest }) {
			return fmt.Errorf("the record is of other scenarios: %s is not the one that it was", c.Name)
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

// Run is one; nil: it is not in the record.
func (r *Record) Run(c, policy string, seed uint64) *Measures { return r.runs[runKey{c, policy, seed}] }

// Runs are all of them.
func (r *Record) Runs() []*Measures { return r.order }

// Timeline is that of a run; nil: it is not in the record.
func (r *Record) Timeline(c, policy string, seed uint64) *Timeline {
	return r.timelines[runKey{c, policy, seed}]
}

// AddTimeline appends one.
func (r *Record) AddTimeline(t *Timeline) error {
	r.timelines[runKey{t.Case, t.Policy, t.Seed}] = t
	return r.write(line{Timeline: t})
}

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
