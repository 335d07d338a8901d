package sim

import (
	"github.com/scale-eval/scale-eval/sim/random"
	"github.com/scale-eval/scale-eval/sim/traffic"
)

// Topology describes a system to simulate. Durations drawn from distributions are
// in seconds; fixed ones are in ns. [New] checks all of it.
type Topology struct {
	Nodes    []Node // none: pods need no node
	Services []Service
	Clients  []Client
	// Tapes are shared by the runs of this topology with one seed. nil: a run draws
	// alone.
	Tapes *Tapes
}

// Node is a machine.
type Node struct {
	Name, Zone string
	CPU        float64 // allocatable cores, > 0
	MemoryMiB  float64 // allocatable, > 0
}

// Service is a workload: pods that are alike behind one name.
type Service struct {
	Name       string
	Replicas   int // at the start; these pods are ready at time 0
	Pod        Pod
	Queue      Queue
	Balance    Balance
	Lifecycle  Lifecycle
	Operations []Operation // one or more
}

// Pod is the template of a service's pods.
type Pod struct {
	// Threads is how many requests a pod works on at once, from the first stage to
	// the answer, waiting for others included. 0: no limit.
	Threads int
	// CPU is the limit in cores, shared equally by the requests that compute. 0: every
	// request has a core of its own.
	CPU float64
	// ThrottlePeriod makes the limit a quota a period, ns; Kubernetes has 100 ms. Until
	// it is used up every request has a core of its own. 0: a smooth share.
	ThrottlePeriod int64
	// Law replaces the equal share by the universal scalability law; CPU is then a
	// factor on all of it (0: 1).
	Law *USL
	// CPURequest and MemoryRequestMiB are what the scheduler counts.
	CPURequest, MemoryRequestMiB float64
	// MemoryLimitMiB is where a pod is OOM-killed. 0: no limit. BaseMiB is the memory
	// of an idle pod, LeakMiBPerSecond grows from the start of the container.
	MemoryLimitMiB, BaseMiB, LeakMiBPerSecond float64
	// CollectorSlowdown is the factor by which a garbage collector slows the CPU when
	// memory is at the limit; it rises linearly from 1 at 80 % of it. 0: none.
	CollectorSlowdown float64
	// Pools are the sizes of the pod's connection pools, named by Call.Pool.
	Pools []int
}

// Values of Queue.Max besides a length.
const (
	Unbounded = 0
	NoQueue   = -1
)

// Overflow is what happens to a request that finds the queue full.
type Overflow uint8

const (
	Reject Overflow = iota // it fails at once
	Block                  // it waits outside, in order, and keeps its caller waiting
)

// Queue is where requests wait for a thread.
type Queue struct {
	Max      int // a pod (of the service if Central); Unbounded, NoQueue or > 0
	Overflow Overflow
	// Central makes it one queue of the service from which pods take, as workers take
	// from a message queue. Requests wait in it while no pod is ready.
	Central bool
	// Patience is how long a request waits before it gives up, seconds. nil: for ever.
	Patience random.Dist
}

// Balance picks the pod of a request (not with a central queue).
type Balance uint8

const (
	Random     Balance = iota // uniformly
	RoundRobin                // in turn
	Least                     // fewest outstanding requests, ties by age
	PowerOfTwo                // the better of two random ones
)

// Lifecycle is how long pods take. Times not given are 0.
type Lifecycle struct {
	Bind  random.Dist // seconds from creation to a node
	Pull  random.Dist // seconds for the image on a node that does not have it
	Start random.Dist // seconds from there until the readiness probe would succeed
	// ProbePeriod is that of the readiness probe, ns: readiness is seen at the next
	// probe. 0: at once.
	ProbePeriod int64
	// Drain is how long a pod that is told to end may finish its requests, ns.
	Drain int64
	// InPlace changes resources of running pods; otherwise new pods replace them.
	InPlace bool
}

// Operation is what a service does for one kind of request.
type Operation struct {
	Name   string
	Stages []Stage // one after the other
	// Courses are alternatives to Stages, of which each request takes one: a page that
	// is sometimes cached, a class of requests with more calls.
	Courses   []Course
	MemoryMiB float64 // held by the request
	// Forward hands the request on when the stages are done, instead of answering; the
	// answer then comes from there. The probabilities add up to at most 1; the rest
	// answers. A message queue between services is a forward to a Central one.
	Forward []Route
}

// Course is one of the ways that an operation can go.
type Course struct {
	Weight float64 // > 0, among the others
	Stages []Stage
}

// Factors is the number of things that may make a whole request slow.
const Factors = 3

// Stage is a piece of work: CPU, then a wait without CPU, then calls, all at once.
type Stage struct {
	CPU random.Dist // seconds of one core; nil: none
	// Loadings tie CPU to factors that each request draws once: two stages with loadings
	// a and b have times whose normal scores correlate by the sum of a[i]·b[i], so that a
	// slow request is slow in many places. Their squares add up to at most 1, and CPU is
	// a [random.Inverse]. Zeros: independent.
	Loadings [Factors]float64
	Wait     random.Dist // seconds; nil: none
	// Calls are made in parallel. For calls one after the other, add stages.
	Calls []Call
}

// Route is where a request may be handed on to.
type Route struct {
	Service, Operation string
	Probability        float64     // > 0
	Network            random.Dist // seconds one way; nil: none
	Priority           int
}

// Call is a request to another service.
type Call struct {
	Service, Operation string
	Probability        float64     // of being made; 0: always
	Times              int         // how often, at once; 0: 1
	Network            random.Dist // seconds one way; nil: none
	Timeout            int64       // of an attempt, waiting for a connection included, ns; 0: none
	Propagate          bool        // a time-out also ends the work at the callee
	Retry              Retry
	Pool               int  // 1-based number of the caller's connection pool; 0: none
	Async              bool // nobody waits for the answer
	Optional           bool // a failure does not fail the caller
	Priority           int  // 0..Priorities-1, higher first
}

// Retry repeats failed attempts.
type Retry struct {
	Max     int   // attempts behind the first
	Backoff int64 // before the first retry, ns; doubles with each
	Cap     int64 // longest backoff, ns; 0: none
	// Jitter takes a random part off the backoff: 0 none, 1 up to all of it.
	Jitter float64
	// Budget is how many retries a first attempt earns on average (0.2: at most a fifth
	// more load); 0: no limit. BudgetBurst is how many can be saved up; 0: 10.
	Budget, BudgetBurst float64
}

// Client is a class of requests from outside.
type Client struct {
	Name string
	// Mix are the calls it makes, one a request, chosen by Weight.
	Mix []Choice
	// Arrivals makes an open load. It must not be shared between systems.
	Arrivals traffic.Arrivals
	// Users makes a closed load: each of them thinks (seconds), calls and waits for the
	// answer, over and over. [System.SetUsers] changes their number.
	Users int
	Think random.Dist
	// Pools are the sizes of connection pools shared by the whole client.
	Pools []int
}

// Choice is one call of a client and its weight > 0 among the others.
type Choice struct {
	Call   Call
	Weight float64
}
