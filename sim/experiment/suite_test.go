package experiment

import (
	"context"
	"flag"
	"testing"

	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/sim/cluster"
	"github.com/scale-eval/scale-eval/sim/experiment/measure"
	"github.com/scale-eval/scale-eval/sim/scenario"
)

var suiteSeeds = flag.Uint64("suite-seeds", 1, "seeds with which the claims on the suite are tested; 30 for the full claim")

// shortened is a scenario of the suite that ends some time into its fault: by then it
// has shown who does what. The load test stands in for the calibration, which only the
// oracle needs.
func shortened(t *testing.T, name string, seconds int64) (*Case, *Calibration) {
	t.Helper()
	s, err := scenario.Load(name, scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.Duration = seconds * 1e9
	c := FromScenario(s, 1)
	cal := &Calibration{Case: c.Name, Services: map[string]Capacity{}}
	if err := c.loadTest(context.Background(), cal, nil); err != nil {
		t.Fatal(err)
	}
	return c, cal
}

// changes are those of one run.
func changes(t *testing.T, c *Case, cal *Calibration, name string, seed uint64) (*Measures, []measure.TimelineEvent) {
	t.Helper()
	p, err := PoliciesNamed(name)
	if err != nil {
		t.Fatal(err)
	}
	m, tl, err := Run(context.Background(), c, cal, p[0], seed, Options{Timeline: true})
	if err != nil {
		t.Fatal(err)
	}
	return m, tl.Actions
}

// Scenario 1, the paper's first: SCALE raises the cap of the workers, within a minute
// of the fault and far enough (131), and touches nothing else. CPU says nothing: the
// HPA leaves the violation as it is without any policy.
func TestSCALERaisesTheWorkerCap(t *testing.T) {
	heavy(t)
	c, cal := shortened(t, "capped-serverless", 480)
	for seed := uint64(1); seed <= *suiteSeeds; seed++ {
		m, acts := changes(t, c, cal, "scale", seed)
		most := 0
		for _, a := range acts {
			if a.Service != "workers" || a.Vertical {
				t.Errorf("seed %d: %+v", seed, a)
			}
			most = max(most, a.To)
		}
		none, _ := changes(t, c, cal, "none", seed)
		hpa, _ := changes(t, c, cal, "hpa", seed)
		if most < 131 || m.Decide < 0 || m.Decide > 60 || m.ViolatedSeconds > none.ViolatedSeconds/2 {
			t.Errorf("seed %d: at most %d workers, first change after %v s, %v s violated, %v without a policy", seed, most, m.Decide, m.ViolatedSeconds, none.ViolatedSeconds)
		}
		if hpa.ViolatedSeconds < none.ViolatedSeconds-5 {
			t.Errorf("seed %d: the HPA on CPU violates %v s, nothing %v s", seed, hpa.ViolatedSeconds, none.ViolatedSeconds)
		}
	}
}

// Scenario 2, the paper's second: SCALE scales the database, and leaves the workers
// alone while their backlog drains. Scaling the workers by the length of their queue
// crowds the database and is worse than doing nothing.
func TestSCALEScalesTheDatabase(t *testing.T) {
	heavy(t)
	c, cal := shortened(t, "db-bottleneck", 2400) // whole: doing nothing recovers, the trap does not
	for seed := uint64(1); seed <= *suiteSeeds; seed++ {
		m, acts := changes(t, c, cal, "scale", seed)
		for _, a := range acts {
			if a.Service != "db" {
				t.Errorf("seed %d: %+v", seed, a)
			}
		}
		none, _ := changes(t, c, cal, "none", seed)
		keda, _ := changes(t, c, cal, "keda", seed)
		if len(acts) == 0 || m.ViolatedSeconds > none.ViolatedSeconds/4 {
			t.Errorf("seed %d: %d changes, %v s violated, %v without a policy", seed, len(acts), m.ViolatedSeconds, none.ViolatedSeconds)
		}
		if keda.ViolatedSeconds < none.ViolatedSeconds+300 || keda.Recover != -1 {
			t.Errorf("seed %d: by queue length %v s violated, by nothing %v s", seed, keda.ViolatedSeconds, none.ViolatedSeconds)
		}
	}
}

// The negative controls: a third party that is slower within the objective, and one
// that answers 429. There is nothing to scale, and SCALE scales nothing in 95 % of seeds.
func TestSCALELeavesTheControlsAlone(t *testing.T) {
	heavy(t)
	for _, name := range []string{"third-party", "rate-limited"} {
		c, cal := shortened(t, name, 700)
		acted := uint64(0)
		for seed := uint64(1); seed <= *suiteSeeds; seed++ {
			if m, acts := changes(t, c, cal, "scale", seed); m.Actions > 0 {
				acted++
				t.Logf("%s, seed %d: %+v", name, seed, acts)
			}
		}
		if 20*acted > *suiteSeeds {
			t.Errorf("%s: SCALE acted in %d of %d seeds", name, acted, *suiteSeeds)
		}
	}
}

// heavy skips what takes minutes under the race detector; other tests there run the
// same code.
func heavy(t *testing.T) {
	t.Helper()
	if raceEnabled || testing.Short() {
		t.Skip("run it without -race and -short")
	}
}

// Every scenario of the suite makes a case whose objectives and targets are there,
// and whose rules the pipeline takes.
func TestEveryScenarioIsACase(t *testing.T) {
	for _, name := range scenario.Names() {
		s, err := scenario.Load(name, scenario.Options{})
		if err != nil {
			t.Fatal(err)
		}
		c := FromScenario(s, 1)
		if len(c.Objectives) == 0 || len(c.Targets) == 0 || c.Length <= 0 {
			t.Errorf("%s: %+v", name, c)
		}
		sys, topology, err := c.New(1, nil)
		if err != nil {
			t.Fatal(err)
		}
		e := &Env{Case: c, System: sys, Topology: topology, Cluster: cluster.New(sys, topology, c.stateful()...)}
		if _, err := startScale(e, live.Sampled, defaultsOf(scaleKnobs)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
