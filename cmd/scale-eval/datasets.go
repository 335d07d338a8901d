package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/datasets"
	"github.com/scale-eval/scale-eval/datasets/catalog"
	"github.com/scale-eval/scale-eval/datasets/gtrace"
	"github.com/scale-eval/scale-eval/datasets/otlp"
	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/datasets/tracemesh"
	"github.com/scale-eval/scale-eval/objects"
)

func datasetsCommand() *cli.Command {
	return &cli.Command{
		Name:         "datasets",
		Usage:        "list, describe, convert, download and capture datasets",
		OnUsageError: onUsageError,
		Action:       unknownCommand,
		Subcommands: []*cli.Command{
			datasetsListCommand(), datasetsInfoCommand(), datasetsConvertCommand(),
			datasetsGetCommand(), datasetsCaptureCommand(),
		},
	}
}

// outputFlag is --output of every command that prints a result.
func outputFlag() cli.Flag {
	return &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: "text", Usage: "`FORMAT` of what is printed: text or json"}
}

func wantJSON(c *cli.Context) (bool, error) {
	switch c.String("output") {
	case "json":
		return true, nil
	case "text":
		return false, nil
	}
	return false, usagef("--output %q: want text or json", c.String("output"))
}

// noArgsWantJSON is wantJSON of a command that takes options only.
func noArgsWantJSON(c *cli.Context) (bool, error) {
	if err := noArgs(c); err != nil {
		return false, err
	}
	return wantJSON(c)
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func datasetsListCommand() *cli.Command {
	return &cli.Command{
		Name:         "list",
		Usage:        "every named dataset, and whether it is on disk",
		Flags:        []cli.Flag{outputFlag(), &cli.StringSliceFlag{Name: "data", Usage: "`DIR` to look in first (repeatable)"}},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			asJSON, err := noArgsWantJSON(c)
			if err != nil {
				return err
			}
			return listDatasets(c.Context, c.App.Writer, catalog.Folders(c.StringSlice("data")), asJSON)
		},
	}
}

type listedDataset struct {
	catalog.Entry
	Path string
}

func listDatasets(ctx context.Context, w io.Writer, folders []string, asJSON bool) error {
	rows := make([]listedDataset, 0, len(catalog.Table))
	for _, e := range catalog.Table {
		rows = append(rows, listedDataset{e, catalog.InstalledPath(ctx, e, folders)})
	}
	if asJSON {
		return printJSON(w, rows)
	}
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, "NAME\tSPANS\tLICENCE\tON DISK\tWHAT")
	for _, r := range rows {
		name, path := r.Name, r.Path
		if r.Variants != "" {
			name += "[:…]"
		}
		if path == "" {
			path = "-"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\n", name, r.Spans, r.Licence, path, r.What)
	}
	return tw.Flush()
}

func datasetsInfoCommand() *cli.Command {
	return &cli.Command{
		Name:      "info",
		Usage:     "read a dataset and say what is in it",
		ArgsUsage: "NAME|PATH",
		Description: `Reads every span once: counts, services, calls, time range, labels, durations,
and each malformed record's file, row and field.`,
		Flags:        append(append([]cli.Flag{outputFlag()}, inputFlags("")...), callFlags()...),
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := datasetArgument(c); err != nil {
				return err
			}
			asJSON, err := wantJSON(c)
			if err != nil {
				return err
			}
			ds, err := openDataset(c)
			if err != nil {
				return err
			}
			info, err := describe(c, ds)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(c.App.Writer, info)
			}
			return info.print(c.App.Writer)
		},
	}
}

// datasetArgument lets "info NAME" stand for "info --dataset NAME".
func datasetArgument(c *cli.Context) error {
	switch {
	case c.NArg() == 1 && !c.IsSet("dataset"):
		return c.Set("dataset", c.Args().First())
	case c.NArg() == 0 && c.String("dataset") != "":
		return nil
	}
	return usagef("want one dataset: a name of scale-eval datasets list, or a path (options come before it)")
}

