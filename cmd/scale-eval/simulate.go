package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/sim/experiment"
	simscenario "github.com/scale-eval/scale-eval/sim/scenario"
)

// recordName is the file of finished runs in --out.
const recordName = "runs.jsonl"

func simulateCommand() *cli.Command {
	return &cli.Command{
		Name:      "simulate",
		Usage:     "compare autoscalers on scenarios: same requests, same faults, different decisions",
		ArgsUsage: "[SCENARIO or FILE.yaml]...",
		Description: `SCALE (the sampler, rules and orchestrator of live mode) plays against the
autoscalers of Kubernetes on a simulated cluster, in virtual time:

  scale-eval simulate --list                    what there is
  scale-eval simulate capped-serverless         one scenario, the usual policies
  scale-eval simulate --policies scale,keda,none --seeds 10 db-bottleneck
  scale-eval simulate ./mine.yaml               your own system
  scale-eval simulate --seeds 30 --out suite    the whole suite: 15 scenarios, 8 policies
  scale-eval simulate --replay suite --output markdown   its table again, nothing is run
  scale-eval simulate tune --out tuned          an equal budget of configurations a policy
  scale-eval simulate --tuned tuned/tuned.yaml  the suite, each policy as it was tuned
  scale-eval simulate --from-dataset nezha:ob-2022-08-22 --hold-out   a twin of traces

Every policy plays the same seeds: one seed is one sequence of requests and
service times. Differences are paired, with 95 % intervals, corrected for their
number (Holm). oracle knows the future and none does nothing: they are bounds.

--out gets report.html (one file: where SCALE loses, tables, timelines of one seed and
SCALE's reasons), the figures, summary.json, summary.md, SCALE's audit logs and
` + recordName + ` with every finished run. The same command again continues what was
interrupted, by Ctrl-C or kill -9, and computes nothing twice. The record is kept by
the program's version: after changing code of a development build, use another --out.

One run in detail, of one scenario, one policy and one seed (--seed, 1): --event-log
writes every event and request, --audit what SCALE decided and why, --save-spans a
dataset for run, whose labels are the fault. The same run writes the same bytes, and --replay
FILE of an event log proves it. --save writes what SCALE played with as a plan:

  scale-eval simulate --save plan --seed 1 slow-dependency-capacity
  scale-eval live --plan plan
  scale-eval simulate --policies none --save-spans slow.parquet slow-dependency-capacity
  scale-eval run --dataset slow.parquet --protocol labels --train 0.2`,
		Subcommands:  []*cli.Command{simulateTuneCommand()},
		Flags:        slices.Concat(simulateFlags(), twinFlags(), inputFlags("")[1:], callFlags()),
		OnUsageError: onUsageError,
		Action:       simulate,
	}
}

func simulateFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "list", Usage: "list scenarios and policies, and run nothing"},
		&cli.StringFlag{Name: "policies", Value: "usual", Usage: "`NAMES` separated by commas, see --list; usual: those not \"played when named\", all: those too"},
		&cli.IntFlag{Name: "seeds", Value: 5, Usage: "play the seeds 1 to `N`, 1..1000; more: narrower intervals"},
		&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "play one run, with this `SEED`"},
		&cli.IntFlag{Name: "workers", Usage: "runs at a time, `N` (0: one a core)"},
		&cli.StringFlag{Name: "out", Value: "out-simulate", Usage: "`DIR` for the record of runs and the results; \"\" keeps nothing"},
		&cli.StringFlag{Name: "event-log", Usage: "write every event and request of one run to `FILE`, a JSON line each"},
		&cli.StringFlag{Name: "replay", Usage: "show the results of `PATH` again, an --out or an event log, and check them"},
		&cli.StringFlag{Name: "audit", Usage: "write SCALE's decisions in one run to `FILE`, a JSON line each"},
		&cli.StringFlag{Name: "save-spans", Usage: "write the spans of one run to `FILE`.parquet or FILE.binpb (OTLP), labelled with the fault"},
		&cli.StringFlag{Name: "save", Usage: "write SCALE's sampler, model and rules of one run to `DIR`, for live --plan"},
		&cli.StringFlag{Name: "plan", Usage: "SCALE begins one run with the model and rules of `DIR`"},
		&cli.StringFlag{Name: "tuned", Usage: "play policies as configured in `FILE`, which simulate tune writes; those that are not in it as ever"},
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: "text", Usage: "`FORMAT` of what is printed: text, json or markdown"},
	}
}

