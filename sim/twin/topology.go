package twin

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/sim"
)

// WhatIf is how the system is to differ from what was recorded. The zero value is:
// not at all.
type WhatIf struct {
	Load   float64            `json:"load"`   // factor on the arrivals; 0: 1
	Slower map[string]float64 `json:"slower"` // factor > 0 on the self times of a service
	// Cores is the CPU limit of each of Replicas pods (one, if not given) of a service:
	// its self times are then work that shares them.
	Cores    map[string]float64 `json:"cores"`
	Replicas map[string]int     `json:"replicas"`
}

// Topology is the system as a topology with one client, "traffic". Each simulation
// needs one of its own. It errs on services that are not in the model and on factors
// that make no sense.
func (m *Model) Topology(w WhatIf) (*sim.Topology, error) {
	services := map[string]*sim.Service{}
	var names []string
	for call, op := range m.ops {
		if op == nil {
			continue
		}
		name, _ := m.name(trace.Call(call))
		if services[name] == nil {
			services[name] = &sim.Service{Name: name, Replicas: 1}
			names = append(names, name)
		}
	}
	if err := w.apply(services); err != nil {
		return nil, err
	}
	for call, op := range m.ops {
		if op == nil {
			continue
		}
		name, opName := m.name(trace.Call(call))
		s := services[name]
		s.Operations = append(s.Operations, m.operation(opName, op, cmp.Or(w.Slower[name], 1)))
	}
	slices.Sort(names)
	t := &sim.Topology{}
	for _, name := range names {
		t.Services = append(t.Services, *services[name])
	}
	c := sim.Client{Name: "traffic", Arrivals: m.Report.Arrivals.process(cmp.Or(w.Load, 1))}
	for _, r := range m.roots {
		service, op := m.name(r.call)
		c.Mix = append(c.Mix, sim.Choice{Call: sim.Call{Service: service, Operation: op}, Weight: float64(r.number)})
	}
	t.Clients = []sim.Client{c}
	return t, nil
}

// apply checks w and sets what it says of services as wholes.
func (w *WhatIf) apply(services map[string]*sim.Service) error {
	check := func(what, name string, x, least, most float64) error {
		if name != "" && services[name] == nil {
			return fmt.Errorf("%s: no service %q in the traces", what, name)
		}
		if !(x >= least && x <= most) {
			return fmt.Errorf("%s %s: %v: want %g..%g", what, name, x, least, most)
		}
		return nil
	}
	if w.Load != 0 {
		if err := check("load", "", w.Load, 1e-6, 1e6); err != nil {
			return err
		}
	}
	for _, name := range sortedKeys(w.Slower) {
		if err := check("slower", name, w.Slower[name], 1e-6, 1e6); err != nil {
			return err
		}
	}
	for _, name := range sortedKeys(w.Cores) {
		if err := check("cores", name, w.Cores[name], 1e-3, 1e6); err != nil {
			return err
		}
		services[name].Pod.CPU, services[name].Pod.CPURequest = w.Cores[name], w.Cores[name]
	}
	for _, name := range sortedKeys(w.Replicas) {
		if err := check("replicas", name, float64(w.Replicas[name]), 1, sim.MaxReplicas); err != nil {
			return err
		}
		services[name].Replicas = w.Replicas[name]
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// operation is one call: its courses, each with its self time first.
func (m *Model) operation(name string, op *operation, slower float64) sim.Operation {
	o := sim.Operation{Name: name}
	for _, c := range op.courses {
		course := sim.Course{Weight: float64(c.spans), Stages: []sim.Stage{{CPU: c.self.dist.random(slower), Loadings: op.loadings}}}
		for _, st := range c.stages {
			var stage sim.Stage
			for _, kid := range st {
				service, operation := m.name(kid.call)
				stage.Calls = append(stage.Calls, sim.Call{Service: service, Operation: operation, Async: kid.async})
			}
			course.Stages = append(course.Stages, stage)
		}
		o.Courses = append(o.Courses, course)
	}
	return o
}

// name is a call's service and operation; a topology wants both to have names.
func (m *Model) name(c trace.Call) (service, operation string) { return nameOf(m.calls, c) }

func nameOf(calls *trace.Calls, c trace.Call) (service, operation string) {
	return cmp.Or(calls.Service(c), "(none)"), cmp.Or(calls.Operation(c), "(none)")
}

// busy is the mean number of requests that compute at a service, by the recorded
// load: the cores below which a what-if cannot be stable.
func (m *Model) busy() map[string]float64 {
	busy := map[string]float64{}
	seconds := m.Report.Arrivals.Seconds
	if seconds == 0 {
		return busy
	}
	for call, op := range m.ops {
		if op == nil {
			continue
		}
		name, _ := m.name(trace.Call(call))
		for _, x := range op.self.x {
			busy[name] += x / seconds
		}
	}
	return busy
}

// overload is an error that names a service that cannot do the work that w gives it.
func (m *Model) overload(w WhatIf) error {
	for _, name := range sortedKeys(w.Cores) {
		work := m.Report.Busy[name] * cmp.Or(w.Load, 1) * cmp.Or(w.Slower[name], 1)
		if cores := w.Cores[name] * float64(cmp.Or(w.Replicas[name], 1)); work >= cores {
			return fmt.Errorf("service %s is overloaded: it needs more than %.3g cores and has %.3g, so nothing is stationary", name, work, cores)
		}
	}
	return nil
}
