package live

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// callRules are who looks at one call, found once. A hundred rules may look at it, each
// by a match of its own, so a span that breaks nothing goes to none of them: what they
// count is put down once and told to each in batches.
type callRules struct {
	call trace.Call
	// quick watchers have an absolute threshold. They are in the order of their lowest,
	// so a normal span costs one comparison, however many there are.
	quick []*watcher
	// slow ones ask more of a span to say whether it breaks a rule.
	slow []*watcher
	// picky ones look at some spans of the call only: by kind, or, found by an index, by
	// attribute.
	picky   []*watcher
	indexes []*attributeIndex
	// counting are those of quick and slow that count every span, and notes what they
	// have not counted yet.
	counting []*watcher
	notes    []note
}

// note is what a watcher counts of a span. Whole batches are counted at a time, because
// what is counted in lies apart for each watcher.
type note struct {
	end, dur int64
	failed   bool
}

const noteBatch = 64

// rulesOf are the watchers of a call.
func (p *Pipeline) rulesOf(call trace.Call) *callRules {
	for int(call) >= len(p.ofCall) {
		p.ofCall = append(p.ofCall, nil)
	}
	if p.ofCall[call] == nil {
		p.ofCall[call] = p.findRules(call)
	}
	return p.ofCall[call]
}

func (p *Pipeline) findRules(call trace.Call) *callRules {
	c := &callRules{call: call}
	byKey := map[indexKey][]*watcher{}
	var keys []indexKey
	for _, w := range p.watchers {
		m := w.match
		switch {
		case !w.matches(call):
		case len(m.Attributes) > 0:
			key := indexKey{m.Attributes[0].Key, w.quick() && !w.counts()}
			at(&keys, key)
			byKey[key] = append(byKey[key], w)
		case len(m.Kinds) > 0:
			c.picky = append(c.picky, w)
		default:
			c.add(w)
		}
	}
	for _, key := range keys {
		c.indexes = append(c.indexes, p.indexOf(key, byKey[key]))
	}
	slices.SortStableFunc(c.quick, func(a, b *watcher) int { return cmp.Compare(a.levels[0], b.levels[0]) })
	return c
}

// add adds a watcher that looks at every span of the call.
func (c *callRules) add(w *watcher) {
	if w.quick() {
		c.quick = append(c.quick, w)
	} else {
		c.slow = append(c.slow, w)
	}
	if w.counts() {
		c.counting = append(c.counting, w)
	}
}

func (c *callRules) observe(s *Span) {
	for _, w := range c.quick {
		if s.Duration <= w.levels[0] {
			break
		}
		w.observe(s)
	}
	for _, w := range c.slow {
		w.observe(s)
	}
	for _, w := range c.picky {
		if w.match.span(s) {
			w.note(s)
			w.observe(s)
		}
	}
	for _, x := range c.indexes {
		x.observe(s)
	}
	if len(c.counting) > 0 {
		if c.notes = append(c.notes, noteOf(s)); len(c.notes) == noteBatch {
			c.count()
		}
	}
}

func noteOf(s *Span) note { return note{s.End(), s.Duration, s.Status == StatusError} }

// count tells the watchers what is noted.
func (c *callRules) count() {
	for _, w := range c.counting {
		w.count(w.ofCall[c.call], w.limit[c.call], c.notes)
	}
	c.notes = c.notes[:0]
}

// countNotes must come before anybody looks at what watchers have counted.
func (p *Pipeline) countNotes() {
	for _, c := range p.ofCall {
		if c != nil && len(c.notes) > 0 {
			c.count()
		}
	}
	for _, w := range p.watchers {
		for _, g := range w.groups {
			if len(g.notes) > 0 {
				w.countNotes(g)
			}
		}
	}
}

// attributeIndex finds the watchers that want an attribute by its value, of those that
// look at a call. Calls that the same ones look at share it.
type attributeIndex struct {
	key      string
	least    int64 // spans that are no longer mean nothing to any of them
	watchers []*watcher
	of       map[string][]*watcher // by value, what was found before
}

// indexKey says which watchers share an index: those that want one attribute, and spans
// over a threshold only, or not.
type indexKey struct {
	key   string
	quick bool
}

// maxIndexed bounds the values whose watchers are remembered, and maxIndexedValue the
// length of one: they come from outside.
const (
	maxIndexed      = 1024
	maxIndexedValue = 128
)

func (p *Pipeline) indexOf(key indexKey, watchers []*watcher) *attributeIndex {
	name := key.key
	for _, w := range watchers {
		name += fmt.Sprintf(" %d", slices.Index(p.watchers, w))
	}
	x := p.indexes[name]
	if x != nil {
		return x
	}
	x = &attributeIndex{key: key.key, least: -1, watchers: watchers, of: map[string][]*watcher{}}
	if key.quick {
		x.least = watchers[0].levels[0]
		for _, w := range watchers {
			x.least = min(x.least, w.levels[0])
		}
	}
	p.indexes[name] = x
	return x
}

func (x *attributeIndex) observe(s *Span) {
	if s.Duration <= x.least {
		return // the commonest case
	}
	v, ok := s.Attr(x.key)
	if !ok {
		return
	}
	found, proven := x.find(v)
	for _, w := range found {
		if w.match.kind(s.SpanKind) && w.match.attributes(s, proven) {
			w.note(s)
			w.observe(s)
		}
	}
}

// find are the watchers whose first attribute has the value, or, when proven is 0, may
// have it. proven is how many attributes need not be looked at again.
func (x *attributeIndex) find(v string) (found []*watcher, proven int) {
	if found, ok := x.of[v]; ok {
		return found, 1
	}
	if len(x.of) >= maxIndexed || len(v) > maxIndexedValue {
		return x.watchers, 0
	}
	for _, w := range x.watchers {
		if w.match.Attributes[0].Value.Match(v) {
			found = append(found, w)
		}
	}
	x.of[strings.Clone(v)] = found
	return found, 1
}
