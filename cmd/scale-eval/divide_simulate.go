package main

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/eval/shards"
	"github.com/scale-eval/scale-eval/sim/experiment"
	"github.com/scale-eval/scale-eval/sim/experiment/measure"
)

// dividedSimulate divides simulate by scenario and seed. All policies of a unit are
// played together, since they share draws and those that do nothing share a run. Load
// tests, ten runs a scenario, are planning's, because every seed needs them.
func dividedSimulate() divisible {
	takes := []string{"policies", "seeds", "load", "tuned", "data"}
	return divisible{
		command: simulateCommand, units: "scenarios x seeds",
		takes: func(name string) bool { return slices.Contains(takes, name) },
		usage: "play the seeds of scenarios in pods",
		teaches: `A unit is one scenario with one seed, played by all policies. Planning load-tests each
scenario, some ten runs of it, before pods start; collect plays the seed that is shown once
more, for timelines and audit logs. Scenario files, --tuned and the recorded loads of
--data go into the plan: pods need no files.`,
		open: func(c *cli.Context, plan *shards.Division) (divided, error) {
			s := &seedUnits{c: c, plan: plan}
			var err error
			s.cases, s.policies, err = openSimulated(c)
			return s, err
		},
	}
}

// seedUnits is simulate in units.
type seedUnits struct {
	c        *cli.Context
	plan     *shards.Division
	cases    *simulated
	policies []experiment.Policy
}

// seedUnit is a scenario and a seed.
type seedUnit struct {
	Case string `json:"scenario"`
	Seed uint64 `json:"seed"`
}

func (s *seedUnits) experiment() *experiment.Plan {
	return &experiment.Plan{Cases: s.cases.cases, Policies: s.policies, Seeds: s.c.Int("seeds"), Workers: s.c.Int("workers")}
}

func (s *seedUnits) identity() (any, error) { return s.cases.about, nil }

func (s *seedUnits) local() string { return "" }

// prepare load-tests the scenarios.
func (s *seedUnits) prepare() (any, error) {
	plan := s.experiment()
	bar := newUnitProgress(s.c.App.ErrWriter, "load tests")
	defer bar.finish()
	plan.Done = func(string, string, uint64) bool { return true }
	plan.Calibrated = func(*measure.Calibration) error {
		bar.of(len(plan.Calibrations), len(plan.Cases))
		return nil
	}
	err := plan.Execute(s.c.Context)
	return plan.Calibrations, err
}

// next are scenarios by their length, the longest first, so that shards get equal shares.
func (s *seedUnits) next(done shards.Results) (units []any, err error) {
	if done != nil {
		return nil, nil
	}
	cases := slices.Clone(s.cases.cases)
	slices.SortStableFunc(cases, func(a, b *experiment.Case) int { return int(b.Length/1e9 - a.Length/1e9) })
	for _, one := range cases {
		for _, seed := range s.experiment().SeedList() {
			units = append(units, seedUnit{one.Name, seed})
		}
	}
	return units, nil
}

func (s *seedUnits) calibrations() (cal map[string]*measure.Calibration, err error) {
	cal, err = decode[map[string]*measure.Calibration](s.plan.Shared)
	for _, one := range s.cases.cases {
		if err == nil && cal[one.Name] == nil {
			err = fmt.Errorf("plan: it has no load test of %s: remove it and submit again", one.Name)
		}
	}
	return cal, err
}

func (s *seedUnits) compute(units []json.RawMessage) (results [][]any, err error) {
	plan := s.experiment()
	if plan.Calibrations, err = s.calibrations(); err != nil {
		return nil, err
	}
	at := map[seedUnit]int{}
	for i, u := range units {
		unit, err := decode[seedUnit](u)
		if err != nil {
			return nil, err
		}
		at[unit] = i
	}
	plan.Done = func(one, _ string, seed uint64) bool {
		_, mine := at[seedUnit{one, seed}]
		return !mine
	}
	results = make([][]any, len(units))
	for i := range results {
		results[i] = make([]any, len(s.policies))
	}
	plan.Finished = func(m *measure.Measures) error {
		policy := slices.IndexFunc(s.policies, func(p experiment.Policy) bool { return p.Name == m.Policy })
		results[at[seedUnit{m.Case, m.Seed}]][policy] = m
		return nil
	}
	return results, plan.Execute(s.c.Context)
}

func (s *seedUnits) conclude(done shards.Results) error {
	if err := checkSimulateOutput(s.c); err != nil {
		return err
	}
	return simulateAll(s.c, s.cases, s.policies, func(r *measure.Record) error {
		cal, err := s.calibrations()
		if err != nil {
			return err
		}
		for _, one := range s.cases.cases {
			if r.Calibrations[one.Name] != nil {
				continue
			}
			if err := r.Calibrated(cal[one.Name]); err != nil {
				return err
			}
		}
		for _, unit := range done[0] {
			for _, result := range unit {
				m, err := decode[*measure.Measures](result)
				if err != nil {
					return err
				}
				if r.Done(m.Case, m.Policy, m.Seed) {
					continue
				}
				if err := r.Add(m); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
