package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"slices"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"github.com/scale-eval/scale-eval/eval/shards"
	"github.com/scale-eval/scale-eval/objects"
	"github.com/scale-eval/scale-eval/tuning"
)

// dividedTune divides tune by model and seed. What the search computes next may follow
// from what it found, so it goes by rounds: those of halving, the seeds after the first,
// of which --early-stop spares hopeless models, and the batches of tpe.
func dividedTune() divisible {
	without := []string{"out", "output", "workers", "resume", "recorded"}
	return divisible{
		command: tuneCommand, units: "models x seeds", rounds: true,
		takes: func(name string) bool { return !slices.Contains(without, name) },
		usage: "compute the models and seeds of a search in pods",
		teaches: `A unit is one model with one seed, and all thresholds and protocols that share it. What
the search decides, it decides as on one machine, so it may go by rounds: --early-stop
(the default) has two, all models on the first seed and then the hopeful ones on the
others; --halving one for each share of the data besides; tpe one for each batch. --local
plays them all. On a cluster submit again when a Job is done, until it says that every
shard is; --early-stop=false without --halving is one round. Each shard reads the
dataset into temporary files; collect reads it too, to compare the best models.
Datasets of a cluster are synth or Parquet in a bucket.`,
		open: func(c *cli.Context, _ *shards.Division) (divided, error) {
			b, err := newBench(c)
			if err != nil {
				return nil, err
			}
			_, err = newStudy(c, b) // its options
			return &modelUnits{c: c, b: b}, err
		},
	}
}

// modelUnits is tune in units.
type modelUnits struct {
	c *cli.Context
	b *bench
}

func (m *modelUnits) identity() (any, error) {
	ds, err := openDataset(m.c)
	if err != nil {
		return nil, err
	}
	files, err := checksums(ds)
	if err != nil {
		return nil, fmt.Errorf("checksum of dataset %s: %w", ds.Name, err)
	}
	return []any{ds.Name, files}, nil
}

func (m *modelUnits) prepare() (any, error) { return nil, nil }

func (m *modelUnits) local() string {
	if ds, err := openDataset(m.c); err == nil && ds.Path != "" && !objects.Remote(ds.Path) {
		return "--dataset " + m.c.String("dataset")
	}
	return ""
}

// outcomes are all results.
func outcomes(done shards.Results) (all []tuning.Outcome, err error) {
	for _, round := range done {
		for _, unit := range round {
			for _, text := range unit {
				o, err := decode[tuning.Outcome](text)
				if err != nil {
					return nil, err
				}
				all = append(all, o)
			}
		}
	}
	return all, nil
}

// next asks the study what it lacks.
func (m *modelUnits) next(done shards.Results) (units []any, err error) {
	study, err := newStudy(m.c, m.b)
	if err != nil {
		return nil, err
	}
	known, err := outcomes(done)
	if err != nil {
		return nil, err
	}
	for _, o := range known {
		study.Done[study.UnitKey(o.Unit)] = o
	}
	groups, err := study.Needs(m.c.Context)
	for _, g := range groups {
		units = append(units, g)
	}
	return units, err
}

func (m *modelUnits) compute(units []json.RawMessage) ([][]any, error) {
	if err := m.b.load(); err != nil {
		return nil, err
	}
	results := make([][]any, len(units))
	g, ctx := errgroup.WithContext(m.c.Context)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, text := range units {
		g.Go(func() error {
			group, err := decode[[]tuning.Unit](text)
			if err != nil {
				return err
			}
			return m.b.evaluate(ctx, group, func(o tuning.Outcome) error {
				results[i] = append(results[i], o)
				return nil
			})
		})
	}
	return results, g.Wait()
}

func (m *modelUnits) conclude(done shards.Results) error {
	asJSON, err := wantTuneOut(m.c)
	if err != nil {
		return err
	}
	known, err := outcomes(done)
	if err != nil {
		return err
	}
	study, err := newStudy(m.c, m.b)
	if err != nil {
		return err
	}
	if err := m.b.load(); err != nil {
		return err
	}
	if err := m.c.Set("resume", "true"); err != nil { // an earlier collect has left its journal
		return err
	}
	return m.b.search(study, known, asJSON)
}
