package rulefile

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/scale-eval/scale-eval/live"
)

// Write writes a set as a rule file: what Parse reads from it is the set again. Fields
// with their defaults are left out. set must be valid; errors are those of w.
func Write(w io.Writer, set live.RuleSet) error {
	file := mapping{}
	file.add("version", Version)
	file.add("settings", settingsOf(set))
	file.add("defaults", guardOf(set.Default))
	file.add("targets", list(set.Targets, targetOf))
	file.add("rules", list(set.Rules, ruleOf))
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	if err := e.Encode(file.node()); err != nil {
		return err
	}
	return e.Close()
}

// mapping is a YAML mapping in an order that is meant.
type mapping []*yaml.Node

func (m mapping) node() *yaml.Node { return &yaml.Node{Kind: yaml.MappingNode, Content: m} }

// add leaves zero values out: they are what the reader assumes.
func (m *mapping) add(key string, value any) {
	n := &yaml.Node{}
	switch v := value.(type) {
	case mapping:
		if n = v.node(); len(v) == 0 {
			return
		}
	case []*yaml.Node:
		if n = (&yaml.Node{Kind: yaml.SequenceNode, Content: v}); len(v) == 0 {
			return
		}
	case string:
		if v == "" {
			return
		}
		n.SetString(v)
	case bool:
		if !v {
			return
		}
		n = plain("true")
	case int:
		if v == 0 {
			return
		}
		n = plain(strconv.Itoa(v))
	case time.Duration:
		if v == 0 {
			return
		}
		n = plain(v.String())
	case float64:
		if v == 0 {
			return
		}
		n = plain(strconv.FormatFloat(v, 'g', -1, 64))
	default:
		panic(fmt.Sprintf("rulefile: no form for %T", value))
	}
	k := &yaml.Node{}
	k.SetString(key)
	*m = append(*m, k, n)
}

// must adds a value whose absence would mean another one.
func (m *mapping) must(key, value string) {
	k := &yaml.Node{}
	k.SetString(key)
	*m = append(*m, k, plain(value))
}

func plain(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: s} }

func list[T any](values []T, of func(T) *yaml.Node) (nodes []*yaml.Node) {
	for _, v := range values {
		nodes = append(nodes, of(v))
	}
	return nodes
}

func word(s string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(s)
	return n
}

// settingsOf has what differs from the defaults.
func settingsOf(set live.RuleSet) (m mapping) {
	s, d := set.Settings, live.DefaultSettings()
	differ := func(key, is, was string) {
		if is != was {
			m.must(key, is)
		}
	}
	differ("lateness", s.Lateness.String(), d.Lateness.String())
	differ("skew", s.Skew.String(), d.Skew.String())
	differ("trace_wait", s.TraceWait.String(), d.TraceWait.String())
	differ("silence_after", s.SilenceAfter.String(), d.SilenceAfter.String())
	differ("baseline_window", s.BaselineWindow.String(), d.BaselineWindow.String())
	differ("max_calls", strconv.Itoa(s.MaxCalls), strconv.Itoa(d.MaxCalls))
	differ("max_buffered_spans", strconv.Itoa(s.MaxBufferedSpans), strconv.Itoa(d.MaxBufferedSpans))
	differ("max_trace_spans", strconv.Itoa(s.MaxTraceSpans), strconv.Itoa(d.MaxTraceSpans))
	m.add("dry_run", s.DryRun)
	m.add("listed_only", set.ListedOnly)
	return m
}

func guardOf(g live.Guard) (m mapping) {
	m.add("min", g.Min)
	m.add("max", g.Max)
	for r, key := range []string{"cpu", "memory"} {
		var b mapping
		b.add("min", quantityOf(live.Resource(r), g.Resources[r].Min))
		b.add("max", quantityOf(live.Resource(r), g.Resources[r].Max))
		m.add(key, b)
	}
	m.add("cooldown", upDownOf(g.CooldownUp, g.CooldownDown))
	m.add("stabilise", upDownOf(g.StabiliseUp, g.StabiliseDown))
	m.add("limits", list(g.Limits, func(l live.RateLimit) *yaml.Node {
		var m mapping
		m.add("direction", l.Direction.String())
		m.add("replicas", l.Replicas)
		m.add("percent", l.Percent)
		m.add("actions", l.Actions)
		m.add("per", l.Per)
		return m.node()
	}))
	return m
}

func upDownOf(up, down time.Duration) (m mapping) {
	m.add("up", up)
	m.add("down", down)
	return m
}

// quantityOf writes milli-cores or bytes, whole mebibytes as such; "" for 0.
func quantityOf(r live.Resource, v int64) string {
	switch {
	case v == 0:
		return ""
	case r == live.CPU:
		return strconv.FormatInt(v, 10) + "m"
	case v%(1<<20) == 0:
		return strconv.FormatInt(v>>20, 10) + "Mi"
	}
	return strconv.FormatInt(v, 10)
}

