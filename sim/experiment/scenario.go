package experiment

import (
	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/sim"
	"github.com/scale-eval/scale-eval/sim/scenario"
)

// FromScenario makes the case of a scenario at a share of its load (1: as written).
func FromScenario(s *scenario.Scenario, share float64) *Case {
	c := &Case{
		Name: s.Name, Title: s.Summary, WarmUp: s.Warmup, Length: s.Duration,
		FaultFrom: s.Fault.From, FaultTo: s.Fault.To,
		New: func(seed uint64, tapes *sim.Tapes) (*sim.System, *sim.Topology, error) {
			return s.Start(seed, share, tapes)
		},
	}
	for i := range s.SLOs {
		slo := &s.SLOs[i]
		for _, service := range entries(s, slo.Client) {
			c.Objectives = append(c.Objectives, Objective{Client: slo.Client, Service: service, Latency: slo.Latency, Share: slo.Quantile})
		}
	}
	for _, t := range s.Targets {
		c.Targets = append(c.Targets, Target{
			Service: t.Service, Min: t.MinReplicas, Max: t.MaxReplicas, MaxCPU: t.MaxCPU, MaxMemoryMiB: t.MaxMemoryMiB,
		})
	}
	for _, a := range s.Accept {
		if a.Direction != live.Up {
			continue
		}
		if a.Kind != live.Vertical {
			c.Remedies = append(c.Remedies, Remedy{a.Service, Horizontal})
		}
		if a.Kind != live.Horizontal {
			c.Remedies = append(c.Remedies, Remedy{a.Service, Vertical})
		}
	}
	return c
}

// entries are the services that a client calls.
func entries(s *scenario.Scenario, client string) (names []string) {
	for i := range s.Clients {
		if s.Clients[i].Name != client {
			continue
		}
		for _, m := range s.Clients[i].Mix {
			if len(names) == 0 || names[len(names)-1] != m.Call.Service {
				names = append(names, m.Call.Service)
			}
		}
	}
	return names
}
