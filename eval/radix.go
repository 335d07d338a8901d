package eval

import "math/bits"

// Keys are sorted by splitting their range into equal parts, and each part again, until
// few are left (Knuth, TAOCP 3, section 5.2.5, most significant digit first; taking the
// range and not its digits keeps parts even where keys share their leading ones). After
// the first split parts fit a core's cache, where moving keys about costs little.

const (
	fewKeys    = 24 // insertion sort is faster
	cachedKeys = 1 << 12
	cachedBits = 8  // of parts that so many keys are split into
	wideBits   = 11 // and more
	// pagedKeys lie in more pages than a core knows the addresses of, or in a file: so few
	// parts that each has its page at hand.
	pagedKeys = 1 << 20
	pagedBits = 8
)

// keyed is keys and, if they have any, the refs that move with them.
type keyed struct {
	key []uint64
	ref []uint32 // nil: none
}

func (k keyed) slice(from, to int) keyed {
	k.key = k.key[from:to]
	if k.ref != nil {
		k.ref = k.ref[from:to]
	}
	return k
}

// partition maps the keys from low on to numbers of parts, in order.
type partition struct {
	low   uint64
	shift int
}

// partitionOf is that of keys from low to high into at most 1 << splitBits parts.
func partitionOf(low, high uint64, splitBits int) partition {
	return partition{low, max(bits.Len64(high-low)-splitBits, 0)}
}

func (p partition) of(key uint64) uint64 { return (key - p.low) >> (p.shift & 63) }

// fine says that all keys of a part are the same.
func (p partition) fine() bool { return p.shift == 0 }

// sortKeys sorts a by key, ascending. Refs of equal keys keep their order. room is of
// the same form and lengths.
func sortKeys(a, room keyed) { sortInto(a, room, false) }

// sortInto sorts a into itself or, when moved, into room.
func sortInto(a, room keyed, moved bool) {
	switch n := len(a.key); {
	case n <= fewKeys:
		sortFew(a)
		settleKeys(a, room, moved)
	case n <= cachedKeys:
		var ends [1 << cachedBits]uint32
		sortParts(a, room, moved, cachedBits, ends[:])
	case n >= pagedKeys:
		var ends [1 << pagedBits]uint32
		sortParts(a, room, moved, pagedBits, ends[:])
	default:
		var ends [1 << wideBits]uint32
		sortParts(a, room, moved, wideBits, ends[:])
	}
}

// sortParts splits a and sorts the parts. ends is room, zeroed.
func sortParts(a, room keyed, moved bool, splitBits int, ends []uint32) {
	low, high := a.key[0], a.key[0]
	for _, k := range a.key {
		low, high = min(low, k), max(high, k)
	}
	if low == high {
		settleKeys(a, room, moved)
		return
	}
	p := partitionOf(low, high, splitBits)
	p.split(a, room, ends)
	from := 0
	for _, end := range ends {
		to := int(end)
		if in, out := room.slice(from, to), a.slice(from, to); p.fine() {
			settleKeys(in, out, !moved)
		} else if from < to {
			sortInto(in, out, !moved)
		}
		from = to
	}
}

// split moves a to room, part by part, and says where each ends.
func (p partition) split(a, room keyed, ends []uint32) {
	for _, k := range a.key {
		ends[p.of(k)]++
	}
	sum := uint32(0)
	for i, n := range ends {
		ends[i] = sum
		sum += n
	}
	for i, k := range a.key {
		at := &ends[p.of(k)]
		room.key[*at] = k
		if a.ref != nil {
			room.ref[*at] = a.ref[i]
		}
		*at++
	}
}

// settleKeys puts sorted keys where they belong.
func settleKeys(a, room keyed, moved bool) {
	if moved {
		copy(room.key, a.key)
		copy(room.ref, a.ref)
	}
}

// sortFew is insertion sort.
func sortFew(a keyed) {
	for i := 1; i < len(a.key); i++ {
		k, j := a.key[i], i
		for ; j > 0 && a.key[j-1] > k; j-- {
			a.key[j] = a.key[j-1]
		}
		a.key[j] = k
		if a.ref != nil && j < i {
			r := a.ref[i]
			copy(a.ref[j+1:i+1], a.ref[j:i])
			a.ref[j] = r
		}
	}
}
