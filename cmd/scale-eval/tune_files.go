package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"path/filepath"
	"slices"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
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

// counted are the columns of trials.parquet for each part.
var counted = []string{"tp", "fp", "fn", "tn"}

// writeTrials writes one row a model, seed, share and cut-off: its parameters, then
// the confusion matrices of the validation and the test part. Without times, it is
// the same bytes for the same study.
func (b *bench) writeTrials(w io.Writer, outcomes []tuning.Outcome) error {
	schema := b.trialSchema()
	pw := parquet.NewGenericWriter[any](w, schema, parquet.Compression(&zstd.Codec{Level: zstd.SpeedFastest}), parquet.CreatedBy("scale-eval", "", ""))
	column := func(name string) int { leaf, _ := schema.Lookup(name); return leaf.ColumnIndex }
	for _, o := range outcomes {
		readings := o.Readings
		if o.Fail != "" {
			readings = []tuning.Reading{{}}
		}
		for _, r := range readings {
			row := make(parquet.Row, len(schema.Columns()))
			set := func(name string, v parquet.Value, defined int) {
				row[column(name)] = v.Level(0, defined, column(name))
			}
			for i, p := range b.space.Params {
				if p.Categorical() {
					set(p.Name, parquet.ValueOf(o.Model[i]), 0)
				} else {
					set(p.Name, parquet.ValueOf(p.Number(o.Model[i])), 0)
				}
			}
			set("seed", parquet.ValueOf(int64(o.Seed)), 0)
			set("share", parquet.ValueOf(o.Share), 0)
			optional := func(name string, v any, present bool) {
				if present {
					set(name, parquet.ValueOf(v), 1)
				} else {
					set(name, parquet.NullValue(), 0)
				}
			}
			optional("fail", o.Fail, o.Fail != "")
			optional("cut_off", float64(r.Score), o.Fail == "" && !math.IsNaN(float64(r.Score)))
			optional("budget", r.Budget, r.Budget > 0)
			optional("ns_per_span", float64(o.NsPerSpan), !math.IsNaN(float64(o.NsPerSpan)))
			var parts [2]eval.Confusion
			if o.Fail == "" {
				parts = [2]eval.Confusion{r.Validation(), r.Test()}
			}
			for i, part := range []string{"validation_", "test_"} {
				c := parts[i]
				for k, n := range []int64{c.TP, c.FP, c.FN, c.TN} {
					set(part+counted[k], parquet.ValueOf(n), 0)
				}
			}
			if _, err := pw.WriteRows([]parquet.Row{row}); err != nil {
				return fmt.Errorf("writing trials: %w", err)
			}
		}
	}
	return pw.Close()
}

func (b *bench) trialSchema() *parquet.Schema {
	double := parquet.Leaf(parquet.DoubleType)
	g := parquet.Group{
		"seed": parquet.Leaf(parquet.Int64Type), "share": double, "fail": parquet.Optional(parquet.String()),
		"cut_off": parquet.Optional(double), "budget": parquet.Optional(double), "ns_per_span": parquet.Optional(double),
	}
	for _, p := range b.space.Params {
		g[p.Name] = double
		if p.Categorical() {
			g[p.Name] = parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
		}
	}
	for _, name := range counted {
		g["validation_"+name], g["test_"+name] = parquet.Leaf(parquet.Int64Type), parquet.Leaf(parquet.Int64Type)
	}
	return parquet.NewSchema("trial", g)
}
