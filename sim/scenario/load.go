package scenario

import (
	"errors"
	"fmt"
	"io/fs"
	"math"

	"go.yaml.in/yaml/v3"

	"github.com/scale-eval/scale-eval/live/strictyaml"
	"github.com/scale-eval/scale-eval/sim"
	"github.com/scale-eval/scale-eval/sim/random"
	"github.com/scale-eval/scale-eval/sim/traffic"
)

func (p *parser) readClient(n *yaml.Node, path string) {
	var c Client
	p.Object(n, path, "client", fields{
		field("name", p.Text(&c.Name, "a name")),
		field("mix", p.each(func(n *yaml.Node, path string) {
			ch := sim.Choice{Weight: 1}
			p.Object(n, path, "choice", fields{
				field("weight", p.Number(&ch.Weight, "a weight such as 10")),
				field("call", func(n *yaml.Node, path string) { ch.Call = p.call(n, path) }),
			})
			c.Mix = append(c.Mix, ch)
		})),
		field("arrivals", func(n *yaml.Node, path string) { p.arrivals(n, path, &c) }),
		field("users", p.Integer(&c.Users)),
		field("think", p.dist(&c.Think)),
		field("pools", p.each(func(n *yaml.Node, path string) {
			size := 0
			p.Integer(&size)(n, path)
			c.Pools = append(c.Pools, size)
		})),
	})
	p.s.Clients = append(p.s.Clients, c)
}

// arrivals reads an open load: one of rps, rate, states, recorded.
func (p *parser) arrivals(n *yaml.Node, path string, c *Client) {
	perSecond, repeat := math.NaN(), int64(0)
	var points []traffic.Point
	process := "poisson"
	var recorded *series
	p.Object(n, path, "arrivals", fields{
		field("process", strictyaml.OneOf(p.Reader, &process, []string{"poisson", "deterministic"}, []string{"poisson", "deterministic"})),
		field("rps", p.within(&perSecond, 0, 1e8, "requests per second")),
		field("rate", p.each(func(n *yaml.Node, path string) {
			var pt traffic.Point
			p.Object(n, path, "point", fields{field("at", p.ns(&pt.At)), field("rps", p.within(&pt.PerSecond, 0, 1e8, "requests per second"))})
			points = append(points, pt)
		})),
		field("repeat", p.ns(&repeat)),
		field("states", p.each(func(n *yaml.Node, path string) {
			var st traffic.State
			p.Object(n, path, "state", fields{field("rps", p.within(&st.PerSecond, 0, 1e8, "requests per second")), field("sojourn", p.dist(&st.Sojourn))})
			c.Load.States = append(c.Load.States, st)
		})),
		field("recorded", func(n *yaml.Node, path string) { recorded = p.series(n, path) }),
	})
	if !p.OK() {
		return
	}
	c.Load.Deterministic = process == "deterministic"
	if count([]bool{!math.IsNaN(perSecond), len(points) > 0, len(c.Load.States) > 0, recorded != nil}) != 1 {
		p.BadAt(path, "want one of rps, rate, states and recorded")
		return
	}
	if !math.IsNaN(perSecond) {
		points = []traffic.Point{{PerSecond: perSecond}}
	}
	if recorded != nil {
		points = recorded.points
	}
	if len(c.Load.States) > 0 {
		if _, err := traffic.NewMMPP(c.Load.States...); err != nil {
			p.BadAt(path+".states", "%v", err)
		}
		return
	}
	p.rate(path, c, points, repeat)
}

// rate moves the points to the end of the warm-up.
func (p *parser) rate(path string, c *Client, points []traffic.Point, repeat int64) {
	if repeat > 0 {
		points = repeated(points, repeat, p.s.Duration)
		if points == nil {
			p.BadAt(path+".repeat", "want a period that holds every point, at most %d of them in the duration", maxPoints)
			return
		}
	}
	for i := range points {
		points[i].At += p.s.Warmup
	}
	r, err := traffic.NewRate(points...)
	if err != nil {
		p.BadAt(path, "%v", err)
		return
	}
	c.Load.Rate = r
}

const maxPoints = 100_000

// repeated writes a period again and again: the load in the warm-up is that at 0, so
// the pattern cannot be periodic for all time.
func repeated(points []traffic.Point, period, duration int64) (all []traffic.Point) {
	if points[len(points)-1].At > period || int64(len(points))*(duration/period+1) > maxPoints {
		return nil
	}
	for from := int64(0); from < duration; from += period {
		for _, pt := range points {
			all = append(all, traffic.Point{At: from + pt.At, PerSecond: pt.PerSecond})
		}
	}
	return all
}

// series is a recorded load, or the curve that stands in for it.
type series struct{ points []traffic.Point }

