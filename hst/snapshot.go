package hst

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
)

// A snapshot is, little-endian and with explicit widths, the same on every
// architecture:
//
//	"HSTF", u16 version
//	u8 variant, u32 trees, u8 height, u32 window, seed (u8 negative, bytes)
//	limits: u32 count, then by name (bytes name, f64 low, f64 high)
//	features: u32 count, then bytes; none: a River that has not learnt, ends here
//	u64 observations learnt, 32 bytes SHA-256 of the splits
//	masses: see appendMasses
//	32 bytes SHA-256 of all before
//
// where bytes are a u32 length and that many bytes. Splits are not stored: they
// follow from the rest, and their hash says so.
const (
	snapshotMagic   = "HSTF"
	snapshotVersion = 1
)

// ErrSnapshot is wrapped by every error of RestoreForest and RestoreRiver.
var ErrSnapshot = errors.New("hst: snapshot")

// ErrMerge is what [Forest.Merge] returns.
var ErrMerge = errors.New("hst: Half-Space-Trees models cannot be merged: the masses of a reference window are not additive across windows. " +
	"A score compares the counts of exactly one window of Window observations with 0.1 Window; the sum of two windows, each closed at a time of its own, is neither. " +
	"Feed one model the interleaved stream, or average the scores of the two")

// Merge always errs, and leaves both forests alone. It exists to say why, and
// what to do instead.
func (f *Forest) Merge(*Forest) error { return ErrMerge }

// Clone is a copy that shares nothing that changes. Cost: one copy of the memory.
func (f *Forest) Clone() *Forest {
	c := *f
	c.nodes = slices.Clone(f.nodes)
	return &c
}

// Snapshot is the whole state of the forest as bytes. A forest restored from it
// continues bit for bit, on any machine, from any observation on.
//
// Its size is a few hundred bytes and at most 6 for each node that the last full
// window or the current one visited. Cost: a hash of all splits, about 12 ns a branch.
func (f *Forest) Snapshot() []byte {
	b := appendHeader(nil, f.cfg, f.features)
	b = binary.LittleEndian.AppendUint64(b, f.learned)
	hash := f.splitsHash()
	b = append(b, hash[:]...)
	for t := range f.cfg.Trees {
		b = f.appendMasses(b, f.tree(t), 0)
	}
	return seal(b)
}

// Snapshot is the whole state of the model as bytes, see [Forest.Snapshot].
func (r *River) Snapshot() []byte {
	if r.forest == nil {
		return seal(appendHeader(nil, r.cfg, nil))
	}
	return r.forest.Snapshot()
}

// RestoreForest is the forest that Snapshot was called on. It refuses a snapshot
// whose forest would take more than maxBytes ([Forest.MemoryBytes]; a quarter
// more is in use for a moment), so that hostile input costs no more than that.
//
// Every error wraps [ErrSnapshot] and says what is wrong: cut short, changed,
// another version, out of range, or of a forest that this build grows differently.
func RestoreForest(snapshot []byte, maxBytes int64) (*Forest, error) {
	r, err := RestoreRiver(snapshot, maxBytes)
	if err != nil {
		return nil, err
	}
	if r.forest == nil {
		return nil, fmt.Errorf("%w: of a River that has not learnt and so has no forest: use RestoreRiver", ErrSnapshot)
	}
	return r.forest, nil
}

