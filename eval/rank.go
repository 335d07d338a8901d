package eval

import (
	"math"
	"runtime"
	"sync"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// The first split of a ranking is made straight from the columns: one pass finds the
// range of the keys, one counts what falls into each part, one puts keys, and refs if
// asked for, there. The parts are then sorted one by one. All of it on as many cores as
// there are, each with rows and then parts of its own; the order does not depend on them.

// parallelRank is from how many rows on a second core pays.
const parallelRank = 1 << 15

// The classes of ranked spans.
const (
	negative = iota
	positive
	classes
	unranked = classes
)

var classOf = func() (of [256]uint8) {
	for i := range of {
		switch l := trace.Label(i); {
		case !l.Scored():
			of[i] = unranked
		case l.Positive():
			of[i] = positive
		default:
			of[i] = negative
		}
	}
	return of
}()

// ranker makes the ranking of one column.
type ranker struct {
	labels []trace.Label
	score  []float64
	traces []uint32
	refs   bool
	bits   int // of the parts that keys are split into: fewer where each part is to keep its page

	shares []rankShare
	parts  [classes]partition
	sorted [classes]keyed
	ends   [classes][]uint32 // of the parts in sorted
}

// rankShare is the rows of one core.
type rankShare struct {
	from, to  int
	n         [classes]int
	low, high [classes]uint64
	next      [classes][1 << wideBits]uint32 // counts by part, then where the next key goes
	_         [64]byte                       // keeps cores out of each other's lines
}

// ranks are the refs of ranked spans, in order of rank, of spans that tie in order of
// row: traces are resampled with them.
type ranks struct{ positives, negatives []uint32 }

// rank is Rank in a workspace. Refs are made if asked for; then traces may be nil, each
// span being a trace of its own, and must be below 2^31. An error is one of room.
func rank(ws *Workspace, labels []trace.Label, score []float64, traces []uint32, refs bool) (*Ranking, ranks, error) {
	w := &ranker{labels: labels, score: score, traces: traces, refs: refs, bits: wideBits}
	if ws.arrays != nil {
		w.bits = pagedBits
	}
	cores := 1
	if len(labels) >= parallelRank {
		cores = runtime.GOMAXPROCS(0)
	}
	w.shares = make([]rankShare, cores)
	for i := range w.shares {
		w.shares[i].from, w.shares[i].to = len(labels)*i/cores, len(labels)*(i+1)/cores
	}
	// Memory is touched for the first time beside the looking for what goes there.
	var err error
	made := inBackground(func() { err = w.room(ws) })
	sideBySide(cores, func(i int) { w.measure(&w.shares[i]) })
	n := w.partition()
	sideBySide(cores, func(i int) { w.count(&w.shares[i]) })
	if made(); err != nil {
		return nil, ranks{}, err
	}
	w.place(ws, n)
	sideBySide(cores, func(i int) { w.put(&w.shares[i]) })
	for class := range classes {
		if err := w.sortParts(ws, class, cores); err != nil {
			return nil, ranks{}, err
		}
	}
	neg, pos := w.sorted[negative], w.sorted[positive]
	r := &Ranking{negatives: negatives{key: neg.key}, p: int64(len(pos.key)), n: int64(len(neg.key))}
	if err := r.place(ws, pos.key); err != nil {
		return nil, ranks{}, err
	}
	return r, ranks{pos.ref, neg.ref}, nil
}

// inBackground calls f in a goroutine of its own. What it returns waits for f.
func inBackground(f func()) (wait func()) {
	var wg sync.WaitGroup
	wg.Go(f)
	return wg.Wait
}

// sideBySide calls f for 0 to n-1 side by side.
func sideBySide(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := 1; i < n; i++ {
		wg.Go(func() { f(i) })
	}
	f(0)
	wg.Wait()
}

// measure finds how many keys a share has, and their range.
func (w *ranker) measure(s *rankShare) {
	for c := range classes {
		s.low[c], s.high[c] = math.MaxUint64, 0
	}
	score := w.score[s.from:s.to]
	for i, l := range w.labels[s.from:s.to] {
		c := classOf[l]
		if x := score[i]; c < classes && x == x {
			k := keyOf(x)
			s.n[c]++
			s.low[c], s.high[c] = min(s.low[c], k), max(s.high[c], k)
		}
	}
}

// partition takes the ranges together.
func (w *ranker) partition() (n [classes]int) {
	for c := range classes {
		low, high := uint64(math.MaxUint64), uint64(0)
		for i := range w.shares {
			s := &w.shares[i]
			n[c] += s.n[c]
			low, high = min(low, s.low[c]), max(high, s.high[c])
		}
		if n[c] > 0 {
			w.parts[c] = partitionOf(low, high, w.bits)
		}
	}
	return n
}

func (w *ranker) count(s *rankShare) {
	score := w.score[s.from:s.to]
	for i, l := range w.labels[s.from:s.to] {
		c := classOf[l]
		if x := score[i]; c < classes && x == x {
			s.next[c][w.parts[c].of(keyOf(x))]++
		}
	}
}

// room is for the keys of all rows.
func (w *ranker) room(ws *Workspace) error {
	err := resize(ws, &ws.key, len(w.labels))
	if err == nil && w.refs {
		err = resize(ws, &ws.ref, len(w.labels))
	}
	return err
}

// place divides the room among n keys of each class and says where those of each share
// go: of a part, the earlier rows first.
func (w *ranker) place(ws *Workspace, n [classes]int) {
	size := n[negative] + n[positive]
	all := keyed{key: ws.key}
	if w.refs {
		all.ref = ws.ref
	}
	w.sorted[negative], w.sorted[positive] = all.slice(0, n[negative]), all.slice(n[negative], size)
	for c := range classes {
		sum, ends := uint32(0), make([]uint32, 1<<w.bits)
		for part := range ends {
			for i := range w.shares {
				next := &w.shares[i].next[c][part]
				*next, sum = sum, sum+*next
			}
			ends[part] = sum
		}
		w.ends[c] = ends
	}
}

func (w *ranker) put(s *rankShare) {
	for i := s.from; i < s.to; i++ {
		c := classOf[w.labels[i]]
		x := w.score[i]
		if c >= classes || x != x {
			continue
		}
		k, to := keyOf(x), &w.sorted[c]
		at := &s.next[c][w.parts[c].of(k)]
		to.key[*at] = k
		if to.ref != nil {
			to.ref[*at] = refOf(w.traces, i, w.labels[i])
		}
		*at++
	}
}

// sortParts sorts the parts of a class, each core some that follow each other.
func (w *ranker) sortParts(ws *Workspace, class, cores int) error {
	if w.parts[class].fine() {
		return nil
	}
	all, ends := w.sorted[class], w.ends[class]
	largest, from := 0, 0
	for _, to := range ends {
		largest, from = max(largest, int(to)-from), int(to)
	}
	if err := resize(ws, &ws.key2, cores*largest); err != nil {
		return err
	}
	if w.refs {
		if err := resize(ws, &ws.ref2, cores*largest); err != nil {
			return err
		}
	}
	sideBySide(cores, func(core int) {
		room := keyed{key: ws.key2}
		if w.refs {
			room.ref = ws.ref2
		}
		room = room.slice(core*largest, (core+1)*largest)
		from := 0
		for _, end := range ends {
			to := int(end)
			if mine := from * cores / max(len(all.key), 1); mine == core && from < to {
				sortKeys(all.slice(from, to), room.slice(0, to-from))
			}
			from = to
		}
	})
	return nil
}
