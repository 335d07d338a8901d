package live

import (
	"cmp"
	"slices"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// callRules are who looks at one call, found once.
type callRules struct {
	// quick watchers want nothing but spans over an absolute threshold. They are in the
	// order of their lowest, so a normal span costs one comparison, however many there
	// are.
	quick []*watcher
	rest  []*watcher
}

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
	c := &callRules{}
	for _, w := range p.watchers {
		switch {
		case !w.matches(call):
		case w.quick:
			c.quick = append(c.quick, w)
		default:
			c.rest = append(c.rest, w)
		}
	}
	slices.SortStableFunc(c.quick, func(a, b *watcher) int { return cmp.Compare(a.levels[0], b.levels[0]) })
	return c
}

func (c *callRules) observe(s *Span) {
	for _, w := range c.quick {
		if s.Duration <= w.levels[0] {
			break
		}
		w.observe(s)
	}
	for _, w := range c.rest {
		w.observe(s)
	}
}
