package main

import (
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/datasets"
	"github.com/scale-eval/scale-eval/datasets/otelgen"
)

func datasetsCaptureCommand() *cli.Command {
	return &cli.Command{
		Name:  "capture",
		Usage: "receive OTLP/gRPC spans and write them as a dataset",
		Description: `Point an OpenTelemetry SDK, Collector or otelgen at it; it ends after --spans
spans or on Ctrl-C, and writes what it acknowledged. The name makes it a dataset:

  scale-eval datasets capture --spans 100000 --out data/otelgen-microservices.parquet &
  otelgen --otel-exporter-otlp-endpoint 127.0.0.1:4317 --insecure \
      traces multi --scenarios microservices --workers 8
  scale-eval run --dataset otelgen:microservices --data data

It has no authentication: keep --listen on loopback, or behind a Collector.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "listen", Value: "127.0.0.1:4317", Usage: "`ADDRESS` to listen on"},
			&cli.Int64Flag{Name: "spans", Usage: "end after `N` spans (0: when interrupted)"},
			&cli.StringFlag{Name: "out", Usage: "Parquet `FILE` to write; it appears whole or not at all (required)"},
			&cli.StringFlag{Name: "service-attr", Value: "service.name", Usage: "span `ATTRIBUTE` that holds the service name and wins over the resource's (\"\": the resource's alone)"},
		},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := noArgs(c); err != nil {
				return err
			}
			if err := required(c, "out"); err != nil {
				return err
			}
			return capture(c)
		},
	}
}

func capture(c *cli.Context) error {
	if c.Int64("spans") < 0 {
		return usagef("--spans %d: want 0 or more", c.Int64("spans"))
	}
	lis, err := net.Listen("tcp", c.String("listen"))
	if err != nil {
		return err
	}
	bar := newProgress(c.App.ErrWriter, "capturing", max(c.Int64("spans"), -1))
	fmt.Fprintf(c.App.ErrWriter, "scale-eval: listening for OTLP/gRPC on %s\n", lis.Addr())
	var stats otelgen.Stats
	err = writeFile(c.String("out"), func(f io.Writer) error {
		w := datasets.NewParquetWriter(f, map[string]string{"scale_eval_dataset": "capture", "scale_eval_version": version})
		var err error
		stats, err = otelgen.Capture(c.Context, lis, w.Write, otelgen.Options{
			Limit: c.Int64("spans"), ServiceAttr: c.String("service-attr"),
			Progress: func(s otelgen.Stats) { bar.set(s.Spans) },
		})
		if err == nil && stats.Spans == 0 {
			err = errors.New("no span arrived")
		}
		return errors.Join(err, w.Close())
	})
	bar.finish()
	if err != nil {
		return err
	}
	fmt.Fprintf(c.App.Writer, "%d spans in %d exports written to %s", stats.Spans, stats.Exports, c.String("out"))
	if bad := stats.Bad; bad.Total > 0 {
		fmt.Fprintf(c.App.Writer, "; %d rejected, the first: %v", bad.Total, bad.First[0])
	}
	_, err = fmt.Fprintln(c.App.Writer)
	return err
}