func (p *parser) series(n *yaml.Node, path string) *series {
	file, scale := "", 1.0
	var peak, mean, least float64
	period := int64(86_400e9)
	p.Object(n, path, "recorded", fields{
		field("file", p.Text(&file, "the name of a file")),
		field("scale", p.within(&scale, 1e-9, 1e9, "a factor")),
		field("otherwise", func(n *yaml.Node, path string) {
			p.Object(n, path, "curve", fields{
				field("peak", p.within(&peak, 0, 1e8, "requests per second")),
				field("mean", p.within(&mean, 0, 1e8, "requests per second")),
				field("min", p.within(&least, 0, 1e8, "requests per second")),
				field("period", p.ns(&period)),
			})
			if p.OK() && !(least < mean && mean < peak) {
				p.BadAt(path, "want min < mean < peak")
			}
		}),
	})
	if !p.OK() {
		return nil
	}
	if file == "" || peak == 0 || period <= 0 || period > p.s.Duration {
		p.BadAt(path, "want file, and otherwise with a period in the duration")
		return nil
	}
	if counts := p.counts(path+".file", file); counts != nil {
		p.s.Notes = append(p.s.Notes, fmt.Sprintf("load: recorded, %s x %g", file, scale))
		s := &series{}
		for i, c := range counts.PerBin {
			s.points = append(s.points, traffic.Point{At: int64(i)*counts.Bin + counts.Bin/2, PerSecond: c / (float64(counts.Bin) / 1e9) * scale})
		}
		return s
	}
	p.s.Notes = append(p.s.Notes, fmt.Sprintf("load: generated with the peak %g, mean %g and min %g of %s, which is not there", peak, mean, least, file))
	return &series{diurnal(peak, mean, least, period)}
}

func (p *parser) counts(path, file string) *traffic.Counts {
	if p.options.Open == nil {
		return nil
	}
	f, err := p.options.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		p.BadAt(path, "%v", err)
		return nil
	}
	defer f.Close()
	counts, bad, err := traffic.ReadCounts(f, file)
	switch {
	case err != nil:
		p.BadAt(path, "%v", err)
		return nil
	case bad.Total > 0:
		p.s.Notes = append(p.s.Notes, fmt.Sprintf("load: %d malformed rows of %s left out", bad.Total, file))
	}
	return counts
}

// diurnal is a day with one peak in its middle: min + (peak-min) ((1-cos 2πt)/2)^k,
// with the k that gives the mean, in points a minute apart.
func diurnal(peak, mean, least float64, period int64) (points []traffic.Point) {
	share := (mean - least) / (peak - least)
	k := bisect(1e-6, 1e6, func(k float64) bool { return powerMean(k) < share })
	for at := int64(0); at <= period; at += 60e9 {
		x := (1 - math.Cos(2*math.Pi*float64(at)/float64(period))) / 2
		points = append(points, traffic.Point{At: at, PerSecond: least + float64((peak-least)*math.Pow(x, k))})
	}
	return points
}

// powerMean is the mean of ((1-cos)/2)^k over a period: Γ(k+1/2) / (√π Γ(k+1)).
func powerMean(k float64) float64 {
	a, _ := math.Lgamma(k + .5)
	b, _ := math.Lgamma(k + 1)
	return math.Exp(a-b) / math.Sqrt(math.Pi)
}

