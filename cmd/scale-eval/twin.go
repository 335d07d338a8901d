package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/datasets"
	"github.com/scale-eval/scale-eval/sim/twin"
)

const twinCategory = "TWIN"

// twinFlags are the options of simulate --from-dataset, beside those that say how a
// dataset is read.
func twinFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "from-dataset", Category: twinCategory,
			Usage: "fit a topology to the traces of `NAME[:VARIANT]` or a path, and ask it what would happen"},
		&cli.Float64Flag{Name: "load", Value: 1, Category: twinCategory,
			Usage: "share of the scenarios' or the recorded load, `.01..100`: 1.2 is a fifth more"},
		&cli.StringSliceFlag{Name: "slower", Category: twinCategory,
			Usage: "`SERVICE=FACTOR` on its self times (repeatable)"},
		&cli.StringSliceFlag{Name: "cores", Category: twinCategory,
			Usage: "`SERVICE=N` CPU limit of each of its pods; without it, each request has a core of its own and load slows nothing (repeatable)"},
		&cli.StringSliceFlag{Name: "replicas", Category: twinCategory,
			Usage: "`SERVICE=N` pods that share its load (repeatable, default 1)"},
		&cli.BoolFlag{Name: "hold-out", Category: twinCategory,
			Usage: "fit even minutes only and compare the prediction with the odd ones"},
		&cli.BoolFlag{Name: "with-faults", Category: twinCategory,
			Usage: "fit traces that are labelled as touched by a fault too"},
		&cli.IntFlag{Name: "requests", Value: 20_000, Category: twinCategory,
			Usage: "how many requests to simulate"},
		&cli.Uint64Flag{Name: "twin-seed", Value: 1, Category: twinCategory,
			Usage: "`SEED` of the simulation"},
	}
}

var twinColumns = datasets.ColumnsOf(datasets.ColTraceID, datasets.ColSpanID, datasets.ColParentID,
	datasets.ColService, datasets.ColOperation, datasets.ColStart, datasets.ColDuration, datasets.ColLabel)

// twinResult is what --output json prints.
type twinResult struct {
	Seed     uint64      `json:"seed"`
	Requests int         `json:"requests"`
	WhatIf   twin.WhatIf `json:"what_if"`
	Fit      twin.Report `json:"fit"`
	HeldOut  bool        `json:"held_out"` // rows compare with minutes that were not fitted
	Rows     []twin.Row  `json:"rows"`
}

// runTwin is simulate --from-dataset.
func runTwin(c *cli.Context) error {
	asJSON, err := wantJSON(c)
	if err != nil {
		return err
	}
	what, err := whatIf(c)
	if err != nil {
		return err
	}
	if c.Int("requests") < 1 || c.Int("requests") > 10_000_000 {
		return usagef("--requests %d: want 1..10000000", c.Int("requests"))
	}
	fitted, observed, err := recordings(c)
	if err != nil {
		return err
	}
	m, err := twin.Fit(fitted, twin.Options{})
	if err != nil {
		return fmt.Errorf("dataset %s: %w", c.String("from-dataset"), err)
	}
	if _, err := m.Topology(what); err != nil {
		return usageError{err}
	}
	r := twinResult{Seed: c.Uint64("twin-seed"), Requests: c.Int("requests"), WhatIf: what, Fit: m.Report, HeldOut: c.Bool("hold-out")}
	predicted, err := m.Predict(what, r.Seed, r.Requests)
	if err != nil {
		return err
	}
	r.Rows = twin.Compare(predicted, observed.Durations(), fitted.Durations())
	if asJSON {
		return printJSON(c.App.Writer, r)
	}
	return r.print(c.App.Writer)
}

