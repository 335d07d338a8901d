package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/datasets"
	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/hst"
	"github.com/scale-eval/scale-eval/live/jaeger"
	"github.com/scale-eval/scale-eval/live/tempo"
	"github.com/scale-eval/scale-eval/live/training"
)

// maxModel is the largest model that is restored.
const maxModel = 1 << 30

// restoreModel is the model of a snapshot over a pipeline's calls.
func restoreModel(sampler string, snapshot []byte, calls *trace.Calls) (training.Model, error) {
	if sampler == adaptiveSampler {
		return hst.RestoreAdaptive(snapshot, calls, maxModel)
	}
	return hst.RestoreSampler(snapshot, calls, maxModel)
}

// newModel is an untrained model.
func newModel(c *cli.Context, calls *trace.Calls) (training.Model, error) {
	s, err := newSamplerNamed(c, c.String("sampler"), calls)
	if err != nil {
		return nil, err
	}
	m, ok := s.(training.Model)
	if !ok {
		return nil, fmt.Errorf("sampler %s has no snapshots", c.String("sampler"))
	}
	return m, nil
}

// planModel is the model of --plan; nil: it has none.
func planModel(c *cli.Context) ([]byte, error) {
	if c.String("plan") == "" {
		return nil, nil
	}
	b, err := os.ReadFile(filepath.Join(c.String("plan"), "model.bin"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// trainingJob is what --train-from says; nil: nothing.
func trainingJob(c *cli.Context) (*training.Job, error) {
	from := c.String("train-from")
	if from == "" {
		return nil, nil
	}
	job := &training.Job{
		New: func(calls *trace.Calls) (training.Model, error) { return newModel(c, calls) }, MaxCalls: c.Int("max-calls"),
		Size: c.Int("train-spans"), Range: c.Duration("train-range"), Query: c.String("train-query"),
	}
	client := training.Client{Header: http.Header{}}
	if file := c.String("train-token-file"); file != "" {
		token, err := os.ReadFile(file)
		if err != nil {
			return nil, usageError{err}
		}
		client.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	var err error
	kind, address, _ := strings.Cut(from, "=")
	switch {
	case kind == "tempo":
		job.Delay = tempo.Delay
		job.Source, err = tempo.New(tempo.Options{URL: address, Client: client, Tenant: c.String("train-tenant"), Service: c.String("service-attr")})
	case kind == "jaeger":
		job.Source, err = jaeger.New(jaeger.Options{URL: address, Client: client})
	default:
		job.Source = datasetSource{c, from}
	}
	if err != nil {
		return nil, usageError{err}
	}
	return job, nil
}

// datasetSource trains on a file: whenever its spans were, all of them are recent
// enough.
type datasetSource struct {
	c    *cli.Context
	name string
}

func (d datasetSource) String() string { return "dataset " + d.name }

// Fetch keeps the latest spans of the file.
func (d datasetSource) Fetch(ctx context.Context, q training.Query) (*training.Batch, error) {
	ds, err := openDatasetNamed(d.c, d.name)
	if err != nil {
		return nil, err
	}
	r, err := ds.Open(0)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b := &training.Batch{}
	for s, err := range datasets.Spans(r, trace.NewCalls(1, nil)) {
		if err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if len(b.Spans) >= 4*q.Limit { // the order is the file's: most are sorted by time
			b.Spans = append(b.Spans[:0], b.Spans[len(b.Spans)-q.Limit:]...)
		}
		b.Spans = append(b.Spans, *s)
	}
	b.Bad = *r.Bad()
	return b, nil
}
