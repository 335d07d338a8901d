package experiment

import (
	"context"
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
