package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"path/filepath"
	"runtime"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/scale-eval/scale-eval/eval"
	"github.com/scale-eval/scale-eval/reports"
	"github.com/scale-eval/scale-eval/tuning"
)

// finalists is how many models are compared with the chosen one, itself included.
const finalists = 10

// conclude chooses, compares, writes and prints.
func (b *bench) conclude(s *tuning.Study, outcomes []tuning.Outcome, asJSON bool) error {
	r, rows, err := tuning.Conclude(b.space, b.objectives, outcomes)
	if err != nil {
		return err
	}
	r.Dataset, r.Method, r.Seeds = b.ds.Name, b.c.String("method"), s.Seeds
	r.Options = recordOptions(b.c)
	maps.DeleteFunc(r.Options, func(name string, v []string) bool {
		return slices.Contains([]string{"workers", "resume"}, name) || len(v) == 1 && v[0] == ""
	})
	split, err := newSplit(b.c, b.ds, b.census)
	if err != nil {
		return err
	}
	r.Protocol = split.protocol
	b.warn(r)
	if err := b.compare(r, rows); err != nil {
		return err
	}
	if err := b.writeStudy(r, outcomes); err != nil {
		return err
	}
	if asJSON {
		return errors.Join(b.layBeside(rows), printJSON(b.c.App.Writer, r))
	}
	if err := reports.TuningText(b.c.App.Writer, r, reports.TextOptions{Width: termWidth(b.c.App.Writer, 100), Color: isTerminal(b.c.App.Writer)}); err != nil {
		return err
	}
	if err := b.layBeside(rows); err != nil {
		return err
	}
	_, err = fmt.Fprintf(b.c.App.Writer, "\nuse it   scale-eval run --config %s\nreport   %s\n",
		filepath.Join(b.c.String("out"), "tuned.yaml"), filepath.Join(b.c.String("out"), "report.html"))
	return err
}

func (b *bench) warn(r *tuning.Result) {
	if r.Failed > 0 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%d of %d models could not be run, the first: %s", r.Failed, r.Models, r.FirstFail))
	}
	for _, p := range b.space.Params {
		if changesData(p.Name) {
			r.Warnings = append(r.Warnings, p.Name+" changes the data, not only the sampler: points that differ in it are not measured on the same spans")
		}
	}
	if tuning.Measures(b.objectives) {
		r.Warnings = append(r.Warnings, "times were taken while other models ran, and differ between machines")
	}
	for i, l := range r.Points[r.Chosen].Loss {
		if !b.objectives[i].Feasible(float64(l)) {
			r.Warnings = append(r.Warnings, fmt.Sprintf("no point reaches %v on the validation part: the one that comes closest was chosen", b.objectives[i]))
		}
	}
}

// compare resamples the traces for the best models and says which are ties. A time
// has no resamples: the next objective is compared then, or nothing.
func (b *bench) compare(r *tuning.Result, rows []tuning.Row) error {
	by := slices.IndexFunc(b.objectives, func(o tuning.Objective) bool { return o.Goal != tuning.MinTime })
	if by < 0 {
		return nil
	}
	var chosen [][]eval.Confusion
	for _, i := range r.Best(rows, b.space, finalists) {
		reps, err := b.replicates(rows[r.Points[i].Row()])
		if err != nil {
			return err
		}
		if chosen == nil {
			chosen = reps
		}
		r.Finalists = append(r.Finalists, tuning.Finalist{Point: i, Diff: tuning.Paired(chosen, reps, b.objectives[by])})
	}
	return nil
}

func (b *bench) writeStudy(r *tuning.Result, outcomes []tuning.Outcome) error {
	e := &evaluation{c: b.c}
	if err := e.writeOut("trials.parquet", func(w io.Writer) error { return b.writeTrials(w, outcomes) }); err != nil {
		return err
	}
	if err := e.writeOut("tuned.yaml", func(w io.Writer) error { return b.writeTuned(w, r) }); err != nil {
		return err
	}
	if err := e.writeOut("tune.json", func(w io.Writer) error { return printJSON(w, r) }); err != nil {
		return err
	}
	figures := reports.TuningFigures(r)
	for _, fig := range figures {
		for _, format := range reports.Formats {
			if err := e.writeOut(fig.Name+"."+format, func(w io.Writer) error { return fig.Write(w, format) }); err != nil {
				return err
			}
		}
	}
	return e.writeOut("report.html", func(w io.Writer) error {
		return reports.TuningHTML(w, r, reports.HTMLOptions{Figures: figures, Version: version})
	})
}

// writeTuned writes the chosen values as a config that run takes: what was searched
// and whatever else the command line said about the sampler.
func (b *bench) writeTuned(w io.Writer, r *tuning.Result) error {
	e := r.Points[r.Chosen]
	values := map[string]string{}
	for _, f := range samplerFlags() {
		name := f.Names()[0]
		values[name] = fmt.Sprint(b.c.Value(name))
	}
	for i, p := range r.Params {
		values[p.Name] = e.Values[i]
	}
	if t := float64(e.Threshold); !math.IsNaN(t) {
		values[tuning.ThresholdParam] = fmt.Sprint(t)
		if values["sampler"] == adaptiveSampler { // which has a threshold of its own
			values["keep"] = fmt.Sprintf("score=%v", t)
		}
	}
	if _, err := fmt.Fprintf(w, "# Chosen by scale-eval tune on dataset %s, protocol %s, by %s.\n", r.Dataset, r.Protocol, r.Objectives[0]); err != nil {
		return err
	}
	doc := yaml.Node{Kind: yaml.MappingNode}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		doc.Content = append(doc.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: name}, &yaml.Node{Kind: yaml.ScalarNode, Value: values[name]})
	}
	out, err := yaml.Marshal(&doc)
	if err == nil {
		_, err = w.Write(out)
	}
	return err
}

// replicates are the confusion matrices of a row's validation part on resampled
// traces, a list a seed.
func (b *bench) replicates(row tuning.Row) ([][]eval.Confusion, error) {
	var out [][]eval.Confusion
	for _, seed := range row.Seeds {
		c, err := b.context(tuning.Unit{Model: row.Model, Seed: seed, Share: row.Share})
		if err != nil {
			return nil, err
		}
		last := &scored{}
		col, err := b.score(c, row.Share, last)
		if err != nil {
			return nil, err
		}
		n := col.Ends[len(col.Ends)-2]
		s := &eval.Scores{Labels: col.Labels[:n], Columns: []eval.ScoreColumn{{Score: col.Score[:n]}}}
		if col.Keep != nil {
			s.Columns[0].Keep = col.Keep[:n]
		}
		if row.Threshold != "" || row.Budget > 0 {
			s.Columns[0].Keep = make([]bool, n)
			for i, x := range col.Score[:n] {
				s.Columns[0].Keep[i] = x >= row.Score
			}
		}
		s.Columns[0].Score = nil
		for _, r := range last.scenario.row[last.scenario.train:][:n] {
			s.Trace = append(s.Trace, b.data.trace[r])
		}
		reps, err := eval.Resample(s, 0, eval.SummaryOptions{Seed: b.c.Uint64("seed"), Replicates: b.c.Int("bootstrap")})
		if err != nil {
			return nil, err
		}
		runtime.KeepAlive(last) // until here: it holds the arrays of the column
		out = append(out, reps.Point)
	}
	return out, nil
}
