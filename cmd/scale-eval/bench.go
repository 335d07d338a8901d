package main

import (
	"fmt"
	"io"
	"runtime"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/hst"
)

func benchCommand() *cli.Command {
	return &cli.Command{
		Name:         "bench",
		Usage:        "measure what scale-eval costs on this machine",
		OnUsageError: onUsageError,
		Action:       unknownCommand,
		Subcommands:  []*cli.Command{benchSamplerCommand(), benchProcessorCommand(), benchLiveCommand(), benchReceiverCommand(), benchSizesCommand(), benchScalingCommand()},
	}
}

// paperNsPerSpan are the times a span that the SCALE paper reports for its sampler,
// on its machine.
var paperNsPerSpan = [2]float64{71_000, 77_000}

func benchSamplerCommand() *cli.Command {
	return &cli.Command{
		Name:  "sampler",
		Usage: "time a span of the Half-Space Trees, path by path",
		Description: `Log-normal durations through every path of the forest. Columns beside ours are
other people's figures from other machines: an order of magnitude, not a ratio.`,
		Flags: []cli.Flag{
			outputFlag(),
			&cli.IntFlag{Name: "spans", Usage: "`SPANS` a pass (0: 262 144)"},
			&cli.IntFlag{Name: "passes", Usage: "`PASSES` a row, of which the fastest counts (0: 3)"},
		},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			asJSON, err := noArgsWantJSON(c)
			if err != nil {
				return err
			}
			return benchSampler(c, asJSON)
		},
	}
}

// samplerBench is the JSON form of bench sampler.
type samplerBench struct {
	CPUs           int            `json:"cpus"`
	Arch           string         `json:"arch"`
	Go             string         `json:"go"`
	Rows           []hst.BenchRow `json:"rows"`
	PaperNsPerSpan [2]float64     `json:"paper_ns_per_span"` // the paper's own two figures
}

func benchSampler(c *cli.Context, asJSON bool) error {
	start := time.Now()
	rows, err := hst.BenchTable(c.Context, hst.BenchOptions{
		Now:   func() int64 { return int64(time.Since(start)) },
		Spans: c.Int("spans"), Passes: c.Int("passes"),
	})
	if c.Context.Err() != nil {
		return err
	}
	if err != nil {
		return usageError{err}
	}
	b := samplerBench{runtime.GOMAXPROCS(0), runtime.GOOS + "/" + runtime.GOARCH, runtime.Version(), rows, paperNsPerSpan}
	if asJSON {
		return printJSON(c.App.Writer, b)
	}
	return b.print(c.App.Writer)
}

func (b samplerBench) print(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "trees/height\twindow\tpath\tns a span\tallocs a span\tRiver 0.22, ns\tpaper, ns\t")
	for _, r := range b.Rows {
		river, paper := "-", "-"
		if r.RiverNSPerSpan > 0 {
			river = fmt.Sprintf("%.0f", r.RiverNSPerSpan)
			paper = fmt.Sprintf("%.0f-%.0f", b.PaperNsPerSpan[0], b.PaperNsPerSpan[1])
		}
		fmt.Fprintf(tw, "%d/%d\t%d\t%s\t%.1f\t%.2f\t%s\t%s\t\n", r.Trees, r.Height, r.Window, r.Path, r.NSPerSpan, r.AllocsPerSpan, river, paper)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%d cores, %s, %s\n", b.CPUs, b.Arch, b.Go)
	return err
}