func simulate(c *cli.Context) error {
	if err := checkSimulateOutput(c); err != nil {
		return err
	}
	if c.Bool("list") {
		return listScenarios(c)
	}
	if c.IsSet("replay") {
		return simulateReplay(c)
	}
	if c.IsSet("from-dataset") {
		if err := noArgs(c); err != nil {
			return err
		}
		return runTwin(c)
	}
	cases, policies, err := openSimulated(c)
	if err != nil {
		return err
	}
	if wantsOneRun(c) {
		return simulateOne(c, cases, policies)
	}
	return simulateAll(c, cases, policies, nil)
}

func checkSimulateOutput(c *cli.Context) error {
	if f := c.String("output"); f != "text" && f != "json" && f != "markdown" {
		return usagef("--output %q: want text, json or markdown", f)
	}
	return nil
}

// openSimulated checks the options and reads scenarios and policies.
func openSimulated(c *cli.Context) (*simulated, []experiment.Policy, error) {
	if n := c.Int("seeds"); n < 1 || n > 1000 {
		return nil, nil, usagef("--seeds %d: want 1..1000", n)
	}
	if l := c.Float64("load"); !(l >= .01 && l <= 100) {
		return nil, nil, usagef("--load %v: want 0.01..100", l)
	}
	policies, err := pickPolicies(c, c.String("policies"))
	if err != nil {
		return nil, nil, err
	}
	cases, err := openCases(c, c.Float64("load"))
	return cases, policies, err
}

// pickPolicies are those of --policies, as --tuned says.
func pickPolicies(c *cli.Context, list string) ([]experiment.Policy, error) {
	policies, err := policiesOf(list)
	if err != nil || c.String("tuned") == "" {
		return policies, err
	}
	return tunedPolicies(c.Context, c.String("tuned"), policies)
}

func policiesOf(list string) ([]experiment.Policy, error) {
	switch list {
	case "usual":
		return experiment.Policies(), nil
	case "all":
		return append(experiment.Policies(), experiment.ByName()...), nil
	}
	policies, err := experiment.PoliciesNamed(strings.Split(list, ",")...)
	if err != nil {
		return nil, usagef("--policies: %w", err)
	}
	return policies, nil
}

// listed is one entry of --list.
type listed struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

func listScenarios(c *cli.Context) error {
	var list struct {
		Scenarios []listed `json:"scenarios"`
		Policies  []listed `json:"policies"`
	}
	for _, name := range simscenario.Names() {
		s, err := simscenario.Load(name, simscenario.Options{})
		if err != nil {
			return err
		}
		text := s.Summary
		if simscenario.Variant(name) {
			text += " (second form of the one before, played when named)"
		}
		list.Scenarios = append(list.Scenarios, listed{name, text})
	}
	for _, p := range append(experiment.Policies(), experiment.ByName()...) {
		list.Policies = append(list.Policies, listed{p.Name, p.Doc})
	}
	if c.String("output") == "json" {
		return printJSON(c.App.Writer, list)
	}
	w := c.App.Writer
	fmt.Fprintln(w, "SCENARIOS")
	for _, l := range list.Scenarios {
		fmt.Fprintf(w, "  %-24s %s\n", l.Name, l.Text)
	}
	fmt.Fprintln(w, "\nPOLICIES")
	for _, l := range list.Policies {
		fmt.Fprintf(w, "  %-24s %s\n", l.Name, l.Text)
	}
	return nil
}