func targetOf(t live.TargetSpec) *yaml.Node {
	var m mapping
	m.add("target", t.Target.String())
	m.add("services", list(t.Services, word))
	m.add("container", t.Container)
	m = append(m, guardOf(t.Guard)...)
	m.add("schedule", list(t.Schedule, func(s live.ScheduledBounds) *yaml.Node {
		m := periodOf(s.Period)
		m.add("min", s.Min)
		m.add("max", s.Max)
		return m.node()
	}))
	return m.node()
}

func periodOf(p live.Period) (m mapping) {
	var days []string
	for i, on := range p.Days {
		if on {
			days = append(days, dayNames[i])
		}
	}
	m.add("days", strings.Join(days, ","))
	m.add("from", clockText(p.From))
	m.add("to", clockText(p.To))
	if p.Zone != nil {
		m.add("zone", p.Zone.String())
	}
	return m
}

func clockText(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }

func ruleOf(r live.RuleSpec) *yaml.Node {
	var m mapping
	m.add("name", r.Name)
	m.add("match", matchOf(&r.Match))
	m.add("when", whenOf(&r.When))
	m.add("by", [...]string{"", "call", "rule"}[r.By])
	m.add("spans", [...]string{"", "all"}[r.Spans])
	m.add("blame", [...]string{"", "suppress", "off"}[r.Blame])
	m.add("then", responseOf(&r.Then))
	if c := r.Calm; c != nil {
		var calm mapping
		calm.must("below", numberText(c.Below))
		calm.add("for", c.For)
		calm.must("min_spans", strconv.FormatInt(c.MinSpans, 10))
		calm.add("then", responseOf(&c.Then))
		m.add("calm", calm)
	}
	m.add("not_while", list(r.NotWhile, word))
	m.add("settle", r.Settle)
	m.add("priority", r.Priority)
	m.add("dry_run", r.DryRun)
	m.add("active", list(r.Active, func(p live.Period) *yaml.Node { return periodOf(p).node() }))
	return m.node()
}

func numberText(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

func matchOf(x *live.Match) (m mapping) {
	pattern := func(p live.Pattern) string { return strings.TrimPrefix(p.String(), "*") }
	m.add("service", pattern(x.Service))
	m.add("operation", pattern(x.Operation))
	m.add("kind", list(x.Kinds, func(k live.SpanKind) *yaml.Node { return word(k.String()) }))
	var attributes mapping
	for _, a := range x.Attributes {
		attributes.must(a.Key, "")
		attributes[len(attributes)-1] = word(a.Value.String())
	}
	m.add("attributes", attributes)
	return m
}

func whenOf(c *live.Condition) (m mapping) {
	m.add("latency", c.Latency)
	if c.Multiple > 0 {
		var b mapping
		b.add("multiple", c.Multiple)
		b.must("quantile", numberText(c.Quantile))
		b.must("min_spans", strconv.FormatInt(c.MinBaseline, 10))
		m.add("baseline", b)
	}
	m.add("errors", c.Errors)
	m.add("times", c.Times)
	m.add("within", c.Window)
	m.add("share", c.Share)
	m.add("min_spans", int(c.MinSpans))
	if c.SLO != nil {
		var s mapping
		s.add("objective", c.SLO.Objective)
		s.add("burn", list(c.SLO.Burns, func(b live.Burn) *yaml.Node {
			var m mapping
			m.add("long", b.Long)
			m.add("short", b.Short)
			m.add("rate", b.Rate)
			return m.node()
		}))
		m.add("slo", s)
	}
	m.add("always", c.Always)
	return m
}

func responseOf(r *live.Response) (m mapping) {
	if !r.Target.IsZero() {
		m.add("target", r.Target.String())
	}
	m.add("kind", r.Kind.String())
	if h := r.Horizontal; h != nil {
		var x mapping
		addAmount(&x, h.Amount, func(v float64) string { return strconv.Itoa(int(v)) })
		if h.MaxFactor > 0 {
			var p mapping
			p.add("max_factor", h.MaxFactor)
			x.add("proportional", p)
		}
		x.add("concurrency", h.Concurrency)
		m.add("horizontal", x)
	}
	var vertical mapping
	for _, v := range r.Vertical {
		var x mapping
		addAmount(&x, v.Amount, func(n float64) string { return quantityOf(v.Resource, int64(n)) })
		x.must("requests", strconv.FormatBool(v.Requests))
		x.must("limits", strconv.FormatBool(v.Limits))
		vertical.add(v.Resource.String(), x)
	}
	m.add("vertical", vertical)
	return m
}

func addAmount(m *mapping, a live.Amount, step func(float64) string) {
	switch {
	case a.Value == 0: // the response is of another kind
	case a.Mode == live.Percent:
		m.must("percent", numberText(a.Value)+"%")
	default:
		m.must("step", step(a.Value))
	}
}