// datasetInfo is what one pass over a dataset shows.
type datasetInfo struct {
	Name       string           `json:"name"`
	Format     catalog.Format   `json:"format"`
	Path       string           `json:"path,omitempty"`
	What       string           `json:"what,omitempty"`
	Licence    string           `json:"licence,omitempty"`
	Notes      []string         `json:"notes,omitempty"`
	Spans      int64            `json:"spans"`
	Roots      int64            `json:"roots"`
	Services   int              `json:"services"`
	Calls      int              `json:"calls"`
	Overflowed int64            `json:"calls_overflow"`
	First      time.Time        `json:"first_start"`
	Last       time.Time        `json:"last_end"`
	MinNs      int64            `json:"duration_min_ns"`
	MaxNs      int64            `json:"duration_max_ns"`
	MeanMs     float64          `json:"duration_mean_ms"`
	Labels     map[string]int64 `json:"labels"`
	Bad        int64            `json:"bad"`
	BadFirst   []string         `json:"bad_first,omitempty"`
}

func describe(c *cli.Context, ds *catalog.Dataset) (*datasetInfo, error) {
	calls, err := newCalls(c)
	if err != nil {
		return nil, err
	}
	r, err := ds.Open(0)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	info := &datasetInfo{Name: ds.Name, Format: ds.Format, Path: ds.Path, Labels: map[string]int64{}}
	if ds.Entry != nil {
		info.What, info.Licence = ds.Entry.What, ds.Entry.Licence
	}
	bar := newProgress(c.App.ErrWriter, "reading", -1)
	var totalNs float64
	first, last := int64(1<<63-1), int64(-1<<63)
	for s, err := range datasets.Spans(r, calls) {
		if err != nil {
			return nil, err
		}
		if err := interrupted(c, info.Spans, bar); err != nil {
			return nil, err
		}
		info.add(s)
		totalNs += float64(s.Duration)
		first, last = min(first, s.Start), max(last, s.End())
	}
	bar.finish()
	info.finish(ds, r.Bad(), calls)
	if info.Spans > 0 {
		info.First, info.Last = time.Unix(0, first).UTC(), time.Unix(0, last).UTC()
		info.MeanMs = totalNs / float64(info.Spans) / 1e6
	}
	return info, nil
}

// interrupted checks the context now and then and moves the bar.
func interrupted(c *cli.Context, done int64, bar *progress) error {
	if done%65536 != 0 {
		return nil
	}
	bar.set(done)
	return c.Context.Err()
}

func (i *datasetInfo) add(s *trace.Span) {
	if i.Spans == 0 || s.Duration < i.MinNs {
		i.MinNs = s.Duration
	}
	i.MaxNs = max(i.MaxNs, s.Duration)
	i.Spans++
	if s.ParentID == 0 {
		i.Roots++
	}
	name := s.Label.String()
	if name == "" {
		name = "unlabelled"
	}
	i.Labels[name]++
}

func (i *datasetInfo) finish(ds *catalog.Dataset, bad *trace.Bad, calls *trace.Calls) {
	i.Notes = ds.Notes()
	i.Bad = bad.Total
	for _, e := range bad.First {
		i.BadFirst = append(i.BadFirst, e.Error())
	}
	i.Calls = calls.Len() - 1 // without the overflow call
	i.Overflowed = calls.Overflowed()
	services := map[string]bool{}
	for id := 1; id < calls.Len(); id++ {
		services[calls.Service(trace.Call(id))] = true
	}
	i.Services = len(services)
}

func (i *datasetInfo) print(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	row := func(k, format string, args ...any) { fmt.Fprintf(tw, "%s\t%s\n", k, fmt.Sprintf(format, args...)) }
	row("dataset", "%s (%s)", i.Name, i.Format)
	if i.Path != "" {
		row("path", "%s", i.Path)
	}
	if i.What != "" {
		row("what", "%s", i.What)
		row("licence", "%s", i.Licence)
	}
	row("spans", "%d (%d roots)", i.Spans, i.Roots)
	row("services, calls", "%d, %d", i.Services, i.Calls)
	if i.Overflowed > 0 {
		row("calls overflowed", "%d spans share the overflow call: raise --max-calls", i.Overflowed)
	}
	if i.Spans > 0 {
		row("time", "%s to %s", i.First.Format(time.RFC3339Nano), i.Last.Format(time.RFC3339Nano))
		row("duration", "min %v, mean %.3f ms, max %v", time.Duration(i.MinNs), i.MeanMs, time.Duration(i.MaxNs))
	}
	for _, l := range []string{"unlabelled", "normal", "anomalous", "candidate", "propagated", "guard"} {
		if n := i.Labels[l]; n > 0 {
			row(l, "%d (%.3f %%)", n, 100*float64(n)/float64(i.Spans))
		}
	}
	for _, n := range i.Notes {
		row("note", "%s", n)
	}
	row("bad records", "%d", i.Bad)
	for _, e := range i.BadFirst {
		row("", "%s", e)
	}
	return tw.Flush()
}

