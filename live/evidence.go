package live

import (
	"slices"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// maxVerdicts is how many verdicts on a window's breaches are counted, the newest
// that are known.
const maxVerdicts = 64

// peak is the fullest window of a group, and what was asked.
type peak struct {
	tick                   int64
	width, from, to, since int64
	lo, hi                 int
	edge                   int64
}

// fullest is window.peak for rules that share a group: the first of them to ask at a
// tick pays. No span comes during a tick.
func (g *group) fullest(tick, width, from, to, since int64) (lo, hi int, edge int64) {
	p := &g.peak
	if p.tick != tick || p.width != width || p.from != from || p.to != to || p.since != since {
		*p = peak{tick: tick, width: width, from: from, to: to, since: since}
		p.lo, p.hi, p.edge = g.breaches.peak(width, from, to, since)
	}
	return p.lo, p.hi, p.edge
}

// evidence is what the breaches of a window say. Rules that share a group share it:
// nothing writes to it once it is made.
type evidence struct {
	tick      int64
	lo, hi    int
	median    int64
	most      int64
	threshold int64
	traceIDs  []string // of the newest spans
	blame     *Blame   // nil: no trace is left to ask, or nobody asks
	pending   bool     // too many traces are open to say who is to blame
}

// evidence is that of the breaches [lo:hi].
func (g *group) evidence(p *Pipeline, lo, hi int) *evidence {
	if e := g.seen; e != nil && e.tick == p.counters.Ticks && e.lo == lo && e.hi == hi {
		return e
	}
	e := &evidence{tick: p.counters.Ticks, lo: lo, hi: hi}
	g.seen = e
	window := g.breaches.entries[lo:hi]
	if len(window) == 0 {
		return e
	}
	e.measure(window)
	known, unseen, pending := p.verdicts(window)
	e.pending = pending > len(known) && len(known) < maxVerdicts
	e.blame = p.tally(known, unseen)
	return e
}

func (e *evidence) measure(window []windowEntry[breach]) {
	durs := make([]int64, len(window))
	for i := range window {
		durs[i] = window[i].load.dur
	}
	slices.Sort(durs)
	e.median, e.most = durs[len(durs)/2], durs[len(durs)-1]
	if l := window[len(window)-1].load.limit; l != noLimit {
		e.threshold = l
	}
	for i := len(window) - 1; i >= 0 && len(e.traceIDs) < MaxTraceIDs; i-- {
		id := window[i].load.trace
		if s := id.String(); id != (trace.TraceID{}) && !slices.Contains(e.traceIDs, s) {
			e.traceIDs = append(e.traceIDs, s)
		}
	}
}

// verdicts are the newest maxVerdicts that are known; how many of the breaches met
// on the way have lost their trace, and how many wait for it to close. Under load
// there are always some of these: they must not stand in the way of older ones.
func (p *Pipeline) verdicts(window []windowEntry[breach]) (known []verdict, unseen, pending int) {
	for i := len(window) - 1; i >= 0 && len(known) < maxVerdicts; i-- {
		b := &window[i].load
		switch {
		case b.verdict != nil && b.verdict.known:
			known = append(known, *b.verdict)
		case b.verdict != nil && p.traces.byID[b.trace] != nil:
			pending++
		default:
			unseen++
		}
	}
	return known, unseen, pending
}
