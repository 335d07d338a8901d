package live

import "github.com/scale-eval/scale-eval/datasets/trace"

// traceTable finds open traces by id: a hash table with linear probing of eight bytes
// an entry, at most half full. A map of the language costs three times as much here,
// where every span asks and every trace comes and goes.
type traceTable struct {
	slots  []traceSlot // a power of two of them
	n      int
	hasher trace.IDHasher
}

// traceSlot is 32 bits of hash, which say where it belongs, and the number of a trace;
// 0: free.
type traceSlot struct{ hash, no uint32 }

const leastSlots = 64

func newTraceTable() traceTable {
	return traceTable{slots: make([]traceSlot, leastSlots), hasher: trace.NewIDHasher()}
}

func (t *traceTable) hash(id trace.TraceID) uint32 {
	x := t.hasher.Hash(id)
	return uint32(x ^ x>>32)
}

// find is the number of the trace with a hash that is accepts; 0: none.
func (t *traceTable) find(hash uint32, is func(no uint32) bool) uint32 {
	mask := uint32(len(t.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		s := t.slots[i]
		if s.no == 0 || s.hash == hash && is(s.no) {
			return s.no
		}
	}
}

// put adds a trace that is not there.
func (t *traceTable) put(hash, no uint32) {
	if 2*(t.n+1) > len(t.slots) {
		old := t.slots
		t.slots, t.n = make([]traceSlot, 2*len(old)), 0
		for _, s := range old {
			if s.no != 0 {
				t.put(s.hash, s.no)
			}
		}
	}
	mask := uint32(len(t.slots) - 1)
	i := hash & mask
	for t.slots[i].no != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = traceSlot{hash, no}
	t.n++
}

// remove takes out a trace that is there, and moves up what was put further on because
// its place was taken.
func (t *traceTable) remove(hash, no uint32) {
	mask := uint32(len(t.slots) - 1)
	i := hash & mask
	for t.slots[i].no != no {
		i = (i + 1) & mask
	}
	for j := (i + 1) & mask; t.slots[j].no != 0; j = (j + 1) & mask {
		if home := t.slots[j].hash & mask; (j-home)&mask >= (j-i)&mask {
			t.slots[i] = t.slots[j]
			i = j
		}
	}
	t.slots[i] = traceSlot{}
	t.n--
}
