package live

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestEndsEqualBruteForce: random times, in and out of order, with ties, through a
// window that forgets and one that is too small. Counts are those of a list of the
// newest.
func TestEndsEqualBruteForce(t *testing.T) {
	seeds := uint64(60)
	if raceEnabled {
		seeds = 6
	}
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(seed, 9))
		span, late, most := 1+rng.Int64N(3000), rng.Int64N(2000), 1<<20
		if seed%3 == 0 {
			most = 200 + rng.IntN(500)
		}
		w, all, now := &ends{max: most}, bruteWindow{}, int64(0)
		for range 60 {
			now += rng.Int64N(400)
			for range rng.IntN(300) {
				at := now - rng.Int64N(late+1)
				if w.sorted()+len(w.fresh)+1 == 2*most {
					all = append(all, at).newest(most) // it tidies on its own
				} else {
					all = append(all, at)
				}
				w.add(at)
			}
			w.tidy(now - span)
			all = all.newest(most)
			if n := w.sorted(); n > most || n < all.count(now-span, now) {
				t.Fatalf("seed %d: %d entries", seed, n)
			}
			for i := 1; i < w.sorted(); i++ {
				if w.at(i) < w.at(i-1) {
					t.Fatalf("seed %d: entry %d is out of order", seed, i)
				}
			}
			for range 5 {
				to := now - rng.Int64N(span)
				from := max(now-span, to-rng.Int64N(span))
				if got, want := w.count(from, to), all.count(from, to); got != want {
					t.Fatalf("seed %d: %d in (%d, %d], brute force %d", seed, got, from, to, want)
				}
			}
		}
		if memory := (len(w.blocks)+len(w.spare))*endsBlock + cap(w.fresh); memory > 2*w.sorted()+8*endsBlock+1200 {
			t.Errorf("seed %d: room for %d, for %d entries", seed, memory, w.sorted())
		}
	}
}

// newest keeps the n latest.
func (b bruteWindow) newest(n int) bruteWindow {
	slices.Sort(b)
	return b[max(0, len(b)-n):]
}
