package rulefile

import (
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/strictyaml"
)

// Version is the version of the format that this package reads.
const Version = 1

// ruleSet is the whole file.
func (d *decoder) ruleSet(n *yaml.Node) live.RuleSet {
	set, version := live.RuleSet{Settings: live.DefaultSettings()}, 0
	d.object(n, "", "file", []field{
		{"version", d.Integer(&version)},
		{"settings", func(n *yaml.Node, path string) { d.settings(n, path, &set) }},
		{"defaults", func(n *yaml.Node, path string) { d.object(n, path, "guard", d.guardFields(&set.Default)) }},
		{"targets", func(n *yaml.Node, path string) {
			d.List(n, path, func(n *yaml.Node, path string) { set.Targets = append(set.Targets, d.targetSpec(n, path)) })
		}},
		{"rules", func(n *yaml.Node, path string) {
			d.List(n, path, func(n *yaml.Node, path string) { set.Rules = append(set.Rules, d.rule(n, path)) })
		}},
	})
	if version != Version && d.OK() {
		d.BadAt("version", "want %d, found %d", Version, version)
	}
	return set
}

func (d *decoder) settings(n *yaml.Node, path string, set *live.RuleSet) {
	s := &set.Settings
	d.object(n, path, "settings", []field{
		{"lateness", d.Duration(&s.Lateness)},
		{"skew", d.Duration(&s.Skew)},
		{"trace_wait", d.Duration(&s.TraceWait)},
		{"silence_after", d.Duration(&s.SilenceAfter)},
		{"baseline_window", d.Duration(&s.BaselineWindow)},
		{"max_calls", d.Integer(&s.MaxCalls)},
		{"max_buffered_spans", d.Integer(&s.MaxBufferedSpans)},
		{"max_trace_spans", d.Integer(&s.MaxTraceSpans)},
		{"dry_run", d.Boolean(&s.DryRun)},
		{"listed_only", d.Boolean(&set.ListedOnly)},
	})
}

func (d *decoder) guardFields(g *live.Guard) []field {
	return []field{
		{"min", d.Integer(&g.Min)},
		{"max", d.Integer(&g.Max)},
		{"cpu", d.resourceBounds(live.CPU, g)},
		{"memory", d.resourceBounds(live.Memory, g)},
		{"cooldown", d.upDown(&g.CooldownUp, &g.CooldownDown)},
		{"stabilise", d.upDown(&g.StabiliseUp, &g.StabiliseDown)},
		{"limits", func(n *yaml.Node, path string) {
			d.List(n, path, func(n *yaml.Node, path string) { g.Limits = append(g.Limits, d.rateLimit(n, path)) })
		}},
	}
}

func (d *decoder) resourceBounds(r live.Resource, g *live.Guard) func(*yaml.Node, string) {
	b, kind := &g.Resources[r], "cpu_bounds"
	if r == live.Memory {
		kind = "memory_bounds"
	}
	return func(n *yaml.Node, path string) {
		d.object(n, path, kind, []field{{"min", d.quantity(r, &b.Min)}, {"max", d.quantity(r, &b.Max)}})
		if b.Max > 0 && b.Min > b.Max {
			d.BadAt(path, "want min <= max")
		}
	}
}

func (d *decoder) upDown(up, down *time.Duration) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		d.object(n, path, "up_down", []field{{"up", d.Duration(up)}, {"down", d.Duration(down)}})
	}
}

func (d *decoder) rateLimit(n *yaml.Node, path string) (l live.RateLimit) {
	d.object(n, path, "limit", []field{
		{"direction", strictyaml.OneOf(d.Reader, &l.Direction, []string{"up", "down"}, []live.Direction{live.Up, live.Down})},
		{"replicas", d.Integer(&l.Replicas)},
		{"percent", d.Percent(&l.Percent)},
		{"actions", d.Integer(&l.Actions)},
		{"per", d.Duration(&l.Per)},
	})
	return l
}

func (d *decoder) targetSpec(n *yaml.Node, path string) (t live.TargetSpec) {
	d.object(n, path, "target", append([]field{
		{"target", d.target(&t.Target)},
		{"services", d.texts(&t.Services, "a service name")},
		{"container", d.Text(&t.Container, "a container name")},
		{"schedule", func(n *yaml.Node, path string) {
			d.List(n, path, func(n *yaml.Node, path string) {
				var b live.ScheduledBounds
				d.object(n, path, "scheduled_bounds", append(d.periodFields(&b.Period),
					field{"min", d.Integer(&b.Min)}, field{"max", d.Integer(&b.Max)}))
				t.Schedule = append(t.Schedule, b)
			})
		}},
	}, d.guardFields(&t.Guard)...))
	if d.OK() && (t.Target.IsZero() || len(t.Services) == 0) {
		d.BadAt(path, "want target and at least one of services")
	}
	return t
}

