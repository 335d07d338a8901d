package live

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// bruteWindow is the slow obvious twin: all ends, in a list.
type bruteWindow []int64

// peak is the fullest window (t-width, t], from <= t <= to, by trying every t at
// which the count can change.
func (b bruteWindow) peak(width, from, to, since int64) (count int, edge int64) {
	edges := []int64{from}
	for _, e := range b {
		if e >= from && e <= to && e > since {
			edges = append(edges, e)
		}
	}
	slices.Sort(edges)
	count = -1
	for _, t := range edges {
		n := 0
		for _, e := range b {
			if e > t-width && e <= t && e > since {
				n++
			}
		}
		if n >= count {
			count, edge = n, t
		}
	}
	return count, edge
}

func (b bruteWindow) count(from, to int64) (n int) {
	for _, e := range b {
		if e > from && e <= to {
			n++
		}
	}
	return n
}

// TestWindowEqualsBruteForce: random streams, out of order, with ties, evaluated at
// random moments; what is forgotten must never matter again.
func TestWindowEqualsBruteForce(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 7))
		width, lateness := 1+rng.Int64N(50), rng.Int64N(40)
		w, all, now := newWindow[int64](1<<20), bruteWindow{}, int64(0)
		for range 200 {
			now += rng.Int64N(6)
			for range rng.IntN(8) {
				end := now + 5 - rng.Int64N(2*(width+lateness)+10)
				if end <= now-width-lateness {
					continue // refused as late by the pipeline
				}
				w.add(end, end)
				all = append(all, end)
			}
			if rng.IntN(3) > 0 {
				continue
			}
			w.tidy(now - width - lateness)
			since := int64(minTime)
			if rng.IntN(2) == 0 {
				since = now - rng.Int64N(width+lateness+5)
			}
			lo, hi, edge := w.peak(width, now-lateness, now+5, since)
			if n, at := all.peak(width, now-lateness, now+5, since); hi-lo != n || edge != at {
				t.Fatalf("seed %d, now %d: peak %d at %d, brute force %d at %d", seed, now, hi-lo, edge, n, at)
			}
			for _, e := range w.entries[lo:hi] {
				if e.end != e.load || e.end <= edge-width || e.end > edge || e.end <= since {
					t.Fatalf("seed %d: entry %d is not of the window that ends at %d", seed, e.end, edge)
				}
			}
			if got, want := w.count(now-width, now+5), all.count(now-width, now+5); got != want {
				t.Fatalf("seed %d: count %d, brute force %d", seed, got, want)
			}
		}
	}
}

// TestWindowMemory: a million ends through a window of a thousand never hold more
// than the window, its tail and slack; a burst's memory is given back.
func TestWindowMemory(t *testing.T) {
	w := newWindow[breach](4096)
	for i := range int64(1_000_000) {
		w.add(i, breach{})
		if i%500 == 0 {
			w.tidy(i - 1000)
		}
		if cap(w.entries) > 8192 {
			t.Fatalf("%d entries of memory after %d ends", cap(w.entries), i)
		}
	}
	for i := range int64(1_000_000) {
		w.add(2_000_000+i%7, breach{})
	}
	if w.tidy(0); len(w.entries) != 4096 || w.dropped == 0 {
		t.Errorf("kept %d, dropped %d", len(w.entries), w.dropped)
	}
	if w.tidy(3_000_000); cap(w.entries) > 256 {
		t.Errorf("an empty window holds %d", cap(w.entries))
	}
}

// TestBucketsEqualBruteForce: a ring of counters against a list, late times and
// times before 1970 included; exact to one bucket.
func TestBucketsEqualBruteForce(t *testing.T) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 8))
		width, span := 1+rng.Int64N(10), 20+rng.Int64N(200)
		b, all, now := newBuckets[int](width, span), bruteWindow{}, rng.Int64N(1000)-500
		for range 500 {
			now += rng.Int64N(5)
			at := now - rng.Int64N(span)
			if c := b.at(at); c != nil {
				*c++
				all = append(all, at)
			} else if floorDiv(at, width) > floorDiv(now, width)-int64(len(b.ring)) {
				t.Fatalf("seed %d: %d is within %d of %d and has no bucket", seed, at, span, now)
			}
			from, got := now-rng.Int64N(span), 0
			b.each(from, now, func(n *int) { got += *n })
			lo, hi := (floorDiv(from, width)+1)*width-1, (floorDiv(now, width)+1)*width-1
			if want := all.count(lo, hi); got != want {
				t.Fatalf("seed %d: %d in (%d, %d], brute force %d", seed, got, from, now, want)
			}
		}
	}
}
