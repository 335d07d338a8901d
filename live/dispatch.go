package live

import (
	"cmp"
	"slices"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// callRules are the rules that look at one call, found once.
type callRules struct {
	// quick rules want nothing but spans over an absolute threshold. They are in the
	// order of it, so a normal span costs one comparison, however many there are.
	quick []*specRule
	rest  []Rule
}

// rulesOf are the rules of a call.
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
	for _, r := range p.rules {
		s, ok := r.(*specRule)
		switch {
		case !ok:
			c.rest = append(c.rest, r)
		case s.leader != nil || !s.matches(call):
		case s.quick():
			c.quick = append(c.quick, s)
		default:
			c.rest = append(c.rest, s)
		}
	}
	slices.SortStableFunc(c.quick, func(a, b *specRule) int { return cmp.Compare(a.fixed, b.fixed) })
	return c
}

// quick says that spans at or below the threshold mean nothing to the rule.
func (r *specRule) quick() bool {
	w := r.spec.When
	return r.fixed > 0 && w.Times > 0 && !w.Errors && r.spec.Calm == nil
}

// share gives rules that watch for the same one of them as their leader: a span is
// then counted once, however many rules there are. What they do about it is their
// own.
func share(rules []Rule) {
	leaders := map[string]*specRule{}
	for _, r := range rules {
		s, ok := r.(*specRule)
		if !ok {
			continue
		}
		if l := leaders[s.key]; l != nil {
			s.leader = l
			l.rules++
			continue
		}
		leaders[s.key] = s
	}
}

func (c *callRules) observe(s *Span) {
	for _, r := range c.quick {
		if s.Duration <= r.fixed {
			break
		}
		r.Observe(s)
	}
	for _, r := range c.rest {
		r.Observe(s)
	}
}
