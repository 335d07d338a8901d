package scenario

import (
	"math"
	"slices"
	"testing"

	"github.com/scale-eval/scale-eval/sim"
)

func load(t testing.TB, name string) *Scenario {
	t.Helper()
	s, err := Load(name, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// measured runs a scenario with remedies and watches its objectives.
func measured(t testing.TB, s *Scenario, remedies ...Remedy) (*Watch, *sim.System) {
	t.Helper()
	sys, _, err := s.Start(1, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := NewWatch(s, sys)
	s.Remedy(sys, remedies...)
	if err := sys.Run(s.Settled()); err != nil {
		t.Fatal(err)
	}
	if err := sys.Audit(); err != nil {
		t.Error(err)
	}
	return w, sys
}

func TestEveryScenarioParses(t *testing.T) {
	for _, name := range Names() {
		s, err := Load(name, Options{})
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if s.Name != name || s.Summary == "" || s.Lesson == "" || len(s.SLOs) == 0 || len(s.Targets) == 0 {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

// The fewest servers of M/M/c that scenarios.md names for a central queue, and the
// reference values of theory.md for P(T > 0.5 s).
func TestDemandIsThatOfOneQueue(t *testing.T) {
	for _, c := range []struct {
		rate, stay, within, quantile float64
		want                         int
	}{
		{200, .05, .25, .95, 11}, {1000, .05, .25, .95, 51},
		{80, .025, .15, .95, 3}, {600, .025, .15, .95, 16},
		{1300, .1, .5, .95, 131}, {1300, .1, .5, .99, 133},
	} {
		n := Need{Stay: c.stay, Servers: 1, Within: c.within, Quantile: c.quantile}
		if got := n.pods(c.rate); got != c.want {
			t.Errorf("%v rps of %v s within %v s at %v: %d pods, want %d", c.rate, c.stay, c.within, c.quantile, got, c.want)
		}
	}
	for _, c := range []struct {
		rate, stay float64
		servers    int
		want       float64
	}{{8, 1, 10, .704182001303072999}, {950, .1, 100, .00759106685707443198}, {3, .5, 2, .674716722152973738}} {
		if got := late(c.rate, c.stay, c.servers, .5); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("P(T > 0.5 s) with %d servers is %v, want %v", c.servers, got, c.want)
		}
	}
}

func TestDemandFollowsTheLoad(t *testing.T) {
	d := load(t, "flash-crowd").Demand("web", 1)
	if len(d) != 40 || d[0] != 11 || d[6] != 51 || d[20] != 11 || slices.Max(d) != 51 {
		t.Errorf("%v", d)
	}
}

// The suite is the fifteen of the specification; second forms are played when named.
func TestTheSuiteHasFifteenScenarios(t *testing.T) {
	if suite := Suite(); len(suite) != 15 || suite[0] != "capped-serverless" || suite[14] != "rate-limited" {
		t.Errorf("suite %v", suite)
	}
	var variants []string
	for _, name := range Names() {
		if Variant(name) {
			variants = append(variants, name)
		}
	}
	if want := []string{"slow-dependency-delay", "memory-leak", "boutique-currency"}; !slices.Equal(variants, want) {
		t.Errorf("variants %v, want %v", variants, want)
	}
}
