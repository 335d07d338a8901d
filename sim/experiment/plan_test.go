package experiment

import (
	"context"

	"testing"
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
