package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/reports"
)

func benchSizesCommand() *cli.Command {
	return &cli.Command{
		Name:  "sizes",
		Usage: "time and memory of streamed runs against the number of spans",
		Description: `For each --spans it writes a partitioned synth dataset, runs it with --stream always in a
process of its own, and notes the process's wall and CPU time and its peak memory. --out
gets sizes.csv, sizes.png and sizes.svg. Data is removed after its run: some 22 bytes a
span of --work are needed for the largest, 2.2 GB for 10^8.`,
		Flags: []cli.Flag{
			outputFlag(),
			&cli.Int64SliceFlag{Name: "spans", Value: cli.NewInt64Slice(100_000, 1_000_000, 5_000_000), Usage: "`SIZES` of the datasets (repeatable)"},
			&cli.IntFlag{Name: "runs", Value: 1, Usage: "`RUNS` of each, of which the fastest counts"},
			&cli.StringFlag{Name: "sampler", Value: adaptiveSampler, Usage: "`NAME` of the sampler"},
			&cli.StringFlag{Name: "work", Usage: "`DIR` for the data (default: the system's temporary folder)"},
			&cli.StringFlag{Name: "out", Value: "sizes", Usage: "`DIR` for table and figure; \"\" writes no files"},
		},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			asJSON, err := noArgsWantJSON(c)
			if err != nil {
				return err
			}
			for _, n := range c.Int64Slice("spans") {
				if n < 1000 {
					return usagef("--spans %d: want 1000 or more", n)
				}
			}
			if c.Int("runs") < 1 {
				return usagef("--runs %d: want 1 or more", c.Int("runs"))
			}
			return benchSizes(c, asJSON)
		},
	}
}

func benchSizes(c *cli.Context, asJSON bool) error {
	var rows []reports.SizeRow
	for _, n := range c.Int64Slice("spans") {
		row, err := benchSize(c, n)
		if err != nil {
			return fmt.Errorf("%d spans: %w", n, err)
		}
		rows = append(rows, row)
		fmt.Fprintf(c.App.ErrWriter, "%d spans: %.1f s, %.0f ns a span, %.0f MB\n", row.Spans, row.WallS, row.WallNS(), row.PeakMB)
		// After each size: an interruption in a long one loses that one only.
		if err := writeSizes(c.String("out"), rows); err != nil {
			return err
		}
	}
	if asJSON {
		return printJSON(c.App.Writer, rows)
	}
	_, err := io.WriteString(c.App.Writer, reports.SizesTable(rows))
	return err
}

func writeSizes(dir string, rows []reports.SizeRow) error {
	if dir == "" {
		return nil
	}
	err := writeFile(filepath.Join(dir, "sizes.csv"), func(w io.Writer) error {
		_, err := io.WriteString(w, reports.SizesTable(rows))
		return err
	})
	fig := reports.SizesFigure(rows)
	for _, format := range reports.Formats {
		err = errors.Join(err, writeFile(filepath.Join(dir, fig.Name+"."+format), func(w io.Writer) error { return fig.Write(w, format) }))
	}
	return err
}

// benchSize measures one size.
func benchSize(c *cli.Context, n int64) (row reports.SizeRow, err error) {
	tmp, err := os.MkdirTemp(c.String("work"), "scale-eval-sizes-")
	if err != nil {
		return row, err
	}
	defer os.RemoveAll(tmp)
	data := filepath.Join(tmp, "data")
	row.Spans = n
	const rowsOfFile = "4000000"
	used, err := measured(c, "datasets", "convert", "--dataset", "synth", "--spans", fmt.Sprint(n), "--partition-by", "hour", "--partition-rows", rowsOfFile, "--out", data)
	if err != nil {
		return row, err
	}
	row.ConvertS = used.cpu.Seconds()
	if row.DataMB, err = folderMB(data); err != nil {
		return row, err
	}
	for i := range c.Int("runs") {
		used, err := measured(c, "run", "--dataset", data, "--stream", "always", "--sampler", c.String("sampler"), "--out", "")
		if err != nil {
			return row, err
		}
		if i == 0 || used.wall.Seconds() < row.WallS {
			row.WallS, row.CPUS = used.wall.Seconds(), used.cpu.Seconds()
		}
		row.PeakMB = max(row.PeakMB, float64(used.peak)/1e6)
	}
	return row, nil
}

// usage is what a process took.
type usage struct {
	wall, cpu time.Duration
	peak      int64 // bytes of memory; 0 where the system does not say
}

// measured runs this program with args.
func measured(c *cli.Context, args ...string) (u usage, err error) {
	self, err := os.Executable()
	if err != nil {
		return u, err
	}
	cmd := exec.CommandContext(c.Context, self, args...)
	var said strings.Builder
	cmd.Stderr = &said
	begun := time.Now()
	if err := cmd.Run(); err != nil {
		return u, fmt.Errorf("scale-eval %s: %w: %s", args[0], err, strings.TrimSpace(said.String()))
	}
	p := cmd.ProcessState
	return usage{time.Since(begun), p.UserTime() + p.SystemTime(), peakBytes(p)}, nil
}

func folderMB(dir string) (mb float64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			mb += float64(info.Size()) / 1e6
		}
		return err
	})
	return mb, err
}
