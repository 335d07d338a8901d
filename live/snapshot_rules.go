package live

import (
	"cmp"
	"slices"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// walkRules walks what the watchers hold, under what they watch for, and when each
// rule began to. Reading, it makes watchers as they were and has those of the rules
// there are now take over from them.
func (p *Pipeline) walkRules(c *codec) {
	now := map[string]*watcher{}
	for _, w := range p.watchers {
		now[w.key] = w
	}
	was := p.watchers
	list(c, &was, len(c.buf)+len(was), func(at **watcher) {
		if c.reading {
			*at = &watcher{p: p, byKey: map[groupKey]*group{}}
		}
		(*at).walk(c, now)
	})
	if !c.reading {
		c.walkBegan(p.began())
		return
	}
	if c.bad() {
		return
	}
	for _, old := range was {
		if w := now[old.key]; w != nil {
			w.takeOver(old)
		}
	}
	began := c.walkBegan(nil)
	for _, r := range p.rules {
		if at, ok := began[r.key]; ok {
			r.began = at
		} else if p.ticked {
			r.began = p.clock
		}
	}
}

func (c *codec) walkBegan(began map[string]int64) map[string]int64 {
	type entry struct {
		key string
		at  int64
	}
	var entries []entry
	for key, at := range began {
		entries = append(entries, entry{key, at})
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmpString(a.key, b.key) })
	list(c, &entries, len(c.buf)+len(entries), func(e *entry) {
		c.text(&e.key)
		integer(c, &e.at)
	})
	began = map[string]int64{}
	for _, e := range entries {
		began[e.key] = e.at
	}
	return began
}

func (w *watcher) walk(c *codec, now map[string]*watcher) {
	c.text(&w.key)
	integer(c, &w.by)
	integer(c, &w.skew)
	list(c, &w.levels, len(c.buf)+len(w.levels), func(l *int64) { integer(c, l) })
	list(c, &w.burns, len(c.buf)+len(w.burns), func(b *burnShape) { c.integers(&b.long, &b.short) })
	list(c, &w.marks, len(c.buf)+len(w.marks), func(m *mark) {
		integer(c, &m.level)
		c.numbers(&m.below)
		if c.reading && (m.level < 0 || m.level >= len(w.levels)) {
			c.fail("a mark of level %d of %d", m.level, len(w.levels))
			m.level = 0
		}
	})
	list(c, &w.calmFor, len(c.buf)+len(w.calmFor), func(d *int64) { integer(c, d) })
	if c.reading && (len(w.levels) == 0 || !slices.IsSorted(w.levels)) {
		c.fail("thresholds that are not in order")
		return
	}
	like := w
	if c.reading {
		like = now[w.key] // nil: the rules are gone
	}
	list(c, &w.groups, c.calls, func(at **group) {
		if c.reading {
			*at = &group{}
		}
		w.walkGroup(c, *at, like)
	})
}

// walkGroup walks one group. Rings that no rule of like needs any more are read past.
func (w *watcher) walkGroup(c *codec, g *group, like *watcher) {
	name := ""
	if !c.reading {
		name = g.service.name
	}
	c.text(&name)
	c.call(&g.call)
	if c.reading && !w.beginGroup(c, g, name, like) {
		return
	}
	integer(c, &g.began)
	w.walkMembers(c, g)
	g.breaches.walk(c, func(b *breach) {
		c.traceID(&b.trace)
		word(c, &b.span)
		c.integers(&b.dur, &b.limit)
		c.flags(&b.failed)
		integer(c, &b.level)
		c.verdict(&b.verdict)
		if c.reading && (b.level < 0 || int(b.level) >= len(w.levels)) {
			c.fail("a span of level %d of %d", b.level, len(w.levels))
			b.level = 0
		}
	})
	g.total.walk(c)
	for i := range g.burns {
		g.burns[i].walk(c, func(n *goodBad) {
			integer(c, &n.all)
			list(c, &n.bad, len(w.levels), func(bad *int64) { integer(c, bad) })
			if c.reading && len(n.bad) != 0 && len(n.bad) != len(w.levels) {
				c.fail("%d of %d levels in a bucket", len(n.bad), len(w.levels))
				n.bad = nil
			}
		})
	}
	for i := range g.calm {
		g.calm[i].walk(c, func(n *int64) { integer(c, n) })
	}
	for i := range g.lastHot {
		integer(c, &g.lastHot[i])
	}
}

// beginGroup makes an empty group of a service that is there.
func (w *watcher) beginGroup(c *codec, g *group, name string, like *watcher) bool {
	g.service = w.p.services.byName[name]
	if g.service == nil {
		c.fail("a window of service %q, which is not there", clip(name, 40))
		return false
	}
	g.breaches, g.total = newWindow[breach](MaxWindow), ends{max: maxTotals}
	setLevels(&g.breaches, w)
	g.burns, g.calm, g.lastHot = make([]buckets[goodBad], len(w.burns)), make([]buckets[int64], len(w.calmFor)), make([]int64, len(w.marks))
	w.byKey[w.groupKey(g.service, g.call)] = g
	if like == nil {
		return true
	}
	for i, shape := range w.burns {
		if slices.Contains(like.burns, shape) {
			g.burns[i] = shape.ring()
		}
	}
	for i, d := range w.calmFor {
		if slices.Contains(like.calmFor, d) && w.skew >= 0 && w.skew <= maxTime {
			g.calm[i] = calmRing(d, w.skew)
		}
	}
	return true
}

// walkMembers walks the calls of a group and their thresholds.
func (w *watcher) walkMembers(c *codec, g *group) {
	list(c, &g.calls, c.calls, func(call *trace.Call) {
		c.call(call)
		limit := int64(noLimit)
		if !c.reading {
			limit = w.limit[*call]
		}
		integer(c, &limit)
		if c.reading {
			w.reach(*call)
			w.seen[*call], w.ofCall[*call], w.limit[*call] = true, g, limit
		}
	})
}

// walk keeps the order of arrival of what no tick has put in order yet.
func (w *window[P]) walk(c *codec, each func(*P)) {
	integer(c, &w.sorted)
	integer(c, &w.dropped)
	list(c, &w.entries, 2*w.max*max(w.levels, 1), func(e *windowEntry[P]) {
		integer(c, &e.end)
		each(&e.load)
	})
	if !c.reading || c.bad() {
		return
	}
	byEnd := func(a, b windowEntry[P]) int { return cmp.Compare(a.end, b.end) }
	if w.sorted < 0 || w.sorted > len(w.entries) || !slices.IsSortedFunc(w.entries[:w.sorted], byEnd) {
		c.fail("a window is not in order")
	}
}

// walk keeps what no tick has put in order yet apart.
func (e *ends) walk(c *codec) {
	sorted := e.sorted()
	var all []int64
	if !c.reading {
		for i := range sorted {
			all = append(all, e.at(i))
		}
		all = append(all, e.fresh...)
	}
	integer(c, &sorted)
	integer(c, &e.dropped)
	list(c, &all, 2*e.max, func(end *int64) { integer(c, end) })
	if !c.reading || c.bad() {
		return
	}
	if sorted < 0 || sorted > len(all) || !slices.IsSorted(all[:sorted]) {
		c.fail("a window is not in order")
		return
	}
	e.push(all[:sorted])
	e.fresh = all[sorted:]
}
