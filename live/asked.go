package live

import "slices"

// asked is what was asked of a group at this tick. Rules ask the same of it, and no
// span comes during a tick: the first one pays.
type asked struct {
	sweeps []fullest // by watcher.sweeps and level of it; empty: not asked yet
	counts []counted
	burned []burned
	voters []string // services that breaches were blamed on
	codes  []coded  // by breach, down to coded; see code
	coded  int
}

// coded is what a vote asks of a breach, in a ninth of its memory: its level, and the
// number of a voter, unseenVote or pendingVote.
type coded struct{ level, code int32 }

// fullest is the fullest window of one level: breaches [lo:hi], of which n count.
type fullest struct {
	lo, hi, n int
	edge      int64
}

// counted is how many breaches ended in (from, to], by the lowest level that they
// reach.
type counted struct {
	from, to int64
	n        []int64
}

// burned is what a ring says of (from, to]: all spans, and those that broke each level.
type burned struct {
	ring     int
	from, to int64
	all      int64
	bad      []int64
}

func (a *asked) reset(g *group) {
	a.sweeps, a.counts, a.burned, a.voters = a.sweeps[:0], a.counts[:0], a.burned[:0], a.voters[:0]
	a.coded = len(g.breaches.entries)
}

// suffixSums makes n[l] the sum of n[l:].
func suffixSums(n []int64) {
	for l := len(n) - 2; l >= 0; l-- {
		n[l] += n[l+1]
	}
}

// reached counts the breaches [lo:hi] by the level that they reach.
func (g *group) reached(lo, hi, levels int) []int64 {
	n := make([]int64, levels)
	for i := lo; i < hi; i++ {
		n[g.breaches.entries[i].load.level]++
	}
	suffixSums(n)
	return n
}

// count is how many breaches of a level ended in (from, to].
func (g *group) count(w *watcher, level int, from, to int64) int64 {
	a := &g.asked
	i := slices.IndexFunc(a.counts, func(c counted) bool { return c.from == from && c.to == to })
	if i < 0 {
		i = len(a.counts)
		a.counts = append(a.counts, counted{from, to, g.reached(g.breaches.after(from), g.breaches.after(to), len(w.levels))})
	}
	return a.counts[i].n[level]
}

// burn is what ring says of a level in (from, to].
func (g *group) burn(w *watcher, ring, level int, from, to int64) (bad, all int64) {
	a := &g.asked
	i := slices.IndexFunc(a.burned, func(b burned) bool { return b.ring == ring && b.from == from && b.to == to })
	if i < 0 {
		i = len(a.burned)
		b := burned{ring, from, to, 0, make([]int64, len(w.levels))}
		g.burns[ring].each(from, to, func(c *goodBad) {
			b.all += c.all
			for l, n := range c.bad {
				b.bad[l] += n
			}
		})
		suffixSums(b.bad)
		a.burned = append(a.burned, b)
	}
	return a.burned[i].bad[level], a.burned[i].all
}

// fullest looks at every window (t-width, t] of a rule's sweep with from <= t <= to,
// and returns the one with most breaches of the rule's level, the latest of them on a
// tie.
func (g *group) fullest(w *watcher, sweep, level int, from, to int64) fullest {
	a := &g.asked
	levels := len(w.levels)
	if len(a.sweeps) == 0 {
		a.sweeps = append(a.sweeps, make([]fullest, len(w.sweeps)*levels)...)
		last := g.breaches.after(to)
		for i, s := range w.sweeps {
			lo, hi := g.breaches.after(from-s.width), g.breaches.after(from)
			n := g.reached(lo, hi, levels)
			w.moments = g.moments(w.moments, lo, last)
			for _, l := range s.levels {
				x := slide(w.moments, l, s.width, fullest{0, hi - lo, int(n[l]), from})
				x.lo, x.hi = x.lo+lo, x.hi+lo
				a.sweeps[i*levels+int(l)] = x
			}
		}
	}
	return a.sweeps[sweep*levels+level]
}