func (d *decoder) texts(to *[]string, want string) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		d.List(n, path, func(n *yaml.Node, path string) {
			var s string
			d.Text(&s, want)(n, path)
			*to = append(*to, s)
		})
	}
}

func (d *decoder) periodFields(p *live.Period) []field {
	p.To = 1440
	return []field{
		{"days", d.days(&p.Days)},
		{"from", d.clock(&p.From)},
		{"to", d.clock(&p.To)},
		{"zone", d.zone(&p.Zone)},
	}
}

func (d *decoder) rule(n *yaml.Node, path string) (r live.RuleSpec) {
	d.object(n, path, "rule", []field{
		{"name", d.Text(&r.Name, "a name")},
		{"match", func(n *yaml.Node, path string) { d.match(n, path, &r.Match) }},
		{"when", func(n *yaml.Node, path string) { d.condition(n, path, &r.When) }},
		{"by", strictyaml.OneOf(d.Reader, &r.By, []string{"service", "call", "rule"}, []live.Grouping{live.ByService, live.ByCall, live.ByRule})},
		{"spans", strictyaml.OneOf(d.Reader, &r.Spans, []string{"sampled", "all"}, []live.Selection{live.Sampled, live.All})},
		{"blame", strictyaml.OneOf(d.Reader, &r.Blame, []string{"redirect", "suppress", "off"}, []live.BlameMode{live.BlameRedirect, live.BlameSuppress, live.BlameOff})},
		{"then", func(n *yaml.Node, path string) { d.response(n, path, &r.Then) }},
		{"calm", func(n *yaml.Node, path string) { r.Calm = d.calm(n, path) }},
		{"not_while", d.texts(&r.NotWhile, "a service name")},
		{"settle", d.Duration(&r.Settle)},
		{"priority", d.Integer(&r.Priority)},
		{"dry_run", d.Boolean(&r.DryRun)},
		{"active", func(n *yaml.Node, path string) {
			d.List(n, path, func(n *yaml.Node, path string) {
				var p live.Period
				d.object(n, path, "period", d.periodFields(&p))
				r.Active = append(r.Active, p)
			})
		}},
	})
	return r
}

func (d *decoder) match(n *yaml.Node, path string, m *live.Match) {
	d.object(n, path, "match", []field{
		{"service", d.pattern(&m.Service)},
		{"operation", d.pattern(&m.Operation)},
		{"kind", func(n *yaml.Node, path string) { d.kinds(n, path, m) }},
		{"attributes", func(n *yaml.Node, path string) { d.attributes(n, path, m) }},
	})
}

// kinds reads one span kind or a list of them.
func (d *decoder) kinds(n *yaml.Node, path string, m *live.Match) {
	one := func(n *yaml.Node, path string) {
		d.Scalar(n, path, "internal, server, client, producer, consumer or unspecified", func(s string) error {
			k, err := live.ParseSpanKind(s)
			if err != nil {
				return strictyaml.ErrForm
			}
			m.Kinds = append(m.Kinds, k)
			return nil
		})
	}
	if n.Kind == yaml.SequenceNode {
		d.List(n, path, one)
		return
	}
	one(n, path)
}

// attributes are a mapping with keys of the user's choice.
func (d *decoder) attributes(n *yaml.Node, path string, m *live.Match) {
	n, ok := d.Visit(n, path)
	if !ok {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.Bad(n, path, "want attributes and their patterns, found %s", strictyaml.Describe(n))
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		a := live.AttributeMatch{Key: n.Content[i].Value}
		d.pattern(&a.Value)(n.Content[i+1], strictyaml.Join(path, strictyaml.Clip(a.Key)))
		m.Attributes = append(m.Attributes, a)
	}
}

func (d *decoder) condition(n *yaml.Node, path string, c *live.Condition) {
	d.object(n, path, "when", []field{
		{"latency", d.Duration(&c.Latency)},
		{"baseline", func(n *yaml.Node, path string) {
			c.Quantile, c.MinBaseline = 0.5, 100
			d.object(n, path, "baseline", []field{
				{"multiple", d.Number(&c.Multiple, "a factor such as 3")},
				{"quantile", d.Part(&c.Quantile)},
				{"min_spans", d.Count(&c.MinBaseline)},
			})
		}},
		{"errors", d.Boolean(&c.Errors)},
		{"times", d.Integer(&c.Times)},
		{"within", d.Duration(&c.Window)},
		{"share", d.Part(&c.Share)},
		{"min_spans", d.Count(&c.MinSpans)},
		{"slo", func(n *yaml.Node, path string) { c.SLO = d.slo(n, path) }},
		{"always", d.Boolean(&c.Always)},
	})
}

