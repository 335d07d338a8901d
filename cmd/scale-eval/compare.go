package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/DmitriyVTitov/size"
	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/datasets"
	"github.com/scale-eval/scale-eval/datasets/catalog"
	"github.com/scale-eval/scale-eval/datasets/inject"
	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/eval"
	"github.com/scale-eval/scale-eval/reports"
)

func compareCommand() *cli.Command {
	return &cli.Command{
		Name:  "compare",
		Usage: "samplers side by side: datasets x shock strengths x seeds -> one leaderboard",
		Description: `Each dataset with labels of its own is one condition; each one without has a
condition for every --shock. All samplers of a condition see the same spans, so
differences to the first are paired: the bootstrap draws seeds and whole traces, the
same ones for both samplers and for all seeds, which are of the same traces. A
difference whose 95 % interval holds 0 is called a tie.

  scale-eval compare --dataset synth:A --dataset synth:C
  scale-eval compare --dataset tracemesh --data DIR --protocol paper --seeds 10

A shock makes a duration d into (d + bump) x factor. The paper's shocks are
8..10+5ms; the weaker ones, which also have no bump, are where one threshold on
duration for all calls collapses, and board.html draws AP and F1 against them.

Finished cells are kept in --out/cells.jsonl; the same command goes on from there,
also after a kill, and computes nothing twice. A cell belongs to the version of this
program: when you change the program itself, give --out another folder.

Bytes a call are all memory of a sampler over the calls. Of adaptive's, 0.64 MB do
not grow with the calls (parents in flight, trees) and are most of it where calls
are few; a call adds 0.94 kB.`,
		Flags:        compareFlags(),
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := noArgs(c); err != nil {
				return err
			}
			return compare(c, spillFrom)
		},
	}
}

func compareFlags() []cli.Flag {
	flags := []cli.Flag{
		&cli.StringSliceFlag{Name: "dataset", Aliases: []string{"d"}, Value: cli.NewStringSlice("synth"), Category: inputCategory,
			Usage: "`NAME[:VARIANT]` or path (repeatable)"},
		&cli.StringSliceFlag{Name: "samplers", Value: cli.NewStringSlice("all"), Category: samplerCategory,
			Usage: "`NAMES`, separated by commas, or all; the first is what the others are compared with"},
		&cli.StringSliceFlag{Name: "shock", Value: cli.NewStringSlice("8..10", "5+0s", "3+0s", "2+0s", "1.5+0s"), Category: protocolCategory,
			Usage: "`FACTOR[+BUMP]` of the shocks on datasets without labels, e.g. 3, 8..10 or 2+0s; without BUMP it is --shock-bump (repeatable)"},
		&cli.IntFlag{Name: "seeds", Value: 3, Usage: "`N` seeds: of shocks, trees and resampling"},
		&cli.StringFlag{Name: "out", Value: "compare", Usage: "`DIR` for cells.jsonl, board.json, board.html and figures"},
		outputFlag(),
	}
	skip := map[string]bool{"dataset": true, "shock-factor": true, "sampler": true}
	for _, group := range [][]cli.Flag{inputFlags(""), callFlags(), protocolFlags(), samplerFlags(), evaluationFlags()} {
		for _, f := range group {
			if !skip[f.Names()[0]] {
				flags = append(flags, f)
			}
		}
	}
	return flags
}

// comparison is one call of compare.
type comparison struct {
	c       *cli.Context
	list    []rival
	journal *journal
	// visit is told of a dataset before it is read, and of each of its conditions and
	// seeds, whose cells run computes. It may leave them out.
	visit  func(u cellUnit, run func() error) error
	seen   map[string]bool // datasets
	cells  []eval.Cell
	reused int
	spill  int // from how many bytes on arrays lie in files
}

// cellUnit is what samplers are compared on at once.
type cellUnit struct {
	Dataset   string `json:"dataset"`
	Condition string `json:"condition"` // "" stands for all of them
	Seed      uint64 `json:"seed"`
}

// compare keeps arrays that take so many bytes or more in files.
func compare(c *cli.Context, from int) error {
	asJSON, err := wantJSON(c)
	if err != nil {
		return err
	}
	x, err := newComparison(c, from)
	if err != nil {
		return err
	}
	if x.journal, err = openJournal(filepath.Join(c.String("out"), "cells.jsonl")); err != nil {
		return err
	}
	defer x.journal.Close()
	if err := x.compute(); err != nil {
		return err
	}
	board, err := eval.NewBoard(x.cells, x.list[0].name, 1)
	if err != nil {
		return err
	}
	return x.report(board, asJSON)
}

// newComparison checks the options.
func newComparison(c *cli.Context, from int) (*comparison, error) {
	list, err := rivalsNamed(c.StringSlice("samplers"))
	if err != nil {
		return nil, err
	}
	if c.Int("seeds") < 1 {
		return nil, usagef("--seeds %d: want 1 or more", c.Int("seeds"))
	}
	if _, err := paramsOf(c, 1); err != nil {
		return nil, err
	}
	if err := checkEvaluation(c); err != nil {
		return nil, err
	}
	if err := checkProtocol(c); err != nil {
		return nil, err
	}
	every := func(_ cellUnit, run func() error) error { return run() }
	return &comparison{c: c, list: list, visit: every, spill: from}, nil
}

