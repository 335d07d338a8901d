package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/rulefile"
	"github.com/scale-eval/scale-eval/sim/experiment"
)

// A plan is a folder that live --plan reads: sampler.yaml, rules.yaml and model.bin.

// savePlan writes what SCALE played with, and the model that it had learned when the
// fault began.
func savePlan(dir string, one *experiment.Case, rules live.RuleSet, model []byte, run loggedRun) error {
	files := []resultFile{
		{"sampler.yaml", func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "# Options of scale-eval live, as scenario %s was played with seed %d. The model in\n# model.bin has its own; it was trained on the warm-up and learned no more.\nsampler: adaptive\nseed: %d\nlearn: false\n", one.Name, run.Seed, run.Seed)
			return err
		}},
		{"rules.yaml", func(w io.Writer) error {
			if _, err := fmt.Fprintf(w, "# The rules with which SCALE played scenario %s. On your cluster the targets may\n# lie in another namespace; scale-eval rules explain says what they do.\n", one.Name); err != nil {
				return err
			}
			return rulefile.Write(w, rules)
		}},
		{"model.bin", func(w io.Writer) error { _, err := w.Write(model); return err }},
	}
	for _, f := range files {
		if err := writeFile(filepath.Join(dir, f.name), f.write); err != nil {
			return err
		}
	}
	return nil
}

// openPlan reads a plan that SCALE shall play with: its rules, and its model if it has
// one. The options of its sampler are in the model.
func openPlan(c *cli.Context) (setup experiment.Setup, err error) {
	dir := c.String("plan")
	if dir == "" {
		return setup, nil
	}
	set, err := readRuleSet(filepath.Join(dir, "rules.yaml"), false)
	if errors.Is(err, fs.ErrNotExist) {
		return setup, usagef("--plan %s: no rules.yaml in it; want a folder as --save writes it", dir)
	}
	if err != nil {
		return setup, err
	}
	setup.Rules = &set
	setup.Model, err = os.ReadFile(filepath.Join(dir, "model.bin"))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return setup, err
}
