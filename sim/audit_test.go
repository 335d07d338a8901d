package sim

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/scale-eval/scale-eval/sim/policy"
	"github.com/scale-eval/scale-eval/sim/random"
	"github.com/scale-eval/scale-eval/sim/traffic"
)

// chaos is a random topology with everything switched on somewhere, and a random
// sequence of changes to it.
type chaos struct {
	rng      *rand.Rand
	topology Topology
}

func newChaos(seed uint64) *chaos {
	c := &chaos{rng: rand.New(rand.NewPCG(seed, 99))}
	for i := range 3 {
		c.topology.Nodes = append(c.topology.Nodes, Node{Name: fmt.Sprint("n", i), Zone: fmt.Sprint("z", i%2), CPU: 8, MemoryMiB: 8192})
	}
	n := 2 + c.rng.IntN(4)
	for i := range n {
		c.topology.Services = append(c.topology.Services, c.service(i, n))
	}
	for i := range 1 + c.rng.IntN(3) {
		cl := Client{Name: fmt.Sprint("c", i), Mix: []Choice{{c.call(0, 0), 1}, {c.call(0, 0), 2}}, Pools: []int{5}}
		if c.rng.IntN(2) == 0 {
			cl.Arrivals = traffic.Poisson(traffic.Constant(1 + 60*c.rng.Float64()))
		} else {
			cl.Users, cl.Think = c.rng.IntN(60), exp(.2+c.rng.Float64())
		}
		c.topology.Clients = append(c.topology.Clients, cl)
	}
	return c
}

func (c *chaos) maybe(d random.Dist) random.Dist {
	if c.rng.IntN(2) == 0 {
		return nil
	}
	return d
}

func (c *chaos) service(i, n int) Service {
	s := Service{
		Name: fmt.Sprint("s", i), Replicas: c.rng.IntN(4), Balance: Balance(c.rng.IntN(4)),
		Pod: Pod{
			Threads: c.rng.IntN(5), CPU: float64(c.rng.IntN(3)), ThrottlePeriod: int64(c.rng.IntN(2)) * 100e6,
			CPURequest: .5 + c.rng.Float64(), MemoryRequestMiB: 256, BaseMiB: 100,
			MemoryLimitMiB: float64(c.rng.IntN(2)) * 200, CollectorSlowdown: float64(c.rng.IntN(2)) * 3,
			LeakMiBPerSecond: float64(c.rng.IntN(2)) * 3, Pools: []int{1 + c.rng.IntN(4)},
		},
		Queue:     Queue{Max: c.rng.IntN(8) - 1, Overflow: Overflow(c.rng.IntN(2)), Central: c.rng.IntN(3) == 0, Patience: c.maybe(exp(1))},
		Lifecycle: Lifecycle{Bind: c.maybe(exp(.5)), Pull: c.maybe(exp(5)), Start: c.maybe(exp(3)), ProbePeriod: int64(c.rng.IntN(2)) * 1e9, Drain: int64(c.rng.IntN(3)) * 1e9, InPlace: c.rng.IntN(2) == 0},
	}
	for j := range 1 + c.rng.IntN(2) {
		op := Operation{Name: fmt.Sprint("o", j), MemoryMiB: float64(c.rng.IntN(30))}
		for range c.rng.IntN(3) {
			st := Stage{CPU: c.maybe(exp(.02)), Wait: c.maybe(exp(.05))}
			for range c.rng.IntN(3) {
				if i+1 < n {
					st.Calls = append(st.Calls, c.call(i+1+c.rng.IntN(n-i-1), 1))
				}
			}
			op.Stages = append(op.Stages, st)
		}
		if i+1 < n && c.rng.IntN(2) == 0 {
			op.Forward = []Route{{Service: fmt.Sprint("s", i+1), Probability: c.rng.Float64(), Network: c.maybe(exp(.01)), Priority: c.rng.IntN(4)}}
		}
		s.Operations = append(s.Operations, op)
	}
	return s
}

