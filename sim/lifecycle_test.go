package sim

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/scale-eval/scale-eval/sim/policy"
	"github.com/scale-eval/scale-eval/sim/traffic"
)

// story is the events of a system as lines "seconds kind pod detail".
func story(s *System, kinds ...string) *[]string {
	lines := &[]string{}
	s.OnEvent(func(e Event) {
		if slices.Contains(kinds, e.Kind) {
			*lines = append(*lines, strings.TrimSpace(fmt.Sprintf("%g %s %s %s", float64(e.At)/1e9, e.Kind, e.Pod, e.Detail)))
		}
	})
	return lines
}

func tells(t *testing.T, got *[]string, want ...string) {
	t.Helper()
	if !slices.Equal(*got, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(*got, "\n  "), strings.Join(want, "\n  "))
	}
}

// pods 0.5 s to bind, 20 s to pull, 6 s to start, probed every 5 s.
func slowStart(name string) Service {
	s := station(name, 1, constant(1))
	s.Pod.CPURequest, s.Pod.MemoryRequestMiB = 2, 512
	s.Lifecycle = Lifecycle{Bind: constant(.5), Pull: constant(20), Start: constant(6), ProbePeriod: 5e9, Drain: 30e9}
	return s
}

func nodes(n int) (all []Node) {
	for i := range n {
		all = append(all, Node{Name: fmt.Sprint("n", i), Zone: fmt.Sprint("z", i), CPU: 4, MemoryMiB: 4096})
	}
	return all
}

func TestPodsTakeTheirTime(t *testing.T) {
	topology := with(once(0, to("m")), slowStart("m"))
	topology.Nodes = nodes(2)
	s := build(t, topology, 1)
	lines := story(s, "bound", "started", "ready", "unschedulable", "gone")
	run(t, s, 100)
	s.SetReplicas("m", 5) // m-0 is on n0; m-1 and m-3 pull on n1, m-2 finds the image; no room for m-4
	run(t, s, 200)
	s.SetReplicas("m", 4)
	run(t, s, 300)
	tells(t, lines,
		"100 bound m-1 n1", "100 bound m-2 n0", "100 bound m-3 n1", "100 unschedulable m-4",
		"100.5 started m-2", "110.5 ready m-2",
		"120.5 started m-1", "120.5 started m-3", "130.5 ready m-1", "130.5 ready m-3",
		"200 gone m-4 ended")
}

func TestAPendingPodGetsTheFreedPlace(t *testing.T) {
	topology := with(once(0, to("m")), slowStart("m"), slowStart("x"))
	topology.Nodes = nodes(1)
	s := build(t, topology, 1)
	lines := story(s, "bound", "unschedulable", "ready")
	s.SetReplicas("m", 2)
	run(t, s, 50)
	s.SetReplicas("x", 0)
	run(t, s, 100)
	tells(t, lines, "0 unschedulable m-1", "50 bound m-1 n0", "60.5 ready m-1")
}

func TestDrainingFinishesRequestsOrTheirTimeIsUp(t *testing.T) {
	m := slowStart("m")
	m.Replicas, m.Pod.Threads, m.Balance = 2, 0, RoundRobin
	for drain, want := range map[int64][]float64{30e9: {20, 20, 20, 20}, 5e9: {-15, -15, 20, 20}} {
		m.Lifecycle.Drain = drain
		m.Operations[0].Stages[0].CPU = constant(20)
		s := build(t, with(once(4, to("m")), m), 1)
		run(t, s, 10)
		lines := story(s, "draining", "gone")
		s.SetReplicas("m", 1)
		got := ends(t, s)
		slices.SortFunc(got, func(a, b float64) int { return int(math.Abs(a)*100 - math.Abs(b)*100) })
		equal(t, got, want)
		end := "20 gone m-1 drain deadline"
		if drain == 5e9 {
			end = "15 gone m-1 drain deadline"
		}
		tells(t, lines, "10 draining m-1", end)
	}
}

// A leak of 10 MiB/s from 200 MiB reaches the limit of 512 MiB in 31.2 s, looked at
// every second from readiness; restarts wait 0, 10, 20, ... 300 s.
func TestLeaksEndInACrashLoop(t *testing.T) {
	m := station("m", 1, constant(1))
	m.Pod.BaseMiB, m.Pod.MemoryLimitMiB, m.Pod.LeakMiBPerSecond = 200, 512, 10
	s := build(t, with(once(0, to("m")), m), 1)
	lines := story(s, "crashed", "ready")
	run(t, s, 170)
	tells(t, lines, "32 crashed m-0 OOMKilled", "32 ready m-0", "64 crashed m-0 OOMKilled", "74 ready m-0",
		"106 crashed m-0 OOMKilled", "126 ready m-0", "158 crashed m-0 OOMKilled")
	s.SetResources("m", Resources{MemoryLimitMiB: 1 << 20})
	run(t, s, 4000)
	if _, ready := s.Replicas("m"); ready != 1 {
		t.Error("more memory did not end the crash loop")
	}
}

