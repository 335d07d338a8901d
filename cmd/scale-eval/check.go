package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/eval"
	"github.com/scale-eval/scale-eval/reports"
	"github.com/scale-eval/scale-eval/tuning"
)

func checkCommand() *cli.Command {
	return &cli.Command{
		Name:  "check",
		Usage: "fail with exit code 3 when a sampler got worse than its recorded baseline",
		Description: `A baseline pins protocols, datasets and seeds, and holds what was measured:

  scale-eval check --baseline baseline.json --update --case shop --dataset shop.parquet
  scale-eval check --baseline baseline.json --junit check.xml --markdown $GITHUB_STEP_SUMMARY

F1, false-positive rate, recall, average precision and the time a span, as a ratio
to a reference sampler that is timed beside it, are compared over seeds. A
regression is worse than the tolerance in the file and, by a t-test at 0.1 %, worse
than what seeds do by themselves; a drop that is only the first is named and passes.

Options of the sampler on the command line, or in --config, are tried against the
baseline instead of those in it. --seed runs on other seeds.`,
		Flags:        checkFlags(),
		OnUsageError: onUsageError,
		Action:       runCheck,
	}
}

// defaultTolerances of a new case: an absolute difference, of the time a share.
var defaultTolerances = []tuning.Measured{
	{Name: "f1", Tolerance: 0.01},
	{Name: "fpr", Tolerance: 0.005, LowIsBetter: true},
	{Name: "recall", Tolerance: 0.01},
	{Name: "average_precision", Tolerance: 0.01},
	{Name: "time_ratio", Tolerance: 0.3, Relative: true, LowIsBetter: true},
}

func checkFlags() []cli.Flag {
	flags := []cli.Flag{
		&cli.StringFlag{Name: "baseline", Required: true, Usage: "`FILE` to compare with"},
		&cli.BoolFlag{Name: "update", Usage: "measure the baseline anew, or add --case to it, instead of comparing"},
		&cli.StringFlag{Name: "case", Usage: "`NAME` of the only case to run, or the one to add (default: all; \"default\")"},
		&cli.Uint64Flag{Name: "seed", Usage: "first of other `SEEDS` than the baseline's (0: the same, which compares seed by seed)"},
		&cli.IntFlag{Name: "seeds", Value: 8, Usage: "how many seeds, with --update or --seed"},
		&cli.BoolFlag{Name: "no-time", Usage: "do not measure time, for machines that are not the baseline's"},
		&cli.StringSliceFlag{Name: "tolerance", Usage: "with --update: `MEASURE=X`, e.g. f1=0.02 (repeatable)"},
		&cli.StringFlag{Name: "markdown", Usage: "append the table to `FILE`, such as a CI step summary; it is printed as well"},
		&cli.StringFlag{Name: "junit", Usage: "write JUnit XML to `FILE`"},
		configFlag(),
	}
	return append(flags, pinnedFlags()...)
}

// pinnedFlags are the options that a case records.
func pinnedFlags() []cli.Flag {
	flags := append(inputFlags("synth"), callFlags()...)
	flags = append(flags, protocolFlags()...)
	return append(flags, samplerFlags()...)
}

func runCheck(c *cli.Context) error {
	if err := noArgs(c); err != nil {
		return err
	}
	if err := applyConfig(c); err != nil {
		return err
	}
	given := c.LocalFlagNames() // by the command line or the config
	if c.Int("seeds") < 1 {
		return usagef("--seeds %d: want 1 or more", c.Int("seeds"))
	}
	base, err := readBaseline(c)
	if err != nil {
		return err
	}
	if c.Bool("update") {
		return updateBaseline(c, base, given)
	}
	if err := onlyCandidates(given); err != nil {
		return err
	}
	var checks []tuning.Check
	for i := range base.Cases {
		k := &base.Cases[i]
		if name := c.String("case"); name != "" && name != k.Name {
			continue
		}
		more, err := checkCase(c, k, given)
		if err != nil {
			return fmt.Errorf("case %s: %w", k.Name, err)
		}
		checks = append(checks, more...)
	}
	if len(checks) == 0 {
		return usagef("%s has no case %q: there are %s", c.String("baseline"), c.String("case"), caseNames(base))
	}
	return reportChecks(c, checks)
}

func caseNames(b *tuning.Baseline) string {
	var names []string
	for _, k := range b.Cases {
		names = append(names, k.Name)
	}
	return strings.Join(names, ", ")
}

// readBaseline reads the file; with --update it need not exist.
func readBaseline(c *cli.Context) (*tuning.Baseline, error) {
	path := c.String("baseline")
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) && c.Bool("update") {
		return &tuning.Baseline{Version: tuning.BaselineVersion}, nil
	}
	if err != nil {
		return nil, err
	}
	base := &tuning.Baseline{}
	if err := json.Unmarshal(b, base); err != nil {
		return nil, fmt.Errorf("%s: not a baseline: %w", path, err)
	}
	if err := base.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return base, nil
}

// onlyCandidates refuses options that would compare two different protocols.
func onlyCandidates(given []string) error {
	for _, name := range given {
		pinned := findFlag(inputFlags(""), name) != nil || findFlag(protocolFlags(), name) != nil
		if pinned && name != "data" {
			return usagef("--%s is pinned by the baseline: change it with --update", name)
		}
	}
	return nil
}

