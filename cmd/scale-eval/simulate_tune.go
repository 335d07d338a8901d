package main

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/sim/experiment"
	"github.com/scale-eval/scale-eval/sim/experiment/measure"
)

// A command of its own and not an option of simulate: hardly one of simulate's options
// means anything here, and most of these none there.
func simulateTuneCommand() *cli.Command {
	return &cli.Command{
		Name:      "tune",
		Usage:     "tune every autoscaler with the same budget, and score them on other seeds and loads",
		ArgsUsage: "[SCENARIO or FILE.yaml]...",
		Description: `Each policy is tried with --budget configurations: its documented defaults and, from
the ranges that --list shows, a seeded Latin hypercube. One configuration is for all
scenarios. Training seeds are 1001, 1002, ...; results are of the seeds 1, 2, ...

  scale-eval simulate tune --list                  what is tuned, ranges and defaults
  scale-eval simulate tune --budget 20 --policies scale,hpa ramp flash-crowd
  scale-eval simulate tune --data DIR --out tuned  the suite, 50 configurations a policy
  scale-eval simulate --tuned tuned/tuned.yaml --seeds 30 --out suite

Objective, the same for all: seconds an hour in which an objective of the scenario was
missed, plus --price for each pod-hour an hour; the mean over scenarios. Pods are
counted, not their size. By default it is a race (successive halving): all
configurations play the --race scenarios on one seed, the best third all scenarios,
the best third of those all --train-seeds; the defaults stay in to the end.

Then defaults and winners play --seeds other seeds at each of --loads. Differences are
paired, with 95 % intervals, corrected for their number (Holm).

--out gets tuned.yaml, tuning.json, tuning.md, figures, and the records of all runs. The
same command again goes on where it was interrupted, and computes nothing twice.`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "list", Usage: "list what is tuned of each policy, and run nothing"},
			&cli.StringFlag{Name: "policies", Value: "usual", Usage: "`NAMES` separated by commas; usual or all: those of them that have something to tune. The first is compared with the others"},
			&cli.IntFlag{Name: "budget", Value: 50, Usage: "`K` configurations a policy, its defaults among them, 2..1000"},
			&cli.Float64Flag{Name: "price", Value: 1, Usage: "of a pod-hour, in violated `SECONDS`, 0..1e6"},
			&cli.IntFlag{Name: "train-seeds", Value: 3, Usage: "tune on the seeds 1001 to 1000+`N`, 1..1000"},
			&cli.IntFlag{Name: "seeds", Value: 5, Usage: "score on the seeds 1 to `N`, 1..1000; 0: do not score"},
			&cli.StringFlag{Name: "loads", Value: "1,0.8,1.2", Usage: "score at these shares of the scenarios' `LOADS`"},
			&cli.StringFlag{Name: "race", Usage: "`SCENARIOS` of the first round, separated by commas (default: the third with the fewest requests)"},
			&cli.BoolFlag{Name: "halving", Value: true, Usage: "race; without it every configuration plays everything"},
			&cli.Uint64Flag{Name: "search-seed", Value: 1, Usage: "`SEED` that draws configurations"},
			&cli.IntFlag{Name: "workers", Usage: "runs at a time, `N` (0: one a core); results do not depend on it"},
			&cli.StringFlag{Name: "out", Value: "out-tune", Usage: "`DIR` for records and results"},
			&cli.StringSliceFlag{Name: "data", Usage: "`DIR` with recorded loads (repeatable)"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: "text", Usage: "`FORMAT` of what is printed: text, json or markdown"},
		},
		OnUsageError: onUsageError,
		Action:       simulateTune,
	}
}

// tuneOptions are those of simulate tune, checked.
type tuneOptions struct {
	policies []experiment.Policy
	loads    []float64
	seeds    int
	out      string
}

func simulateTune(c *cli.Context) error {
	o, err := newTuneOptions(c)
	if err != nil {
		return err
	}
	if c.Bool("list") {
		return listKnobs(c, o.policies)
	}
	s, err := openCases(c, 1)
	if err != nil {
		return err
	}
	race, err := raceCases(c, s)
	if err != nil {
		return err
	}
	t, calibrations, err := o.tune(c, s, race)
	if err != nil {
		return err
	}
	for _, load := range o.loads {
		if err := o.score(c, t, load, calibrations); err != nil {
			return err
		}
	}
	r := &tuneResults{t: t, out: o.out}
	if err := r.write(); err != nil {
		return err
	}
	return r.print(c)
}

