package hst

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// A snapshot of a Line is, little-endian as that of a Forest:
//
//	"HSTL", u16 version
//	configuration and features as in the snapshot of a Forest
//	u32 number of the feature it is on
//	u64 full windows so far
//	the keys of the reference window, u64 each, none in the first window
//	u32 count, then the keys of the current window
//	32 bytes SHA-256 of all before
//
// The score table is not stored: it follows from the reference window.
const (
	lineMagic   = "HSTL"
	lineVersion = 1
)

// Snapshot is the whole state of the model as bytes. A Line restored from it
// continues bit for bit, on any machine, from any observation on. Its size is 8
// bytes an observation of the last full window and of the current one.
func (l *Line) Snapshot() []byte {
	le := binary.LittleEndian
	b := le.AppendUint16([]byte(lineMagic), lineVersion)
	b = append(b, appendHeader(nil, l.trees.cfg, l.trees.features)[snapshotHead:]...)
	b = le.AppendUint32(b, uint32(l.trees.on))
	b = le.AppendUint64(b, uint64(l.windows))
	if l.windows > 0 {
		b = appendKeys(b, l.last)
	}
	b = le.AppendUint32(b, uint32(len(l.filling)))
	return seal(appendKeys(b, l.filling))
}

func appendKeys(b []byte, keys []uint64) []byte {
	for _, k := range keys {
		b = binary.LittleEndian.AppendUint64(b, k)
	}
	return b
}

// RestoreLine is the Line that Snapshot was called on. It refuses a snapshot whose
// Line would take more than maxBytes ([Line.MemoryBytes]; its trees take 12 more
// bytes a branch while they grow).
//
// Every error wraps [ErrSnapshot] and says what is wrong.
func RestoreLine(snapshot []byte, maxBytes int64) (*Line, error) {
	l, err := restoreLine(snapshot, maxBytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	return l, nil
}

func restoreLine(snapshot []byte, maxBytes int64) (*Line, error) {
	body, err := unseal(snapshot, lineMagic, lineVersion)
	if err != nil {
		return nil, err
	}
	d := &decoder{rest: body}
	cfg, features := d.header()
	on := int(d.uint32())
	if d.err == nil {
		d.err = lineFits(cfg, len(features), on, maxBytes)
	}
	if d.err != nil {
		return nil, d.err
	}
	trees, err := newLineTrees(cfg, features, on)
	if err != nil {
		return nil, err
	}
	l := newLine(trees)
	if l.restoreWindows(d); d.err != nil {
		return nil, d.err
	}
	return l, nil
}

// lineFits checks a configuration that comes from outside.
func lineFits(cfg Config, features, on int, maxBytes int64) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	if on >= features {
		return fmt.Errorf("it is on feature %d of %d", on, features)
	}
	if need := lineBytes(cfg); need > maxBytes {
		return fmt.Errorf("its model takes %d bytes, more than the %d allowed", need, maxBytes)
	}
	return nil
}

// restoreWindows reads what follows the configuration into a Line that has not
// learned.
func (l *Line) restoreWindows(d *decoder) {
	window := l.trees.cfg.Window
	l.windows = int64(d.uint64())
	if d.err == nil && (l.windows < 0 || l.windows > math.MaxInt64/int64(window)-1) {
		d.err = fmt.Errorf("it claims %d windows", uint64(l.windows))
	}
	if l.windows > 0 {
		l.last = d.keys(window)
	}
	n := d.count(8)
	l.filling = d.keys(n)
	if d.err == nil && n >= window {
		d.err = fmt.Errorf("%d observations in a window of %d that is not full", n, window)
	}
	if d.err == nil && len(d.rest) > 0 {
		d.err = fmt.Errorf("%d bytes too long", len(d.rest))
	}
	if d.err == nil && l.windows > 0 {
		l.builder.build(&l.table, l.last, l.windows == 1)
	}
}

// keys reads n keys of numbers.
func (d *decoder) keys(n int) []uint64 {
	if d.err == nil && n > len(d.rest)/8 {
		d.err = errors.New("ends within a window")
	}
	if d.err != nil {
		return nil
	}
	low, high := orderKey(math.Inf(-1)), orderKey(math.Inf(1))
	keys := make([]uint64, n)
	for i := range keys {
		if keys[i] = d.uint64(); keys[i] < low || keys[i] > high {
			d.err = fmt.Errorf("observation %d of a window is not a number", i)
			return nil
		}
	}
	return keys
}

// Clone is an independent copy; the trees, which never change, are shared. Cost:
// the scratch memory and both windows.
func (l *Line) Clone() *Line {
	c := newLine(l.trees)
	c.filling, c.last, c.windows = slices.Clone(l.filling), slices.Clone(l.last), l.windows
	c.table = l.table.clone()
	return c
}
