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

// TestWindowEqualsBruteForce: random streams of spans that reach four thresholds, out
// of order, with ties, evaluated at random moments; each threshold has a twin with all
// its ends. What is forgotten must never matter again.
func TestWindowEqualsBruteForce(t *testing.T) {
	const levels = 4
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 7))
		width, lateness := 1+rng.Int64N(50), rng.Int64N(40)
		w := &watcher{levels: make([]int64, levels), sweeps: []sweepShape{{width: width, levels: []int32{0, 1, 2, 3}}}}
		g, all, now := &group{breaches: newWindow[breach](1 << 20)}, [levels]bruteWindow{}, int64(0)
		for range 150 {
			now += rng.Int64N(6)
			for range rng.IntN(8) {
				end, level := now+5-rng.Int64N(2*(width+lateness)+10), rng.IntN(levels)
				if end <= now-width-lateness {
					continue // refused as late by the pipeline
				}
				g.breaches.add(end, breach{level: int32(level), dur: end})
				for l := range level + 1 {
					all[l] = append(all[l], end)
				}
			}
			if rng.IntN(3) > 0 {
				continue
			}
			g.breaches.tidy(now - width - lateness)
			g.asked.reset(g)
			since := now - rng.Int64N(width+lateness+5)
			for level := range levels {
				x := g.fullest(w, 0, level, now-lateness, now+5)
				g.compare(t, x, level, all[level], width, now-lateness, now+5, minTime)
				x = g.fullestSince(w, level, width, now-lateness, now+5, since)
				g.compare(t, x, level, all[level], width, now-lateness, now+5, since)
				if got, want := g.count(w, level, now-width, now+5), all[level].count(now-width, now+5); got != int64(want) {
					t.Fatalf("seed %d: count %d, brute force %d", seed, got, want)
				}
			}
		}
	}
}

// compare holds a fullest window against the twin's.
func (g *group) compare(t *testing.T, x fullest, level int, all bruteWindow, width, from, to, since int64) {
	t.Helper()
	if n, at := all.peak(width, from, to, since); x.n != n || x.edge != at {
		t.Fatalf("level %d: peak %d at %d, brute force %d at %d", level, x.n, x.edge, n, at)
	}
	n := 0
	for _, e := range g.breaches.entries[x.lo:x.hi] {
		if e.load.level < int32(level) {
			continue
		}
		n++
		if e.end != e.load.dur || e.end <= x.edge-width || e.end > x.edge || e.end <= since {
			t.Fatalf("entry %d is not of the window that ends at %d", e.end, x.edge)
		}
	}
	if n != x.n {
		t.Fatalf("%d entries, %d said", n, x.n)
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
	shared := newWindow[breach](100)
	setLevels(&shared, &watcher{levels: make([]int64, 2)})
	for i := range int64(1000) {
		shared.add(i, breach{level: int32(i / 980)}) // the last 20 are of the higher level
	}
	if shared.tidy(0); len(shared.entries) != 120 || shared.entries[0].end != 880 || shared.dropped != 880 || shared.sorted != 120 {
		t.Errorf("%d entries of two levels from %d, %d dropped", len(shared.entries), shared.entries[0].end, shared.dropped)
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
			} else if floorDiv(at, width) > floorDiv(now, width)-b.n {
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