// compute goes through all cells.
func (x *comparison) compute() error {
	x.seen = map[string]bool{}
	for _, name := range x.c.StringSlice("dataset") {
		if err := x.dataset(name); err != nil {
			return fmt.Errorf("dataset %s: %w", name, err)
		}
	}
	return nil
}

func (x *comparison) report(board *eval.Board, asJSON bool) error {
	dir := x.c.String("out")
	figures := reports.BoardFigures(board)
	if err := writeFile(filepath.Join(dir, "board.json"), func(w io.Writer) error { return printJSON(w, board) }); err != nil {
		return err
	}
	page := reports.BoardPage{Figures: figures, Version: version}
	if err := writeFile(filepath.Join(dir, "board.html"), func(w io.Writer) error { return reports.BoardHTML(w, board, page) }); err != nil {
		return err
	}
	for _, fig := range figures {
		for _, format := range reports.Formats {
			if err := writeFile(filepath.Join(dir, fig.Name+"."+format), func(w io.Writer) error { return fig.Write(w, format) }); err != nil {
				return err
			}
		}
	}
	if asJSON {
		return printJSON(x.c.App.Writer, board)
	}
	if err := reports.BoardText(x.c.App.Writer, board, reports.TextOptions{Width: termWidth(x.c.App.Writer, 120), Color: isTerminal(x.c.App.Writer)}); err != nil {
		return err
	}
	_, err := fmt.Fprintf(x.c.App.Writer, "\n%d cells, %d of them from an earlier call; all in %s\n", len(x.cells), x.reused, dir)
	return err
}

// condition is what a dataset is labelled by.
type condition struct {
	name  string
	shock inject.Options // when strength is injected
	eval.Strength
}

func (x *comparison) dataset(name string) error {
	ds, err := openDatasetNamed(x.c, name)
	if err != nil {
		return err
	}
	if x.seen[ds.Name] {
		return usagef("--dataset: two are called %s: rows could not be told apart, compare them in two calls", ds.Name)
	}
	x.seen[ds.Name] = true
	return x.visit(cellUnit{Dataset: ds.Name}, func() error { return x.cellsOf(ds) })
}

// cellsOf reads a dataset and goes through its cells.
func (x *comparison) cellsOf(ds *catalog.Dataset) error {
	calls, err := newCalls(x.c)
	if err != nil {
		return err
	}
	census, err := takeCensus(x.c, ds, calls, nil)
	if err != nil {
		return err
	}
	files, err := checksums(ds)
	if err != nil {
		return err
	}
	conditions, err := x.conditions(census)
	if err != nil {
		return err
	}
	for _, note := range readingNotes(ds, census) {
		fmt.Fprintf(x.c.App.ErrWriter, "scale-eval: dataset %s: %s\n", ds.Name, note)
	}
	for _, cond := range conditions {
		for i := range x.c.Int("seeds") {
			seed := uint64(i + 1)
			run := func() error { return x.run(ds, calls, census, files, cond, seed) }
			if err := x.visit(cellUnit{ds.Name, cond.name, seed}, run); err != nil {
				return err
			}
		}
	}
	return nil
}

// conditions are the dataset's own labels or, where there are none, the shocks.
func (x *comparison) conditions(n *census) (out []condition, err error) {
	protocol := x.c.String("protocol")
	if protocol == "labels" && n.positives == 0 {
		return nil, errNoPositives
	}
	if protocol != "paper" && n.positives > 0 {
		opt, err := shockOptions(x.c, "1", 1) // for its training part
		return []condition{{name: "labels", shock: opt}}, err
	}
	for _, s := range x.c.StringSlice("shock") {
		factor, bump, given := strings.Cut(s, "+")
		opt, err := shockOptions(x.c, factor, 1)
		if err != nil {
			return nil, err
		}
		if given {
			d, err := time.ParseDuration(bump)
			if err != nil || d < 0 {
				return nil, usagef("--shock %q: want FACTOR, LO..HI or either with +BUMP, a duration such as 5ms or 0s", s)
			}
			opt.Shock.Bump = int64(d)
		}
		name := fmt.Sprintf("shock x%s, bump %v", factor, time.Duration(opt.Shock.Bump))
		if slices.ContainsFunc(out, func(c condition) bool { return c.name == name }) {
			return nil, usagef("--shock %q: twice", s)
		}
		out = append(out, condition{name, opt, eval.Strength{FactorLo: opt.Shock.FactorLo, FactorHi: opt.Shock.FactorHi, BumpNs: opt.Shock.Bump}})
	}
	return out, nil
}

// resampleSeed is one for all cells: seeds of shocks and trees are of the same traces.
const resampleSeed = 1

