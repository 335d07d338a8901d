package scenario

import (
	"fmt"

	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/sim"
	"github.com/scale-eval/scale-eval/sim/random"
	"github.com/scale-eval/scale-eval/sim/traffic"
)

// Scenario is one file. It is not changed by running it.
type Scenario struct {
	Name    string
	Summary string // one line: what happens
	Lesson  string // what is right to do, and why the obvious is wrong

	Warmup   int64 // ns, before the measured time
	Duration int64 // ns of measured time
	Fault    Span  // when something is wrong; empty: never (a load that changes)

	Nodes    []sim.Node
	Services []sim.Service
	Clients  []Client
	SLOs     []SLO
	Events   []Event // in order of time
	Targets  []Target

	Accept []Action // what helps; none: every action is wrong
	Trap   []Action // what looks right and is not
	Best   []Remedy // a cure, and when it comes

	// Notes say what the reader decided, such as which load stood in for a file that
	// was not there. Print them with every result.
	Notes []string
}

// Span is a stretch of measured time, ns.
type Span struct{ From, To int64 }

// Client is a class of requests from outside and its load.
type Client struct {
	sim.Client // without arrivals
	Load       OpenLoad
}

// OpenLoad says when requests come. The zero OpenLoad is none (users make a closed one).
type OpenLoad struct {
	Rate          traffic.Rate // in time of the simulation
	Deterministic bool         // evenly spread; otherwise Poisson
	States        []traffic.State
}

// arrivals is a fresh process at a share of the load.
func (l *OpenLoad) arrivals(share float64) traffic.Arrivals {
	switch {
	case len(l.States) > 0:
		states := append([]traffic.State(nil), l.States...)
		for i := range states {
			states[i].PerSecond *= share
		}
		m, err := traffic.NewMMPP(states...)
		if err != nil {
			panic(err) // Parse has built it once
		}
		return m
	case l.Rate.Max() == 0:
		return nil
	case l.Deterministic:
		return traffic.Deterministic(l.Rate.Scale(share))
	}
	return traffic.Poisson(l.Rate.Scale(share))
}

// SLO wants a share Quantile of a client's requests to succeed within Latency.
type SLO struct {
	Client   string
	Latency  int64   // ns
	Quantile float64 // e.g. 0.95
}

// Target is a service that may be scaled, and how far.
type Target struct {
	Service              string
	MinReplicas          int
	MaxReplicas          int
	MaxCPU, MaxMemoryMiB float64 // of a pod; 0: no vertical scaling
	Need                 *Need
}

// Need is how the demand for a service's pods is computed: the fewest whose requests,
// waiting in one queue, meet a latency. No other way to balance a load needs fewer.
type Need struct {
	Stay     float64 // mean seconds that a request keeps a server busy
	Servers  int     // a pod: its threads or cores
	Within   float64 // seconds from arrival to answer at this service
	Quantile float64
	// PerRequest is how many requests of the service one of each client makes.
	PerRequest map[string]float64
}

// Action is a way to scale one service.
type Action struct {
	Service   string
	Direction live.Direction
	Kind      live.Kind // Auto: horizontal or vertical
}

func (a Action) String() string { return fmt.Sprintf("%s %s %s", a.Service, a.Direction, a.Kind) }

// matches reports whether b is the action a, or one of its kinds.
func (a Action) matches(b Action) bool {
	return a.Service == b.Service && a.Direction == b.Direction && (a.Kind == live.Auto || a.Kind == b.Kind)
}

// Verdict is how good an action is in a scenario.
type Verdict uint8

// The verdicts. An action that is neither right nor a trap is wrong.
const (
	Wrong Verdict = iota
	Right
	Trapped
)

func (v Verdict) String() string { return [...]string{"wrong", "right", "trap"}[v] }

// Judge is the verdict on an action.
func (s *Scenario) Judge(a Action) Verdict {
	for _, b := range s.Accept {
		if b.matches(a) {
			return Right
		}
	}
	for _, b := range s.Trap {
		if b.matches(a) {
			return Trapped
		}
	}
	return Wrong
}

// Remedy is a change by whoever runs the system. Zero fields stay as they are.
type Remedy struct {
	At        int64 // ns of measured time
	Service   string
	Replicas  int
	CPU       float64 // limit of a pod, cores
	MemoryMiB float64 // limit of a pod
	Threads   int     // of a pod
}

