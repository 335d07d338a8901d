package sim

import (
	"math"
	"slices"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/sim/random"
	"github.com/scale-eval/scale-eval/sim/traffic"
)

// The times in this file are computed by hand from constant service times.

func constant(seconds float64) random.Dist { return random.Constant(seconds) }

// once is a client that sends n requests at time 0, which is when its users stop
// thinking, and nothing for a long time after.
func once(n int, c Call) Client {
	return Client{Name: "client", Mix: []Choice{{c, 1}}, Users: n, Think: &burst{n: n}}
}

// burst is 0 for the first n draws, then a day.
type burst struct{ n int }

func (b *burst) Mean() float64 { return 0 }
func (b *burst) Sample(*random.Stream) float64 {
	if b.n--; b.n >= 0 {
		return 0
	}
	return 86_400
}

// ends simulates an hour and returns when each request ended, seconds, and which
// failed (negative).
func ends(t *testing.T, s *System) (at []float64) {
	t.Helper()
	s.OnRequest(func(o Outcome) {
		e := float64(o.End) / 1e9
		if !o.OK {
			e = -e
		}
		at = append(at, e)
	})
	run(t, s, 3600)
	if err := s.Audit(); err != nil {
		t.Fatal(err)
	}
	return at
}

func equal(t *testing.T, got, want []float64) {
	t.Helper()
	if !slices.EqualFunc(got, want, func(a, b float64) bool { return math.Abs(a-b) < 1e-8 }) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// with is one client in front of services.
func with(c Client, s ...Service) *Topology { return &Topology{Services: s, Clients: []Client{c}} }

func TestTimeoutLeavesTheCalleeWorking(t *testing.T) {
	for _, propagate := range []bool{false, true} {
		s := build(t, with(once(2, Call{Service: "m", Timeout: 3e9, Propagate: propagate}), station("m", 1, constant(2))), 1)
		equal(t, ends(t, s), []float64{2, -3})
		st := s.Stats("m")
		worked := s.services[0].ready[0].cpu.workedUntil() / 1e9
		if want := map[bool]float64{false: 4, true: 3}[propagate]; math.Abs(worked-want) > 1e-9 {
			t.Errorf("propagate=%t: %v s of work, want %v (%+v)", propagate, worked, want, st)
		}
	}
}

func TestRetriesBackOff(t *testing.T) {
	call := Call{Service: "m", Retry: Retry{Max: 3, Backoff: 100e6, Cap: 250e6}}
	s := build(t, with(once(1, call), station("m", 1, constant(1))), 1)
	s.SetFault("m", "", Fault{Kind: "down", ErrorRate: 1})
	equal(t, ends(t, s), []float64{-(.1 + .2 + .25)})
	if c := s.CallStats("", "m"); c != (CallStats{Attempts: 4, Retries: 3, Failed: 1}) {
		t.Errorf("%+v", c)
	}
}

func TestRetryBudget(t *testing.T) {
	call := Call{Service: "m", Retry: Retry{Max: 5, Backoff: 1e6, Jitter: 1, Budget: .2, BudgetBurst: 5}}
	s := build(t, with(Client{Name: "client", Mix: []Choice{{call, 1}}, Arrivals: traffic.Poisson(traffic.Constant(100))}, station("m", 1, constant(.001))), 1)
	s.SetFault("m", "", Fault{Kind: "down", ErrorRate: 1})
	run(t, s, 100)
	c := s.CallStats("", "m")
	if ratio := float64(c.Retries) / float64(c.Attempts-c.Retries); math.Abs(ratio-.2) > .005 {
		t.Errorf("%v retries a call, want 0.2", ratio)
	}
}

func TestConnectionPools(t *testing.T) {
	c := once(5, Call{Service: "m", Pool: 1})
	c.Pools = []int{2}
	equal(t, ends(t, build(t, with(c, station("m", 0, constant(1))), 1)), []float64{1, 1, 2, 2, 3})

	// A connection of a call that timed out in the line, or at work, is free again.
	c.Mix[0].Call.Timeout, c.Think = 1.5e9, &burst{n: 5}
	equal(t, ends(t, build(t, with(c, station("m", 0, constant(1))), 1)), []float64{1, 1, -1.5, -1.5, -1.5})
}

func TestFullQueues(t *testing.T) {
	m := station("m", 1, constant(1))
	m.Queue.Max = 1
	equal(t, ends(t, build(t, with(once(4, to("m")), m), 1)), []float64{0, 0, 1, 2})
	m.Queue.Overflow = Block
	equal(t, ends(t, build(t, with(once(4, to("m")), m), 1)), []float64{1, 2, 3, 4})
	m.Queue = Queue{Max: NoQueue}
	equal(t, ends(t, build(t, with(once(3, to("m")), m), 1)), []float64{0, 0, 1})
	m.Queue = Queue{Max: 2, Central: true}
	m.Replicas = 2
	equal(t, ends(t, build(t, with(once(5, to("m")), m), 1)), []float64{0, 1, 1, 2, 2})
	m.Queue = Queue{Patience: constant(1.5)}
	m.Replicas = 1
	equal(t, ends(t, build(t, with(once(4, to("m")), m), 1)), []float64{1, -1.5, -1.5, 2})
}

func TestSequentialParallelOptionalAsync(t *testing.T) {
	a, b := station("a", 0, constant(1)), station("b", 0, constant(2))
	for _, c := range []struct {
		name   string
		stages [][]Call
		want   float64
	}{
		{"sequential", [][]Call{{to("a")}, {to("b")}}, 3},
		{"parallel", [][]Call{{to("a"), to("b")}}, 2},
		{"twice", [][]Call{{{Service: "a", Times: 2}}}, 1},
		{"async", [][]Call{{{Service: "b", Async: true}, to("a")}}, 1},
		{"a failure", [][]Call{{{Service: "b", Timeout: .5e9}, to("a")}}, -1},
		{"an optional failure", [][]Call{{{Service: "b", Timeout: .5e9, Optional: true}, to("a")}}, 1},
		{"a slow network", [][]Call{{{Service: "a", Network: constant(.25)}}}, 1.5},
	} {
		s := build(t, with(once(1, to("front")), front(c.stages...), a, b), 1)
		t.Run(c.name, func(t *testing.T) { equal(t, ends(t, s), []float64{c.want}) })
	}
	s := build(t, with(Client{Name: "c", Mix: []Choice{{to("front"), 1}}, Arrivals: traffic.Deterministic(traffic.Constant(100))},
		front([]Call{{Service: "a", Probability: .3}}), a), 1)
	run(t, s, 100)
	if n := float64(s.Stats("a").Arrivals); math.Abs(n-3000) > 5*math.Sqrt(3000*.7) {
		t.Errorf("%v of 10000 calls with probability 0.3", n)
	}
}

// A forward answers from where it ends, and holds no thread on the way.
func TestForward(t *testing.T) {
	a, b := station("a", 1, constant(1)), station("b", 1, constant(3))
	a.Operations[0].Forward = []Route{{Service: "b", Probability: 1, Network: constant(.5)}}
	equal(t, ends(t, build(t, with(once(2, to("a")), a, b), 1)), []float64{4.5, 7.5})
}

// With identical pods the worst balance is random, and least beats two choices.
func TestBalancing(t *testing.T) {
	stay := map[Balance]float64{}
	for _, b := range []Balance{Random, RoundRobin, Least, PowerOfTwo} {
		m := station("m", 1, exp(1))
		m.Replicas, m.Balance = 10, b
		s := build(t, single(m, 8), 1)
		run(t, s, 8_000)
		stay[b] = s.Stats("m").MeanStay()
	}
	if !(stay[Least] < stay[PowerOfTwo] && stay[PowerOfTwo] < stay[RoundRobin] && stay[RoundRobin] < stay[Random]) {
		t.Errorf("%v", stay)
	}
	if math.Abs(stay[Random]-5) > .8 { // ten M/M/1 queues
		t.Errorf("random: %v s, want 5", stay[Random])
	}
}

// Throughput of the shared database, X(n) = 20n/(1+.01(n-1)+.0002n(n-1)).
func TestUniversalScalabilityLaw(t *testing.T) {
	for n, want := range map[int]float64{1: 20, 70: 527, 100: 504, 200: 365, 400: 217} {
		db := station("db", 0, exp(.05))
		db.Pod.Law = &USL{Sigma: .01, Kappa: .0002}
		s := build(t, with(Client{Name: "workers", Mix: []Choice{{to("db"), 1}}, Users: n}, db), 1)
		run(t, s, 10)
		s.ResetStats()
		run(t, s, 210)
		st := s.Stats("db")
		if x := float64(st.Completions) / st.Seconds(); math.Abs(x-want) > .02*want+.5 {
			t.Errorf("X(%d) = %v, want %v", n, x, want)
		}
	}
}

// 30 ms of work under a limit of 0.2 cores: a quota of 20 ms in each 100 ms lets it
// end at 110 ms; a smooth share takes 150 ms.
func TestThrottling(t *testing.T) {
	m := station("m", 0, constant(.03))
	m.Pod.CPU = .2
	equal(t, ends(t, build(t, with(once(1, to("m")), m), 1)), []float64{.15})
	m.Pod.ThrottlePeriod = 100e6
	s := build(t, with(once(1, to("m")), m), 1)
	equal(t, ends(t, s), []float64{.11})
	if n := s.services[0].ready[0].cpu.quota.throttled; n != 1 {
		t.Errorf("throttled in %d periods", n)
	}
	// Two requests use the quota twice as fast: 10 ms each in every period.
	equal(t, ends(t, build(t, with(once(2, to("m")), m), 1)), []float64{.21, .21})
}

// The twin of the processor computes departures by going from event to event with
// every job's remaining work.
func TestProcessorSharingAgainstTheObviousTwin(t *testing.T) {
	s := random.NewStream(4)
	const jobs, cores = 300, 2.5
	at, left, want := make([]float64, jobs), make([]float64, jobs), make([]float64, jobs)
	now := 0.0
	for i := range at {
		now += s.Exp()
		at[i], left[i] = math.Round(now*1e9)/1e9, math.Round(s.Exp()*2.2e9)/1e9
	}
	m := station("m", 0, &sequence{values: left})
	m.Pod.CPU = cores
	sys := build(t, with(Client{Name: "c", Mix: []Choice{{to("m"), 1}}, Arrivals: &instants{at}}, m), 1)
	got := map[float64]float64{}
	sys.OnRequest(func(o Outcome) { got[float64(o.Start)/1e9] = float64(o.End) / 1e9 })
	run(t, sys, 10_000)

	left = append([]float64(nil), left...)
	active, next := []int{}, 0
	for now = 0; next < jobs || len(active) > 0; {
		rate := min(1, cores/float64(max(1, len(active))))
		step, who := math.Inf(1), -1
		for k, i := range active {
			if d := left[i] / rate; d < step {
				step, who = d, k
			}
		}
		if next < jobs && at[next]-now < step {
			step, who = at[next]-now, -1
		}
		now += step
		for _, i := range active {
			left[i] -= step * rate
		}
		if who >= 0 {
			want[active[who]] = now
			active = slices.Delete(active, who, who+1)
		} else {
			active = append(active, next)
			next++
		}
	}
	for i := range want {
		if math.Abs(got[at[i]]-want[i]) > 1e-6 {
			t.Fatalf("job %d: %v, want %v", i, got[at[i]], want[i])
		}
	}
}

type sequence struct {
	values []float64
	next   int
}

func (s *sequence) Mean() float64 { return 1 }
func (s *sequence) Sample(*random.Stream) float64 {
	s.next++
	return s.values[s.next-1]
}

type instants struct{ at []float64 }

func (a *instants) Next(int64, *random.Stream) (int64, bool) {
	if len(a.at) == 0 {
		return 0, false
	}
	at := ns(a.at[0])
	a.at = a.at[1:]
	return at, true
}

// A day in a steady state allocates nothing: a month does not grow memory.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	call := Call{Service: "a", Timeout: 30e9, Propagate: true, Retry: Retry{Max: 2, Backoff: 1e8}, Network: exp(.001)}
	s := build(t, with(Client{Name: "c", Mix: []Choice{{to("front"), 1}}, Arrivals: traffic.Poisson(traffic.Constant(.5))},
		front([]Call{call, {Service: "b", Timeout: 5e9, Optional: true}}), station("a", 1, exp(1)), station("b", 2, exp(1))), 1)
	run(t, s, 100_000)
	// 10 000 requests; a handful belongs to other goroutines of the test binary.
	if n := testing.AllocsPerRun(1, func() { run(t, s, float64(s.Now())/1e9+20_000) }); n > 100 {
		t.Errorf("%v allocations in 20 000 s", n)
	}
}

