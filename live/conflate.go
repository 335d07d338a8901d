package live

import "slices"

// conflate makes one action of what the rules want of one target, which is at
// least one. The precedence, first difference decides:
//
//  1. an action before a hold;
//  2. one that is to be done before a dry run;
//  3. up before down: too much costs money, too little costs users;
//  4. the higher priority;
//  5. one whose kind a bottleneck's evidence chose before one whose rule did;
//  6. horizontal before vertical: it needs no restart;
//  7. more replicas before fewer, so the larger of two ups, the milder of two downs;
//  8. the rule's name, then the service's.
//
// Amounts are not added up: two rules that see the same fault see it once. What
// lost is listed in the winner's Why.Folded, in the same order.
func conflate(wanted []*Action) Action {
	slices.SortStableFunc(wanted, func(a, b *Action) int { return precede(a, b).sign })
	winner := *wanted[0]
	winner.complete()
	winner.evidence = evidence{}
	winner.Why.Folded = slices.Grow(slices.Clone(winner.Why.Folded), len(wanted)-1)
	for _, w := range wanted[1:] {
		winner.Why.Folded = append(winner.Why.Folded, Fold{
			Rule: w.Why.Rule, Service: w.origin(), Kind: w.Kind, Direction: w.Direction,
			Wanted: w.wanted(), Because: because(&winner, w),
		})
	}
	return winner
}

// preference is which of two actions comes first, and why.
type preference struct {
	sign    int // as of cmp
	because string
}

func precede(a, b *Action) preference {
	switch {
	case (a.Direction == Hold) != (b.Direction == Hold):
		return first(b.Direction == Hold, "it holds")
	case a.DryRun != b.DryRun:
		return first(b.DryRun, "it is a dry run")
	case (a.Direction == Up) != (b.Direction == Up):
		return first(a.Direction == Up, "up before down")
	case a.Priority != b.Priority:
		return first(a.Priority > b.Priority, "lower priority")
	case (a.Why.Bottleneck == nil) != (b.Why.Bottleneck == nil):
		return first(b.Why.Bottleneck == nil, "no bottleneck evidence")
	case a.Kind != b.Kind:
		return first(a.Kind < b.Kind, "horizontal first")
	case a.To != b.To:
		return first(a.To > b.To, "fewer replicas")
	case a.Why.Rule != b.Why.Rule:
		return first(a.Why.Rule < b.Why.Rule, "the same")
	}
	return preference{cmpString(a.Service, b.Service), "the same"}
}

func first(a bool, because string) preference {
	if a {
		return preference{-1, because}
	}
	return preference{1, because}
}

// origin is the service whose spans broke the rule, which blame may have replaced.
func (a *Action) origin() string {
	if a.Why.Service != "" {
		return a.Why.Service
	}
	return a.Service
}

// because is why w was folded into winner.
func because(winner, w *Action) string {
	if w.Direction == Hold && len(w.Why.Notes) > 0 {
		return w.Why.Notes[len(w.Why.Notes)-1]
	}
	return precede(winner, w).because
}

// wanted is the size that the action asked for.
func (a *Action) wanted() string {
	switch {
	case a.Direction == Hold:
		return "nothing"
	case a.Kind == Horizontal:
		return a.Amount.String()
	}
	s := ""
	for i, v := range a.Amounts {
		if i > 0 {
			s += ", "
		}
		s += v.Resource.String() + " " + v.Amount.String()
	}
	return s
}
