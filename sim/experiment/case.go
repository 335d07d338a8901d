package experiment

import (
	"github.com/scale-eval/scale-eval/sim"
)

// Case is a scenario as an experiment needs it. It is only read, by many runs at a
// time.
type Case struct {
	Name  string
	Title string // one line
	// New builds the system of one run, with everything scheduled that the scenario
	// does to it. The topology is the one that the system was built from. tapes are
	// those of the seed, for [sim.Topology]; nil: there are none.
	New func(seed uint64, tapes *sim.Tapes) (*sim.System, *sim.Topology, error)
	// WarmUp comes before the measured Length, ns. A fault, or whatever else the case
	// is about, lasts from FaultFrom to FaultTo of the measured time; 0, 0: all of it.
	WarmUp, Length, FaultFrom, FaultTo int64
	Objectives                         []Objective
	Targets                            []Target
	Remedies                           []Remedy // what the oracle may do; none: nothing is to be done
}

// Objective is what the requests of a client shall hold.
type Objective struct {
	Client  string
	Service string  // that the client calls: rules watch its spans
	Latency int64   // ns
	Share   float64 // of the requests that must be answered that fast, e.g. .95
}

// Target is a service that policies may scale, and how far.
type Target struct {
	Service  string
	Stateful bool // a StatefulSet
	Min, Max int  // replicas
	// MaxCPU and MaxMemoryMiB bound the limits of a pod; 0: it may not be resized.
	MaxCPU, MaxMemoryMiB float64
}

// Kind of a remedy.
type Kind string

// The kinds.
const (
	Horizontal Kind = "horizontal"
	Vertical   Kind = "vertical"
)

// Remedy is one change that helps: more replicas, or larger ones.
type Remedy struct {
	Service string
	Kind    Kind
}

// end of the run, ns since its start.
func (c *Case) end() int64 { return c.WarmUp + c.Length }

// fault is when the case's trouble begins and ends, ns since the start of the run.
func (c *Case) fault() (from, to int64) {
	if c.FaultTo == 0 {
		return c.WarmUp, c.end()
	}
	return c.WarmUp + c.FaultFrom, c.WarmUp + c.FaultTo
}

// helps says whether a change of a service is among the remedies.
func (c *Case) helps(service string, k Kind) bool {
	for _, r := range c.Remedies {
		if r.Service == service && r.Kind == k {
			return true
		}
	}
	return false
}

func (t *Target) resizable() bool { return t.MaxCPU > 0 || t.MaxMemoryMiB > 0 }
