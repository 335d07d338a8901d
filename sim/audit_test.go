package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
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
	switch c.rng.IntN(16) {
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
	case 14:
		s.SetThrottle(name, 1-.9*c.rng.Float64())
	case 15:
		s.SetRateLimit(name, float64(c.rng.IntN(100)))
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
	if testing.Short() || raceEnabled {
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

// An audit that cannot fail is none: each identity is broken on purpose.
func TestAuditsNoticeMistakes(t *testing.T) {
	for name, spoil := range map[string]func(*service){
		"an arrival is lost":         func(s *service) { s.stats.Arrivals-- },
		"a departure is not counted": func(s *service) { s.stats.Present++ },
		"a stay is 1 ns too long":    func(s *service) { s.stats.stays.add(1, 1) },
		"a visit waits unseen":       func(s *service) { s.stats.Waiting++ },
		"work is done twice":         func(s *service) { s.gone += .01 * s.stats.asked },
	} {
		s := build(t, mm1(), 1)
		run(t, s, 1000)
		if err := s.Audit(); err != nil {
			t.Fatal(err)
		}
		spoil(s.services[0])
		if err := s.Audit(); err == nil {
			t.Errorf("%s, and nobody notices", name)
		} else {
			t.Log(err)
		}
	}
}

func TestEventLogIsJSON(t *testing.T) {
	var out bytes.Buffer
	l := NewEventLog(&out)
	e := Event{At: 5, Kind: "scale", Service: "a\"b\\\n\x01é", Detail: "1 -> 2"}
	l.Event(e)
	l.Request(Outcome{Client: "c", Choice: 1, Start: 2, End: 7, OK: true})
	var lines [2]map[string]any
	d := json.NewDecoder(&out)
	for i := range lines {
		if err := d.Decode(&lines[i]); err != nil {
			t.Fatal(err)
		}
	}
	if lines[0]["service"] != e.Service || lines[0]["at_ns"] != 5. || lines[1]["ok"] != true || lines[1]["start_ns"] != 2. {
		t.Errorf("%v", lines)
	}
	full := NewEventLog(brokenPipe{})
	full.Event(e)
	full.Event(e)
	if full.Err() != io.ErrClosedPipe {
		t.Errorf("%v", full.Err())
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// The vertical autoscaler ends what scaling out cannot: every pod needs the memory.
func TestVPARaisesTheMemoryOfAnOOMKilledService(t *testing.T) {
	m := station("m", 0, exp(.01))
	m.Replicas = 3
	m.Pod.CPU, m.Pod.CPURequest, m.Pod.MemoryRequestMiB, m.Pod.MemoryLimitMiB, m.Pod.BaseMiB = 1, 1, 512, 512, 300
	m.Lifecycle = Lifecycle{Start: constant(6), Drain: 30e9}
	s := build(t, with(poisson("c", "m", 20), m), 1)
	NewMetricsServer(s, MetricsResolution).Autoscale("m", policy.NewVPA(), 60e9)
	crashes := 0
	s.OnEvent(func(e Event) {
		if e.Kind == "crashed" {
			crashes++
		}
	})
	run(t, s, 1800)
	if crashes > 0 {
		t.Fatalf("%d crashes before the data grew", crashes)
	}
	s.SetExtraMemory("m", 300)
	run(t, s, 2*3600)
	before := crashes
	run(t, s, 6*3600)
	if before == 0 || crashes != before || s.services[0].template.memory <= 600 {
		t.Errorf("%d crashes, then %d more; limit %v MiB", before, crashes-before, s.services[0].template.memory)
	}
	if _, ready := s.Replicas("m"); ready != 3 {
		t.Errorf("%d pods ready", ready)
	}
}
