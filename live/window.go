package live

import (
	"cmp"
	"slices"
)

// window keeps what ended in a stretch of time, exactly, whatever the order of
// arrival. Adding is an append; the order is made when it is asked for, because a
// collector's batches would make an insertion sort move megabytes a span.
//
// Memory: 8 bytes and the load of P an entry, at most twice max entries. Past max
// the oldest are dropped and counted. Where rules of several levels share a window,
// each level has room for max, as it would have alone.
type window[P any] struct {
	entries []windowEntry[P] // [:sorted] in order of end, the rest as it came
	sorted  int
	max     int
	levels  int            // 0: one
	levelOf func(*P) int32 // nil: one level
	dropped int64
	scratch []windowEntry[P]
}

type windowEntry[P any] struct {
	load P // first, or an empty load would pad the entry to 16 bytes
	end  int64
}

func newWindow[P any](max int) window[P] { return window[P]{max: max} }

func (w *window[P]) add(end int64, load P) {
	if w.entries == nil { // there are thousands of windows: to grow each from one entry costs
		w.entries = make([]windowEntry[P], 0, 8)
	}
	w.entries = append(w.entries, windowEntry[P]{load, end})
	if len(w.entries) >= 2*w.max*max(w.levels, 1) {
		w.tidy(minTime)
	}
}

// tidy sorts what arrived since the last call and forgets what ended at or before
// horizon, some of it later. Cost: O(new log new), and now and then O(kept).
func (w *window[P]) tidy(horizon int64) {
	fresh, byEnd := w.entries[w.sorted:], func(a, b windowEntry[P]) int { return cmp.Compare(a.end, b.end) }
	if !slices.IsSortedFunc(fresh, byEnd) {
		slices.SortStableFunc(fresh, byEnd)
	}
	w.merge()
	w.sorted = len(w.entries)
	// What is forgotten is in no window; to move the rest for it can wait.
	if cut := w.after(horizon); cut >= len(w.entries)/8 || len(w.entries) > w.max {
		w.sorted = copy(w.entries, w.entries[cut:])
		w.entries = w.entries[:w.sorted]
	}
	if over := len(w.entries) - w.max; over > 0 {
		w.drop(over)
	}
	w.shrink()
}

// drop forgets the oldest entries beyond max of each level; over is how many there
// are beyond max of one.
func (w *window[P]) drop(over int) {
	before := len(w.entries)
	if w.levelOf == nil {
		w.entries = w.entries[:copy(w.entries, w.entries[over:])]
	} else {
		room := make([]int, w.levels)
		at := before
		for i := before - 1; i >= 0; i-- {
			if l := w.levelOf(&w.entries[i].load); room[l] < w.max {
				room[l]++
				at--
				w.entries[at] = w.entries[i]
			}
		}
		w.entries = w.entries[:copy(w.entries, w.entries[at:])]
	}
	w.sorted = len(w.entries)
	w.dropped += int64(before - w.sorted)
}

// merge joins the two sorted parts from the back, with room for the shorter only.
func (w *window[P]) merge() {
	i, end := w.sorted-1, len(w.entries)
	if i < 0 || w.sorted == end || w.entries[i].end <= w.entries[w.sorted].end {
		return
	}
	w.scratch = append(w.scratch[:0], w.entries[w.sorted:]...)
	j := len(w.scratch) - 1
	for k := end - 1; j >= 0; k-- {
		if i >= 0 && w.entries[i].end > w.scratch[j].end {
			w.entries[k] = w.entries[i]
			i--
		} else {
			w.entries[k] = w.scratch[j]
			j--
		}
	}
}

// shrink gives memory back after a burst, so that a window is as large as what is
// in it and not as what ever was.
func (w *window[P]) shrink() {
	const small = 64
	if cap(w.entries) > 4*max(len(w.entries), small) {
		w.entries = append(make([]windowEntry[P], 0, 2*len(w.entries)), w.entries...)
	}
	if cap(w.scratch) > 4*max(len(w.entries), small) {
		w.scratch = nil
	}
}

// after is the index of the first sorted entry that ended after t.
func (w *window[P]) after(t int64) int {
	i, _ := slices.BinarySearchFunc(w.entries[:w.sorted], t, func(e windowEntry[P], t int64) int {
		if e.end <= t {
			return -1
		}
		return 1
	})
	return i
}

// remove forgets the entries that match.
func (w *window[P]) remove(match func(*P) bool) {
	kept, sorted := w.entries[:0], w.sorted
	for i := range w.entries {
		if !match(&w.entries[i].load) {
			kept = append(kept, w.entries[i])
		} else if i < sorted {
			w.sorted--
		}
	}
	w.entries = kept
}
