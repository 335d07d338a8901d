package eval

import "github.com/scale-eval/scale-eval/datasets/trace"

// traceTable numbers trace ids from 0 in order of first sight. It is a hash table with
// linear probing whose places hold a number and bits of the hash: of most ids nothing
// else is looked at. Ids come in batches, so that the waits for memory overlap; a map
// waits for one id after the other.
type traceTable struct {
	arrays Arrays
	places []place // a power of two, at most half of them taken
	ids    []trace.TraceID
	hasher trace.IDHasher
	hashes []uint64 // of a batch

	spans    int // of the runs that were numbered
	expected int // of all runs that will be; 0: who knows
}

// place is taken if number is not 0.
type place struct {
	tag    uint32
	number uint32 // of the trace, from 1
}

// newTraceTable is one that grows where a says.
func newTraceTable(a Arrays) traceTable {
	return traceTable{arrays: a, hasher: trace.NewIDHasher()}
}

// number appends the number of each span of runs. The zero id is a new trace each time.
// An error is one of room.
func (t *traceTable) number(numbers []uint32, runs []idRun) ([]uint32, error) {
	if err := t.reserve(runs); err != nil {
		return numbers, err
	}
	t.hashes = t.hashes[:0]
	touched := uint32(0)
	for _, run := range runs {
		h := t.hasher.Hash(run.id)
		t.hashes = append(t.hashes, h)
		touched ^= t.places[t.at(h)].tag // brings the place into the cache
	}
	t.touch(touched)
	for i, run := range runs {
		t.spans += run.n
		if run.id == (trace.TraceID{}) {
			for range run.n {
				numbers = append(numbers, t.add(run.id))
			}
			continue
		}
		number := t.find(run.id, t.hashes[i])
		for range run.n {
			numbers = append(numbers, number)
		}
	}
	return numbers, nil
}

// touch keeps the compiler from leaving out the loads that led to its argument.
//
//go:noinline
func (t *traceTable) touch(uint32) {}

// at is where the search for a hash begins.
func (t *traceTable) at(hash uint64) uint64 { return hash & uint64(len(t.places)-1) }

// find is the number of an id, given when it is new.
func (t *traceTable) find(id trace.TraceID, hash uint64) uint32 {
	tag, mask := uint32(hash>>32), uint64(len(t.places)-1)
	for at := t.at(hash); ; at = (at + 1) & mask {
		p := &t.places[at]
		if p.number == 0 {
			n := t.add(id)
			*p = place{tag, n + 1}
			return n
		}
		if p.tag == tag && t.ids[p.number-1] == id {
			return p.number - 1
		}
	}
}

// add gives the next number.
func (t *traceTable) add(id trace.TraceID) uint32 {
	t.ids = append(t.ids, id)
	return uint32(len(t.ids) - 1)
}

// reserve makes room for as many new traces as there can be in runs.
func (t *traceTable) reserve(runs []idRun) error {
	need := len(t.ids)
	for _, run := range runs {
		if run.id == (trace.TraceID{}) {
			need += run.n
		} else {
			need++
		}
	}
	if need > cap(t.ids) {
		more, err := ArrayOf[trace.TraceID](t.arrays, max(t.likely(need), 2*cap(t.ids)))
		if err != nil {
			return err
		}
		t.ids = append(more[:0], t.ids...)
	}
	if 2*need <= len(t.places) {
		return nil
	}
	size := max(len(t.places), 1<<10)
	for size < 2*t.likely(need) {
		size *= 2
	}
	places, err := ArrayOf[place](t.arrays, size)
	if err != nil {
		return err
	}
	t.places = places
	t.refill()
	return nil
}

// likely is for how many traces, need or more, room is worth making: as many as there
// will be if those to come are as long as those so far, and at most four times need, as
// they may not be.
func (t *traceTable) likely(need int) int {
	if t.spans == 0 {
		return need
	}
	all := float64(need) * float64(t.expected) / float64(t.spans)
	return max(need, int(min(all, 4*float64(need))))
}

// refill puts all ids into empty places.
func (t *traceTable) refill() {
	mask := uint64(len(t.places) - 1)
	for n, id := range t.ids {
		if id == (trace.TraceID{}) {
			continue // found by nobody
		}
		hash := t.hasher.Hash(id)
		at := t.at(hash)
		for t.places[at].number != 0 {
			at = (at + 1) & mask
		}
		t.places[at] = place{uint32(hash >> 32), uint32(n) + 1}
	}
}

// TraceNumbers numbers trace ids from 0 in order of first sight, one by one; the zero id
// is a new trace each time. Memory: some 40 bytes a trace.
type TraceNumbers struct{ of traceTable }

// NewTraceNumbers has no numbers given yet, and keeps them where a says.
func NewTraceNumbers(a Arrays) *TraceNumbers { return &TraceNumbers{newTraceTable(a)} }

// Of is the number of a trace and whether it is given now. An error is one of room.
func (t *TraceNumbers) Of(id trace.TraceID) (number uint32, first bool, err error) {
	if err := t.of.reserve([]idRun{{id, 1}}); err != nil {
		return 0, false, err
	}
	n := len(t.of.ids)
	if id == (trace.TraceID{}) {
		return t.of.add(id), true, nil
	}
	number = t.of.find(id, t.of.hasher.Hash(id))
	return number, len(t.of.ids) > n, nil
}
