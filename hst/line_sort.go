package hst

import "slices"

// sortedWindow is a window in ascending order with an index that says in a few
// nanoseconds how many values lie below a threshold.
type sortedWindow struct {
	at    keyIndex
	start []uint32 // where a bucket starts in keys; one more than buckets
	keys  []uint64 // ascending, then keyAbove so that scans end
}

// crowded is how many values of one bucket are still searched one by one, and
// sorted by insertion.
const crowded = 16

// sort fills w with the keys of a window that is not empty. A counting sort on the
// top bits does most of it; where values crowd into one bucket (constants, one
// far outlier) a comparison sort takes over.
func (w *sortedWindow) sort(window []uint64) {
	low, high := window[0], window[0]
	for _, k := range window {
		low, high = min(low, k), max(high, k)
	}
	buckets := powerOfTwo(2 * len(window))
	w.at = newKeyIndex(low, high, buckets)
	w.start = slices.Grow(w.start[:0], buckets+1)[:buckets+1]
	clear(w.start)
	for _, k := range window {
		w.start[w.at.bucket(k)]++
	}
	most := slices.Max(w.start)
	cumulate(w.start)
	w.keys = slices.Grow(w.keys[:0], len(window)+1)[:len(window)+1]
	for _, k := range window {
		c := &w.start[w.at.bucket(k)]
		*c--
		w.keys[*c] = k
	}
	w.keys[len(window)] = keyAbove
	w.finish(w.keys[:len(window)], most)
}

// finish sorts keys that are in order of their buckets already.
func (w *sortedWindow) finish(keys []uint64, most uint32) {
	if most > crowded {
		slices.Sort(keys)
		return
	}
	for i := 1; i < len(keys); i++ {
		k, j := keys[i], i
		for ; j > 0 && keys[j-1] > k; j-- {
			keys[j] = keys[j-1]
		}
		keys[j] = k
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
