package sim

import (
	"runtime"
	"testing"

	"github.com/scale-eval/scale-eval/sim/policy"
	"github.com/scale-eval/scale-eval/sim/traffic"
)

// month is the whole machinery under a daily load: clients with time-outs and
// retries, two services under an HPA each, metrics, spans to the sampler, and every
// four hours a pod that is killed, one that crashes, a fault and a lost zone.
type month struct {
	sys    *System
	events int
}

func newMonth(t testing.TB, load float64) *month {
	day, err := traffic.NewRate(traffic.Point{At: 0, PerSecond: .5}, traffic.Point{At: 43_200e9, PerSecond: 2.5}, traffic.Point{At: 86_400e9, PerSecond: .5})
	day = day.Scale(load)
	if err == nil {
		day, err = day.Repeat(86_400e9)
	}
	if err != nil {
		t.Fatal(err)
	}
	service := func(name string, seconds float64) Service {
		s := station(name, 4, exp(seconds))
		s.Replicas = 2
		s.Pod.CPU, s.Pod.CPURequest, s.Pod.MemoryLimitMiB, s.Pod.BaseMiB = 1, 1, 512, 100
		s.Lifecycle = Lifecycle{Bind: exp(.5), Pull: exp(5), Start: exp(6), ProbePeriod: 5e9, Drain: 30e9}
		return s
	}
	web, db := service("web", .3), service("db", .4)
	call := Call{Service: "db", Timeout: 5e9, Retry: Retry{Max: 2, Backoff: 1e8, Jitter: 1, Budget: .2}, Network: exp(.001)}
	web.Operations[0].Stages = append(web.Operations[0].Stages, Stage{Calls: []Call{call}})
	s := build(t, &Topology{
		Nodes:    []Node{{"n1", "a", 16, 1 << 16}, {"n2", "b", 16, 1 << 16}, {"n3", "b", 16, 1 << 16}},
		Services: []Service{web, db},
		Clients:  []Client{{Name: "users", Mix: []Choice{{to("web"), 1}}, Arrivals: traffic.Poisson(day)}},
	}, 1)
	m := &month{sys: s}
	s.OnEvent(func(Event) { m.events++ })
	sampled(t, s)
	metrics := NewMetricsServer(s, MetricsResolution)
	for i, name := range []string{"web", "db"} {
		h := policy.NewHPA(1, 8, policy.CPU(60))
		if i == 1 {
			h.Behavior = policy.DefaultBehavior()
		}
		metrics.Autoscale(name, h, 15e9)
	}
	s.clock.After(3600e9, m, 0)
	return m
}

// Handle implements [Handler]: one disturbance an hour.
func (m *month) Handle(n uint64) {
	switch n % 4 {
	case 0:
		m.sys.Kill("db", 1)
		m.sys.SetFault("db", "", Fault{})
	case 1:
		m.sys.Crash("web", 1)
	case 2:
		m.sys.SetFault("db", "", Fault{Kind: "slow", Slow: 3, ErrorRate: .01})
	case 3:
		m.sys.SetZone("b", n%8 == 7)
	}
	m.sys.clock.After(3600e9, m, n+1)
}

// live is the heap that a collection leaves, bytes.
func live() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what finalizers kept
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// The heap of each of the last 28 days is that of the first two.
func TestAMonthDoesNotGrow(t *testing.T) {
	days, load := 30, 1.
	if raceEnabled || testing.Short() {
		days, load = 4, .2
	}
	m := newMonth(t, load)
	run(t, m.sys, 2*86_400)
	before := live()
	for day := 3; day <= days; day++ {
		run(t, m.sys, float64(day)*86_400)
		if now := live(); now > before+before/10+64<<10 {
			t.Fatalf("day %d: %d kB of live heap, %d kB after two days", day, now>>10, before>>10)
		}
		if err := m.sys.Audit(); err != nil {
			t.Fatal(err)
		}
	}
	st := m.sys.Stats("web")
	if float64(st.Completions) < load*float64(days)*100_000 || m.events < 24*days {
		t.Errorf("%d requests, %d events: nothing happened", st.Completions, m.events)
	}
	t.Logf("%d days: %.1f M events, %d requests, %d kB of live heap", days, float64(m.sys.clock.Fired())/1e6, st.Completions, live()>>10)
	runtime.KeepAlive(m)
}
