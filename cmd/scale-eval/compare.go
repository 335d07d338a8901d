package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/datasets/catalog"
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
differences are paired; a difference whose 95 % interval holds 0 is a tie.

  scale-eval compare --dataset synth:A --dataset synth:C
  scale-eval compare --dataset tracemesh --data DIR --shock 8..10 --shock 3 --shock 2 --seeds 10

Finished cells are kept in --out/cells.jsonl; the same command goes on from there,
and computes nothing twice.`,
		Flags:        compareFlags(),
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := noArgs(c); err != nil {
				return err
			}
			return compare(c)
		},
	}
}

func compareFlags() []cli.Flag {
	flags := []cli.Flag{
		&cli.StringSliceFlag{Name: "dataset", Aliases: []string{"d"}, Value: cli.NewStringSlice("synth"), Category: inputCategory,
			Usage: "`NAME[:VARIANT]` or path (repeatable)"},
		&cli.StringSliceFlag{Name: "samplers", Value: cli.NewStringSlice("all"), Category: samplerCategory,
			Usage: "`NAMES`, separated by commas, or all; the first is what the others are compared with"},
		&cli.StringSliceFlag{Name: "shock", Value: cli.NewStringSlice("8..10", "5", "3", "2", "1.5"), Category: protocolCategory,
			Usage: "`FACTOR` or range LO..HI of the shocks on datasets without labels (repeatable)"},
		&cli.IntFlag{Name: "seeds", Value: 3, Usage: "`N` seeds: of shocks, trees and resampling"},
		&cli.StringFlag{Name: "out", Value: "compare", Usage: "`DIR` for cells.jsonl, board.json and figures"},
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
	cells   []eval.Cell
	reused  int
}

func compare(c *cli.Context) error {
	asJSON, err := wantJSON(c)
	if err != nil {
		return err
	}
	list, err := rivalsNamed(c.StringSlice("samplers"))
	if err != nil {
		return err
	}
	if c.Int("seeds") < 1 {
		return usagef("--seeds %d: want 1 or more", c.Int("seeds"))
	}
	if _, err := paramsOf(c, 1); err != nil {
		return err
	}
	x := &comparison{c: c, list: list}
	if x.journal, err = openJournal(filepath.Join(c.String("out"), "cells.jsonl")); err != nil {
		return err
	}
	defer x.journal.Close()
	for _, name := range c.StringSlice("dataset") {
		if err := x.dataset(name); err != nil {
			return fmt.Errorf("dataset %s: %w", name, err)
		}
	}
	board, err := eval.NewBoard(x.cells, list[0].name, 1)
	if err != nil {
		return err
	}
	return x.report(board, asJSON)
}

func (x *comparison) report(board *eval.Board, asJSON bool) error {
	dir := x.c.String("out")
	if err := writeFile(filepath.Join(dir, "board.json"), func(w io.Writer) error { return printJSON(w, board) }); err != nil {
		return err
	}
	for _, fig := range reports.BoardFigures(board) {
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
	name   string
	factor string // of the shock; "" = the dataset's own labels
}

func (x *comparison) dataset(name string) error {
	ds, err := openDatasetNamed(x.c, name)
	if err != nil {
		return err
	}
	calls, err := newCalls(x.c)
	if err != nil {
		return err
	}
	census, err := takeCensus(x.c, ds, calls)
	if err != nil {
		return err
	}
	files, err := checksums(ds.Path)
	if err != nil {
		return err
	}
	for _, cond := range x.conditions(census) {
		for seed := range x.c.Int("seeds") {
			if err := x.run(ds, calls, census, files, cond, uint64(seed+1)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (x *comparison) conditions(n *census) (out []condition) {
	protocol := x.c.String("protocol")
	if protocol == "labels" || protocol != "paper" && n.positives > 0 {
		return []condition{{name: "labels"}}
	}
	for _, f := range x.c.StringSlice("shock") {
		out = append(out, condition{"shock x" + f, f})
	}
	return out
}

// run computes the cells of one condition and seed that are not in the journal.
func (x *comparison) run(ds *catalog.Dataset, calls *trace.Calls, n *census, files []recordedFile, cond condition, seed uint64) error {
	split, err := x.split(ds, n, cond, seed)
	if err != nil {
		return err
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
	outcome, err := x.evaluate(ds, calls, split, missing, seed)
	if err != nil {
		return err
	}
	for i, r := range missing {
		if i == 0 && haveFirst {
			continue
		}
		column := slices.IndexFunc(outcome.Scores.Columns, func(c eval.ScoreColumn) bool { return c.Name == r.name })
		cell, err := eval.CellOf(outcome, column, eval.SummaryOptions{Seed: seed, Replicates: max(x.c.Int("bootstrap"), 1)})
		if err != nil {
			return err
		}
		cell.Dataset, cell.Condition = ds.Name, cond.name
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
	opt, err := shockOptions(x.c, cond.factor, seed)
	if err != nil {
		return nil, err
	}
	s := &split{mode: mode}
	if cond.factor != "" {
		return s, s.shock(opt, n.kept)
	}
	s.ownTrain(x.c, ds, opt, n)
	s.ownLabels(ds, n)
	return s, nil
}

func (x *comparison) evaluate(ds *catalog.Dataset, calls *trace.Calls, s *split, list []rival, seed uint64) (*eval.Outcome, error) {
	params, err := paramsOf(x.c, seed)
	if err != nil {
		return nil, err
	}
	entrants, err := entrantsOf(list, params, s.train > 0)
	if err != nil {
		return nil, err
	}
	bar := newProgress(x.c.App.ErrWriter, fmt.Sprintf("%s, seed %d", ds.Name, seed), s.train+s.test)
	defer bar.finish()
	start := time.Now()
	source := passes(ds, calls, samplerColumns)
	plan := eval.Plan{
		Test: s.testPart(source), Entrants: entrants, Mode: s.mode, Seed: seed, Faults: s.faults, TestSpans: s.test,
		KeepCalls: true, Clock: func() int64 { return int64(time.Since(start)) }, Progress: bar.set,
	}
	if s.train > 0 {
		plan.Train = s.trainPart(source)
	}
	outcome, err := eval.Run(x.c.Context, plan)
	if err != nil {
		return nil, err
	}
	whole := take(s.labelled(passes(ds, calls, 0)), 0, s.train+s.test) // whole traces need all ids
	return outcome, addTraceRivals(x.c.Context, outcome, whole, s.train, list, params)
}

// key identifies a cell by everything that decides it.
func (x *comparison) key(ds *catalog.Dataset, files []recordedFile, cond condition, seed uint64, r rival) string {
	options := recordOptions(x.c)
	for _, name := range []string{"dataset", "samplers", "shock", "seeds"} {
		delete(options, name)
	}
	// A flag-rate cut-off follows the first sampler.
	b, err := json.Marshal([]any{version, ds.Name, files, cond.name, cond.factor, seed, r.name, x.list[0].name, options})
	if err != nil {
		panic("compare: " + err.Error()) // strings and numbers always marshal
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
