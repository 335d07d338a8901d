package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/reports"
	"github.com/scale-eval/scale-eval/sim/experiment"
	"github.com/scale-eval/scale-eval/sim/experiment/measure"
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
  scale-eval simulate capped-serverless         one scenario, all policies
  scale-eval simulate --policies scale,keda,none --seeds 10 db-bottleneck
  scale-eval simulate ./mine.yaml               your own system
  scale-eval simulate --seeds 30 --out suite    the whole suite
  scale-eval simulate --from-dataset nezha:ob-2022-08-22 --hold-out   a twin of traces

Every policy plays the same seeds: one seed is one sequence of requests and
service times. Differences are paired, with 95 % intervals, corrected for their
number (Holm). oracle knows the future and none does nothing: they are bounds.

Finished runs are kept in --out/` + recordName + `. The same command again continues what was
interrupted, by Ctrl-C or kill -9, and computes nothing twice. It is kept by the
program's version: after changing code of a development build, use another --out.

One run in detail: --event-log writes every event and request, --audit what
SCALE decided and why; both want one scenario, one policy and one seed (--seed).
The same run writes the same bytes.`,
		Flags:        slices.Concat(simulateFlags(), twinFlags(), inputFlags("")[1:], callFlags()),
		OnUsageError: onUsageError,
		Action:       simulate,
	}
}

func simulateFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "list", Usage: "list scenarios and policies, and run nothing"},
		&cli.StringFlag{Name: "policies", Value: "all", Usage: "`NAMES` separated by commas, see --list"},
		&cli.IntFlag{Name: "seeds", Value: 5, Usage: "play the seeds 1 to `N`, 1..1000; more: narrower intervals"},
		&cli.Uint64Flag{Name: "seed", Usage: "play only this `SEED`, with --event-log and --audit"},
		&cli.IntFlag{Name: "workers", Usage: "runs at a time, `N` (0: one a core)"},
		&cli.StringFlag{Name: "out", Value: "out-simulate", Usage: "`DIR` for the record of runs and the results; \"\" keeps nothing"},
		&cli.StringFlag{Name: "event-log", Usage: "write every event and request of one run to `FILE`, a JSON line each"},
		&cli.StringFlag{Name: "audit", Usage: "write SCALE's decisions in one run to `FILE`, a JSON line each"},
		outputFlag(),
	}
}

func simulate(c *cli.Context) error {
	asJSON, err := wantJSON(c)
	if err != nil {
		return err
	}
	if c.Bool("list") {
		return listScenarios(c)
	}
	if c.IsSet("from-dataset") {
		if err := noArgs(c); err != nil {
			return err
		}
		return runTwin(c)
	}
	if n := c.Int("seeds"); n < 1 || n > 1000 {
		return usagef("--seeds %d: want 1..1000", n)
	}
	if l := c.Float64("load"); !(l >= .01 && l <= 100) {
		return usagef("--load %v: want 0.01..100", l)
	}
	policies, err := pickPolicies(c.String("policies"))
	if err != nil {
		return err
	}
	cases, err := openCases(c)
	if err != nil {
		return err
	}
	if c.IsSet("event-log") || c.IsSet("audit") || c.IsSet("seed") {
		return simulateOne(c, cases, policies, asJSON)
	}
	return simulateAll(c, cases, policies, asJSON)
}

func pickPolicies(list string) ([]experiment.Policy, error) {
	if list == "all" {
		return experiment.Policies(), nil
	}
	policies, err := experiment.PoliciesNamed(strings.Split(list, ",")...)
	if err != nil {
		return nil, usagef("--policies: %w", err)
	}
	return policies, nil
}

func listScenarios(c *cli.Context) error {
	w := c.App.Writer
	fmt.Fprintln(w, "SCENARIOS")
	for _, name := range simscenario.Names() {
		s, err := simscenario.Load(name, simscenario.Options{})
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "  %-22s %s\n", name, s.Summary)
	}
	fmt.Fprintln(w, "\nPOLICIES")
	for _, p := range experiment.Policies() {
		fmt.Fprintf(w, "  %-22s %s\n", p.Name, p.Doc)
	}
	return nil
}

// simulated are the cases of a command line, and what makes their record theirs.
type simulated struct {
	cases   []*experiment.Case
	digests map[string]string
	notes   []string
}

// openCases reads the scenarios of the arguments: names of the suite, or files.
func openCases(c *cli.Context) (*simulated, error) {
	args := c.Args().Slice()
	if len(args) == 0 {
		args = simscenario.Names()
	}
	s := &simulated{digests: map[string]string{}}
	o := simscenario.Options{}
	if dirs := c.StringSlice("data"); len(dirs) > 0 {
		o.Open = func(name string) (io.ReadCloser, error) { return openIn(dirs, filepath.Base(name)) }
	}
	for _, arg := range args {
		if strings.HasPrefix(arg, "-") {
			return nil, usagef("%s: options come before the scenarios: scale-eval simulate %s %s", arg, arg, args[0])
		}
		if err := s.open(arg, o, c.Float64("load")); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// openIn opens the file in the first of the folders that has it.
func openIn(dirs []string, name string) (f io.ReadCloser, err error) {
	for _, dir := range dirs {
		if f, err = os.Open(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return f, err
}

func (s *simulated) open(arg string, o simscenario.Options, load float64) error {
	text, err := simscenario.Text(arg)
	if err != nil {
		text, err = os.ReadFile(arg)
		if errors.Is(err, fs.ErrNotExist) {
			return usagef("%q is neither a scenario nor a file; see scale-eval simulate --list", arg)
		}
		if err != nil {
			return err
		}
	}
	sc, err := simscenario.Parse(arg, text, o)
	if err != nil {
		return err
	}
	if _, twice := s.digests[sc.Name]; twice {
		return usagef("two scenarios are called %s: give one of them another name", sc.Name)
	}
	for _, n := range sc.Notes {
		s.notes = append(s.notes, sc.Name+": "+n)
	}
	sum := sha256.Sum256(append(text, strings.Join(sc.Notes, "\n")...))
	s.digests[sc.Name] = hex.EncodeToString(sum[:8])
	s.cases = append(s.cases, experiment.FromScenario(sc, load))
	return nil
}

// simulateOne runs one scenario, policy and seed, and writes its logs.
func simulateOne(c *cli.Context, s *simulated, policies []experiment.Policy, asJSON bool) error {
	if len(s.cases) != 1 || len(policies) != 1 || !c.IsSet("seed") {
		return usagef("--event-log, --audit and --seed go with one scenario, --policies with one name, and --seed; found %d scenarios and %d policies", len(s.cases), len(policies))
	}
	var o experiment.Options
	var files []*os.File
	create := func(flag string) (io.Writer, error) {
		if c.String(flag) == "" {
			return nil, nil
		}
		f, err := os.Create(c.String(flag))
		files = append(files, f)
		return f, err
	}
	var err error
	var log *bufio.Writer
	if w, e := create("event-log"); e != nil {
		err = e
	} else if w != nil {
		log = bufio.NewWriterSize(w, 1<<20)
		o.EventLog = log
	}
	if w, e := create("audit"); e != nil {
		err = errors.Join(err, e)
	} else if w != nil {
		o.Audit = w
	}
	var m *experiment.Measures
	if err == nil {
		m, _, err = experiment.Run(c.Context, s.cases[0], nil, policies[0], c.Uint64("seed"), o)
	}
	if log != nil {
		err = errors.Join(err, log.Flush())
	}
	for _, f := range files {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
	}
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(c.App.Writer, m)
	}
	return reports.SimulationRun(c.App.Writer, m)
}

// simulateAll runs the plan and writes the comparison.
func simulateAll(c *cli.Context, s *simulated, policies []experiment.Policy, asJSON bool) error {
	plan := &experiment.Plan{Cases: s.cases, Policies: policies, Seeds: c.Int("seeds"), Workers: c.Int("workers")}
	record, f, err := openRecord(c, s)
	if err != nil {
		return err
	}
	defer f.Close()
	plan.Calibrations, plan.Done, plan.Calibrated = record.Calibrations, record.Done, record.Calibrated
	bar := newUnitProgress(c.App.ErrWriter, "simulating")
	plan.Finished = func(m *experiment.Measures) error {
		bar.of(len(record.Runs())+1, plan.Jobs())
		return record.Add(m)
	}
	err = plan.Execute(c.Context)
	bar.finish()
	if err != nil {
		if errors.Is(err, context.Canceled) && c.String("out") != "" {
			fmt.Fprintf(c.App.ErrWriter, "scale-eval: %d of %d runs are in %s; the same command goes on from there\n",
				len(record.Runs()), plan.Jobs(), filepath.Join(c.String("out"), recordName))
		}
		return err
	}
	summary := measure.Summarise(plan.Names(), record.Runs(), referenceOf(policies))
	summary.Notes = s.notes
	if err := writeSummary(c, summary); err != nil {
		return err
	}
	if asJSON {
		return printJSON(c.App.Writer, summary)
	}
	return reports.SimulationText(c.App.Writer, summary, reports.TextOptions{Width: termWidth(c.App.Writer, 110), Color: isTerminal(c.App.Writer)})
}

// referenceOf is the policy that the others are compared with: SCALE, or the first.
func referenceOf(policies []experiment.Policy) string { return policies[0].Name }

// openRecord opens the record in --out, or one in a file that goes away.
func openRecord(c *cli.Context, s *simulated) (*experiment.Record, *os.File, error) {
	h := experiment.Header{Tool: version, Cases: s.digests, Load: c.Float64("load")}
	dir := c.String("out")
	if dir == "" {
		f, err := os.CreateTemp("", "scale-eval-*.jsonl")
		if err != nil {
			return nil, nil, err
		}
		_ = os.Remove(f.Name()) // it stays readable until it is closed
		r, err := experiment.OpenRecord(f, f.Name(), h)
		return r, f, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, nil, err
	}
	path := filepath.Join(dir, recordName)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, nil, err
	}
	r, err := experiment.OpenRecord(f, path, h)
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return r, f, nil
}

// writeSummary fills --out.
func writeSummary(c *cli.Context, s *measure.Summary) error {
	dir := c.String("out")
	if dir == "" {
		return nil
	}
	if err := writeFile(filepath.Join(dir, "summary.json"), func(w io.Writer) error { return printJSON(w, s) }); err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, "summary.md"), func(w io.Writer) error { return reports.SimulationMarkdown(w, s) })
}
