package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/hst"
	"github.com/scale-eval/scale-eval/tuning"
)

func tuneCommand() *cli.Command {
	return &cli.Command{
		Name:  "tune",
		Usage: "search the sampler's options, choose on validation data, report on test data",
		Description: `Any option of the sampler or the protocol may be searched:

  scale-eval tune --grid n_tree=12,16,32 --grid height=8..12 --grid min_score=0.4..0.8:0.01
  scale-eval tune --method tpe --trials 60 --grid window_size=50..5000:log --grid min_score=0.3..0.9:0.02
  scale-eval run --config out/tuned.yaml

Values: a list (12,16,32), whole numbers (8..12), a step (0.4..0.6:0.01), a range
(0.1..0.5), a log range (50..5000:log) or so many of its numbers (50..5000:log7).
min_score costs nothing: every model is read at all its levels.

Methods: grid, random, lhs (Latin hypercube), tpe (tree-structured Parzen
estimator). Objectives: f1, fpr@recall>=R (the paper's), fpr@budget=B (the cut-off
is chosen to keep the share B), time; several give a Pareto front and its knee.

The folder --out gets trials.parquet, tuned.yaml, tune.json, report.html and
figures. Each result is in trials.journal as soon as it is there: after a crash or
an interrupt the same command with --resume goes on.`,
		Flags:        tuneFlags(),
		OnUsageError: onUsageError,
		Action:       runTune,
	}
}

// searchFlags do not decide the outcome of a unit, only which units there are and
// what becomes of them.
var searchFlags = []string{"grid", "space", "method", "trials", "seeds", "objective", "halving", "early-stop",
	"workers", "resume", "search-seed", "config", "bootstrap", "recorded"}

const searchCategory = "SEARCH"

func tuneFlags() []cli.Flag {
	flags := []cli.Flag{
		&cli.StringFlag{Name: "out", Value: "out", Usage: "`DIR` for results and the journal"},
		outputFlag(), configFlag(),
		&cli.Uint64Flag{Name: "seed", Value: 42, Usage: "first seed of trees and shocks; --seeds counts up from it"},
		&cli.StringSliceFlag{Name: "grid", Category: searchCategory, Usage: "`NAME=VALUES` to search (repeatable)"},
		&cli.StringFlag{Name: "space", Category: searchCategory, Usage: "YAML `FILE` of lines \"name: values\", instead of or beside --grid"},
		&cli.StringFlag{Name: "method", Value: "grid", Category: searchCategory, Usage: "`METHOD`: grid, random, lhs or tpe"},
		&cli.IntFlag{Name: "trials", Value: 50, Category: searchCategory, Usage: "`MODELS` of random, lhs and tpe; thresholds are not counted"},
		&cli.Uint64Flag{Name: "search-seed", Value: 1, Category: searchCategory, Usage: "seed of random, lhs and tpe"},
		&cli.IntFlag{Name: "seeds", Value: 3, Category: searchCategory, Usage: "on how many `SEEDS` every point runs"},
		&cli.StringSliceFlag{Name: "objective", Category: searchCategory, Usage: "`OBJECTIVE`: f1 (default), fpr@recall>=R, fpr@budget=B or time (repeatable)"},
		&cli.Float64Flag{Name: "validation", Value: 0.5, Category: searchCategory, Usage: "share of the scored spans, the earlier ones, that points are chosen on"},
		&cli.IntFlag{Name: "folds", Value: 4, Category: searchCategory, Usage: "blocks of time that the validation part is cut in"},
		&cli.BoolFlag{Name: "halving", Category: searchCategory, Usage: "successive halving: all on 1/9 of the data, the best third on 1/3, the best third of those on all"},
		&cli.BoolFlag{Name: "early-stop", Value: true, Category: searchCategory, Usage: "spare hopeless models the seeds after the first"},
		&cli.IntFlag{Name: "workers", Category: searchCategory, Usage: "models at once (0: all cores); results do not depend on it"},
		&cli.BoolFlag{Name: "resume", Category: searchCategory, Usage: "go on with the journal in --out"},
		&cli.StringFlag{Name: "recorded", Category: searchCategory, Usage: "`LOG` of the SCALE authors' grid search to lay this one beside, combination by combination, in recorded.csv"},
		&cli.IntFlag{Name: "bootstrap", Value: 400, Category: searchCategory, Usage: "resamples of the traces that the best points are compared on"},
	}
	flags = append(flags, inputFlags("synth")...)
	flags = append(flags, callFlags()...)
	flags = append(flags, protocolFlags()...)
	return append(flags, samplerFlags()...)
}

func runTune(c *cli.Context) error {
	if err := noArgs(c); err != nil {
		return err
	}
	if err := applyConfig(c); err != nil {
		return err
	}
	asJSON, err := wantTuneOut(c)
	if err != nil {
		return err
	}
	b, err := newBench(c)
	if err != nil {
		return err
	}
	study, err := newStudy(c, b)
	if err != nil {
		return err
	}
	if err := b.load(); err != nil {
		return err
	}
	return b.search(study, nil, asJSON)
}

// wantTuneOut checks where results go, and says whether they are printed as JSON.
func wantTuneOut(c *cli.Context) (asJSON bool, err error) {
	if c.String("out") == "" {
		return false, usagef("--out is empty: tune needs a folder for its journal")
	}
	return wantJSON(c)
}

// search runs the study, of which known was computed elsewhere, and writes its results.
func (b *bench) search(study *tuning.Study, known []tuning.Outcome, asJSON bool) error {
	outcomes, err := b.runStudy(study, known)
	if err != nil {
		return err
	}
	return b.conclude(study, outcomes, asJSON)
}

