package experiment

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/scale-eval/scale-eval/sim/experiment/measure"
)

// fakeRuns plays plans without simulating: the loss of a configuration is a function of
// its values.
type fakeRuns struct {
	t     *testing.T
	loss  map[string]float64 // by name
	plans []*Plan
	runs  map[string]int // by family
}

func (f *fakeRuns) play(p *Plan) error {
	f.plans = append(f.plans, p)
	for _, policy := range p.Policies {
		f.runs[measure.Family(policy.Name)] += len(p.Cases) * p.Seeds
	}
	return nil
}

func (f *fakeRuns) run(c, policy string, seed uint64) *measure.Measures {
	if seed < TrainingSeed {
		f.t.Errorf("seed %d is one that results are of", seed)
	}
	return &measure.Measures{Case: c, Policy: policy, Seed: seed, ViolatedSeconds: f.loss[policy]}
}

// The race has the same size for every policy, finds the best of what it drew where all
// rounds agree, and keeps the defaults to the end.
func TestTunersRaceIsEqual(t *testing.T) {
	short, long := &Case{Name: "short", Length: 3600e9}, &Case{Name: "long", Length: 3600e9}
	policies := []Policy{hpa(), forecast()}
	f := &fakeRuns{t: t, loss: map[string]float64{}, runs: map[string]int{}}
	best := map[string]string{}
	for i := range policies {
		p := &policies[i]
		least := math.Inf(1)
		for k, c := range p.Configurations(20, 3) {
			made, _ := p.With(c)
			f.loss[made.Name] = float64((k*7+3)%20) + 1 // the defaults are fourth
			if f.loss[made.Name] < least {
				least, best[p.Name] = f.loss[made.Name], made.Name
			}
		}
	}
	tuner := &Tuner{
		Policies: policies, Budget: 20, Seed: 3, Price: 1, Play: f.play, Run: f.run,
		Rungs: []Rung{{Cases: []*Case{short}, Seeds: 1}, {Cases: []*Case{short, long}, Seeds: 1}, {Cases: []*Case{short, long}, Seeds: 2}},
	}
	tuned, err := tuner.Tune()
	if err != nil {
		t.Fatal(err)
	}
	for i := range tuned.Policies {
		p := &tuned.Policies[i]
		if p.Tuned().Name != best[p.Policy] || p.Trials[0].Name != p.Policy || p.Trials[0].Rung != 2 || len(p.Front) != 1 {
			t.Errorf("%s: chose %+v, want %s; defaults %+v", p.Policy, p.Tuned(), best[p.Policy], p.Trials[0])
		}
	}
	var sizes []int
	for _, r := range tuned.Rungs {
		sizes = append(sizes, r.Configurations)
	}
	if !slices.Equal(sizes, []int{20, 7, 3}) || f.runs["hpa"] != 20+7*2+3*4 || f.runs["forecast"] != f.runs["hpa"] {
		t.Errorf("rounds of %v, %v runs", sizes, f.runs)
	}
	for _, p := range f.plans {
		if p.SeedList()[0] != TrainingSeed || p.Policies[0].Name != "none" {
			t.Errorf("a plan of seeds %v and first policy %s", p.SeedList(), p.Policies[0].Name)
		}
	}
}

// A space that is too small for the budget is an error, because budgets would differ; so
// is a round that could not be played.
func TestTunerGivesUp(t *testing.T) {
	small := tunable([]Knob{{"x", "1,2", "1", "two values"}}, func(settings) Policy { return Policy{Name: "small"} })
	c := &Case{Name: "web", Length: 3600e9}
	tuner := &Tuner{Policies: []Policy{small}, Budget: 3, Seed: 1, Rungs: []Rung{{Cases: []*Case{c}, Seeds: 1}}}
	if _, err := tuner.Tune(); err == nil {
		t.Error("three configurations of two")
	}
	broken := errors.New("the disk is full")
	tuner.Budget, tuner.Play = 2, func(*Plan) error { return fmt.Errorf("round 1: %w", broken) }
	if _, err := tuner.Tune(); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}
