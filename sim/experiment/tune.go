package experiment

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/scale-eval/scale-eval/sim/experiment/measure"
	"github.com/scale-eval/scale-eval/tuning"
)

// TrainingSeed is the first seed that policies are tuned on. Results are of seeds from 1,
// which no choice has seen.
const TrainingSeed = 1001

// Eta is the inverse of the share of configurations that a rung passes on.
const Eta = 3

// Rung is a round of successive halving (Jamieson and Talwalkar, AISTATS 2016): what its
// configurations play. A rung of fewer cases and seeds is cheaper and chooses worse.
type Rung struct {
	Cases []*Case
	Seeds int // from TrainingSeed
}

// Tuner tunes each policy with the same number of configurations, on the same cases and
// seeds, for the same objective. One configuration is for all cases.
type Tuner struct {
	Policies []Policy // with knobs
	Budget   int      // configurations a policy, its defaults among them
	Seed     uint64   // of the search
	Price    float64  // see [measure.Objective]
	Rungs    []Rung   // in the order in which they are played
	// Play runs what a plan lacks, and Run gives a finished run.
	Play func(*Plan) error
	Run  func(c, policy string, seed uint64) *Measures
}

// contender is a configuration in the race.
type contender struct {
	policy Policy
	trial  *measure.Trial
}

// Tune plays the rungs. After each but the last the best third of a policy's
// configurations goes on, its defaults always among them: what is chosen was at least
// not worse than these on the training seeds. The same tuner gives the same result.
func (t *Tuner) Tune() (*measure.Tuning, error) {
	result := &measure.Tuning{Budget: t.Budget, SearchSeed: t.Seed, Objective: NewObjective(t.Price, t.cases())}
	races := make([][]*contender, len(t.Policies))
	for i := range t.Policies {
		tuned, race, err := t.enter(&t.Policies[i])
		if err != nil {
			return nil, err
		}
		races[i] = race
		result.Policies = append(result.Policies, tuned)
	}
	for k, rung := range t.Rungs {
		plan, err := t.plan(rung, races)
		if err != nil {
			return nil, err
		}
		if err := t.Play(plan); err != nil {
			return nil, err
		}
		result.Rungs = append(result.Rungs, measure.Rung{Cases: plan.Names().Cases, Seeds: plan.SeedList(), Configurations: len(races[0])})
		for i := range races {
			t.judge(&result.Objective, races[i], plan, k)
			if k < len(t.Rungs)-1 {
				races[i] = best(races[i])
			}
		}
	}
	for i := range races {
		choose(&result.Policies[i], races[i])
	}
	return result, nil
}

// NewObjective is that of some cases.
func NewObjective(price float64, cases []*Case) measure.Objective {
	o := measure.Objective{Price: price, Hours: map[string]float64{}}
	for _, c := range cases {
		o.Hours[c.Name] = seconds(c.Length) / 3600
	}
	return o
}

func (t *Tuner) cases() (all []*Case) {
	for _, r := range t.Rungs {
		all = append(all, r.Cases...)
	}
	return all
}

// enter draws the configurations of a policy. Budgets are equal or there is no race.
func (t *Tuner) enter(p *Policy) (tuned measure.TunedPolicy, race []*contender, err error) {
	tuned.Policy = p.Name
	configurations := p.Configurations(t.Budget, t.Seed)
	if len(configurations) < t.Budget {
		return tuned, nil, fmt.Errorf("policy %s has only %d configurations: want a budget of at most that", p.Name, len(configurations))
	}
	tuned.Trials = make([]measure.Trial, len(configurations))
	for i, c := range configurations {
		made, err := p.With(c)
		if err != nil {
			return tuned, nil, err
		}
		tuned.Trials[i] = measure.Trial{Name: made.Name, Values: c}
		race = append(race, &contender{made, &tuned.Trials[i]})
	}
	return tuned, race, nil
}

// plan is a rung for all policies at a time, so that what does nothing is run once, and
// beside none, which shares its run with whoever leaves a case alone.
func (t *Tuner) plan(r Rung, races [][]*contender) (*Plan, error) {
	idle, err := PoliciesNamed("none")
	plan := &Plan{Cases: r.Cases, Policies: idle, Seeds: r.Seeds, First: TrainingSeed}
	for _, race := range races {
		for _, c := range race {
			plan.Policies = append(plan.Policies, c.policy)
		}
	}
	return plan, err
}

func (t *Tuner) judge(o *measure.Objective, race []*contender, plan *Plan, rung int) {
	for _, c := range race {
		var runs []*Measures
		for _, one := range plan.Cases {
			for _, seed := range plan.SeedList() {
				runs = append(runs, t.Run(one.Name, c.trial.Name, seed))
			}
		}
		c.trial.Rung = rung
		c.trial.Loss, c.trial.Violated, c.trial.Pods = o.Mean(runs)
	}
}

// byLoss is the lowest first; of equal ones that which was drawn first.
func byLoss(race []*contender) []*contender {
	race = slices.Clone(race)
	slices.SortStableFunc(race, func(a, b *contender) int { return cmp.Compare(a.trial.Loss, b.trial.Loss) })
	return race
}

// best are those that go on, the defaults among them, in their order.
func best(race []*contender) []*contender {
	n := (len(race) + Eta - 1) / Eta
	ranked := append([]*contender{race[0]}, byLoss(race[1:])[:n-1]...)
	return slices.DeleteFunc(slices.Clone(race), func(c *contender) bool { return !slices.Contains(ranked, c) })
}

// choose picks the lowest loss of those that reached the last rung, and their front.
func choose(p *measure.TunedPolicy, race []*contender) {
	at := func(c *contender) int {
		return slices.IndexFunc(p.Trials, func(t measure.Trial) bool { return t.Name == c.trial.Name })
	}
	p.Chosen = at(byLoss(race)[0])
	losses := make([][]float64, len(race))
	for i, c := range race {
		losses[i] = []float64{c.trial.Violated, c.trial.Pods}
	}
	for _, i := range tuning.Front(losses) {
		p.Front = append(p.Front, at(race[i]))
	}
}