func (c *chaos) call(service, pools int) Call {
	return Call{
		Service: fmt.Sprint("s", service), Probability: float64(c.rng.IntN(2)) * c.rng.Float64(), Times: c.rng.IntN(3),
		Network: c.maybe(exp(.005)), Timeout: int64(c.rng.IntN(2)) * 300e6, Propagate: c.rng.IntN(2) == 0,
		Retry: Retry{Max: c.rng.IntN(3), Backoff: int64(c.rng.IntN(2)) * 50e6, Jitter: c.rng.Float64(), Budget: float64(c.rng.IntN(2)) * .2},
		Pool:  c.rng.IntN(2), Async: c.rng.IntN(6) == 0, Optional: c.rng.IntN(3) == 0, Priority: c.rng.IntN(4),
	}
}

// shake changes something.
func (c *chaos) shake(s *System) {
	name := c.topology.Services[c.rng.IntN(len(c.topology.Services))].Name
	switch c.rng.IntN(14) {
	case 0, 1, 2:
		s.SetReplicas(name, c.rng.IntN(6))
	case 3:
		s.SetResources(name, Resources{CPULimit: .5 + 2*c.rng.Float64(), MemoryLimitMiB: 150 + 200*c.rng.Float64()})
	case 4:
		s.SetThreads(name, c.rng.IntN(6))
	case 5:
		s.Kill(name, 1+c.rng.IntN(3))
	case 6:
		s.Crash(name, 1+c.rng.IntN(2))
	case 7:
		s.SetNodeSpeed("n0", 1+4*c.rng.Float64(), "noise")
	case 8:
		s.SetZone("z1", c.rng.IntN(2) == 0)
	case 9:
		s.SetFault(name, "", Fault{Kind: "slow", Slow: 5 * c.rng.Float64(), Extra: .1 * c.rng.Float64(), ErrorRate: .5 * c.rng.Float64()})
	case 10:
		s.SetFault(name, "", Fault{})
	case 11:
		s.SetLeak(name, 10*c.rng.Float64())
	case 12:
		s.SetExtraMemory(name, 100*c.rng.Float64())
	case 13:
		for _, cl := range c.topology.Clients {
			if cl.Users > 0 {
				s.SetUsers(cl.Name, c.rng.IntN(80))
			}
		}
	}
}

// runChaos simulates two minutes of it and checks the exact identities at every step.
func runChaos(t *testing.T, seed uint64, log *bytes.Buffer) *System {
	c := newChaos(seed)
	s := build(t, &c.topology, seed)
	l := NewEventLog(log)
	s.OnEvent(l.Event)
	s.OnRequest(l.Request)
	m := NewMetricsServer(s, MetricsResolution)
	m.Autoscale("s0", policy.NewHPA(1, 6, policy.CPU(50)), 15e9)
	m.Autoscale("s1", policy.NewQueueLength(MetricQueue, 2), 20e9)
	for i := range 60 {
		run(t, s, 2*float64(i+1))
		if err := s.Audit(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if i == 10 {
			s.ResetStats()
		}
		c.shake(s)
	}
	return s
}

func TestIdentitiesHoldOnEveryPath(t *testing.T) {
	seeds := uint64(50)
	if testing.Short() {
		seeds = 10
	}
	arrived, left := uint64(0), uint64(0)
	for seed := range seeds {
		s := runChaos(t, seed, &bytes.Buffer{})
		for _, svc := range s.services {
			arrived += svc.stats.Arrivals
			left += svc.stats.Completions
		}
	}
	t.Logf("%d arrivals, %d completions", arrived, left)
	if arrived < 1000*seeds || left < arrived/10 {
		t.Errorf("%d arrivals and %d completions: the test hardly tests", arrived, left)
	}
}

func TestAScenarioRunTwiceWritesTheSameBytes(t *testing.T) {
	for seed := range uint64(5) {
		var a, b, other bytes.Buffer
		runChaos(t, seed, &a)
		runChaos(t, seed, &b)
		runChaos(t, seed+1000, &other)
		if a.Len() < 1000 || !bytes.Equal(a.Bytes(), b.Bytes()) || bytes.Equal(a.Bytes(), other.Bytes()) {
			t.Errorf("seed %d: %d, %d and %d bytes", seed, a.Len(), b.Len(), other.Len())
		}
	}
}
