package hst

import "slices"

// sortedWindow is a window in ascending order with an index that says in a few
// nanoseconds how many values lie below a threshold. Values that lie on the same
// side of every threshold are equal to it, so that neither zeros nor one value far
// out stretch the index.
type sortedWindow struct {
	lowest, highest uint64  // of all thresholds
	offset          float64 // of at

	at    keyIndex
	slots []uint32 // scratch: the bucket of each value
	start []uint32 // where a bucket starts in keys; one more than buckets
	keys  []uint64 // ascending, then keyAbove so that scans end
}

// crowded is how many values of one bucket are still searched one by one, and how
// far an insertion sort moves values on average before a comparison sort takes over.
const crowded = 16

// clip is k, moved next to the outermost thresholds if it is beyond them.
func (w *sortedWindow) clip(k uint64) uint64 { return min(max(k, w.lowest-1), w.highest) }

// sort fills w with the keys of a window that is not empty. A counting sort on the
// top bits does most of it.
func (w *sortedWindow) sort(window []uint64) {
	low := w.clip(window[0])
	high := low
	for _, k := range window {
		k = w.clip(k)
		low, high = min(low, k), max(high, k)
	}
	buckets := powerOfTwo(2 * len(window))
	w.at = newKeyIndex(low, high, buckets, w.offset)
	w.slots = slices.Grow(w.slots[:0], len(window))[:len(window)]
	w.start = slices.Grow(w.start[:0], buckets+1)[:buckets+1]
	clear(w.start)
	for i, k := range window {
		if w.at.linear {
			k = shiftKey(w.clip(k), w.offset)
		}
		w.slots[i] = uint32(w.at.clamped(k))
		w.start[w.slots[i]]++
	}
	cumulate(w.start)
	w.keys = slices.Grow(w.keys[:0], len(window)+1)[:len(window)+1]
	for i, slot := range w.slots {
		w.start[slot]--
		w.keys[w.start[slot]] = w.clip(window[i])
	}
	w.keys[len(window)] = keyAbove
	finish(w.keys[:len(window)])
}

// finish sorts keys that are in order of their buckets already.
func finish(keys []uint64) {
	moves := crowded * len(keys)
	for i := 1; i < len(keys); i++ {
		k, j := keys[i], i
		for ; j > 0 && keys[j-1] > k; j-- {
			keys[j] = keys[j-1]
		}
		keys[j] = k
		if moves -= i - j; moves < 0 {
			slices.Sort(keys)
			return
		}
	}
}

// below counts the values below k.
func (w *sortedWindow) below(k uint64) uint32 {
	b := w.at.bucket(k)
	i := w.start[b]
	if end := w.start[b+1]; end-i > crowded {
		n, _ := slices.BinarySearch(w.keys[i:end], k)
		return i + uint32(n)
	}
	for w.keys[i] < k {
		i++
	}
	return i
}