// Apply does it now.
func (r *Remedy) Apply(sys *sim.System) {
	if r.Replicas > 0 {
		sys.SetReplicas(r.Service, r.Replicas)
	}
	if r.Threads > 0 {
		sys.SetThreads(r.Service, r.Threads)
	}
	if r.CPU > 0 || r.MemoryMiB > 0 {
		sys.SetResources(r.Service, sim.Resources{CPULimit: r.CPU, MemoryLimitMiB: r.MemoryMiB})
	}
}

func (r *Remedy) String() string {
	s := r.Service
	for _, f := range []struct {
		name string
		x    float64
	}{{"replicas", float64(r.Replicas)}, {"CPU", r.CPU}, {"MiB of memory", r.MemoryMiB}, {"threads", float64(r.Threads)}} {
		if f.x > 0 {
			s += fmt.Sprintf(" %g %s", f.x, f.name)
		}
	}
	return s
}

// Topology is the system at a share of the load (1: as written): users and rates are
// multiplied by it. Each call makes a fresh one, which runs may change. It panics on
// a share that is negative or not finite.
func (s *Scenario) Topology(share float64) *sim.Topology {
	t := &sim.Topology{Nodes: s.Nodes, Services: append([]sim.Service(nil), s.Services...)}
	for i := range s.Clients {
		c := s.Clients[i].Client
		c.Arrivals = s.Clients[i].Load.arrivals(share)
		c.Users = portion(c.Users, share)
		t.Clients = append(t.Clients, c)
	}
	return t
}

// Start builds the system at a share of the load and schedules the events. Run it
// until [Scenario.End]. tapes are those of the seed; nil: there are none.
func (s *Scenario) Start(seed uint64, share float64, tapes *sim.Tapes) (*sim.System, *sim.Topology, error) {
	t := s.Topology(share)
	t.Tapes = tapes
	sys, err := sim.New(t, seed)
	if err != nil {
		return nil, nil, err
	}
	s.Inject(sys, share)
	return sys, t, nil
}

// Inject schedules the events in a system at time 0.
func (s *Scenario) Inject(sys *sim.System, share float64) {
	for i := range s.Events {
		e := &s.Events[i]
		sys.Clock().At(s.Warmup+e.At, &injection{sys, e, share}, begin)
		if e.For > 0 && e.Change.lasts() {
			sys.Clock().At(s.Warmup+e.At+e.For, &injection{sys, e, share}, end)
		}
	}
}

// Remedy schedules what cures the system, at the times of [Scenario.Best].
func (s *Scenario) Remedy(sys *sim.System, remedies ...Remedy) {
	for i := range remedies {
		sys.Clock().At(s.Warmup+remedies[i].At, &cure{sys, &remedies[i]}, 0)
	}
}

type cure struct {
	sys *sim.System
	r   *Remedy
}

// Handle implements [sim.Handler].
func (c *cure) Handle(uint64) { c.r.Apply(c.sys) }

// End is the time of the simulation at which the measured time ends, ns.
func (s *Scenario) End() int64 { return s.Warmup + s.Duration }

// Settled is the time of the simulation at which every request of the measured time
// has met its objective or missed it, ns.
func (s *Scenario) Settled() int64 {
	longest := int64(0)
	for _, slo := range s.SLOs {
		longest = max(longest, slo.Latency)
	}
	return s.End() + longest
}

// Target is the scaling target of a service, nil if there is none.
func (s *Scenario) Target(service string) *Target {
	for i := range s.Targets {
		if s.Targets[i].Service == service {
			return &s.Targets[i]
		}
	}
	return nil
}

// Entry is a line of the timeline.
type Entry struct {
	At, To int64 // ns of measured time; To 0: at once, or for good
	Text   string
	Fault  bool // something is wrong, as opposed to a load that changes
}

// Timeline is what happens when, in order of time, for plots.
func (s *Scenario) Timeline() (all []Entry) {
	for i := range s.Events {
		e := &s.Events[i]
		to := int64(0)
		if e.For > 0 {
			to = e.At + e.For
		}
		_, load := e.Change.(*Users)
		all = append(all, Entry{e.At, to, e.Change.String(), !load})
	}
	return all
}

// standard is how pods live unless a file says otherwise.
func standard() sim.Lifecycle {
	return sim.Lifecycle{
		Bind:        random.Constant(.5),
		Pull:        random.Must(random.NewLognormalMedian(20, .4)),
		Start:       random.Must(random.NewLognormalMedian(6, .35)),
		ProbePeriod: 5e9,
		Drain:       30e9,
	}
}
