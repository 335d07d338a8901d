package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/eval/shards"
)

func benchScalingCommand() *cli.Command {
	return &cli.Command{
		Name:  "scaling",
		Usage: "time a run in shards against the number of workers",
		Description: `It writes a partitioned synth dataset once and runs it with each --local, in rounds,
of which the fastest of each counts; that all give the same metrics.json is checked.
Columns are the wall time of the steps and of all, how many times as fast that is as
the first --local, and the CPU time of all workers. On a machine that does something
else beside, only the last says anything.`,
		Flags: []cli.Flag{
			outputFlag(),
			&cli.Int64Flag{Name: "spans", Value: 8_000_000, Usage: "`SPANS` of the dataset"},
			&cli.IntFlag{Name: "shards", Value: 8, Usage: "`SHARDS` of each run"},
			&cli.IntSliceFlag{Name: "local", Value: cli.NewIntSlice(1, 2), Usage: "`WORKERS` at a time (repeatable)"},
			&cli.StringFlag{Name: "cpu", Value: defaultCPU, Usage: "`CORES` of a worker"},
			&cli.IntFlag{Name: "runs", Value: 12, Usage: "`ROUNDS`; on a machine whose speed changes, more find what it can"},
			&cli.StringFlag{Name: "work", Usage: "`DIR` for the data, 22 bytes a span (default: the system's temporary folder)"},
		},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			asJSON, err := noArgsWantJSON(c)
			if err != nil {
				return err
			}
			if c.Int64("spans") < 1000 || c.Int("shards") < 1 || c.Int("runs") < 1 {
				return usagef("want 1000 --spans or more, and one of --shards and --runs at least")
			}
			for _, n := range c.IntSlice("local") {
				if n < 1 {
					return usagef("--local %d: want 1 or more", n)
				}
			}
			rows, err := benchScaling(c)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(c.App.Writer, rows)
			}
			return printScaling(c.App.Writer, rows)
		},
	}
}

// scalingRow is the fastest run with some workers.
type scalingRow struct {
	Local   int     `json:"local"`
	WallS   float64 `json:"wall_s"` // of the whole process
	CPUS    float64 `json:"cpu_s"`
	Speedup float64 `json:"speedup"` // to the first row
	shardTiming
}

func benchScaling(c *cli.Context) ([]scalingRow, error) {
	tmp, err := os.MkdirTemp(c.String("work"), "scale-eval-scaling-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	data := filepath.Join(tmp, "data")
	if _, err := measured(c, "datasets", "convert", "--dataset", "synth", "--spans", fmt.Sprint(c.Int64("spans")),
		"--partition-by", "hour", "--partition-rows", "4000000", "--out", data); err != nil {
		return nil, err
	}
	rows := make([]scalingRow, len(c.IntSlice("local")))
	var metrics []byte
	for range c.Int("runs") {
		for i, local := range c.IntSlice("local") {
			row, got, err := scalingRun(c, data, filepath.Join(tmp, "store"), local)
			if err != nil {
				return nil, err
			}
			if metrics == nil {
				metrics = got
			}
			if !bytes.Equal(got, metrics) {
				return nil, fmt.Errorf("--local %d gives another %s than the first run", local, shards.MetricsFile)
			}
			if rows[i].WallS == 0 || row.WallS < rows[i].WallS {
				rows[i] = row
			}
		}
	}
	for i := range rows {
		rows[i].Speedup = rows[0].WallS / rows[i].WallS
	}
	return rows, nil
}

// scalingRun runs data once and gives the metrics too.
func scalingRun(c *cli.Context, data, store string, local int) (row scalingRow, metrics []byte, err error) {
	if err := os.RemoveAll(store); err != nil {
		return row, nil, err
	}
	used, err := measured(c, "run", "--dataset", data, "--shards", fmt.Sprint(c.Int("shards")), "--local", fmt.Sprint(local),
		"--cpu", c.String("cpu"), "--storage", store, "--out", "")
	if err != nil {
		return row, nil, err
	}
	row = scalingRow{Local: local, WallS: used.wall.Seconds(), CPUS: used.cpu.Seconds()}
	timing, err := os.ReadFile(filepath.Join(store, shards.TimingFile))
	if err != nil {
		return row, nil, err
	}
	if err := json.Unmarshal(timing, &row.shardTiming); err != nil {
		return row, nil, err
	}
	metrics, err = os.ReadFile(filepath.Join(store, shards.MetricsFile))
	return row, metrics, err
}

func printScaling(w io.Writer, rows []scalingRow) error {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "workers\tplan s\tscore s\tcollect s\twall s\ttimes\tCPU s: plan\tscore\tcollect\tall\t")
	for _, r := range rows {
		fmt.Fprintf(tw, "%d\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t\n", r.Local, r.Plan.WallS, r.Score.WallS, r.Collect.WallS, r.WallS, r.Speedup,
			r.Plan.CPUS, r.Score.CPUS, r.Collect.CPUS, r.CPUS)
	}
	return tw.Flush()
}