// slo has the burn rates of the SRE workbook when it names none.
func (d *decoder) slo(n *yaml.Node, path string) *live.SLO {
	s := &live.SLO{}
	d.object(n, path, "slo", []field{
		{"objective", d.Part(&s.Objective)},
		{"burn", func(n *yaml.Node, path string) {
			d.List(n, path, func(n *yaml.Node, path string) {
				var b live.Burn
				d.object(n, path, "burn", []field{
					{"long", d.Duration(&b.Long)}, {"short", d.Duration(&b.Short)},
					{"rate", d.Number(&b.Rate, "a burn rate such as 14.4")},
				})
				s.Burns = append(s.Burns, b)
			})
		}},
	})
	if s.Burns == nil {
		s.Burns = []live.Burn{{Long: time.Hour, Short: 5 * time.Minute, Rate: 14.4}, {Long: 6 * time.Hour, Short: 30 * time.Minute, Rate: 6}}
	}
	return s
}

// response infers its kind from what it has.
func (d *decoder) response(n *yaml.Node, path string, r *live.Response) {
	explicit := live.Kind(255)
	d.object(n, path, "then", []field{
		{"target", d.target(&r.Target)},
		{"kind", strictyaml.OneOf(d.Reader, &explicit, []string{"horizontal", "vertical", "auto"}, []live.Kind{live.Horizontal, live.Vertical, live.Auto})},
		{"horizontal", func(n *yaml.Node, path string) { r.Horizontal = d.horizontal(n, path) }},
		{"vertical", func(n *yaml.Node, path string) { d.vertical(n, path, r) }},
	})
	switch {
	case explicit != 255:
		r.Kind = explicit
	case r.Horizontal != nil && len(r.Vertical) > 0:
		r.Kind = live.Auto
	case len(r.Vertical) > 0:
		r.Kind = live.Vertical
	}
}

func (d *decoder) horizontal(n *yaml.Node, path string) *live.HorizontalResponse {
	h, step, percent := &live.HorizontalResponse{}, 0, 0.0
	d.object(n, path, "horizontal", []field{
		{"step", d.Integer(&step)},
		{"percent", d.Percent(&percent)},
		{"proportional", func(n *yaml.Node, path string) {
			h.MaxFactor = 2
			d.object(n, path, "proportional", []field{{"max_factor", d.Number(&h.MaxFactor, "a factor such as 2")}})
		}},
		{"concurrency", d.Number(&h.Concurrency, "requests in flight a replica, such as 8")},
	})
	switch {
	case step != 0 && percent != 0:
		d.BadAt(path, "want one of step and percent, found both")
	case step != 0:
		h.Amount = live.Amount{Mode: live.Step, Value: float64(step)}
	case percent != 0:
		h.Amount = live.Amount{Mode: live.Percent, Value: percent}
	}
	return h
}

func (d *decoder) vertical(n *yaml.Node, path string, r *live.Response) {
	one := func(res live.Resource, kind string) func(*yaml.Node, string) {
		return func(n *yaml.Node, path string) {
			v := live.ResourceAmount{Resource: res, Requests: true, Limits: true}
			var step int64
			var percent float64
			d.object(n, path, kind, []field{
				{"step", d.quantity(res, &step)},
				{"percent", d.Percent(&percent)},
				{"requests", d.Boolean(&v.Requests)},
				{"limits", d.Boolean(&v.Limits)},
			})
			if (step != 0) == (percent != 0) && d.OK() {
				d.BadAt(path, "want exactly one of step and percent")
			}
			v.Amount = live.Amount{Mode: live.Step, Value: float64(step)}
			if percent != 0 {
				v.Amount = live.Amount{Mode: live.Percent, Value: percent}
			}
			r.Vertical = append(r.Vertical, v)
		}
	}
	d.object(n, path, "vertical", []field{
		{"cpu", one(live.CPU, "cpu_amount")},
		{"memory", one(live.Memory, "memory_amount")},
	})
}

func (d *decoder) calm(n *yaml.Node, path string) *live.Calm {
	c := &live.Calm{Below: 0.5, MinSpans: 1}
	d.object(n, path, "calm", []field{
		{"below", d.Part(&c.Below)},
		{"for", d.Duration(&c.For)},
		{"min_spans", d.Count(&c.MinSpans)},
		{"then", func(n *yaml.Node, path string) { d.response(n, path, &c.Then) }},
	})
	return c
}
