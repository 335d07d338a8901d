package eval

import (
	"runtime"
	"slices"
	"sync"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// crowdChunk is how many spans entrants go through on their own before they wait for
// each other: few enough to stay in a core's cache.
const crowdChunk = 1 << 11

// gather says how entrants meet the spans. They are a crowd if there are several and
// cores for them: spans are then collected in pending, and each entrant goes through them
// in a goroutine of its own. What an entrant sees, and in which order, is the same.
func (w *walk) gather() {
	if w.crowd = len(w.p.Entrants) > 1 && runtime.GOMAXPROCS(0) > 1; w.crowd {
		w.pending = make([]trace.Span, 0, crowdChunk)
	}
	if len(w.p.Entrants) == 1 {
		w.batch = NewBatch(w.p.Entrants[0].Sampler, w.p.Mode, w.p.Steady)
	}
}

// eachEntrant calls f for every entrant, for a crowd side by side. Of several errors it
// returns that of the first entrant.
func (w *walk) eachEntrant(f func(i int, e *Entrant) error) error {
	errs := make([]error, len(w.p.Entrants))
	var wg sync.WaitGroup
	for i := range w.p.Entrants {
		if w.crowd {
			wg.Go(func() { errs[i] = f(i, &w.p.Entrants[i]) })
		} else {
			errs[i] = f(i, &w.p.Entrants[i])
		}
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// learnPending shows the pending training spans to all entrants.
func (w *walk) learnPending() {
	_ = w.eachEntrant(func(_ int, e *Entrant) error { // Learn has no error
		for j := range w.pending {
			e.Sampler.Learn(&w.pending[j])
		}
		return nil
	})
	if w.kept != nil {
		for j := range w.pending {
			w.kept.add(&w.pending[j])
		}
	}
	w.pending = w.pending[:0]
}

// offerPending sends the pending test spans to all entrants and keeps what they say.
func (w *walk) offerPending() error {
	if w.p.Clock != nil && len(w.pending) > 0 {
		w.load.add(w.p.Clock()-w.finished, len(w.pending))
	}
	first := w.out.Counts.Test
	for i := range w.out.Scores.Columns {
		c, n := &w.out.Scores.Columns[i], int(first)+len(w.pending)
		c.Score, c.Keep = slices.Grow(c.Score, len(w.pending))[:n], slices.Grow(c.Keep, len(w.pending))[:n]
	}
	err := w.eachEntrant(func(i int, e *Entrant) error {
		// Columns lie side by side in memory: their lengths are not for several cores to
		// write.
		c := &w.out.Scores.Columns[i]
		score, keep := c.Score[first:], c.Keep[first:]
		for j := range score {
			d, err := w.offerOne(i, e, j)
			if err != nil {
				return err
			}
			score[j], keep[j] = d.Score, d.Keep
		}
		return nil
	})
	if err != nil {
		return err
	}
	for j := range w.pending {
		if err := w.record(&w.pending[j]); err != nil {
			return err
		}
		if err := w.tick(1); err != nil {
			return err
		}
	}
	w.pending = w.pending[:0]
	if w.p.Clock != nil {
		w.finished = w.p.Clock()
	}
	return nil
}

func (w *walk) offerOne(i int, e *Entrant, j int) (trace.Decision, error) {
	n := w.out.Counts.Test + int64(j)
	if !w.isTimed(n) {
		return w.checked(i, n, w.ask(e.Sampler, &w.pending[j]))
	}
	before := w.p.Clock()
	d := w.ask(e.Sampler, &w.pending[j])
	w.timers[i].add(w.p.Clock() - before)
	return w.checked(i, n, d)
}