// run computes the cells of one condition and seed that are not in the journal.
func (x *comparison) run(ds *catalog.Dataset, calls *trace.Calls, n *census, files []recordedFile, cond condition, seed uint64) error {
	split, err := x.split(ds, n, cond, seed)
	if err != nil {
		return err
	}
	if split.test == 0 {
		return split.noTest(n)
	}
	// A flag-rate cut-off depends on the first sampler, so it runs in every call.
	missing := x.list[:1:1]
	keys := map[string]string{}
	for i, r := range x.list {
		key := x.key(ds, files, cond, seed, r)
		keys[r.name] = key
		if cell, ok := x.journal.cells[key]; ok {
			x.cells = append(x.cells, cell)
			x.reused++
		} else if i > 0 {
			missing = append(missing, r)
		}
	}
	_, haveFirst := x.journal.cells[keys[x.list[0].name]]
	if haveFirst && len(missing) == 1 {
		return nil
	}
	arrays := newEbb(x.spill)
	defer arrays.close()
	outcome, err := x.evaluate(ds, calls, n, split, missing, seed, arrays)
	if err != nil {
		return err
	}
	opt := eval.SummaryOptions{Seed: resampleSeed, Replicates: replicates(x.c), Workspace: eval.NewWorkspace(arrays)}
	for i, r := range missing {
		if i == 0 && haveFirst {
			continue
		}
		column := slices.IndexFunc(outcome.Scores.Columns, func(c eval.ScoreColumn) bool { return c.Name == r.name })
		cell, err := eval.CellOf(outcome.Outcome, column, outcome.types, opt)
		if err != nil {
			return err
		}
		cell.Dataset, cell.Condition, cell.Strength = ds.Name, cond.name, cond.Strength
		cell.StateBytes, cell.Calls = outcome.bytes[r.name], calls.Len()-1 // without the overflow call
		if len(split.faults) > 0 {
			cell.LabelAccount = labelAccount(ds.Faults(), outcome.Outcome)
		}
		if err := x.journal.add(keys[r.name], cell); err != nil {
			return err
		}
		x.cells = append(x.cells, cell)
	}
	return nil
}

func (x *comparison) split(ds *catalog.Dataset, n *census, cond condition, seed uint64) (*split, error) {
	mode, err := eval.ParseMode(x.c.String("learn"))
	if err != nil {
		return nil, usagef("--learn: %w", err)
	}
	opt := cond.shock
	opt.Seed = seed
	s := &split{mode: mode}
	if x.c.String("protocol") == "prequential" {
		s.mode, opt.Train = eval.ScoreThenLearn, 0
	}
	if cond.Injected() {
		return s, s.shock(opt, n.kept)
	}
	if x.c.String("protocol") != "prequential" {
		s.ownTrain(x.c, ds, opt, n)
	}
	s.ownLabels(ds, n)
	return s, nil
}

// compared is an outcome with what only comparisons look at.
type compared struct {
	*eval.Outcome
	types []uint32         // of the traces
	bytes map[string]int64 // that each sampler holds after the test part
}

func (x *comparison) evaluate(ds *catalog.Dataset, calls *trace.Calls, n *census, s *split, list []rival, seed uint64, arrays eval.Arrays) (*compared, error) {
	params, err := paramsOf(x.c, seed)
	if err != nil {
		return nil, err
	}
	params.rate = n.rate()
	entrants, err := entrantsOf(list, params, s.train > 0)
	if err != nil {
		return nil, err
	}
	bar := newProgress(x.c.App.ErrWriter, fmt.Sprintf("%s, seed %d", ds.Name, seed), s.train+s.test)
	defer bar.finish()
	start := time.Now()
	plan := eval.Plan{
		Whole:    take(datasets.SpansAhead(s.labelled(passes(ds, calls, samplerColumns))), 0, s.train+s.test),
		Entrants: entrants, Mode: s.mode, Seed: seed, Faults: s.faults, TestSpans: s.test, TrainSpans: s.train,
		KeepCalls: true, Arrays: arrays, Clock: func() int64 { return int64(time.Since(start)) }, Progress: bar.set,
	}
	out := &compared{bytes: map[string]int64{}}
	if out.Outcome, err = eval.Run(x.c.Context, plan); err != nil {
		return nil, err
	}
	for _, e := range entrants {
		out.bytes[e.Name] = int64(size.Of(e.Sampler))
	}
	whole := take(s.labelled(passes(ds, calls, 0)), 0, s.train+s.test) // whole traces need all ids
	return out, addTraceRivals(x.c.Context, out, whole, s, list, params)
}

// cellVersion grows when cells of earlier versions lack something.
const cellVersion = 4

// key identifies a cell by everything that decides it.
func (x *comparison) key(ds *catalog.Dataset, files []recordedFile, cond condition, seed uint64, r rival) string {
	options := recordOptions(x.c)
	for _, name := range []string{"dataset", "samplers", "shock", "seeds"} {
		delete(options, name)
	}
	// A flag-rate cut-off follows the first sampler.
	b, err := json.Marshal([]any{version, cellVersion, ds.Name, files, cond.name, cond.Strength, seed, r.name, x.list[0].name, options})
	if err != nil {
		panic("compare: " + err.Error()) // strings and numbers always marshal
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
