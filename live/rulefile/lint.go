package rulefile

import (
	"fmt"
	"slices"

	"github.com/scale-eval/scale-eval/live"
)

// Lint parses a rule file and says what is allowed but probably not meant. The
// warnings are Errors with a place; the error is Parse's.
func Lint(file string, text []byte) ([]*Error, error) {
	set, d, err := parse(file, text)
	if err != nil {
		return nil, err
	}
	l := &linter{d: d, set: &set}
	for i := range set.Targets {
		l.target(fmt.Sprintf("targets[%d]", i), &set.Targets[i])
	}
	for i := range set.Rules {
		l.rule(fmt.Sprintf("rules[%d]", i), &set.Rules[i])
	}
	l.circles()
	if len(set.Rules) == 0 {
		l.warn("", "no rules: nothing will ever be scaled")
	}
	return l.found, nil
}

type linter struct {
	d     *decoder
	set   *live.RuleSet
	found []*Error
}

func (l *linter) warn(path, format string, args ...any) {
	l.found = append(l.found, l.d.ErrorAt(path, fmt.Sprintf(format, args...)))
}

func (l *linter) target(path string, t *live.TargetSpec) {
	g := t.Guard
	if g.Max == 0 {
		l.warn(path, "no max: a rule may scale %s without bound", t.Target)
	}
	if g.Min == 0 && slices.ContainsFunc(l.set.Rules, func(r live.RuleSpec) bool { return r.Calm != nil || r.When.Always }) {
		l.warn(path, "no min: %s may be scaled to nothing, and what sends no spans is not scaled up again", t.Target)
	}
	if g.CooldownUp == 0 && g.StabiliseUp == 0 && len(g.Limits) == 0 {
		l.warn(path, "no cooldown, stabilise or limits: %s may be scaled up at every tick", t.Target)
	}
	for i, s := range t.Services {
		if !l.matched(s) {
			l.warn(fmt.Sprintf("%s.services[%d]", path, i), "no rule matches service %q; it is scaled only when it is blamed", s)
		}
	}
}

func (l *linter) matched(service string) bool {
	return slices.ContainsFunc(l.set.Rules, func(r live.RuleSpec) bool { return r.Match.Service.Match(service) })
}

func (l *linter) rule(path string, r *live.RuleSpec) {
	if r.Calm == nil && !r.When.Always {
		l.warn(path, "no calm: the rule only ever scales up")
	}
	if c := r.Calm; c != nil && c.For <= r.When.Window {
		l.warn(path+".calm.for", "%v is not longer than the window of %v: what just fired is soon calm", c.For, r.When.Window)
	}
	if r.Settle == 0 && !l.guarded(r) {
		l.warn(path, "neither settle nor a cooldown: the spans of one breach are acted on at every tick while its pods still start; try settle: 30s")
	}
	if r.When.Share > 0 && r.When.MinSpans < 20 {
		l.warn(path+".when.min_spans", "a share of fewer than 20 spans is noise; found %d", r.When.MinSpans)
	}
	if r.When.Times == 1 {
		l.warn(path+".when.times", "a single span will scale a service")
	}
	if l.set.ListedOnly && r.Then.Target.IsZero() && r.Blame != live.BlameRedirect && !l.reaches(r) {
		l.warn(path+".match.service", "no listed target runs a service that it matches, and settings.listed_only is set")
	}
	for i, s := range r.NotWhile {
		if !l.known(s) {
			l.warn(fmt.Sprintf("%s.not_while[%d]", path, i), "no target or rule names service %q", s)
		}
	}
}

// guarded says whether something slows the rule down on all targets that it can
// name, those that are not listed included.
func (l *linter) guarded(r *live.RuleSpec) bool {
	slow := func(g live.Guard) bool { return g.CooldownUp > 0 || g.StabiliseUp > 0 || len(g.Limits) > 0 }
	others := !l.set.ListedOnly && r.Then.Target.IsZero()
	return (!others || slow(l.set.Default)) && !slices.ContainsFunc(l.set.Targets, func(t live.TargetSpec) bool {
		return (r.Then.Target.IsZero() || r.Then.Target == t.Target) && !slow(t.Guard)
	})
}

func (l *linter) reaches(r *live.RuleSpec) bool {
	return slices.ContainsFunc(l.set.Targets, func(t live.TargetSpec) bool {
		return slices.ContainsFunc(t.Services, r.Match.Service.Match)
	})
}

func (l *linter) known(service string) bool {
	return slices.ContainsFunc(l.set.Targets, func(t live.TargetSpec) bool { return slices.Contains(t.Services, service) }) ||
		slices.ContainsFunc(l.set.Rules, func(r live.RuleSpec) bool { return r.Match.Service.String() == service })
}

// circles finds pairs of rules that wait for each other: when both services are in
// trouble, neither is scaled.
func (l *linter) circles() {
	for i := range l.set.Rules {
		for k := range l.set.Rules[:i] {
			a, b := &l.set.Rules[i], &l.set.Rules[k]
			if slices.Contains(a.NotWhile, b.Match.Service.String()) && slices.Contains(b.NotWhile, a.Match.Service.String()) {
				l.warn(fmt.Sprintf("rules[%d].not_while", i), "rules %s and %s wait for each other", b.Name, a.Name)
			}
		}
	}
}
