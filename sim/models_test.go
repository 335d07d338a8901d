package sim

import (
	"testing"

	"github.com/scale-eval/scale-eval/sim/random"
	"github.com/scale-eval/scale-eval/sim/traffic"
)

// The smallest topologies that the tests share.

func exp(mean float64) random.Dist { return random.Exponential(mean) }

func build(t testing.TB, topology *Topology, seed uint64) *System {
	t.Helper()
	s, err := New(topology, seed)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func run(t testing.TB, s *System, until float64) {
	t.Helper()
	if err := s.Run(ns(until)); err != nil {
		t.Fatal(err)
	}
}

// station is a service of one pod with one operation.
func station(name string, threads int, cpu random.Dist) Service {
	return Service{
		Name: name, Replicas: 1, Pod: Pod{Threads: threads},
		Operations: []Operation{{Name: "serve", Stages: []Stage{{CPU: cpu}}}},
	}
}

func poisson(name, service string, perSecond float64) Client {
	return Client{
		Name: name, Mix: []Choice{{Call{Service: service}, 1}},
		Arrivals: traffic.Poisson(traffic.Constant(perSecond)),
	}
}

// single is a Poisson stream into one station.
func single(s Service, perSecond float64) *Topology {
	return &Topology{Services: []Service{s}, Clients: []Client{poisson("client", s.Name, perSecond)}}
}

func mm1() *Topology { return single(station("m", 1, exp(1)), .8) }
