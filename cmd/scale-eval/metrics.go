package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/datasets/input"
	"github.com/scale-eval/scale-eval/datasets/scores"
	"github.com/scale-eval/scale-eval/eval"
	"github.com/scale-eval/scale-eval/reports"
)

func metricsCommand() *cli.Command {
	return &cli.Command{
		Name:  "metrics",
		Usage: "the same report for any sampler's per-span scores",
		Description: `FILE is CSV (compressed or not) or Parquet with a column for the label and one
for the score, the decision, or both. Columns are found by their usual names or
given by flags. Decisions are taken from the file, or are score >= --threshold.

  scale-eval metrics --scores scores.csv
  scale-eval metrics --scores mine.parquet --label-column y --score-column s --threshold 0.7`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "scores", Usage: "`FILE` of per-span scores (required)"},
			&cli.StringFlag{Name: "label-column", Usage: "`COLUMN` of the truth (default: label, shocked, is_anomaly, …)"},
			&cli.StringFlag{Name: "score-column", Usage: "`COLUMN` of the score, high = anomalous (default: score, …)"},
			&cli.StringFlag{Name: "decision-column", Usage: "`COLUMN` of the decision (default: keep, decision, anomaly, …)"},
			&cli.StringFlag{Name: "trace-column", Usage: "`COLUMN` of the trace id, for intervals by trace (default: trace_id, …)"},
			&cli.Float64Flag{Name: "threshold", Usage: "keep spans whose score is at least `SCORE`, instead of the decisions of the file"},
			&cli.StringFlag{Name: "out", Usage: "`DIR` for report.html, figures and metrics.json (default: none are written)"},
			&cli.Uint64Flag{Name: "seed", Value: 42, Usage: "seed of the bootstrap"},
			&cli.IntFlag{Name: "bootstrap", Value: 200, Usage: "bootstrap `REPLICATES` (0: none)"},
			outputFlag(),
		},
		OnUsageError: onUsageError,
		Action:       metricsOfFile,
	}
}

func metricsOfFile(c *cli.Context) error {
	if err := noArgs(c); err != nil {
		return err
	}
	if err := required(c, "scores"); err != nil {
		return err
	}
	if err := checkBootstrap(c); err != nil {
		return err
	}
	asJSON, err := wantJSON(c)
	if err != nil {
		return err
	}
	tab, err := readScores(c.String("scores"), scores.Columns{
		Label: c.String("label-column"), Score: c.String("score-column"),
		Decision: c.String("decision-column"), Trace: c.String("trace-column"),
	})
	if err != nil {
		return err
	}
	s := &eval.Scores{Labels: tab.Labels, Trace: tab.Trace, Columns: []eval.ScoreColumn{{Name: "scores", Score: tab.Score, Keep: tab.Keep}}}
	r, err := summariseTable(c, tab, s)
	if err != nil {
		return err
	}
	if c.String("out") != "" {
		e := &evaluation{c: c, result: r, outcome: &eval.Outcome{Scores: s}}
		if err := e.writePages(""); err != nil {
			return err
		}
	}
	if asJSON {
		return reports.WriteJSON(c.App.Writer, r)
	}
	return reports.Text(c.App.Writer, r, nil, reports.TextOptions{Width: termWidth(c.App.Writer, 110), Color: isTerminal(c.App.Writer)})
}

func summariseTable(c *cli.Context, tab *scores.Table, s *eval.Scores) (*eval.Result, error) {
	opt := eval.SummaryOptions{Seed: c.Uint64("seed"), Replicates: replicates(c)}
	by := "decisions of the file"
	if c.IsSet("threshold") {
		t := c.Float64("threshold")
		opt.Threshold, by = &t, fmt.Sprintf("fixed at %g", t)
	}
	sr, err := eval.Summarise(s, 0, opt)
	if err != nil {
		return nil, err
	}
	sr.ThresholdBy, sr.Describe = by, "scores of "+c.String("scores")
	r := &eval.Result{
		Version: eval.ResultVersion, Dataset: c.String("scores"), Protocol: "external scores", Seed: opt.Seed,
		Options: map[string]string{
			"label-column": tab.Columns.Label, "score-column": tab.Columns.Score,
			"decision-column": tab.Columns.Decision, "trace-column": tab.Columns.Trace,
		},
		Samplers: []eval.SamplerResult{sr},
	}
	countLabels(r, tab)
	if tab.Bad.Total > 0 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%d malformed rows were left out, the first: %v", tab.Bad.Total, tab.Bad.First[0]))
	}
	if tab.Trace == nil {
		r.Warnings = append(r.Warnings, "no trace column: intervals take spans for independent, which spans of one trace are not")
	}
	return r, nil
}

func countLabels(r *eval.Result, tab *scores.Table) {
	c := &r.Counts
	c.Read, c.Test, c.Bad = int64(len(tab.Labels)), int64(len(tab.Labels)), tab.Bad.Total
	c.ByLabel = map[string]int64{}
	for _, l := range tab.Labels {
		c.ByLabel[l.String()]++
		switch {
		case l.Positive():
			c.Positives++
		case l.Scored():
			c.Negatives++
		}
	}
	c.Scored = c.Positives + c.Negatives
	seen := uint32(0)
	for _, t := range tab.Trace {
		seen = max(seen, t+1)
	}
	c.Traces = int64(seen)
}

// readScores tells Parquet from (compressed) CSV by content.
func readScores(path string, want scores.Columns) (*scores.Table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, usagef("--scores %s is a folder: name one file in it", path)
	}
	var magic [4]byte
	if _, err := io.ReadFull(f, magic[:]); err == nil && string(magic[:]) == "PAR1" {
		info, err := f.Stat()
		if err != nil {
			return nil, err
		}
		return scores.ReadParquet(f, info.Size(), path, want)
	}
	files, err := input.Open(path)
	if err != nil {
		return nil, err
	}
	defer files.Close()
	stream, err := files.Next()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: no file in it", path)
	}
	if err != nil {
		return nil, err
	}
	return scores.ReadCSV(stream, path, want)
}
