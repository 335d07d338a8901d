package live

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/cespare/xxhash/v2"
)

// A snapshot is a magic, a version, what walk walks, and the XXH64 of all that: the sum
// is after accidents, and spans wait while it is taken.
const (
	snapshotMagic   = "SEPIPE"
	snapshotVersion = 4
	snapshotHead    = len(snapshotMagic) + 2
	snapshotSum     = 8
)

// ErrSnapshot is what every error of Restore about its bytes wraps.
var ErrSnapshot = errors.New("live: not a snapshot of a pipeline")

// Snapshot is the whole state of the pipeline as bytes; see [Pipeline.WriteSnapshot].
func (p *Pipeline) Snapshot() ([]byte, error) {
	var b bytes.Buffer
	err := p.WriteSnapshot(&b)
	return b.Bytes(), err
}

// WriteSnapshot is [Pipeline.BeginSnapshot] to its end at once: w should not wait for a
// disk or a network.
func (p *Pipeline) WriteSnapshot(w io.Writer) error {
	s, err := p.BeginSnapshot(w)
	for done := false; err == nil && !done; {
		done, err = s.Step(math.MaxInt)
	}
	return err
}

// SnapshotWriter writes a snapshot while the pipeline goes on.
type SnapshotWriter struct {
	p   *Pipeline
	c   *codec
	of  *saving
	to  io.Writer
	sum *xxhash.Digest
}

// BeginSnapshot begins to write to w the whole state that the pipeline has now: calls
// and their statistics, services, open traces, the windows of rules, what guards and the
// audit log remember, counters and the time. Not in it are the rules themselves, the
// state of the sampler, which has a snapshot of its own, and that of extra rules.
//
// It writes all but the open traces, which can be a quarter of a million spans. They
// are for [SnapshotWriter.Step]: the pipeline may go on between two of its calls, and
// they are still written as they are now. A snapshot that was begun before and has not
// ended is given up.
//
// Time: O(calls and what windows hold). Memory: two words a name and an open trace. w
// should not wait for a disk or a network. An error is that of w.
func (p *Pipeline) BeginSnapshot(w io.Writer) (*SnapshotWriter, error) {
	p.countNotes()
	s := &SnapshotWriter{p: p, to: w, sum: xxhash.New()}
	s.c = newWriter(io.MultiWriter(w, s.sum))
	s.c.buf = append(s.c.buf, snapshotMagic...)
	s.c.buf = binary.LittleEndian.AppendUint16(s.c.buf, snapshotVersion)
	p.walk(s.c)
	s.of = p.traces.saving
	s.c.spill()
	return s, s.failed()
}

// failed gives the snapshot up after an error of w.
func (s *SnapshotWriter) failed() error {
	if s.c.err != nil {
		s.p.traces.saving = nil
	}
	return s.c.err
}

// Step writes open traces of about so many spans, some 40 bytes and 0.15 to 0.3 µs each. It
// says true when the snapshot is whole, and errs as w does, or with ErrSnapshot when
// another one was begun meanwhile.
func (s *SnapshotWriter) Step(spans int) (done bool, err error) {
	if s.of != s.p.traces.saving {
		return false, fmt.Errorf("%w: another one was begun before this one was whole", ErrSnapshot)
	}
	if done = s.p.traces.save(spans); done {
		s.c.spill()
	}
	if err := s.failed(); err != nil || !done {
		return false, err
	}
	_, err = s.to.Write(s.sum.Sum(nil))
	return err == nil, err
}

// Restore makes a pipeline that continues where the one was that Snapshot was called
// on: given the same spans and ticks it decides the same. Windows go to the rules of
// o that look for the same spans in the same way, whatever their name and response;
// those of other rules start empty.
//
// It may continue later. Nobody has watched in between, so when the first tick comes
// more than Skew after the time that was told last, nothing counts as calm, or as
// wanted for a while, on the strength of the time before.
//
// Errors wrap [ErrSnapshot] when the snapshot is damaged, of another version, or does
// not fit Settings.MaxCalls or the sanitiser; others are those of [New]. Memory is
// bounded by the settings, whatever the bytes say.
func Restore(o Options, snapshot []byte) (*Pipeline, error) {
	p, err := New(o)
	if err != nil {
		return nil, err
	}
	body, err := unsealSnapshot(snapshot)
	if err == nil {
		c := newReader(body)
		p.walk(c)
		if err = c.err; err == nil && len(c.buf) > 0 {
			err = fmt.Errorf("%d bytes too long", len(c.buf))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	if p.ticked && p.resumed == nil {
		p.resumed = ptr(p.clock)
	}
	return p, nil
}

func unsealSnapshot(b []byte) ([]byte, error) {
	if len(b) < snapshotHead+snapshotSum {
		return nil, fmt.Errorf("%d bytes are too few: cut short?", len(b))
	}
	end := len(b) - snapshotSum
	if string(b[:len(snapshotMagic)]) != snapshotMagic {
		return nil, fmt.Errorf("it starts with %q, not with %q", b[:len(snapshotMagic)], snapshotMagic)
	}
	if v := binary.LittleEndian.Uint16(b[len(snapshotMagic):]); v != snapshotVersion {
		return nil, fmt.Errorf("version %d, this program reads version %d", v, snapshotVersion)
	}
	if xxhash.Sum64(b[:end]) != binary.BigEndian.Uint64(b[end:]) {
		return nil, errors.New("its checksum does not match: cut short or changed")
	}
	return b[snapshotHead:end], nil
}
