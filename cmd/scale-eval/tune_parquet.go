package main

import (
	"fmt"
	"io"
	"math"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/scale-eval/scale-eval/eval"
	"github.com/scale-eval/scale-eval/tuning"
)

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
