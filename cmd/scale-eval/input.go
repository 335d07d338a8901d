package main

import (
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/datasets"
	"github.com/scale-eval/scale-eval/datasets/catalog"
	"github.com/scale-eval/scale-eval/datasets/gtrace"
	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/datasets/tracemesh"
)

const inputCategory = "INPUT"

// inputFlags say which spans to read and how; every command that reads spans
// takes them.
func inputFlags(defaultDataset string) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "dataset", Aliases: []string{"d"}, Value: defaultDataset, Category: inputCategory,
			Usage: "`NAME[:VARIANT]` of scale-eval datasets list, or the path of a file, archive or folder, known by its content"},
		&cli.StringSliceFlag{Name: "data", Category: inputCategory,
			Usage: "`DIR` to look for named datasets in, before SCALE_EVAL_DATA and the cache folder (repeatable)"},
		&cli.BoolFlag{Name: "strict", Category: inputCategory,
			Usage: "make the first malformed row an error instead of a counted record"},
		&cli.BoolFlag{Name: "keep-duplicates", Category: inputCategory,
			Usage: "keep spans whose (trace id, span id) was seen before; they are left out and counted otherwise"},
		&cli.StringFlag{Name: "service-attr", Category: inputCategory,
			Usage: "OTLP: span `ATTRIBUTE` that holds the service name and wins over the resource's service.name"},
		&cli.StringFlag{Name: "time-unit", Value: "auto", Category: inputCategory,
			Usage: "tracemesh: `UNIT` of Duration: us, ms, ns or auto (integers are us, decimals ms)"},
		&cli.StringFlag{Name: "time-zone", Value: "UTC", Category: inputCategory,
			Usage: "gtrace: `ZONE` of startTime, e.g. Asia/Shanghai"},
		&cli.StringFlag{Name: "label-column", Value: "node-latency", Category: inputCategory,
			Usage: "gtrace: which label is the truth: node-latency, graph-latency or graph-structure"},
		&cli.StringFlag{Name: "since", Category: inputCategory,
			Usage: "Parquet: only spans that start at `TIME` (2024-05-01T07:00:00Z) or later; row groups before it are not read"},
		&cli.StringFlag{Name: "until", Category: inputCategory,
			Usage: "Parquet: only spans that start before `TIME`"},
		&cli.StringSliceFlag{Name: "service", Category: inputCategory,
			Usage: "Parquet: only spans of this `SERVICE` (repeatable)"},
		&cli.Int64Flag{Name: "spans", Category: inputCategory,
			Usage: "synth: how many spans to generate (0: the variant's default)"},
		&cli.Uint64Flag{Name: "synth-seed", Value: 1, Category: inputCategory,
			Usage: "synth: seed of the generator"},
	}
}

// callFlags say what counts as one call.
func callFlags() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "max-calls", Value: trace.DefaultMaxCalls, Category: inputCategory,
			Usage: "how many distinct service::operation to tell apart; the rest share one overflow call, counted"},
		&cli.StringSliceFlag{Name: "sanitise", Category: inputCategory,
			Usage: "`REGEXP=>REPLACEMENT` for operation names instead of the defaults (repeatable; \"none\" turns them off)"},
	}
}

func newSanitiser(c *cli.Context) (*trace.Sanitiser, error) {
	rules := trace.DefaultSanitiseRules
	if given := c.StringSlice("sanitise"); len(given) > 0 {
		rules = given
	}
	if len(rules) == 1 && rules[0] == "none" {
		rules = nil
	}
	s, err := trace.NewSanitiser(rules)
	if err != nil {
		return nil, usageError{err}
	}
	return s, nil
}

func newCalls(c *cli.Context) (*trace.Calls, error) {
	s, err := newSanitiser(c)
	if err != nil {
		return nil, err
	}
	if c.Int("max-calls") < 1 {
		return nil, usagef("--max-calls %d: want 1 or more", c.Int("max-calls"))
	}
	return trace.NewCalls(c.Int("max-calls"), s), nil
}

// openDataset finds and prepares what --dataset names.
func openDataset(c *cli.Context) (*catalog.Dataset, error) {
	return openDatasetNamed(c, c.String("dataset"))
}

func openDatasetNamed(c *cli.Context, name string) (*catalog.Dataset, error) {
	zone, err := time.LoadLocation(c.String("time-zone"))
	if err != nil {
		return nil, usagef("--time-zone: %w", err)
	}
	if c.Int64("spans") < 0 {
		return nil, usagef("--spans %d: want 0 or more", c.Int64("spans"))
	}
	if _, err := tracemesh.ParseUnit(c.String("time-unit")); err != nil {
		return nil, usagef("--time-unit: %w", err)
	}
	if _, err := gtrace.ParseLabel(c.String("label-column")); err != nil {
		return nil, usagef("--label-column: %w", err)
	}
	where, err := whereOf(c)
	if err != nil {
		return nil, err
	}
	ref, err := catalog.Find(c.Context, name, catalog.Folders(c.StringSlice("data")))
	if err != nil {
		return nil, err
	}
	if attr := c.String("service-attr"); attr != "" {
		ref.ServiceAttr = attr
	}
	ds, err := catalog.Prepare(c.Context, ref, catalog.Options{
		Strict: c.Bool("strict"), KeepDuplicates: c.Bool("keep-duplicates"),
		TimeUnit: c.String("time-unit"), Location: zone, LabelColumn: c.String("label-column"),
		SynthSpans: c.Int64("spans"), SynthSeed: c.Uint64("synth-seed"),
		Where: where,
	})
	if err != nil {
		return nil, fmt.Errorf("dataset %s: %w", ref.Name, err)
	}
	return ds, nil
}

// whereOf reads which part of a Parquet dataset is asked for.
func whereOf(c *cli.Context) (w datasets.Where, err error) {
	w.Services = c.StringSlice("service")
	for _, bound := range []struct {
		flag string
		to   *int64
	}{{"since", &w.Since}, {"until", &w.Until}} {
		if v := c.String(bound.flag); v != "" {
			t, err := time.Parse(time.RFC3339Nano, v)
			if err != nil {
				return w, usagef("--%s %q: want a time such as 2024-05-01T07:00:00Z", bound.flag, v)
			}
			*bound.to = t.UnixNano()
		}
	}
	return w, nil
}

// samplerColumns are what samplers and evaluation read: operation and service make
// the call, the trace id is for resampling by trace, and span and parent id let the
// adaptive sampler explain a slow parent by its children. A format that cannot leave
// columns out has them all, so a column missing here would make the same spans score
// differently as Parquet.
var samplerColumns = datasets.ColumnsOf(datasets.ColTraceID, datasets.ColSpanID, datasets.ColParentID,
	datasets.ColService, datasets.ColOperation, datasets.ColStart, datasets.ColDuration, datasets.ColLabel, datasets.ColLabelKind)
