package scenario

import (
	"math"

	"go.yaml.in/yaml/v3"
)

// maxPods is where the demand stops asking for the odds of waiting.
const maxPods = 10_000

// Step is the time between two values of a demand, ns.
const Step = 60e9

func (p *parser) need(n *yaml.Node, path string) *Need {
	need := &Need{Servers: 1, Quantile: .95, PerRequest: map[string]float64{}}
	var stay, within int64
	p.Object(n, path, "need", fields{
		field("stay", p.ns(&stay)),
		field("servers", p.whole(&need.Servers, 1, 1e6)),
		field("within", p.ns(&within)),
		field("quantile", p.within(&need.Quantile, .01, .99999, "a share of the requests")),
		field("requests", p.each(func(n *yaml.Node, path string) {
			name, per := "", 1.0
			p.Object(n, path, "requests", fields{
				field("client", p.clientName(&name)),
				field("per_request", p.within(&per, 0, 1e4, "requests of the service a request of the client")),
			})
			need.PerRequest[name] = per
		})),
	})
	if p.OK() && (stay <= 0 || within <= 0 || len(need.PerRequest) == 0) {
		p.BadAt(path, "want stay, within and requests")
	}
	need.Stay, need.Within = float64(stay)/1e9, float64(within)/1e9
	return need
}

// Demand is how many pods of a service the load needs in each [Step] of the measured
// time, at a share of it: the fewest of [Need] at the highest rate of the step. A
// service without a Need needs the pods that it has.
func (s *Scenario) Demand(service string, share float64) []float64 {
	demand := make([]float64, (s.Duration+Step-1)/Step)
	t := s.Target(service)
	for i := range demand {
		if t == nil || t.Need == nil {
			demand[i] = s.replicas(service)
			continue
		}
		from := s.Warmup + int64(i)*Step
		demand[i] = float64(t.Need.pods(s.busiest(t.Need, from, share)))
	}
	return demand
}

func (s *Scenario) replicas(service string) float64 {
	for i := range s.Services {
		if s.Services[i].Name == service {
			return float64(s.Services[i].Replicas)
		}
	}
	return 0
}

// busiest is the highest rate at the service in a step, looked at each second.
func (s *Scenario) busiest(n *Need, from int64, share float64) (most float64) {
	for at := from; at < from+Step; at += 1e9 {
		rate := 0.0
		for i := range s.Clients {
			c := &s.Clients[i]
			rate += float64(n.PerRequest[c.Name] * s.rate(c, at) * share)
		}
		most = max(most, rate)
	}
	return most
}

// rate of a client's requests; a closed load makes one a user, think and nothing else.
func (s *Scenario) rate(c *Client, at int64) float64 {
	if c.Users == 0 || c.Think == nil {
		return c.Load.Rate.At(at)
	}
	users := c.Users
	for i := range s.Events {
		e := &s.Events[i]
		if u, ok := e.Change.(*Users); ok && u.Client == c.Name && at >= s.Warmup+e.At && (e.For == 0 || at < s.Warmup+e.At+e.For) {
			users = u.Users
		}
	}
	return float64(users) / c.Think.Mean()
}

// pods is the fewest that meet the latency at a rate, requests per second.
func (n *Need) pods(rate float64) int {
	if rate == 0 {
		return 1
	}
	pods := max(1, int(math.Ceil(rate*n.Stay/float64(n.Servers))))
	if pods > maxPods {
		return pods // so many never wait for long, and the formula takes as many steps
	}
	for late(rate, n.Stay, pods*n.Servers, n.Within) > 1-n.Quantile {
		pods++
		if float64(pods*n.Servers) > 10*(rate*n.Stay+10) {
			break // the service time alone is too long: more pods do not help
		}
	}
	return pods
}

// late is the probability that a request stays longer than t in M/M/c: with a = λ s,
// θ = cμ - λ and Erlang's C, P(T > t) = e^-μt + C μ (e^-θt - e^-μt) / (μ - θ)
// (Gross and Harris, Fundamentals of Queueing Theory, 2.3).
func late(rate, stay float64, servers int, t float64) float64 {
	mu := 1 / stay
	theta := float64(float64(servers)*mu) - rate
	if theta <= 0 {
		return 1
	}
	c := erlangC(servers, rate*stay)
	if math.Abs(mu-theta) < 1e-9*mu {
		return math.Exp(-mu*t) * (1 + c*mu*t)
	}
	return math.Exp(-mu*t) + float64(c*mu*(math.Exp(-theta*t)-math.Exp(-mu*t))/(mu-theta))
}

// erlangC is the probability of waiting, by the recursion of Erlang's B.
func erlangC(servers int, a float64) float64 {
	b := 1.0
	for k := 1; k <= servers; k++ {
		b = a * b / (float64(k) + float64(a*b))
	}
	return b / (1 - float64(a/float64(servers)*(1-b)))
}