// newBench checks all that can be checked before data is read.
func newBench(c *cli.Context) (*bench, error) {
	space, err := searchSpace(c)
	if err != nil {
		return nil, err
	}
	b := &bench{c: c, space: space, scenarios: map[string]*scenario{}, trunks: map[string]*hst.Line{}}
	texts := c.StringSlice("objective")
	if len(texts) == 0 {
		texts = []string{"f1"}
	}
	for _, text := range texts {
		o, err := tuning.ParseObjective(text)
		if err != nil {
			return nil, usageError{err}
		}
		b.objectives = append(b.objectives, o)
	}
	if err := tuning.CheckObjectives(b.objectives); err != nil {
		return nil, usageError{err}
	}
	if v := c.Float64("validation"); !(v > 0 && v < 1) {
		return nil, usagef("--validation %v: want more than 0 and less than 1", v)
	}
	for name, least := range map[string]int{"folds": 1, "seeds": 1, "trials": 1, "workers": 0, "bootstrap": 1} {
		if c.Int(name) < least {
			return nil, usagef("--%s %d: want %d or more", name, c.Int(name), least)
		}
	}
	if b.calls, err = newCalls(c); err != nil {
		return nil, err
	}
	return b, nil
}

// searchSpace joins --space and --grid.
func searchSpace(c *cli.Context) (*tuning.Space, error) {
	texts := c.StringSlice("grid")
	if path := c.String("space"); path != "" {
		more, err := spaceFile(c.Context, path)
		if err != nil {
			return nil, usageError{err}
		}
		texts = append(more, texts...)
	}
	if len(texts) == 0 {
		return nil, usagef("nothing to search: give --grid NAME=VALUES, for example --grid n_tree=12,16,32 --grid min_score=0.4..0.8:0.01")
	}
	for i, text := range texts {
		name, values, ok := strings.Cut(text, "=")
		if f := findFlag(tunable(), strings.TrimSpace(name)); f != nil {
			texts[i] = f.Names()[0] + "=" + values
		} else if ok {
			return nil, usagef("parameter %q: want an option of the sampler or the protocol: %s", name, strings.Join(flagNames(tunable()), ", "))
		}
	}
	space, err := tuning.ParseSpace(texts)
	if err != nil {
		return nil, usageError{err}
	}
	return space, nil
}

func flagNames(flags []cli.Flag) (names []string) {
	for _, f := range flags {
		names = append(names, f.Names()[0])
	}
	slices.Sort(names)
	return names
}

// spaceFile reads lines of "name: values", values as in --grid or as a YAML list.
func spaceFile(ctx context.Context, path string) ([]string, error) {
	b, err := readNamed(ctx, path)
	if err != nil {
		return nil, err
	}
	values, err := parseConfig(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var texts []string
	for _, v := range values {
		texts = append(texts, v.name+"="+strings.Join(v.values, ","))
	}
	return texts, nil
}

func newStudy(c *cli.Context, b *bench) (*tuning.Study, error) {
	s := &tuning.Study{Space: b.space, Objectives: b.objectives, Shares: []float64{1}, Eta: 3, EarlyStop: c.Bool("early-stop"),
		Done: map[string]tuning.Outcome{}, Evaluate: b.evaluate, Group: b.group, Workers: c.Int("workers")}
	for i := range c.Int("seeds") {
		s.Seeds = append(s.Seeds, c.Uint64("seed")+uint64(i))
	}
	n, seed := c.Int("trials"), c.Uint64("search-seed")
	switch c.String("method") {
	case "grid":
		grid, err := tuning.Grid(b.space)
		if err != nil {
			return nil, usageError{err}
		}
		s.Search = grid
	case "random":
		s.Search = tuning.Random(b.space, n, seed)
	case "lhs":
		s.Search = tuning.LatinHypercube(b.space, n, seed)
	case "tpe":
		if c.Bool("halving") {
			return nil, usagef("--halving needs all models at once: use it with grid, random or lhs")
		}
		s.Search = tuning.TPE(b.space, n, seed, tuning.TPEOptions{})
	default:
		return nil, usagef("--method %q: want grid, random, lhs or tpe", c.String("method"))
	}
	if c.Bool("halving") {
		s.Shares = []float64{1. / 9, 1. / 3, 1}
	}
	return s, nil
}

// load reads the dataset, once.
func (b *bench) load() (err error) {
	if b.ds, err = openDataset(b.c); err != nil {
		return err
	}
	if b.census, err = takeCensus(b.c, b.ds, b.calls, nil); err != nil {
		return err
	}
	if _, err = newSplit(b.c, b.ds, b.census); err != nil {
		return err
	}
	b.data, err = loadColumns(b.c, b.ds, b.calls, b.census.read)
	return err
}

// runStudy runs what the journal and known do not have.
func (b *bench) runStudy(s *tuning.Study, known []tuning.Outcome) ([]tuning.Outcome, error) {
	j, err := b.openJournal(s)
	if err != nil {
		return nil, err
	}
	defer j.Close()
	for _, o := range known {
		if _, there := s.Done[s.UnitKey(o.Unit)]; there {
			continue
		}
		if err := tuning.AppendJournal(j, o); err != nil {
			return nil, err
		}
		s.Done[s.UnitKey(o.Unit)] = o
	}
	s.Append = func(o tuning.Outcome) error { return tuning.AppendJournal(j, o) }
	bar := newUnitProgress(b.c.App.ErrWriter, "tuning")
	s.Progress = bar.of
	outcomes, err := s.Run(b.c.Context)
	bar.finish()
	if err != nil {
		if b.c.Context.Err() != nil { // not wrapped: something was written
			err = fmt.Errorf("interrupted; %d results are in %s, and the same command with --resume goes on", len(outcomes), j.Name())
		}
		return nil, err
	}
	return outcomes, j.Sync()
}
