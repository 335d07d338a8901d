package scenario

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/strictyaml"
	"github.com/scale-eval/scale-eval/sim"
)

// file is the whole file.
func (p *parser) file(n *yaml.Node) {
	s, version := p.s, 0
	p.Object(n, "", "file", fields{
		field("version", p.Integer(&version)),
		field("name", p.Text(&s.Name, "a name")),
		field("summary", p.Text(&s.Summary, "a sentence")),
		field("lesson", p.Text(&s.Lesson, "a sentence")),
		field("warmup", p.ns(&s.Warmup)),
		field("duration", p.ns(&s.Duration)),
		field("fault", func(n *yaml.Node, path string) {
			p.Object(n, path, "span", fields{field("from", p.ns(&s.Fault.From)), field("to", p.ns(&s.Fault.To))})
			if p.OK() && s.Fault.To <= s.Fault.From {
				p.BadAt(path, "want from before to")
			}
		}),
		field("nodes", p.each(p.nodes)),
		field("services", p.each(p.readService)),
		field("clients", p.each(p.readClient)),
		field("slos", p.each(p.slo)),
		field("events", p.each(p.event)),
		field("targets", p.each(p.target)),
		field("accept", p.each(func(n *yaml.Node, path string) { s.Accept = append(s.Accept, p.action(n, path)) })),
		field("trap", p.each(func(n *yaml.Node, path string) { s.Trap = append(s.Trap, p.action(n, path)) })),
		field("best", p.each(p.remedy)),
	})
	if !p.OK() {
		return
	}
	switch {
	case version != Version:
		p.BadAt("version", "want %d, found %d", Version, version)
	case s.Name == "":
		p.BadAt("", "want a name")
	case len(s.Clients) == 0:
		p.BadAt("", "want clients, one or more: without them nothing happens")
	case s.Duration <= 0 || s.Duration > int64(MaxDuration):
		p.BadAt("duration", "want above 0 and at most %s", MaxDuration)
	}
}

// nodes reads a group of machines that are alike.
func (p *parser) nodes(n *yaml.Node, path string) {
	node, many := sim.Node{}, 1
	p.Object(n, path, "nodes", fields{
		field("name", p.Text(&node.Name, "a name; of several nodes it gets a number")),
		field("count", p.whole(&many, 1, 10_000)),
		field("zone", p.Text(&node.Zone, "a zone")),
		field("cpu", p.cores(&node.CPU)),
		field("memory", p.mib(&node.MemoryMiB)),
	})
	if p.OK() && (node.Name == "" || node.CPU == 0 || node.MemoryMiB == 0) {
		p.BadAt(path, "want name, cpu and memory, above 0")
		return
	}
	for i := range many {
		each := node
		if many > 1 {
			each.Name = fmt.Sprintf("%s-%d", node.Name, i)
		}
		p.s.Nodes = append(p.s.Nodes, each)
	}
}

func (p *parser) readService(n *yaml.Node, path string) {
	s := sim.Service{Balance: sim.PowerOfTwo, Lifecycle: standard(), Replicas: 1}
	p.Object(n, path, "service", fields{
		field("name", p.Text(&s.Name, "a name")),
		field("replicas", p.Integer(&s.Replicas)),
		field("pod", func(n *yaml.Node, path string) { p.pod(n, path, &s.Pod) }),
		field("queue", func(n *yaml.Node, path string) { p.queue(n, path, &s.Queue) }),
		field("balance", strictyaml.OneOf(p.Reader, &s.Balance, []string{"random", "round-robin", "least", "power-of-two"},
			[]sim.Balance{sim.Random, sim.RoundRobin, sim.Least, sim.PowerOfTwo})),
		field("lifecycle", func(n *yaml.Node, path string) { p.lifecycle(n, path, &s.Lifecycle) }),
		field("operations", p.each(func(n *yaml.Node, path string) { s.Operations = append(s.Operations, p.operation(n, path)) })),
	})
	p.s.Services = append(p.s.Services, s)
}