// fullestSince is fullest without what ended at or before since.
func (g *group) fullestSince(w *watcher, level int, width, from, to, since int64) fullest {
	lo, hi := g.breaches.after(max(from-width, since)), max(g.breaches.after(from), g.breaches.after(since))
	n := 0
	for i := lo; i < hi; i++ {
		if g.breaches.entries[i].load.level >= int32(level) {
			n++
		}
	}
	w.moments = g.moments(w.moments, lo, g.breaches.after(to))
	x := slide(w.moments, int32(level), width, fullest{0, hi - lo, n, from})
	x.lo, x.hi = x.lo+lo, x.hi+lo
	return x
}

// moment is what slide asks of a breach, in less of the cache.
type moment struct {
	end   int64
	level int32
}

// moments puts those of the breaches [lo:hi] into out, whose memory it uses.
func (g *group) moments(out []moment, lo, hi int) []moment {
	out = out[:0]
	for i := lo; i < hi; i++ {
		e := &g.breaches.entries[i]
		out = append(out, moment{e.end, e.load.level})
	}
	return out
}

// slide moves the right edge of a window over all that ended after it. Cost:
// O(moments that it passes).
func slide(in []moment, level int32, width int64, best fullest) fullest {
	for lo, hi, n := best.lo, best.hi, best.n; hi < len(in); {
		t, came := in[hi].end, false
		for ; hi < len(in) && in[hi].end == t; hi++ {
			if in[hi].level >= level {
				n++
				came = true
			}
		}
		if !came {
			continue
		}
		for ; lo < hi && in[lo].end <= t-width; lo++ {
			if in[lo].level >= level {
				n--
			}
		}
		if n >= best.n {
			best = fullest{lo, hi, n, t}
		}
	}
	return best
}

// What a breach says of who is to blame, besides the number of a voter.
const (
	unseenVote  = -1 // its trace is gone, or nobody looked
	pendingVote = -2 // its trace is still open
)

// encode fills in the codes of the breaches down to lo.
func (g *group) encode(p *Pipeline, lo int) {
	a := &g.asked
	if n := len(g.breaches.entries); len(a.codes) < n {
		a.codes = append(a.codes, make([]coded, n-len(a.codes))...)
	}
	for ; a.coded > lo; a.coded-- {
		b := &g.breaches.entries[a.coded-1].load
		c := coded{b.level, unseenVote}
		switch {
		case b.verdict != nil && b.verdict.known:
			c.code = int32(at(&a.voters, b.verdict.service))
		case b.verdict != nil && p.traces.isOpen(b.trace):
			c.code = pendingVote
		}
		a.codes[a.coded-1] = c
	}
}

// encodeStep is how many breaches are encoded at a time: a vote may need few.
const encodeStep = 32

// vote is what the newest maxVerdicts verdicts on breaches [lo:hi] of a level say.
type vote struct {
	service string // most votes; of as many, the first by name
	known   int
	pending int
}

// vote counts. How many breaches met on the way wait for their trace to close counts,
// too: under load there are always some of these, and they must not stand in the way
// of older ones.
func (g *group) vote(p *Pipeline, level, lo, hi int) vote {
	var v vote
	var few [8]int
	votes := few[:0]
	for i := hi - 1; i >= lo && v.known < maxVerdicts; i-- {
		if i < g.asked.coded {
			g.encode(p, max(lo, i-encodeStep))
		}
		if g.asked.codes[i].level < int32(level) {
			continue
		}
		switch c := g.asked.codes[i].code; c {
		case unseenVote:
		case pendingVote:
			v.pending++
		default:
			for len(votes) <= int(c) {
				votes = append(votes, 0)
			}
			votes[c]++
			v.known++
		}
	}
	best := 0
	for c, n := range votes {
		if name := g.asked.voters[c]; n > best || n == best && n > 0 && name < v.service {
			v.service, best = name, n
		}
	}
	return v
}
