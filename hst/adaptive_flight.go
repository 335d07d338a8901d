package hst

import "github.com/scale-eval/scale-eval/datasets/trace"

// flight remembers, for parents that have not ended yet, how much of their time
// their slow children explain. Children end before their parents, and that is the
// order in which spans arrive; where they do not, a span is judged on its own.
//
// A direct-mapped table: the newest parent wins a place, so memory and work are
// bounded, and what is lost is one explanation. Most spans have no slow children, and
// a byte of the key each, which stays in the cache where the table does not, says so
// for all but one in 256.
type flight struct {
	entries []delayed // a power of two, or none
	tags    []uint8   // of the entries' keys
}

// delayed is a parent with slow children.
type delayed struct {
	key   uint64 // of its trace and span id; 0: empty
	child trace.SpanID
	end   int64 // latest end of a slow child
	ns    int64 // explained
}

func newFlight(n int) flight {
	if n == 0 {
		return flight{}
	}
	size := 1
	for size < n {
		size *= 2
	}
	return flight{make([]delayed, size), make([]uint8, size)}
}

// flightKey mixes (SplitMix64's finaliser) a trace and a span id; never 0.
func flightKey(t trace.TraceID, s trace.SpanID) uint64 {
	x := t.Lo ^ t.Hi*0x9e3779b97f4a7c15 ^ uint64(s)*0xd1342543de82ef95
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return (x ^ x>>31) | 1
}

// place is where the parent of a key is, or would be.
func (f *flight) place(key uint64) uint64 { return (key >> 1) & uint64(len(f.entries)-1) }

// flightTag is of bits of a key that place does not use.
func flightTag(key uint64) uint8 { return uint8(key >> 56) }

// put makes e the parent of its place.
func (f *flight) put(e delayed) {
	at := f.place(e.key)
	f.entries[at], f.tags[at] = e, flightTag(e.key)
}

// explained is how many ns of s its children explain.
func (f *flight) explained(s *trace.Span) int64 {
	if len(f.entries) == 0 || s.ID == 0 {
		return 0
	}
	k := flightKey(s.TraceID, s.ID)
	at := f.place(k)
	if f.tags[at] != flightTag(k) || f.entries[at].key != k {
		return 0
	}
	return f.entries[at].ns
}

// add says that s took ns longer than its call usually does. The delays of children
// that ran side by side count once: each is taken to be the end of its span, and
// what lies before the latest end of an earlier child is left out.
func (f *flight) add(s *trace.Span, ns int64) {
	if len(f.entries) == 0 || s.ParentID == 0 || ns <= 0 {
		return
	}
	k := flightKey(s.TraceID, s.ParentID)
	at, end := f.place(k), s.End()
	// The parent is new more often than not: its tag says so without the wait for the
	// table.
	if f.tags[at] != flightTag(k) {
		f.put(delayed{k, s.ID, end, ns})
		return
	}
	e := &f.entries[at]
	switch {
	case e.key != k:
		f.put(delayed{k, s.ID, end, ns})
	case e.child == s.ID:
		// Sample and Learn see the same span.
	default:
		e.ns += min(ns, elapsed(e.end, end))
		e.end, e.child = max(e.end, end), s.ID
	}
}