// A quarter of the requests take 1 s and call b twice, the others take 0.1 s. A course
// that calls its own operation is no cycle when others end.
func TestCourses(t *testing.T) {
	a, b := station("a", 0, nil), station("b", 0, exp(.1))
	a.Operations[0] = Operation{Name: "serve", Courses: []Course{
		{Weight: 3, Stages: []Stage{{CPU: constant(.1)}}},
		{Weight: 1, Stages: []Stage{{CPU: constant(1)}, {Calls: []Call{to("b"), to("b")}}}},
	}}
	again := station("again", 0, nil)
	again.Operations[0] = Operation{Name: "serve", Courses: []Course{{Weight: 2}, {Weight: 1, Stages: []Stage{{Calls: []Call{to("again")}}}}}}
	s := build(t, &Topology{
		Services: []Service{a, b, again},
		Clients:  []Client{poisson("c", "a", 10), poisson("d", "again", 10)},
	}, 1)
	short, long := 0, 0
	s.OnSpan(0, func(sp *trace.Span) {
		switch {
		case sp.Service == "a" && sp.Duration == 1e8:
			short++
		case sp.Service == "a" && sp.Duration > 1e9:
			long++
		case sp.Service == "a":
			t.Fatalf("%+v", sp)
		}
	})
	run(t, s, 2000)
	calls := s.CallStats("a", "b").Attempts
	if n := float64(short + long); math.Abs(float64(long)/n-.25) > .015 || math.Abs(float64(calls)/2-float64(long)) > 10 {
		t.Errorf("%d short, %d long, %d calls", short, long, calls)
	}
	if err := s.Audit(); err != nil {
		t.Error(err)
	}
	// 1 + 1/3 + 1/9 + … visits a request.
	if got := float64(s.Stats("again").Arrivals) / 20_000; math.Abs(got-1.5) > .05 {
		t.Errorf("%v visits a request, want 1.5", got)
	}
}

