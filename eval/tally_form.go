package eval

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// tallyVersion is the version of what Write writes. It is numbers of variable length, as
// of package binary, because most are small and a run of a thousand shards reads half a
// billion of them:
//
//	version, cut-off, its value, test, warmUp, lowestKept, highestDropped
//	256 labels
//	4096 groups: TP, FP, FN, TN
//	whether scores are rounded, how many there are
//	for each, ascending: the gap to the key before it, positives, negatives
const tallyVersion = 2

// Write writes the tally so that ReadTally gives it back.
func (t *Tally) Write(w io.Writer) error {
	t.scores.settle()
	f := tallyWriter{w: bufio.NewWriter(w)}
	f.numbers(tallyVersion, uint64(t.cut.by), math.Float64bits(t.cut.value), uint64(t.test), uint64(t.warmUp),
		math.Float64bits(t.lowestKept), math.Float64bits(t.highestDropped))
	for _, n := range t.byLabel {
		f.numbers(uint64(n))
	}
	for _, c := range t.cells {
		f.numbers(uint64(c.TP), uint64(c.FP), uint64(c.FN), uint64(c.TN))
	}
	f.scores(&t.scores)
	return f.w.Flush()
}

// tallyWriter leaves errors to the buffer, which keeps the first.
type tallyWriter struct {
	w *bufio.Writer
	b [binary.MaxVarintLen64]byte
}

func (f *tallyWriter) numbers(list ...uint64) {
	for _, x := range list {
		f.w.Write(f.b[:binary.PutUvarint(f.b[:], x)])
	}
}

func (f *tallyWriter) scores(h *histogram) {
	rounded, shift := uint64(0), 0
	if h.coarse != nil {
		rounded, shift = 1, 64-coarseBits
	}
	f.numbers(rounded, uint64(h.distinct()))
	last := uint64(0)
	for b := range h.all() {
		key := b.key >> shift
		f.numbers(key-last, uint64(b.pos), uint64(b.neg))
		last = key
	}
}

// ReadTally reads what Write wrote, and maybe more of r. It errs for anything else; that a
// file was not changed on its way is for the caller to check.
func ReadTally(r io.Reader) (*Tally, error) {
	f := tallyReader{r: bufio.NewReader(r)}
	t, err := f.head()
	if err != nil {
		return nil, err
	}
	f.readScores(&t.scores)
	if f.err != nil {
		return nil, f.damage()
	}
	return t, nil
}

// MergeFrom is Merge with the tally that ReadTally would read, without the memory for
// another one. After an error t must not be used any more.
func (t *Tally) MergeFrom(r io.Reader) error {
	f := tallyReader{r: bufio.NewReader(r)}
	head, err := f.head()
	if err != nil {
		return err
	}
	if head.cut != t.cut {
		return fmt.Errorf("tally by cut-off %v, the others are by %v", head.cut, t.cut)
	}
	t.Merge(head)
	f.readScores(&t.scores)
	return f.damage()
}

// tallyReader keeps the first error, behind which everything reads as nought.
type tallyReader struct {
	r   *bufio.Reader
	err error
}

// head is the tally but for its scores.
func (f *tallyReader) head() (*Tally, error) {
	if v := f.number(); f.err != nil || v != tallyVersion {
		return nil, errors.Join(f.damage(), fmt.Errorf("tally of version %d, this program reads version %d", v, tallyVersion))
	}
	by := f.number()
	cut := Cut{cutBy(by), f.float()}
	t, err := NewTally(cut)
	if err != nil || by != uint64(cut.by) {
		return nil, errors.Join(f.damage(), err, fmt.Errorf("tally by cut-off %d: damaged", by))
	}
	t.test, t.warmUp = f.count(), f.count()
	t.lowestKept, t.highestDropped = f.float(), f.float()
	for i := range t.byLabel {
		t.byLabel[i] = f.count()
	}
	for i := range t.cells {
		t.cells[i] = Confusion{TP: f.count(), FP: f.count(), FN: f.count(), TN: f.count()}
	}
	return t, f.damage()
}

func (f *tallyReader) damage() error {
	if f.err == nil {
		return nil
	}
	return fmt.Errorf("not a tally: %w", f.err)
}

func (f *tallyReader) fail(format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf(format, args...)
	}
}

func (f *tallyReader) number() uint64 {
	if f.err != nil {
		return 0
	}
	x, err := binary.ReadUvarint(f.r)
	if err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		f.err = err
		return 0
	}
	return x
}

func (f *tallyReader) float() float64 { return math.Float64frombits(f.number()) }

func (f *tallyReader) count() int64 {
	n := f.number()
	if n > math.MaxInt64 {
		f.fail("a count of %d", n)
		return 0
	}
	return int64(n)
}

// maxPages of rounded scores are what a tally may make its reader allocate, 1 GB: scores
// between a millionth and one fill 5120 at most.
const maxPages = 1 << 14

func (f *tallyReader) readScores(h *histogram) {
	rounded, n := f.number(), f.number()
	switch {
	case rounded > 1:
		f.fail("scores rounded in way %d", rounded)
	case rounded == 1:
		h.coarsen()
		f.readRounded(h.coarse, n)
	case n > distinctMax:
		f.fail("%d distinct scores, more than one keeps apart", n)
	default:
		h.addRun(f.readBins(n))
	}
}

func (f *tallyReader) readRounded(c *coarse, n uint64) {
	pages, key := 0, uint64(0)
	for i := uint64(0); i < n && f.err == nil; i++ {
		last := key
		key = f.key(key, i == 0, 1<<coarseBits-1)
		if i == 0 || key>>pageBits != last>>pageBits {
			if pages++; pages > maxPages {
				f.fail("scores on more than %d pages", maxPages)
				return
			}
		}
		c.add(key<<(64-coarseBits), f.count(), f.count())
	}
}

func (f *tallyReader) readBins(n uint64) []bin {
	const trusted = 1 << 14 // what n may make this allocate before so many are read
	bins, key := make([]bin, 0, min(n, trusted)), uint64(0)
	for i := uint64(0); i < n && f.err == nil; i++ {
		key = f.key(key, i == 0, math.MaxUint64)
		b := bin{key: key}
		b.pos, b.neg = f.count(), f.count()
		if i == trusted {
			bins = append(makeArray[bin](int(n))[:0], bins...)
		}
		bins = append(bins, b)
	}
	return bins
}

// key is the one that follows last.
func (f *tallyReader) key(last uint64, first bool, most uint64) uint64 {
	gap := f.number()
	if gap > most-last || gap == 0 && !first {
		f.fail("scores too large or in no order")
		return last
	}
	return last + gap
}