func datasetsConvertCommand() *cli.Command {
	return &cli.Command{
		Name:  "convert",
		Usage: "write a dataset as Parquet, OTLP, gtrace CSV or tracemesh CSV",
		Description: `The format follows the name: .parquet, .binpb (OTLP protobuf, labels as attributes),
or --to gtrace|tracemesh for CSV.

  scale-eval datasets convert --dataset synth --spans 1000000 --out synth.parquet
  scale-eval datasets convert --dataset nezha:tt-2023-01-30 --data DIR --out tt.parquet
  scale-eval datasets convert --dataset synth --spans 100000000 \
      --partition-by hour --partition-rows 4000000 --out synth`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "out", Usage: "`FILE` or URL of a file to write, or a folder with --partition-…; it appears whole or not at all (required)"},
			&cli.StringFlag{Name: "to", Usage: "`FORMAT`: parquet, otlp, gtrace or tracemesh (default: by the file's suffix)"},
		}, append(partitionFlags(), inputFlags("synth")...)...),
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := noArgs(c); err != nil {
				return err
			}
			if err := required(c, "out"); err != nil {
				return err
			}
			// Before the data is read, which may take a while.
			if err := checkPartition(c); err != nil {
				return err
			}
			if partitioned(c) {
				ds, err := openDataset(c)
				if err != nil {
					return err
				}
				return convert(c, ds)
			}
			if _, err := outFormat(c.String("to"), c.String("out")); err != nil {
				return err
			}
			ds, err := openDataset(c)
			if err != nil {
				return err
			}
			return convert(c, ds)
		},
	}
}

// spanWriter is what a dataset can be written with.
type spanWriter interface {
	Write(*trace.Span) error
	Close() error
}

func convert(c *cli.Context, ds *catalog.Dataset) error {
	r, err := ds.Open(0)
	if err != nil {
		return err
	}
	r = datasets.Ahead(r)
	defer r.Close()
	n, err := convertTo(c, ds, r)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.App.Writer, "%d spans of %s written to %s", n, ds.Name, c.String("out"))
	if bad := r.Bad(); bad.Total > 0 {
		fmt.Fprintf(c.App.Writer, "; %d malformed records left out, the first: %v", bad.Total, bad.First[0])
	}
	fmt.Fprintln(c.App.Writer)
	return nil
}

// writeFile writes path through a temporary file beside it, so that what is there
// is whole, whatever interrupts.
func writeFile(path string, write func(io.Writer) error) (err error) {
	// A device or pipe would be replaced by a plain file, /dev/stdout included.
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a plain file: results go into files of their own, give another name", path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			tmp.Close()
			os.Remove(tmp.Name())
		}
	}()
	if err := write(tmp); err != nil {
		return err
	}
	if err := tmp.Chmod(0o644); err != nil {
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// outFormat is the format that --to or the file's suffix asks for.
func outFormat(to, path string) (string, error) {
	if objects.Remote(path) {
		_, path = objects.Split(path) // without options
	}
	if to == "" && strings.HasSuffix(path, ".parquet") {
		to = "parquet"
	}
	if to == "" && strings.HasSuffix(path, ".binpb") {
		to = "otlp"
	}
	switch to {
	case "parquet", "otlp", "gtrace", "tracemesh":
		return to, nil
	case "":
		return "", usagef("%s: say --to parquet, otlp, gtrace or tracemesh (only .parquet and .binpb, which is otlp, are known by their suffix)", path)
	}
	return "", usagef("--to %q: want parquet, otlp, gtrace or tracemesh", to)
}

func newSpanWriter(w, warn io.Writer, to, path string, ds *catalog.Dataset) (spanWriter, error) {
	format, err := outFormat(to, path)
	if err != nil {
		return nil, err
	}
	switch format {
	case "otlp":
		return otlp.NewWriter(w), nil
	case "gtrace":
		return gtrace.NewWriter(w)
	case "tracemesh":
		fmt.Fprintln(warn, "scale-eval: the tracemesh form has no columns for services and labels: they are left out")
		return tracemesh.NewWriter(w, tracemesh.Milliseconds)
	}
	return datasets.NewParquetWriter(w, parquetMeta(ds)), nil
}

func parquetMeta(ds *catalog.Dataset) map[string]string {
	return map[string]string{"scale_eval_dataset": ds.Name, "scale_eval_version": version}
}
