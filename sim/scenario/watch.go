package scenario

import "github.com/scale-eval/scale-eval/sim"

// Watch counts the requests that break the objectives of a scenario, in bins of one
// second of measured time by when they began: whoever waits for an answer is late
// before it comes. Requests without an answer are bad, so run the system until
// [Scenario.Settled]. A bin breaks an objective when more than 1 - Quantile of its
// requests failed or took longer.
type Watch struct {
	scenario *Scenario
	bins     []bin // by objective, then second
	per      int
}

type bin struct{ all, bad uint32 }

// NewWatch watches a run of s by [sim.System.OnBegin] and [sim.System.OnRequest].
func NewWatch(s *Scenario, sys *sim.System) *Watch {
	per := int((s.Duration + 1e9 - 1) / 1e9)
	w := &Watch{scenario: s, per: per, bins: make([]bin, per*len(s.SLOs))}
	sys.OnBegin(w.Begin)
	sys.OnRequest(w.Request)
	return w
}

// Begin counts a request that has no answer yet; give it to [sim.System.OnBegin].
func (w *Watch) Begin(client string, at int64) {
	w.count(client, at, func(b *bin, _ *SLO) { b.all, b.bad = b.all+1, b.bad+1 })
}

// Request counts an outcome; give it to [sim.System.OnRequest].
func (w *Watch) Request(o sim.Outcome) {
	w.count(o.Client, o.Start, func(b *bin, slo *SLO) {
		if o.OK && o.End-o.Start <= slo.Latency {
			b.bad--
		}
	})
}

func (w *Watch) count(client string, at int64, do func(*bin, *SLO)) {
	at -= w.scenario.Warmup
	if at < 0 || at >= w.scenario.Duration {
		return
	}
	for i := range w.scenario.SLOs {
		if slo := &w.scenario.SLOs[i]; slo.Client == client {
			do(&w.bins[i*w.per+int(at/1e9)], slo)
		}
	}
}

// Violated are the seconds of measured time in [from, to) in which an objective was
// broken.
func (w *Watch) Violated(from, to int64) (n int) {
	for t := int(from / 1e9); t < min(w.per, int(to/1e9)); t++ {
		for i := range w.scenario.SLOs {
			if b := w.bins[i*w.per+t]; float64(b.bad) > (1-w.scenario.SLOs[i].Quantile)*float64(b.all) {
				n++
				break
			}
		}
	}
	return n
}

// Requests are how many were counted, and how many of them were bad.
func (w *Watch) Requests() (all, bad int) {
	for _, b := range w.bins {
		all, bad = all+int(b.all), bad+int(b.bad)
	}
	return all, bad
}
