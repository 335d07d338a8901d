package experiment

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/scale-eval/scale-eval/sim"
	"github.com/scale-eval/scale-eval/sim/policy"
)

// A plan that is stopped and continued computes nothing twice and gives the same.
func TestAPlanContinuesWhereItWas(t *testing.T) {
	c := webCase(t)
	policies, err := PoliciesNamed("none", "hpa")
	if err != nil {
		t.Fatal(err)
	}
	type key struct {
		policy string
		seed   uint64
	}
	execute := func(ctx context.Context, got map[key]Measures, stopAfter int, cancel func()) error {
		p := &Plan{
			Cases: []*Case{c}, Policies: policies, Seeds: 2, Workers: 2,
			Calibrations: map[string]*Calibration{"web": {Case: "web", Services: map[string]Capacity{}}},
			Done:         func(_, policy string, seed uint64) bool { _, ok := got[key{policy, seed}]; return ok },
			Finished: func(m *Measures) error {
				k := key{m.Policy, m.Seed}
				if _, twice := got[k]; twice {
					t.Errorf("%v was computed twice", k)
				}
				got[k] = *m
				if len(got) == stopAfter {
					cancel()
				}
				return nil
			},
		}
		return p.Execute(ctx)
	}
	whole, parts := map[key]Measures{}, map[key]Measures{}
	if err := execute(context.Background(), whole, -1, nil); err != nil || len(whole) != 4 {
		t.Fatalf("%v, %d runs", err, len(whole))
	}
	ctx, cancel := context.WithCancel(context.Background())
	if err := execute(ctx, parts, 1, cancel); err == nil {
		t.Error("a stopped plan says nothing")
	}
	if err := execute(context.Background(), parts, -1, nil); err != nil {
		t.Fatal(err)
	}
	for k, m := range whole {
		if parts[k] != m {
			t.Errorf("%v: %+v in one go, %+v in two", k, m, parts[k])
		}
	}
}

// A policy that does nothing is not run: what a plan says of it is what its own run would
// have been. That is so of KEDA where nothing ever waits, of the VPA where nothing may be
// resized, of the bounds where nothing helps, and of whoever looks on and never acts.
func TestPoliciesThatDoNothingShareARun(t *testing.T) {
	c := webCase(t)
	c.Remedies = nil
	c.WarmUp, c.Length, c.FaultFrom, c.FaultTo = 60e9, 240e9, 30e9, 180e9
	cal := &Calibration{Case: c.Name, Services: map[string]Capacity{}}
	if err := c.loadTest(context.Background(), cal, nil); err != nil {
		t.Fatal(err)
	}
	shy := asking("shy", "looks on", func(*Env, *Target, *sim.Service) policy.Autoscaler { return policy.NoOp{} })
	policies := append(Policies(), static(), shy)
	want := map[string]bool{"keda": true, "vpa": true, "static": true, "oracle": true, "none": true}
	for _, policy := range policies {
		if idle, err := c.idle(cal, policy); err != nil || idle != want[policy.Name] {
			t.Errorf("%s: idle is %v, %v", policy.Name, idle, err)
		}
	}
	got := map[string]*Measures{}
	p := &Plan{
		Cases: []*Case{c}, Policies: policies, Seeds: 1, Calibrations: map[string]*Calibration{c.Name: cal},
		Finished: func(m *Measures) error { got[m.Policy] = m; return nil },
	}
	if jobs, err := p.jobs(); err != nil || len(jobs) != 2 {
		t.Errorf("%d jobs, %v; want that of scale and that of the others", len(jobs), err)
	}
	var built atomic.Int32
	system := c.New
	c.New = func(seed uint64, tapes *sim.Tapes) (*sim.System, *sim.Topology, error) {
		if seed != calibrationSeed { // where idle looks
			built.Add(1)
		}
		return system(seed, tapes)
	}
	if err := p.Execute(context.Background()); err != nil {
		t.Fatal(err)
	}
	acted := int32(0)
	for _, policy := range policies {
		alone, _, err := Run(context.Background(), c, cal, policy, 1, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got[policy.Name] == nil || *got[policy.Name] != *alone {
			t.Errorf("%s: %+v, alone %+v", policy.Name, got[policy.Name], alone)
		}
		if alone.Actions > 0 {
			acted++
		}
	}
	if runs := built.Load() - int32(len(policies)); runs != 1+acted || acted == 0 {
		t.Errorf("%d runs for %d policies of which %d act", runs, len(policies), acted)
	}
}

// Whoever is asked and would act gets a run of its own, beside those of other workers. A
// policy that panics is an error that names the run, and nobody waits for ever.
func TestPlanRunsWhoeverActed(t *testing.T) {
	c := webCase(t)
	c.WarmUp, c.Length, c.FaultFrom, c.FaultTo = 60e9, 120e9, 30e9, 90e9
	var policies []Policy
	for n := range 6 {
		name := fmt.Sprintf("to %d", n+2)
		policies = append(policies, asking(name, "", func(*Env, *Target, *sim.Service) policy.Autoscaler { return policy.Static{Replicas: int32(n + 2)} }))
	}
	cal := map[string]*Calibration{"web": {Case: "web", Services: map[string]Capacity{}}}
	for _, workers := range []int{1, 3} {
		pods := map[string]float64{}
		p := &Plan{Cases: []*Case{c}, Policies: append([]Policy{none()}, policies...), Seeds: 1, First: 5, Workers: workers, Calibrations: cal,
			Finished: func(m *Measures) error { pods[m.Policy] += m.PodSeconds; return nil }}
		if err := p.Execute(t.Context()); err != nil || len(pods) != 7 {
			t.Fatalf("%v, %v", err, pods)
		}
		for n := range 5 {
			if a, b := pods[policies[n].Name], pods[policies[n+1].Name]; !(a < b) {
				t.Errorf("%d workers: %v pod seconds with a pod less than %v", workers, a, b)
			}
		}
		broken := Policy{Name: "broken", Start: func(e *Env) (func() error, error) {
			every(e.System.Clock(), 1e9, 1e9, func() { panic("boom") })
			return nil, nil
		}}
		p = &Plan{Cases: []*Case{c}, Policies: append([]Policy{broken}, policies...), Seeds: 2, Workers: workers, Calibrations: cal}
		if err := p.Execute(t.Context()); err == nil || !strings.Contains(err.Error(), "policy broken, seed 1: boom") && !strings.Contains(err.Error(), "policy broken, seed 2: boom") {
			t.Errorf("%d workers: %v", workers, err)
		}
	}
}