// caseContext is the command line of a case: its options, and what was given over
// them.
func caseContext(c *cli.Context, k *tuning.Case, given []string) (*cli.Context, error) {
	set := map[string][]string{}
	for name, values := range k.Options {
		if f := findFlag(pinnedFlags(), name); f == nil {
			return nil, fmt.Errorf("option %q is not one of this version: measure the baseline again", name)
		} else if !slices.ContainsFunc(f.Names(), func(n string) bool { return slices.Contains(given, n) }) {
			set[name] = values
		}
	}
	return overlay(c, checkFlags, set)
}

func checkCase(c *cli.Context, k *tuning.Case, given []string) ([]tuning.Check, error) {
	cc, err := caseContext(c, k, given)
	if err != nil {
		return nil, err
	}
	seeds := k.Seeds
	if first := c.Uint64("seed"); first != 0 {
		seeds = seedsFrom(first, c.Int("seeds"))
	}
	now, err := measureCase(cc, k.Name, seeds)
	if err != nil {
		return nil, err
	}
	if a, b := compact(k.Dataset), compact(now.Dataset); a != b {
		return nil, fmt.Errorf("the dataset is not the baseline's: %s, was %s; go back to it, or --update", b, a)
	}
	var checks []tuning.Check
	for _, m := range k.Measures {
		i := slices.IndexFunc(now.Measures, func(x tuning.Measured) bool { return x.Name == m.Name })
		if i < 0 {
			continue // time, which was not wanted
		}
		checks = append(checks, k.Compare(m, now.Measures[i].Values, seeds))
	}
	return checks, nil
}

// compact is JSON without its layout.
func compact(b []byte) string {
	var out bytes.Buffer
	if err := json.Compact(&out, b); err != nil {
		return string(b)
	}
	return out.String()
}

func seedsFrom(first uint64, n int) []uint64 {
	seeds := make([]uint64, n)
	for i := range seeds {
		seeds[i] = first + uint64(i)
	}
	return seeds
}

// updateBaseline measures one case, or all there are.
func updateBaseline(c *cli.Context, base *tuning.Baseline, given []string) error {
	name := c.String("case")
	if name == "" && len(base.Cases) == 0 {
		name = "default"
	}
	if name != "" && base.Find(name) == nil {
		base.Cases = append(base.Cases, tuning.Case{Name: name, Seeds: seedsFrom(max(1, c.Uint64("seed")), c.Int("seeds"))})
	}
	base.Version, base.Tool = tuning.BaselineVersion, version+" "+runtime.Version()
	for i := range base.Cases {
		k := &base.Cases[i]
		if name != "" && name != k.Name {
			continue
		}
		cc, err := caseContext(c, k, given)
		if err != nil {
			return fmt.Errorf("case %s: %w", k.Name, err)
		}
		if c.IsSet("seed") || c.IsSet("seeds") {
			k.Seeds = seedsFrom(max(1, c.Uint64("seed")), c.Int("seeds"))
		}
		now, err := measureCase(cc, k.Name, k.Seeds)
		if err != nil {
			return fmt.Errorf("case %s: %w", k.Name, err)
		}
		for j := range now.Measures { // tolerances are the team's
			for _, old := range k.Measures {
				if old.Name == now.Measures[j].Name {
					now.Measures[j].Tolerance = old.Tolerance
				}
			}
		}
		if err := setTolerances(c, now.Measures); err != nil {
			return err
		}
		*k = *now
		fmt.Fprintf(c.App.Writer, "case %s: %d seeds measured\n", k.Name, len(k.Seeds))
	}
	return writeFile(c.String("baseline"), func(w io.Writer) error { return printJSON(w, base) })
}

func setTolerances(c *cli.Context, measures []tuning.Measured) error {
	for _, text := range c.StringSlice("tolerance") {
		name, value, _ := strings.Cut(text, "=")
		x, err := strconv.ParseFloat(value, 64)
		i := slices.IndexFunc(measures, func(m tuning.Measured) bool { return m.Name == name })
		if err != nil || !(x >= 0) || i < 0 {
			return usagef("--tolerance %q: want MEASURE=X with f1, fpr, recall, average_precision or time_ratio, and X 0 or more", text)
		}
		measures[i].Tolerance = x
	}
	return nil
}

// reportChecks prints, writes, and closes the gate.
func reportChecks(c *cli.Context, checks []tuning.Check) error {
	if err := reports.GateMarkdown(c.App.Writer, checks); err != nil {
		return err
	}
	if path := c.String("markdown"); path != "" {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		if err := errors.Join(reports.GateMarkdown(f, checks), f.Close()); err != nil {
			return err
		}
	}
	if path := c.String("junit"); path != "" {
		if err := writeFile(path, func(w io.Writer) error { return reports.GateJUnit(w, checks) }); err != nil {
			return err
		}
	}
	var failed []string
	for _, k := range checks {
		if k.Verdict.Fails() {
			failed = append(failed, k.Case+" "+k.Measure)
		}
	}
	if len(failed) > 0 {
		return gateError{fmt.Errorf("regression in %s; if it is meant to be, measure the baseline again with --update", strings.Join(failed, ", "))}
	}
	return nil
}

// values of one seed, in the order of defaultTolerances.
func measuresOf(values [][]float64) []tuning.Measured {
	measures := slices.Clone(defaultTolerances)
	for i := range measures {
		for _, v := range values {
			measures[i].Values = append(measures[i].Values, eval.Number(v[i]))
		}
	}
	return measures
}