// recordings are the traces to fit and those to compare with, which are the same
// without --hold-out.
func recordings(c *cli.Context) (fitted, observed *twin.Recording, err error) {
	name := c.String("from-dataset")
	ds, err := openDatasetNamed(c, name)
	if err != nil {
		return nil, nil, err
	}
	calls, err := newCalls(c)
	if err != nil {
		return nil, nil, err
	}
	reader, err := ds.Open(twinColumns)
	if err != nil {
		return nil, nil, fmt.Errorf("dataset %s: %w", name, err)
	}
	defer reader.Close()
	all, err := twin.Read(datasets.Spans(reader, calls), twin.ReadOptions{Calls: calls, FaultFree: !c.Bool("with-faults")})
	if err != nil {
		return nil, nil, fmt.Errorf("dataset %s: %w", name, err)
	}
	if bad := reader.Bad(); bad.Total > 0 {
		fmt.Fprintf(c.App.ErrWriter, "warning: %d malformed rows left out; scale-eval datasets info shows them\n", bad.Total)
	}
	if !c.Bool("hold-out") {
		return all, all, nil
	}
	fitted, observed = all.Split()
	if fitted.Len() == 0 || observed.Len() == 0 {
		return nil, nil, fmt.Errorf("dataset %s: --hold-out needs traces in even and in odd minutes of the clock, and there are %d and %d spans", name, fitted.Len(), observed.Len())
	}
	return fitted, observed, nil
}

func whatIf(c *cli.Context) (w twin.WhatIf, err error) {
	w.Load = c.Float64("load")
	if !(w.Load > 0) || math.IsInf(w.Load, 0) {
		return w, usagef("--load %v: want a number > 0", w.Load)
	}
	if w.Slower, err = assignments(c, "slower"); err != nil {
		return w, err
	}
	if w.Cores, err = assignments(c, "cores"); err != nil {
		return w, err
	}
	replicas, err := assignments(c, "replicas")
	for service, n := range replicas {
		if n != math.Trunc(n) || n < 1 || n > 1e6 {
			return w, usagef("--replicas %s=%v: want a whole number of 1 or more", service, n)
		}
		if w.Replicas == nil {
			w.Replicas = map[string]int{}
		}
		w.Replicas[service] = int(n)
	}
	return w, err
}

// assignments reads a repeatable SERVICE=NUMBER.
func assignments(c *cli.Context, flag string) (map[string]float64, error) {
	values := map[string]float64{}
	for _, text := range c.StringSlice(flag) {
		i := strings.LastIndexByte(text, '=')
		if i < 1 {
			return nil, usagef("--%s %q: want SERVICE=NUMBER", flag, text)
		}
		x, err := strconv.ParseFloat(text[i+1:], 64)
		if err != nil || !(x > 0) || math.IsInf(x, 0) {
			return nil, usagef("--%s %q: want a number > 0 behind the =", flag, text)
		}
		if _, twice := values[text[:i]]; twice {
			return nil, usagef("--%s: %s is given twice", flag, text[:i])
		}
		values[text[:i]] = x
	}
	return values, nil
}

func (r *twinResult) print(w io.Writer) error {
	if _, err := r.Fit.WriteTo(w); err != nil {
		return err
	}
	changed := r.WhatIf.Load != 1 || len(r.WhatIf.Slower)+len(r.WhatIf.Cores)+len(r.WhatIf.Replicas) > 0
	fmt.Fprintf(w, "\n%d requests simulated, seed %d, load x%g; recorded: ", r.Requests, r.Seed, r.WhatIf.Load)
	if r.HeldOut {
		fmt.Fprintln(w, "the odd minutes, which were not fitted (no change: what the even ones would predict)")
	} else {
		fmt.Fprintln(w, "the traces that were fitted")
	}
	if !changed {
		if err := twin.WriteComparison(w, r.Rows); err != nil {
			return err
		}
		return r.printSummary(w)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "call\tspans\tp50 recorded\tpredicted\tchange\tp95 recorded\tpredicted\tchange\t")
	for _, row := range r.Rows {
		fmt.Fprintf(table, "%s\t%d\t%.3f ms\t%.3f ms\t%+.1f %%\t%.3f ms\t%.3f ms\t%+.1f %%\t\n", row.Call, row.Spans,
			1000*row.P50, 1000*row.TwinP50, 100*row.TwinErr, 1000*row.P95, 1000*row.TwinP95, 100*row.TwinErr95)
	}
	return table.Flush()
}

// printSummary says how many of the calls with many spans have a median that is near.
func (r *twinResult) printSummary(w io.Writer) error {
	const enough, near = 500, .15
	many, within, same := 0, 0, 0
	for _, row := range r.Rows {
		if row.Spans < enough {
			continue
		}
		many++
		if math.Abs(row.TwinErr) <= near {
			within++
		}
		if math.Abs(row.FitErr) <= near {
			same++
		}
	}
	_, err := fmt.Fprintf(w, "p50 within %g %% for %d of %d calls with %d spans or more (no change: %d)\n", 100*near, within, many, enough, same)
	return err
}
