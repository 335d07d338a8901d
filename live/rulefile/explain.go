package rulefile

import (
	"fmt"
	"io"
	"strings"

	"github.com/scale-eval/scale-eval/live"
)

// Explain says in words what a rule set does. Errors are those of w.
func Explain(w io.Writer, set live.RuleSet) error {
	var b strings.Builder
	s := set.Settings
	fmt.Fprintf(&b, "Spans count when they arrive within %v of their end; clocks may differ by %v.\n", s.Lateness, s.Skew)
	fmt.Fprintf(&b, "After %v without spans every action is held.\n", s.SilenceAfter)
	if s.DryRun {
		b.WriteString("Nothing is changed: dry run.\n")
	}
	for _, r := range set.Rules {
		explainRule(&b, r)
	}
	for _, t := range set.Targets {
		explainTarget(&b, t)
	}
	other := "found by the orchestrator under their own name"
	if set.ListedOnly {
		other = "never scaled"
	}
	fmt.Fprintf(&b, "\nServices that no target lists are %s.\n", other)
	_, err := io.WriteString(w, b.String())
	return err
}

func explainRule(b *strings.Builder, r live.RuleSpec) {
	fmt.Fprintf(b, "\nRule %s", r.Name)
	if r.Priority != 0 {
		fmt.Fprintf(b, " (priority %d)", r.Priority)
	}
	if r.DryRun {
		b.WriteString(" (dry run)")
	}
	which := "sampled spans"
	if r.Spans == live.All {
		which = "all spans"
	}
	fmt.Fprintf(b, "\n  looks at %s of %s, %s\n", which, r.Match.String(), byText(r.By))
	fmt.Fprintf(b, "  fires when %s\n", r.When.String())
	if slo := r.When.SLO; slo != nil {
		for _, burn := range slo.Burns {
			fmt.Fprintf(b, "    burning %g times the budget over both %v and %v\n", burn.Rate, burn.Long, burn.Short)
		}
	}
	fmt.Fprintf(b, "  %s\n  then %s\n", blameText(r.Blame), responseText(r.Then, live.Up))
	if c := r.Calm; c != nil {
		fmt.Fprintf(b, "  after %v with at least %d spans, none over %g %% of the threshold, %s\n", c.For, c.MinSpans, 100*c.Below, responseText(c.Then, live.Down))
	}
	if len(r.NotWhile) > 0 {
		fmt.Fprintf(b, "  not while %s is in trouble\n", strings.Join(r.NotWhile, " or "))
	}
	if r.Settle > 0 {
		fmt.Fprintf(b, "  acts on a target again only on spans that ended %v after its last change there took effect\n", r.Settle)
	}
	for _, p := range r.Active {
		fmt.Fprintf(b, "  only %s\n", periodText(p))
	}
}

func byText(g live.Grouping) string {
	return [...]string{"each service by itself", "each call by itself", "all together"}[g]
}

func blameText(m live.BlameMode) string {
	return [...]string{
		"asks the traces who is the cause, and scales that",
		"asks the traces who is the cause, and does nothing when it is another service",
		"does not ask who is the cause",
	}[m]
}

func responseText(r live.Response, d live.Direction) string {
	var parts []string
	if h := r.Horizontal; h != nil && r.Kind != live.Vertical {
		parts = append(parts, horizontalText(h, d))
	}
	if r.Kind != live.Horizontal {
		for _, v := range r.Vertical {
			amount := v.Amount.String()
			if v.Amount.Mode == live.Step && v.Resource == live.CPU {
				amount += "m"
			} else if v.Amount.Mode == live.Step {
				amount += " bytes"
			}
			parts = append(parts, fmt.Sprintf("%s %s by %s", v.Resource, d, amount))
		}
	}
	s := strings.Join(parts, ", ")
	if r.Kind == live.Auto {
		s = "whichever the bottleneck asks for: " + strings.Join(parts, " or ")
	}
	if !r.Target.IsZero() {
		s += " of " + r.Target.String()
	}
	return s
}

func horizontalText(h *live.HorizontalResponse, d live.Direction) string {
	switch {
	case h.Concurrency > 0:
		return fmt.Sprintf("replicas %s to in-flight / %g", d, h.Concurrency)
	case h.MaxFactor > 0:
		return fmt.Sprintf("replicas %s in proportion to the breach, at most x%g", d, h.MaxFactor)
	}
	return fmt.Sprintf("replicas %s by %s", d, h.Amount)
}

func periodText(p live.Period) string {
	var days []string
	for i, on := range p.Days {
		if on {
			days = append(days, dayNames[i])
		}
	}
	zone := "UTC"
	if p.Zone != nil {
		zone = p.Zone.String()
	}
	return fmt.Sprintf("%s %02d:%02d-%02d:%02d %s", strings.Join(days, ","), p.From/60, p.From%60, p.To/60, p.To%60, zone)
}

func explainTarget(b *strings.Builder, t live.TargetSpec) {
	g := t.Guard
	fmt.Fprintf(b, "\nTarget %s runs %s\n", t.Target, strings.Join(t.Services, ", "))
	if g.Max > 0 {
		fmt.Fprintf(b, "  %d to %d replicas\n", g.Min, g.Max)
	} else {
		fmt.Fprintf(b, "  %d or more replicas\n", g.Min)
	}
	for _, s := range t.Schedule {
		fmt.Fprintf(b, "  %d to %d replicas %s\n", s.Min, s.Max, periodText(s.Period))
	}
	fmt.Fprintf(b, "  cooldown %v up, %v down; stabilised for %v up, %v down\n", g.CooldownUp, g.CooldownDown, g.StabiliseUp, g.StabiliseDown)
	for _, l := range g.Limits {
		what := fmt.Sprintf("%d replicas", l.Replicas)
		switch {
		case l.Percent > 0:
			what = fmt.Sprintf("%g %%", l.Percent)
		case l.Actions > 0:
			what = fmt.Sprintf("%d actions", l.Actions)
		}
		fmt.Fprintf(b, "  %s at most %s within %v\n", l.Direction, what, l.Per)
	}
}
