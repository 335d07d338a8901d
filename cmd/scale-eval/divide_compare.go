package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/eval/shards"
	"github.com/scale-eval/scale-eval/objects"
)

// dividedCompare divides compare by dataset, condition and seed. All samplers of a unit
// are computed together: they see the same spans, and the first one's rate is a cut-off
// of others.
func dividedCompare() divisible {
	return divisible{
		command: compareCommand, units: "conditions x seeds",
		takes: func(name string) bool { return name != "out" && name != "output" },
		usage: "compare samplers on the conditions and seeds of datasets in pods",
		teaches: `A unit is one dataset under one condition (a shock, or its own labels) with one seed, for
all samplers. Planning and collect read each dataset for its census and checksums, and so
does every shard that has a unit of it. Datasets of a cluster are synth or Parquet in a bucket.
The result is that of compare to the byte, but for ns a span, which are measured.`,
		open: func(c *cli.Context, _ *shards.Division) (divided, error) {
			x, err := newComparison(c, spillFrom)
			return &cellUnits{c: c, x: x}, err
		},
	}
}

// cellUnits is compare in units.
type cellUnits struct {
	c *cli.Context
	x *comparison
}

// identity is of the files of the datasets.
func (u *cellUnits) identity() (any, error) {
	files := map[string][]recordedFile{}
	for _, name := range u.c.StringSlice("dataset") {
		ds, err := openDatasetNamed(u.c, name)
		if err != nil {
			return nil, fmt.Errorf("dataset %s: %w", name, err)
		}
		if files[ds.Name], err = checksums(ds); err != nil {
			return nil, fmt.Errorf("checksum of dataset %s: %w", ds.Name, err)
		}
	}
	return files, nil
}

func (u *cellUnits) prepare() (any, error) { return nil, nil }

func (u *cellUnits) local() string {
	for _, name := range u.c.StringSlice("dataset") {
		if ds, err := openDatasetNamed(u.c, name); err == nil && ds.Path != "" && !objects.Remote(ds.Path) {
			return "--dataset " + name
		}
	}
	return ""
}

func (u *cellUnits) next(done shards.Results) (units []any, err error) {
	if done != nil {
		return nil, nil
	}
	u.x.visit = func(unit cellUnit, run func() error) error {
		if unit.Condition == "" {
			return run()
		}
		units = append(units, unit)
		return nil
	}
	return units, u.x.compute()
}

// compute gives the lines of the journal.
func (u *cellUnits) compute(units []json.RawMessage) ([][]any, error) {
	at := map[cellUnit]int{} // also of datasets, which have no condition
	for i, text := range units {
		unit, err := decode[cellUnit](text)
		if err != nil {
			return nil, err
		}
		at[unit], at[cellUnit{Dataset: unit.Dataset}] = i, i
	}
	var lines bytes.Buffer
	u.x.journal = newJournal(&lines)
	results := make([][]any, len(units))
	u.x.visit = func(unit cellUnit, run func() error) error {
		i, mine := at[unit]
		if !mine {
			return nil
		}
		if err := run(); err != nil || unit.Condition == "" {
			return err
		}
		for line := range bytes.Lines(lines.Bytes()) {
			results[i] = append(results[i], json.RawMessage(bytes.Clone(line)))
		}
		lines.Reset()
		return nil
	}
	return results, u.x.compute()
}

// conclude puts the cells where compare looks for those of earlier calls.
func (u *cellUnits) conclude(done shards.Results) error {
	if _, err := wantJSON(u.c); err != nil {
		return err
	}
	j, err := openJournal(filepath.Join(u.c.String("out"), "cells.jsonl"))
	if err != nil {
		return err
	}
	defer j.Close()
	for _, unit := range done[0] {
		for _, text := range unit {
			l, err := decode[journalLine](text)
			if err != nil {
				return err
			}
			if _, known := j.cells[l.Key]; known {
				continue
			}
			if err := j.addLine(l, text); err != nil {
				return err
			}
		}
	}
	return compare(u.c, spillFrom)
}
