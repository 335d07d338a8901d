package live

import (
	"cmp"
	"maps"
	"slices"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// walkWindows walks the groups of each rule that watches for itself, under what it
// watches for.
func (p *Pipeline) walkWindows(c *codec) {
	own := p.watchers()
	keys := slices.Sorted(maps.Keys(own))
	list(c, &keys, 1<<20, func(key *string) {
		c.text(key)
		r := own[*key]
		if r == nil { // of a rule that is gone: a spare one reads past it
			r = newSpecRule(RuleSpec{}, p)
			r.key = ""
		}
		r.walk(c)
	})
}

func (r *specRule) walk(c *codec) {
	integer(c, &r.began)
	list(c, &r.groups, c.calls, func(g **group) { r.walkGroup(c, g) })
}

func (r *specRule) walkGroup(c *codec, at **group) {
	if c.reading {
		*at = &group{}
	}
	g := *at
	name := ""
	if !c.reading {
		name = g.service.name
	}
	c.text(&name)
	c.call(&g.call)
	if c.reading {
		svc := r.p.services.byName[name]
		if svc == nil {
			c.fail("a window of service %q, which is not there", clip(name, 40))
			return
		}
		*g = *r.newGroup(svc, g.call)
		r.byKey[r.groupKey(svc, g.call)] = g
	}
	c.integers(&g.began, &g.lastHot)
	r.walkMembers(c, g)
	g.breaches.walk(c, func(b *breach) {
		c.traceID(&b.trace)
		word(c, &b.span)
		c.integers(&b.dur, &b.limit)
		c.verdict(&b.verdict)
	})
	g.total.walk(c, func(*struct{}) {})
	burns := len(g.burns)
	integer(c, &burns)
	if c.reading && burns != len(g.burns) {
		if r.key != "" || burns < 0 || burns > len(c.buf) {
			c.fail("a window has %d burn rates, its rule %d", burns, len(g.burns))
			return
		}
		g.burns = make([]buckets[goodBad], burns)
	}
	for i := range g.burns {
		g.burns[i].walk(c, func(n *goodBad) { c.integers(&n.good, &n.bad) })
	}
	calm := g.calm != nil
	if c.flags(&calm); !calm {
		return
	}
	if g.calm == nil {
		g.calm = &buckets[int64]{}
	}
	g.calm.walk(c, func(n *int64) { integer(c, n) })
}

// walkMembers walks the calls of a group and their thresholds.
func (r *specRule) walkMembers(c *codec, g *group) {
	list(c, &g.calls, c.calls, func(call *trace.Call) {
		c.call(call)
		limit := int64(noLimit)
		if !c.reading {
			limit = r.limit[*call]
		}
		integer(c, &limit)
		if c.reading {
			r.reach(*call)
			r.seen[*call], r.ofCall[*call], r.limit[*call] = true, g, limit
		}
	})
}

// walk keeps the order of arrival of what no tick has put in order yet.
func (w *window[P]) walk(c *codec, each func(*P)) {
	integer(c, &w.sorted)
	integer(c, &w.dropped)
	list(c, &w.entries, 2*w.max, func(e *windowEntry[P]) {
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