func newTuneOptions(c *cli.Context) (o tuneOptions, err error) {
	if given := c.Lineage()[1].LocalFlagNames(); len(given) > 0 {
		return o, usagef("--%s stands before tune: its options come behind it, see scale-eval simulate tune --help", given[0])
	}
	if f := c.String("output"); f != "text" && f != "json" && f != "markdown" {
		return o, usagef("--output %q: want text, json or markdown", f)
	}
	for name, least := range map[string]int{"budget": 2, "train-seeds": 1, "seeds": 0} {
		if n := c.Int(name); n < least || n > 1000 {
			return o, usagef("--%s %d: want %d..1000", name, n, least)
		}
	}
	if p := c.Float64("price"); !(p >= 0 && p <= 1e6) {
		return o, usagef("--price %v: want 0..1e6", p)
	}
	if o.out = c.String("out"); o.out == "" {
		return o, usagef("--out is empty: tune needs a folder for its records")
	}
	if o.seeds = c.Int("seeds"); o.seeds > 0 {
		if o.loads, err = parseLoads(c.String("loads")); err != nil {
			return o, err
		}
	}
	o.policies, err = tunablePolicies(c)
	return o, err
}

// parseLoads reads shares of a load, separated by commas.
func parseLoads(text string) (loads []float64, err error) {
	for part := range strings.SplitSeq(text, ",") {
		load, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
		if err != nil || !(load >= .01 && load <= 100) {
			return nil, usagef("--loads: %q: want numbers in 0.01..100, separated by commas", part)
		}
		if slices.Contains(loads, load) {
			return nil, usagef("--loads: %v is there twice", load)
		}
		loads = append(loads, load)
	}
	return loads, nil
}

// tunablePolicies are those of --policies; one that is named and has nothing to tune is
// an error.
func tunablePolicies(c *cli.Context) (tunable []experiment.Policy, err error) {
	list := c.String("policies")
	policies, err := policiesOf(list)
	if err != nil {
		return nil, err
	}
	for _, p := range policies {
		if p.Space() != nil {
			tunable = append(tunable, p)
		} else if list != "usual" && list != "all" {
			return nil, usagef("--policies: %s has nothing to tune; see scale-eval simulate tune --list", p.Name)
		}
	}
	return tunable, nil
}

// raceCases are the scenarios that --race names; nil: it names none.
func raceCases(c *cli.Context, s *simulated) (race []*experiment.Case, err error) {
	if !c.IsSet("race") {
		return nil, nil
	}
	if !c.Bool("halving") {
		return nil, usagef("--race is of a race: leave out --halving=false")
	}
	for name := range strings.SplitSeq(c.String("race"), ",") {
		i := slices.IndexFunc(s.cases, func(one *experiment.Case) bool { return one.Name == name })
		if i < 0 {
			return nil, usagef("--race: %q is not among the scenarios that are played", name)
		}
		if slices.Contains(race, s.cases[i]) {
			return nil, usagef("--race: %s is there twice", name)
		}
		race = append(race, s.cases[i])
	}
	return race, nil
}

// cheapest are the third of the cases that have the fewest requests, by the load tests.
func cheapest(cases []*experiment.Case, calibrations map[string]*measure.Calibration) []*experiment.Case {
	requests := func(one *experiment.Case) (n float64) {
		for _, service := range calibrations[one.Name].Services {
			n += service.Rate * float64(one.WarmUp+one.Length)
		}
		return n
	}
	cases = slices.Clone(cases)
	slices.SortStableFunc(cases, func(a, b *experiment.Case) int { return cmp.Compare(requests(a), requests(b)) })
	return cases[:(len(cases)+2)/3]
}