func (p *parser) pod(n *yaml.Node, path string, pod *sim.Pod) {
	p.Object(n, path, "pod", fields{
		field("threads", p.whole(&pod.Threads, 1, 1e9)),
		field("cpu", p.cores(&pod.CPU)),
		field("throttle_period", p.ns(&pod.ThrottlePeriod)),
		field("law", func(n *yaml.Node, path string) {
			pod.Law = &sim.USL{}
			p.Object(n, path, "law", fields{
				field("sigma", p.Number(&pod.Law.Sigma, "contention such as 0.01")),
				field("kappa", p.Number(&pod.Law.Kappa, "coherency such as 0.0002")),
			})
		}),
		field("cpu_request", p.cores(&pod.CPURequest)),
		field("memory_request", p.mib(&pod.MemoryRequestMiB)),
		field("memory_limit", p.mib(&pod.MemoryLimitMiB)),
		field("base_memory", p.mib(&pod.BaseMiB)),
		field("leak", p.mib(&pod.LeakMiBPerSecond)),
		field("collector_slowdown", p.Number(&pod.CollectorSlowdown, "a factor at the memory limit such as 4")),
		field("pools", p.each(func(n *yaml.Node, path string) {
			size := 0
			p.Integer(&size)(n, path)
			pod.Pools = append(pod.Pools, size)
		})),
	})
}

func (p *parser) queue(n *yaml.Node, path string, q *sim.Queue) {
	p.Object(n, path, "queue", fields{
		field("max", func(n *yaml.Node, path string) {
			if n.Value == "none" {
				q.Max = sim.NoQueue
				return
			}
			p.whole(&q.Max, 1, 1e9)(n, path)
		}),
		field("overflow", strictyaml.OneOf(p.Reader, &q.Overflow, []string{"reject", "block"}, []sim.Overflow{sim.Reject, sim.Block})),
		field("central", p.Boolean(&q.Central)),
		field("patience", p.dist(&q.Patience)),
	})
}

func (p *parser) lifecycle(n *yaml.Node, path string, l *sim.Lifecycle) {
	p.Object(n, path, "lifecycle", fields{
		field("bind", p.dist(&l.Bind)),
		field("pull", p.dist(&l.Pull)),
		field("start", p.dist(&l.Start)),
		field("probe_period", p.ns(&l.ProbePeriod)),
		field("drain", p.ns(&l.Drain)),
		field("in_place", p.Boolean(&l.InPlace)),
	})
}

func (p *parser) operation(n *yaml.Node, path string) (o sim.Operation) {
	p.Object(n, path, "operation", fields{
		field("name", p.Text(&o.Name, "a name")),
		field("memory", p.mib(&o.MemoryMiB)),
		field("stages", p.each(func(n *yaml.Node, path string) {
			var s sim.Stage
			p.Object(n, path, "stage", fields{
				field("cpu", p.dist(&s.CPU)),
				field("wait", p.dist(&s.Wait)),
				field("calls", p.each(func(n *yaml.Node, path string) { s.Calls = append(s.Calls, p.call(n, path)) })),
			})
			o.Stages = append(o.Stages, s)
		})),
		field("forward", p.each(func(n *yaml.Node, path string) {
			r := sim.Route{Probability: 1}
			p.Object(n, path, "route", fields{
				field("service", p.serviceName(&r.Service)),
				field("operation", p.Text(&r.Operation, "a name")),
				field("probability", p.Number(&r.Probability, "a probability such as 0.5")),
				field("network", p.dist(&r.Network)),
				field("priority", p.Integer(&r.Priority)),
			})
			o.Forward = append(o.Forward, r)
		})),
	})
	return o
}