// bisect finds where a condition begins to hold, on a logarithmic scale.
func bisect(low, high float64, holds func(float64) bool) float64 {
	for range 200 {
		middle := math.Sqrt(low * high)
		if holds(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return high
}

// event reads at, for, and one verb.
func (p *parser) event(n *yaml.Node, path string) {
	var e Event
	verbs := 0
	set := func(c Change) { e.Change, verbs = c, verbs+1 }
	list := fields{field("at", p.ns(&e.At)), field("for", p.ns(&e.For))}
	for _, v := range p.verbs() {
		list = append(list, field(v.name, func(n *yaml.Node, path string) { set(v.read(n, path)) }))
	}
	p.Object(n, path, "event", list)
	if p.OK() && verbs != 1 {
		p.BadAt(path, "want at and one verb, found %d", verbs)
	}
	if k := len(p.s.Events); p.OK() && k > 0 && p.s.Events[k-1].At > e.At {
		p.BadAt(path+".at", "want events in order of time")
	}
	p.s.Events = append(p.s.Events, e)
}

type verb struct {
	name string
	read func(n *yaml.Node, path string) Change
}

// verbs are what can happen.
func (p *parser) verbs() []verb {
	return []verb{
		{"slow", func(n *yaml.Node, path string) Change { return p.slow(n, path, "slow") }},
		{"fail", func(n *yaml.Node, path string) Change { return p.slow(n, path, "fail") }},
		{"throttle", func(n *yaml.Node, path string) Change {
			c := &Throttle{}
			p.Object(n, path, "throttle", fields{field("service", p.serviceName(&c.Service)), field("left", p.within(&c.Left, 1e-6, 1, "the share of the CPU that is left"))})
			p.require(path, c.Service != "" && c.Left > 0, "service and left")
			return c
		}},
		{"kill", func(n *yaml.Node, path string) Change {
			c := &Kill{Pods: 1}
			p.Object(n, path, "kill", fields{field("service", p.serviceName(&c.Service)), field("pods", p.whole(&c.Pods, 1, sim.MaxReplicas))})
			p.require(path, c.Service != "", "service")
			return c
		}},
		{"lose_zone", func(n *yaml.Node, path string) Change {
			c := &LoseZone{}
			p.Object(n, path, "lose_zone", fields{field("zone", p.Text(&c.Zone, "a zone"))})
			p.nodeCheck(path, "zone", &c.Zone, func(n *sim.Node) string { return n.Zone })
			return c
		}},
		{"leak", func(n *yaml.Node, path string) Change {
			c := &Leak{}
			p.Object(n, path, "leak", fields{field("service", p.serviceName(&c.Service)), field("per_second", p.mib(&c.MiBPerSecond))})
			p.require(path, c.Service != "" && c.MiBPerSecond > 0, "service and per_second")
			return c
		}},
		{"grow", func(n *yaml.Node, path string) Change {
			c := &Grow{}
			p.Object(n, path, "grow", fields{field("service", p.serviceName(&c.Service)), field("by", p.mib(&c.MiB))})
			p.require(path, c.Service != "" && c.MiB > 0, "service and by")
			return c
		}},
		{"neighbour", func(n *yaml.Node, path string) Change {
			c := &Neighbour{}
			p.Object(n, path, "neighbour", fields{field("node", p.Text(&c.Node, "a node")), field("slower", p.within(&c.Slower, 1, 1e3, "a factor"))})
			p.nodeCheck(path, "node", &c.Node, func(n *sim.Node) string { return n.Name })
			p.require(path, c.Slower >= 1, "node and slower")
			return c
		}},
		{"users", func(n *yaml.Node, path string) Change {
			c := &Users{}
			p.Object(n, path, "users", fields{field("client", p.clientName(&c.Client)), field("users", p.whole(&c.Users, 0, sim.MaxUsers))})
			p.require(path, c.Client != "", "client")
			p.checks = append(p.checks, func() { c.After = p.client(c.Client).Users })
			return c
		}},
		{"rate_limit", func(n *yaml.Node, path string) Change {
			c := &RateLimit{}
			p.Object(n, path, "rate_limit", fields{field("service", p.serviceName(&c.Service)), field("rps", p.within(&c.PerSecond, 1e-3, 1e8, "requests per second"))})
			p.require(path, c.Service != "" && c.PerSecond > 0, "service and rps")
			return c
		}},
		{"worker_cap", func(n *yaml.Node, path string) Change {
			c := &Cap{}
			p.Object(n, path, "worker_cap", fields{field("service", p.serviceName(&c.Service)), field("threads", p.whole(&c.Threads, 1, 1e9))})
			p.require(path, c.Service != "" && c.Threads > 0, "service and threads")
			p.checks = append(p.checks, func() { c.After = p.service(c.Service).Pod.Threads })
			return c
		}},
	}
}

func (p *parser) slow(n *yaml.Node, path, kind string) Change {
	c := &Slow{Fault: sim.Fault{Kind: kind}}
	var extra random.Dist
	list := fields{field("service", p.serviceName(&c.Service)), field("operation", p.Text(&c.Operation, "a name")), field("kind", p.Text(&c.Fault.Kind, "a label for the spans"))}
	if kind == "fail" {
		list = append(list, field("share", p.Part(&c.Fault.ErrorRate)))
	} else {
		list = append(list, field("factor", p.within(&c.Fault.Slow, 1e-3, 1e6, "a factor")), field("by", p.dist(&extra)))
	}
	p.Object(n, path, kind, list)
	f := c.Fault
	p.require(path, c.Service != "" && (f.Slow > 0 || f.ErrorRate > 0 && f.ErrorRate <= 1 || extra != nil && extra.Mean() > 0),
		"service and how much: factor or by of slow, a share up to 100% of fail")
	if extra != nil {
		c.Fault.Extra = extra.Mean()
	}
	return c
}

// require reports what a verb lacks.
func (p *parser) require(path string, ok bool, what string) {
	if p.OK() && !ok {
		p.BadAt(path, "want %s", what)
	}
}

// nodeCheck wants a node with a property.
func (p *parser) nodeCheck(path, what string, want *string, of func(*sim.Node) string) {
	p.checks = append(p.checks, func() {
		for i := range p.s.Nodes {
			if of(&p.s.Nodes[i]) == *want {
				return
			}
		}
		p.BadAt(path, "no node with the %s %q", what, strictyaml.Clip(*want))
	})
}
