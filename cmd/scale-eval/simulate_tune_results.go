package main

import (
	"io"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/reports"
	"github.com/scale-eval/scale-eval/sim/experiment/measure"
)

// tuneResults are what simulate tune came to, on their way to files.
type tuneResults struct {
	t   *measure.Tuning
	out string
}

func (r *tuneResults) write() error {
	for _, f := range []resultFile{
		{"tuned.yaml", func(w io.Writer) error { return writeTuned(w, r.t) }},
		{"tuning.json", func(w io.Writer) error { return printJSON(w, r.t) }},
		{"tuning.md", func(w io.Writer) error { return reports.SimulationTuningMarkdown(w, r.t) }},
	} {
		if err := writeFile(filepath.Join(r.out, f.name), f.write); err != nil {
			return err
		}
	}
	for _, f := range reports.SimulationTuningFigures(r.t) {
		for _, format := range reports.Formats {
			name := filepath.Join(r.out, "figures", f.Name+"."+format)
			if err := writeFile(name, func(w io.Writer) error { return f.Write(w, format) }); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *tuneResults) print(c *cli.Context) error {
	w := c.App.Writer
	switch c.String("output") {
	case "json":
		return printJSON(w, r.t)
	case "markdown":
		return reports.SimulationTuningMarkdown(w, r.t)
	}
	return reports.SimulationTuningText(w, r.t, reports.TextOptions{Width: termWidth(w, 110), Color: isTerminal(w)})
}