// tune plays the rounds into the training record, and gives the load tests that it has.
// race are the scenarios of the first round; nil: the cheapest.
func (o *tuneOptions) tune(c *cli.Context, s *simulated, race []*experiment.Case) (*measure.Tuning, map[string]*measure.Calibration, error) {
	dir := filepath.Join(o.out, "training")
	record, f, err := openRecord(dir, s, 1)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	play := func(p *experiment.Plan, what string) error {
		p.Workers = c.Int("workers")
		return execute(c, p, record, dir, what)
	}
	if err := play(&experiment.Plan{Cases: s.cases}, "load tests"); err != nil {
		return nil, nil, err
	}
	if race == nil {
		race = cheapest(s.cases, record.Calibrations)
	}
	t := &experiment.Tuner{
		Policies: o.policies, Budget: c.Int("budget"), Seed: c.Uint64("search-seed"), Price: c.Float64("price"),
		Rungs: rungs(c, race, s.cases), Run: record.Run,
	}
	round := 0
	t.Play = func(p *experiment.Plan) error {
		round++
		return play(p, fmt.Sprintf("round %d of %d", round, len(t.Rungs)))
	}
	tuned, err := t.Tune()
	if err != nil {
		return nil, nil, err
	}
	for _, a := range s.about {
		for _, n := range a.Notes {
			tuned.Notes = append(tuned.Notes, a.Name+": "+n)
		}
	}
	return tuned, record.Calibrations, nil
}

// rungs are the rounds of the race; one that is as long as the next is left out.
func rungs(c *cli.Context, race, cases []*experiment.Case) (rungs []experiment.Rung) {
	seeds := c.Int("train-seeds")
	if c.Bool("halving") && len(race) < len(cases) {
		rungs = append(rungs, experiment.Rung{Cases: race, Seeds: 1})
	}
	if c.Bool("halving") && seeds > 1 {
		rungs = append(rungs, experiment.Rung{Cases: cases, Seeds: 1})
	}
	return append(rungs, experiment.Rung{Cases: cases, Seeds: seeds})
}

// score plays defaults and winners on held-out seeds at a load. The load tests of the
// training are those of load 1.
func (o *tuneOptions) score(c *cli.Context, t *measure.Tuning, load float64, calibrations map[string]*measure.Calibration) error {
	s, err := openCases(c, load)
	if err != nil {
		return err
	}
	dir := filepath.Join(o.out, fmt.Sprintf("load-%g", load))
	record, f, err := openRecord(dir, s, load)
	if err != nil {
		return err
	}
	defer f.Close()
	if load == 1 {
		for _, one := range s.cases {
			if record.Calibrations[one.Name] == nil {
				if err := record.Calibrated(calibrations[one.Name]); err != nil {
					return err
				}
			}
		}
	}
	policies, err := experiment.PoliciesNamed("none")
	if err != nil {
		return err
	}
	for i := range o.policies {
		won, err := o.policies[i].With(t.Policies[i].Tuned().Values)
		if err != nil {
			return err
		}
		policies = append(policies, o.policies[i])
		if won.Name != o.policies[i].Name {
			policies = append(policies, won)
		}
	}
	plan := &experiment.Plan{Cases: s.cases, Policies: policies, Seeds: o.seeds, Workers: c.Int("workers")}
	if err := execute(c, plan, record, dir, fmt.Sprintf("load %g", load)); err != nil {
		return err
	}
	t.Score(load, o.seeds, record.Run, plan.Names().Cases)
	return nil
}

// listedKnob is one entry of --list.
type listedKnob struct {
	Policy  string `json:"policy"`
	Knob    string `json:"knob"`
	Values  string `json:"values"`
	Default string `json:"default"`
	Text    string `json:"text"`
}

func listKnobs(c *cli.Context, policies []experiment.Policy) error {
	var list []listedKnob
	for _, p := range policies {
		for _, k := range p.Knobs {
			list = append(list, listedKnob{p.Name, k.Name, k.Values, k.Default, k.Doc})
		}
	}
	if c.String("output") == "json" {
		return printJSON(c.App.Writer, list)
	}
	w := c.App.Writer
	for i, l := range list {
		if i == 0 || list[i-1].Policy != l.Policy {
			fmt.Fprintf(w, "%s\n", strings.ToUpper(l.Policy))
		}
		fmt.Fprintf(w, "  %-18s %-30s default %-6s %s\n", l.Knob, l.Values, l.Default, l.Text)
	}
	return nil
}