// RestoreRiver is the model that Snapshot was called on, see [RestoreForest]. It
// takes the snapshot of a Forest, too.
func RestoreRiver(snapshot []byte, maxBytes int64) (*River, error) {
	r, err := restore(snapshot, maxBytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	return r, nil
}

func restore(snapshot []byte, maxBytes int64) (*River, error) {
	body, err := unseal(snapshot, snapshotMagic, snapshotVersion)
	if err != nil {
		return nil, err
	}
	d := &decoder{rest: body}
	cfg, features := d.header()
	if d.err == nil {
		d.err = cfg.Validate()
	}
	if need := cfg.memoryBytes(); d.err == nil && need > maxBytes {
		d.err = fmt.Errorf("its forest takes %d bytes, more than the %d allowed", need, maxBytes)
	}
	if d.err != nil {
		return nil, d.err
	}
	r := &River{cfg: cfg}
	if len(features) > 0 {
		if err := r.grow(features); err != nil {
			return nil, err
		}
		r.forest.restoreMasses(d)
	}
	if d.err == nil && len(d.rest) > 0 {
		d.err = fmt.Errorf("%d bytes too long", len(d.rest))
	}
	if d.err != nil {
		return nil, d.err
	}
	return r, nil
}

func seal(b []byte) []byte {
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

// snapshotHead is the length of magic and version, in front of every snapshot.
const snapshotHead = len(snapshotMagic) + 2

// unseal checks magic, version and checksum and returns what lies between. All
// magics have the length of snapshotMagic.
func unseal(b []byte, magic string, version uint16) ([]byte, error) {
	if len(b) < snapshotHead+sha256.Size {
		return nil, fmt.Errorf("%d bytes are too few: cut short?", len(b))
	}
	if string(b[:len(magic)]) != magic {
		return nil, fmt.Errorf("starts with %q, not with %q: a snapshot of something else", b[:len(magic)], magic)
	}
	if v := binary.LittleEndian.Uint16(b[len(magic):]); v != version {
		return nil, fmt.Errorf("version %d: this build reads version %d", v, version)
	}
	end := len(b) - sha256.Size
	if sum := sha256.Sum256(b[:end]); !bytes.Equal(sum[:], b[end:]) {
		return nil, errors.New("checksum does not match: cut short or changed")
	}
	return b[snapshotHead:end], nil
}

func appendHeader(b []byte, cfg Config, features []string) []byte {
	le := binary.LittleEndian
	b = append(b, snapshotMagic...)
	b = le.AppendUint16(b, snapshotVersion)
	b = append(b, byte(cfg.Variant))
	b = le.AppendUint32(b, uint32(cfg.Trees))
	b = append(b, byte(cfg.Height))
	b = le.AppendUint32(b, uint32(cfg.Window))
	negative := byte(0)
	if cfg.Seed.negative {
		negative = 1
	}
	b = appendString(append(b, negative), cfg.Seed.magnitude)
	b = le.AppendUint32(b, uint32(len(cfg.Limits)))
	for _, name := range slices.Sorted(maps.Keys(cfg.Limits)) {
		l := cfg.Limits[name]
		b = appendString(b, name)
		b = le.AppendUint64(b, math.Float64bits(l[0]))
		b = le.AppendUint64(b, math.Float64bits(l[1]))
	}
	b = le.AppendUint32(b, uint32(len(features)))
	for _, name := range features {
		b = appendString(b, name)
	}
	return b
}

func appendString(b []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(s))), s...)
}

// appendMasses writes the masses below node i in pre-order. Each observation that
// passed i went on to exactly one child, so the left child's share says it all:
// a varint of its reference mass where i has any, one of its latest mass where i
// has any, and nothing below a node with neither. The root's follow from the
// number of observations learnt. What breaks that rule cannot be written down.
func (f *Forest) appendMasses(b []byte, tree []node, i int) []byte {
	r, l := tree[i].past(f.epoch), tree[i].current(f.epoch)
	if i >= f.branches || r|l == 0 {
		return b
	}
	leftR, leftL := tree[2*i+1].past(f.epoch), tree[2*i+1].current(f.epoch)
	if r > 0 {
		b = binary.AppendUvarint(b, uint64(leftR))
	}
	if l > 0 {
		b = binary.AppendUvarint(b, uint64(leftL))
	}
	b = f.appendMasses(b, tree, 2*i+1)
	return f.appendMasses(b, tree, 2*i+2)
}

// restoreMasses reads what follows the header into a forest that has learnt
// nothing.
func (f *Forest) restoreMasses(d *decoder) {
	f.learned = d.uint64()
	if want, got := d.take(sha256.Size), f.splitsHash(); d.err == nil && !bytes.Equal(want, got[:]) {
		d.err = errors.New("its trees are not those that this build grows from its configuration")
	}
	if d.err == nil && f.learned > math.MaxInt64 {
		d.err = fmt.Errorf("it claims %d observations", f.learned)
	}
	window := uint64(f.cfg.Window)
	f.counter, f.ready = int(f.learned%window), f.learned >= window
	var reference uint32
	if f.ready {
		reference = uint32(window)
	}
	for t := 0; t < f.cfg.Trees && d.err == nil; t++ {
		f.readMasses(d, f.tree(t), 0, reference, uint32(f.counter))
	}
}

// readMasses gives node i the masses r and l and reads those below it.
func (f *Forest) readMasses(d *decoder, tree []node, i int, r, l uint32) {
	n := &tree[i]
	n.epoch, n.reference, n.latest = f.epoch, r, l
	if i >= f.branches || r|l == 0 || d.err != nil {
		return
	}
	leftR, leftL := d.upTo(r), d.upTo(l)
	f.readMasses(d, tree, 2*i+1, leftR, leftL)
	f.readMasses(d, tree, 2*i+2, r-leftR, l-leftL)
}

// splitsHash is the SHA-256 of every branch, tree after tree in heap order:
// f64 threshold, u32 feature.
func (f *Forest) splitsHash() (sum [sha256.Size]byte) {
	h := sha256.New()
	buf := make([]byte, 0, 12<<10)
	for t := range f.cfg.Trees {
		for i := range f.branches {
			n := &f.tree(t)[i]
			buf = binary.LittleEndian.AppendUint64(buf, math.Float64bits(n.threshold))
			buf = binary.LittleEndian.AppendUint32(buf, n.feature)
			if len(buf) == cap(buf) {
				h.Write(buf)
				buf = buf[:0]
			}
		}
	}
	h.Write(buf)
	h.Sum(sum[:0])
	return sum
}
