package experiment

import (
	"testing"

	"github.com/scale-eval/scale-eval/sim"
	"github.com/scale-eval/scale-eval/sim/random"
	"github.com/scale-eval/scale-eval/sim/traffic"
)

func lognormal(mean float64) random.Dist { return random.Must(random.NewLognormal(mean, 1)) }

var lifecycle = sim.Lifecycle{
	Bind: random.Must(random.NewConstant(.5)), Start: random.Must(random.NewLognormalMedian(6, .35)), ProbePeriod: 5e9, Drain: 30e9,
}

// stepped is a load that is higher during the fault of a case.
func stepped(t testing.TB, c *Case, calm, busy float64) traffic.Arrivals {
	from, to := c.fault()
	r, err := traffic.NewRate(traffic.Point{At: from, PerSecond: calm}, traffic.Point{At: from, PerSecond: busy},
		traffic.Point{At: to, PerSecond: busy}, traffic.Point{At: to, PerSecond: calm})
	if err != nil {
		t.Fatal(err)
	}
	return traffic.Poisson(r)
}

// webCase is one service of 100 ms of CPU whose load doubles for five minutes.
func webCase(t testing.TB) *Case {
	c := &Case{
		Name: "web", WarmUp: 120e9, Length: 900e9, FaultFrom: 120e9, FaultTo: 420e9,
		Objectives: []Objective{{Client: "users", Service: "web", Latency: 1000e6, Share: .95}},
		Targets:    []Target{{Service: "web", Min: 1, Max: 40}},
		Remedies:   []Remedy{{"web", Horizontal}},
	}
	c.New = func(seed uint64, tapes *sim.Tapes) (*sim.System, *sim.Topology, error) {
		topology := &sim.Topology{
			Services: []sim.Service{{
				Name: "web", Replicas: 6, Balance: sim.PowerOfTwo, Lifecycle: lifecycle, Pod: sim.Pod{CPU: 1, CPURequest: 1},
				Operations: []sim.Operation{{Name: "get", Stages: []sim.Stage{{CPU: lognormal(.1)}}}},
			}},
			Clients: []sim.Client{{Name: "users", Mix: []sim.Choice{{Call: sim.Call{Service: "web"}, Weight: 1}}, Arrivals: stepped(t, c, 37.5, 100)}},
		}
		topology.Tapes = tapes
		s, err := sim.New(topology, seed)
		return s, topology, err
	}
	return c
}