func TestRequestsInMemoryKillThePod(t *testing.T) {
	m := station("m", 0, constant(1))
	m.Operations[0].MemoryMiB = 100
	m.Pod.BaseMiB, m.Pod.MemoryLimitMiB = 100, 512
	equal(t, ends(t, build(t, with(once(4, to("m")), m), 1)), []float64{1, 1, 1, 1})
	s := build(t, with(once(5, to("m")), m), 1)
	equal(t, ends(t, s), []float64{0, 0, 0, 0, 0}) // 600 MiB: all of them fail at once
	if s.services[0].pods[0].restarts != 1 {
		t.Error("no restart")
	}
}

// At 90 % of the memory a collector slowdown of 3 halves the speed.
func TestCollectorSlowdown(t *testing.T) {
	m := station("m", 0, constant(1))
	m.Pod.BaseMiB, m.Pod.MemoryLimitMiB, m.Pod.CollectorSlowdown = 90, 100, 3
	equal(t, ends(t, build(t, with(once(1, to("m")), m), 1)), []float64{2})
}

func TestNoisyNeighbour(t *testing.T) {
	topology := with(once(1, to("m")), slowStart("m"))
	topology.Nodes = nodes(1)
	s := build(t, topology, 1)
	s.SetNodeSpeed("n0", 2.5, "noise")
	equal(t, ends(t, s), []float64{2.5})
}

func TestZoneOutage(t *testing.T) {
	m := slowStart("m")
	m.Replicas = 4
	topology := with(once(0, to("m")), m)
	topology.Nodes = nodes(3)
	s := build(t, topology, 1)
	ready := func() int { _, n := s.Replicas("m"); return n }
	run(t, s, 10)
	s.SetZone("z0", false)
	if ready() != 2 {
		t.Errorf("%d pods ready in the outage, want 2", ready())
	}
	run(t, s, 100)
	if ready() != 4 { // two nodes hold two pods each
		t.Errorf("%d pods ready 90 s later, want 4", ready())
	}
	s.SetZone("z1", false)
	run(t, s, 200)
	if ready() != 2 {
		t.Errorf("%d pods on one node, want 2", ready())
	}
	s.SetZone("z1", true)
	run(t, s, 300)
	if ready() != 4 {
		t.Errorf("%d pods after the outage, want 4", ready())
	}
}

// A rolling update of 8 pods keeps 6 of them ready and never has more than 10.
func TestRollingUpdate(t *testing.T) {
	m := slowStart("m")
	m.Replicas = 8
	s := build(t, with(once(0, to("m")), m), 1)
	s.SetResources("m", Resources{CPULimit: 2})
	least, most := 99, 0
	for s.clock.Step() && s.Now() < 300e9 {
		least, most = min(least, len(s.services[0].ready)), max(most, len(s.services[0].pods))
	}
	if least != 6 || most != 10 {
		t.Errorf("%d..%d pods, want 6..10", least, most)
	}
	for _, p := range s.services[0].ready {
		if p.cpu.cores != 2 {
			t.Errorf("%s has %v cores", p.name, p.cpu.cores)
		}
	}
}

func TestACentralQueueWaitsForTheFirstPod(t *testing.T) {
	m := slowStart("m")
	m.Replicas, m.Queue.Central = 0, true
	s := build(t, with(once(2, to("m")), m), 1)
	run(t, s, 1)
	s.SetReplicas("m", 1)
	equal(t, ends(t, s), []float64{1 + .5 + 20 + 10 + 1, 1 + .5 + 20 + 10 + 2})
}

// A flash crowd from 200 to 1000 requests a second of 50 ms: the HPA at 50 % ends
// where usage over request says, 100 pods and the tolerance, in doublings.
func TestHPAFollowsAFlashCrowd(t *testing.T) {
	m := station("web", 0, exp(.05))
	m.Replicas, m.Balance = 20, PowerOfTwo
	m.Pod.CPU, m.Pod.CPURequest = 1, 1
	m.Lifecycle = Lifecycle{Start: constant(6), ProbePeriod: 5e9}
	r, err := traffic.NewRate(traffic.Point{At: 0, PerSecond: 200}, traffic.Point{At: 300e9, PerSecond: 200}, traffic.Point{At: 310e9, PerSecond: 1000})
	if err != nil {
		t.Fatal(err)
	}
	s := build(t, with(Client{Name: "c", Mix: []Choice{{to("web"), 1}}, Arrivals: traffic.Poisson(r)}, m), 1)
	NewMetricsServer(s, MetricsResolution).Autoscale("web", policy.NewHPA(2, 200, policy.CPU(50)), 15e9)
	sizes := []int{}
	s.OnEvent(func(e Event) {
		if e.Kind == "scale" {
			want, _ := s.Replicas("web")
			sizes = append(sizes, want)
		}
	})
	run(t, s, 300)
	if want, _ := s.Replicas("web"); want < 18 || want > 22 {
		t.Errorf("%d replicas for a load of 10 cores at 50 %%", want)
	}
	run(t, s, 900)
	want, ready := s.Replicas("web")
	if want < 90 || want > 111 || ready != want {
		t.Errorf("%d replicas, %d ready, for a load of 50 cores at 50 %% (%v)", want, ready, sizes)
	}
	s.ResetStats()
	run(t, s, 1000)
	if st := s.Stats("web"); st.MeanStay() > .1 {
		t.Errorf("%v s a request after the crowd is served", st.MeanStay())
	}
}