// The times of two services in one request are tied by a factor; those of different
// requests are not.
func TestLoadings(t *testing.T) {
	tied := func(name string, loading float64) Service {
		s := station(name, 0, nil)
		s.Operations[0].Stages = []Stage{{CPU: random.Must(random.NewLognormalMedian(1, 1)), Loadings: [Factors]float64{0, loading}}}
		return s
	}
	s := build(t, with(poisson("c", "front", 1), front([]Call{to("a")}, []Call{to("b")}), tied("a", .9), tied("b", .7)), 1)
	first, n, product, next, last := map[trace.TraceID]float64{}, 0.0, 0.0, 0.0, 0.0
	s.OnSpan(0, func(sp *trace.Span) {
		log := math.Log(float64(sp.Duration) / 1e9)
		switch sp.Service {
		case "a":
			first[sp.TraceID] = log
		case "b":
			n++
			product += log * first[sp.TraceID]
			next += log * last
			last = log
			delete(first, sp.TraceID)
		}
	})
	run(t, s, 50_000)
	if err := s.Audit(); err != nil {
		t.Error(err)
	}
	if got := product / n; math.Abs(got-.63) > .03 {
		t.Errorf("correlation in a request %v, want 0.63", got)
	}
	if got := next / n; math.Abs(got) > .03 {
		t.Errorf("correlation of different requests %v", got)
	}
}

