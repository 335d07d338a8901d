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
// the oldest are dropped and counted.
type window[P any] struct {
	entries []windowEntry[P] // [:sorted] in order of end, the rest as it came
	sorted  int
	max     int
	dropped int64
	scratch []windowEntry[P]
}

type windowEntry[P any] struct {
	load P // first, or an empty load would pad the entry to 16 bytes
	end  int64
}

func newWindow[P any](max int) window[P] { return window[P]{max: max} }

func (w *window[P]) add(end int64, load P) {
	w.entries = append(w.entries, windowEntry[P]{load, end})
	if len(w.entries) >= 2*w.max {
		w.tidy(minTime)
	}
}

// tidy sorts what arrived since the last call and forgets what ended at or
// before horizon. Cost: O(new log new + kept).
func (w *window[P]) tidy(horizon int64) {
	fresh := w.entries[w.sorted:]
	slices.SortStableFunc(fresh, func(a, b windowEntry[P]) int { return cmp.Compare(a.end, b.end) })
	w.merge()
	w.sorted = len(w.entries)
	cut := w.after(horizon)
	if over := len(w.entries) - cut - w.max; over > 0 {
		cut += over
		w.dropped += int64(over)
	}
	w.sorted = copy(w.entries, w.entries[cut:])
	w.entries = w.entries[:w.sorted]
	w.shrink()
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

// count is the number of sorted entries with an end in (from, to].
func (w *window[P]) count(from, to int64) int { return w.after(to) - w.after(from) }

// peak looks at every window (t-width, t] with from <= t <= to and returns the
// fullest, the latest of them on a tie: its entries [lo:hi] and its right edge.
// What ended at or before since does not count. It must be tidy. Cost: O(entries).
func (w *window[P]) peak(width, from, to, since int64) (lo, hi int, edge int64) {
	lo, hi, edge = w.after(max(from-width, since)), max(w.after(from), w.after(since)), from
	last := w.after(to)
	for l, h := lo, hi; h < last; {
		t := w.entries[h].end
		for h < last && w.entries[h].end == t {
			h++
		}
		for l < h && w.entries[l].end <= t-width {
			l++
		}
		if h-l >= hi-lo {
			lo, hi, edge = l, h, t
		}
	}
	return lo, hi, edge
}
