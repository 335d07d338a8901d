package experiment

import (
	"math"
	"time"

	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/sim/cluster"
)

// What the rules of SCALE say, the same in every case.
const (
	ruleWindow   = 30 * time.Second
	ruleMinSpans = 20
	// ruleMaxFactor is how far one action goes: an HPA at its defaults doubles, too.
	ruleMaxFactor = 2
	ruleSettle    = 30 * time.Second // a backlog drains
)

// Rules is the rule set with which SCALE plays the case: one rule an objective, whose
// threshold and share are the objective's, and one entry a target with its bounds.
func (c *Case) Rules(spans live.Selection) (live.RuleSet, error) {
	set := live.RuleSet{Settings: live.DefaultSettings(), ListedOnly: true}
	for _, t := range c.Targets {
		spec := live.TargetSpec{Target: live.Target{Kind: "deployment", Namespace: cluster.Namespace, Name: t.Service}, Services: []string{t.Service}}
		if t.Stateful {
			spec.Target.Kind = "statefulset"
		}
		spec.Guard = live.Guard{Min: max(1, t.Min), Max: t.Max}
		spec.Guard.Resources[live.CPU].Max = max(1, int64(1000*t.MaxCPU))
		spec.Guard.Resources[live.Memory].Max = max(1, int64(t.MaxMemoryMiB*(1<<20)))
		set.Targets = append(set.Targets, spec)
	}
	seen := map[string]bool{}
	for _, o := range c.Objectives {
		if !seen[o.Service] {
			seen[o.Service] = true
			service, err := live.ParsePattern(o.Service)
			if err != nil {
				return set, err
			}
			set.Rules = append(set.Rules, o.rule(service, c.kind(), spans))
		}
	}
	return set, nil
}

// kind leaves the choice to the evidence where any pod may be resized; where none may,
// replicas are all that there is.
func (c *Case) kind() live.Kind {
	for i := range c.Targets {
		if c.Targets[i].resizable() {
			return live.Auto
		}
	}
	return live.Horizontal
}

func (o *Objective) rule(service live.Pattern, kind live.Kind, spans live.Selection) live.RuleSpec {
	larger := func(r live.Resource) live.ResourceAmount {
		return live.ResourceAmount{Resource: r, Amount: live.Amount{Mode: live.Percent, Value: 100}, Limits: true}
	}
	spec := live.RuleSpec{
		Name:  "objective-" + o.Service,
		Match: live.Match{Service: service},
		When: live.Condition{
			Latency: time.Duration(o.Latency), Share: math.Round((1-o.Share)*1e9) / 1e9, // 1 - .95 is not quite .05
			Window: ruleWindow, MinSpans: ruleMinSpans,
		},
		Spans: spans, Blame: live.BlameRedirect, Settle: ruleSettle,
		Then: live.Response{
			Kind: kind, Horizontal: &live.HorizontalResponse{MaxFactor: ruleMaxFactor},
		},
	}
	if kind == live.Auto {
		spec.Then.Vertical = []live.ResourceAmount{larger(live.CPU), larger(live.Memory)}
	}
	return spec
}