func TestBadTopologies(t *testing.T) {
	good := func() *Topology { return mm1() }
	for field, spoil := range map[string]func(*Topology){
		"services: ":                                func(t *Topology) { t.Services = nil },
		"services[0].name: ":                        func(t *Topology) { t.Services[0].Name = "" },
		"services[0].replicas: ":                    func(t *Topology) { t.Services[0].Replicas = -1 },
		"services[0].pod.cpu: ":                     func(t *Topology) { t.Services[0].Pod.CPU = math.NaN() },
		"services[0].pod.threads: ":                 func(t *Topology) { t.Services[0].Pod.Threads = -1 },
		"services[0].operations: ":                  func(t *Topology) { t.Services[0].Operations = nil },
		"services[0].operations[0].stages[0].cpu: ": func(t *Topology) { t.Services[0].Operations[0].Stages[0].CPU = random.Constant(-1) },
		"services[0].operations[0].stages[0].loadings: ": func(t *Topology) {
			t.Services[0].Operations[0].Stages[0].Loadings = [Factors]float64{.9, .9}
		},
		"services[0].operations[0].stages[0].loadings: [0.5 0 0]": func(t *Topology) {
			t.Services[0].Operations[0].Stages[0] = Stage{CPU: random.Must(random.NewErlang(2, 1)), Loadings: [Factors]float64{.5}}
		},
		"services[0].operations[0]: both": func(t *Topology) {
			t.Services[0].Operations[0].Courses = []Course{{Weight: 1}}
		},
		"services[0].operations[0].courses[1].weight: ": func(t *Topology) {
			t.Services[0].Operations[0] = Operation{Name: "serve", Courses: []Course{{Weight: 1}, {}}}
		},
		"services[0].operations[0].courses[0].stages[0].calls[0].service: ": func(t *Topology) {
			t.Services[0].Operations[0] = Operation{Name: "serve", Courses: []Course{{Weight: 1, Stages: []Stage{{Calls: []Call{to("x")}}}}}}
		},
		"services[0].operations[0].forward: ": func(t *Topology) {
			t.Services[0].Operations[0].Forward = []Route{{Service: "m", Probability: .7}, {Service: "m", Probability: .7}}
		},
		"clients[0].mix[0].call.service: ":   func(t *Topology) { t.Clients[0].Mix[0].Call.Service = "x" },
		"clients[0].mix[0].call.operation: ": func(t *Topology) { t.Clients[0].Mix[0].Call.Operation = "x" },
		"clients[0].mix[0].weight: ":         func(t *Topology) { t.Clients[0].Mix[0].Weight = 0 },
		"clients[0].users: ":                 func(t *Topology) { t.Clients[0].Arrivals, t.Clients[0].Users = nil, 1e9 },
		"clients[0]: ": func(t *Topology) { // a cycle
			t.Services[0].Operations[0].Stages[0].Calls = []Call{{Service: "m"}}
		},
		"nodes[0].cpu: ": func(t *Topology) { t.Nodes = []Node{{Name: "n", MemoryMiB: 1}} },
	} {
		topology := good()
		spoil(topology)
		_, err := New(topology, 1)
		if err == nil || len(err.Error()) < len(field) || err.Error()[:len(field)] != field {
			t.Errorf("%s got %v", field, err)
		}
	}
}
