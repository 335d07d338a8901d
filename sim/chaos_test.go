package sim

import (
	"math"
	"testing"

	"github.com/scale-eval/scale-eval/sim/traffic"
)

// rare is one request each 10 s at a service of 1 s, alone on a pod of one core.
func rare(t *testing.T, s Service) (*System, *[]float64) {
	t.Helper()
	c := Client{Name: "c", Mix: []Choice{{to(s.Name), 1}}, Arrivals: traffic.Deterministic(traffic.Constant(.1))}
	sys, took := build(t, with(c, s), 1), new([]float64)
	sys.OnRequest(func(o Outcome) {
		d := float64(o.End-o.Start) / 1e9
		if !o.OK {
			d = -d
		}
		*took = append(*took, d)
	})
	return sys, took
}

// A request of 1 s takes 4 s with a quarter of the core, in the middle of it too:
// one that began at 40 s has 0.5 s of work left when the throttle comes, 2 s more.
func TestThrottleLeavesAShareOfTheCPU(t *testing.T) {
	s := station("m", 1, constant(1))
	s.Pod.CPU = 1
	sys, took := rare(t, s)
	sys.clock.At(15e9, then(func() { sys.SetThrottle("m", .25) }), 0)
	sys.clock.At(35e9, then(func() { sys.SetThrottle("m", 1) }), 0)
	sys.clock.At(40.5e9, then(func() { sys.SetThrottle("m", .25) }), 0)
	run(t, sys, 49)
	equal(t, *took, []float64{1, 4, 4, 2.5})
	if err := sys.Audit(); err != nil {
		t.Error(err)
	}
}

// New pods are throttled as well, and a new limit is a share of itself.
func TestThrottleHoldsForNewPodsAndLimits(t *testing.T) {
	s := station("m", 1, constant(1))
	s.Pod.CPU, s.Lifecycle.InPlace, s.Balance = 1, true, RoundRobin
	sys, took := rare(t, s)
	sys.SetThrottle("m", .5)
	sys.SetReplicas("m", 2)
	run(t, sys, 29)
	sys.SetResources("m", Resources{CPULimit: .5})
	run(t, sys, 39)
	equal(t, *took, []float64{2, 2, 4})
}

// A bucket of 10 tokens that fills by 10 a second lets 10 + 10 t of the 20 t requests
// pass: the first second is free, then every other request is refused, at once.
func TestRateLimitRefusesWhatIsAboveIt(t *testing.T) {
	c := Client{Name: "c", Mix: []Choice{{to("m"), 1}}, Arrivals: traffic.Deterministic(traffic.Constant(20))}
	sys := build(t, with(c, station("m", 0, constant(.001))), 1)
	sys.SetRateLimit("m", 10)
	run(t, sys, 100)
	if n := float64(sys.Stats("m").Rejected); math.Abs(n-990) > 1 {
		t.Errorf("%v refused of 2000, want 990", n)
	}
	sys.SetRateLimit("m", 0)
	sys.ResetStats()
	run(t, sys, 200)
	if n := sys.Stats("m").Rejected; n != 0 {
		t.Errorf("%d refused without a limit", n)
	}
	if err := sys.Audit(); err != nil {
		t.Error(err)
	}
}

// Half a request a second: every fourth of two a second passes.
func TestRateLimitBelowOne(t *testing.T) {
	c := Client{Name: "c", Mix: []Choice{{to("m"), 1}}, Arrivals: traffic.Deterministic(traffic.Constant(2))}
	sys := build(t, with(c, station("m", 0, constant(.001))), 1)
	sys.SetRateLimit("m", .5)
	run(t, sys, 100)
	if n := sys.Stats("m").Completions; n < 48 || n > 51 {
		t.Errorf("%d passed in 100 s, want 50", n)
	}
}

// Slow multiplies what is drawn, Extra is added once, ErrorRate 1 fails at once.
func TestFaults(t *testing.T) {
	sys, took := rare(t, station("m", 1, constant(1)))
	sys.clock.At(15e9, then(func() { sys.SetFault("m", "", Fault{Kind: "x", Slow: 3}) }), 0)
	sys.clock.At(25e9, then(func() { sys.SetFault("m", "", Fault{Kind: "x", Extra: .5}) }), 0)
	sys.clock.At(35e9, then(func() { sys.SetFault("m", "", Fault{Kind: "x", ErrorRate: 1}) }), 0)
	sys.clock.At(45e9, then(func() { sys.SetFault("m", "", Fault{}) }), 0)
	run(t, sys, 55)
	equal(t, *took, []float64{1, 3, 1.5, math.Copysign(0, -1), 1})
}

// A killed pod fails its request and is replaced; the next request finds the new one.
func TestKilledPodsAreReplaced(t *testing.T) {
	sys, took := rare(t, station("m", 1, constant(1)))
	sys.clock.At(10.25e9, then(func() { sys.Kill("m", 1) }), 0)
	run(t, sys, 25)
	equal(t, *took, []float64{-.25, 1})
}

// Three requests of 1 s at once: one after the other with a cap of one worker, and
// together when the cap is raised at 1.5 s: the second goes on, the third joins it.
func TestWorkerCap(t *testing.T) {
	c := once(3, to("m"))
	sys := build(t, with(c, station("m", 1, constant(1))), 1)
	sys.clock.At(1.5e9, then(func() { sys.SetThreads("m", 2) }), 0)
	equal(t, ends(t, sys), []float64{1, 2, 2.5})
}

// With N users who think 1 s and are served at once in no time, N requests a second.
func TestClosedUsersChange(t *testing.T) {
	c := Client{Name: "c", Mix: []Choice{{to("m"), 1}}, Users: 5, Think: constant(1)}
	sys := build(t, with(c, station("m", 0, nil)), 1)
	run(t, sys, 10.5)
	if n := sys.Stats("m").Completions; n != 50 {
		t.Errorf("%d requests of 5 users in 10 s", n)
	}
	sys.SetUsers("c", 20)
	run(t, sys, 20.5)
	if n := sys.Stats("m").Completions; n != 50+50+150 {
		t.Errorf("%d requests, want 250", n)
	}
	sys.SetUsers("c", 0)
	run(t, sys, 30.5)
	if n := sys.Stats("m").Completions; n != 250 {
		t.Errorf("%d requests, want 250", n)
	}
}

// A pod of a 25 s pull and a 12 s start answers what waited for it behind 37 s.
func TestScaleFromZero(t *testing.T) {
	s := station("m", 1, constant(1))
	s.Replicas, s.Queue.Central = 0, true
	s.Lifecycle = Lifecycle{Pull: constant(25), Start: constant(12)}
	sys := build(t, with(once(1, to("m")), s), 1)
	sys.SetReplicas("m", 1)
	equal(t, ends(t, sys), []float64{38})
}