func (p *parser) call(n *yaml.Node, path string) (c sim.Call) {
	p.Object(n, path, "call", fields{
		field("service", p.serviceName(&c.Service)),
		field("operation", p.Text(&c.Operation, "a name")),
		field("probability", p.Number(&c.Probability, "a probability such as 0.5")),
		field("times", p.Integer(&c.Times)),
		field("network", p.dist(&c.Network)),
		field("timeout", p.ns(&c.Timeout)),
		field("propagate", p.Boolean(&c.Propagate)),
		field("retry", func(n *yaml.Node, path string) {
			p.Object(n, path, "retry", fields{
				field("max", p.Integer(&c.Retry.Max)),
				field("backoff", p.ns(&c.Retry.Backoff)),
				field("cap", p.ns(&c.Retry.Cap)),
				field("jitter", p.Number(&c.Retry.Jitter, "a share such as 0.5")),
				field("budget", p.Number(&c.Retry.Budget, "retries a call such as 0.2")),
				field("budget_burst", p.Number(&c.Retry.BudgetBurst, "a number of retries")),
			})
		}),
		field("pool", p.Integer(&c.Pool)),
		field("async", p.Boolean(&c.Async)),
		field("optional", p.Boolean(&c.Optional)),
		field("priority", p.Integer(&c.Priority)),
	})
	return c
}

func (p *parser) slo(n *yaml.Node, path string) {
	s := SLO{Quantile: .95}
	p.Object(n, path, "slo", fields{
		field("client", p.clientName(&s.Client)),
		field("latency", p.ns(&s.Latency)),
		field("quantile", p.within(&s.Quantile, .01, .99999, "a share of the requests")),
	})
	if p.OK() && (s.Client == "" || s.Latency <= 0) {
		p.BadAt(path, "want client and a latency above 0")
	}
	p.s.SLOs = append(p.s.SLOs, s)
}

func (p *parser) target(n *yaml.Node, path string) {
	t := Target{MinReplicas: 1, MaxReplicas: 1}
	p.Object(n, path, "target", fields{
		field("service", p.serviceName(&t.Service)),
		field("min", p.whole(&t.MinReplicas, 0, sim.MaxReplicas)),
		field("max", p.whole(&t.MaxReplicas, 1, sim.MaxReplicas)),
		field("max_cpu", p.cores(&t.MaxCPU)),
		field("max_memory", p.mib(&t.MaxMemoryMiB)),
		field("need", func(n *yaml.Node, path string) { t.Need = p.need(n, path) }),
	})
	if p.OK() && (t.Service == "" || t.MinReplicas > t.MaxReplicas) {
		p.BadAt(path, "want service, and min <= max")
	}
	p.s.Targets = append(p.s.Targets, t)
}

func (p *parser) action(n *yaml.Node, path string) (a Action) {
	a.Kind = live.Auto
	p.Object(n, path, "action", fields{
		field("service", p.serviceName(&a.Service)),
		field("direction", strictyaml.OneOf(p.Reader, &a.Direction, []string{"up", "down"}, []live.Direction{live.Up, live.Down})),
		field("kind", strictyaml.OneOf(p.Reader, &a.Kind, []string{"horizontal", "vertical", "any"}, []live.Kind{live.Horizontal, live.Vertical, live.Auto})),
	})
	if p.OK() && (a.Service == "" || a.Direction == live.Hold) {
		p.BadAt(path, "want service and direction")
	}
	return a
}

func (p *parser) remedy(n *yaml.Node, path string) {
	var r Remedy
	p.Object(n, path, "remedy", fields{
		field("at", p.ns(&r.At)),
		field("service", p.serviceName(&r.Service)),
		field("replicas", p.whole(&r.Replicas, 1, sim.MaxReplicas)),
		field("cpu", p.cores(&r.CPU)),
		field("memory", p.mib(&r.MemoryMiB)),
		field("threads", p.whole(&r.Threads, 1, 1e9)),
	})
	if p.OK() && (r.Service == "" || r.Replicas == 0 && r.CPU == 0 && r.MemoryMiB == 0 && r.Threads == 0) {
		p.BadAt(path, "want service and one of replicas, cpu, memory and threads")
	}
	p.s.Best = append(p.s.Best, r)
}
