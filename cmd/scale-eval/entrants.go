package main

import (
	"fmt"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/eval"
	"github.com/scale-eval/scale-eval/eval/baselines"
	"github.com/scale-eval/scale-eval/hst"
)

const samplerCategory = "SAMPLER"

// samplerFlags carry the paper's names of its six parameters.
func samplerFlags() []cli.Flag {
	def := hst.DefaultSamplerConfig(hst.Seed{})
	return []cli.Flag{
		&cli.StringFlag{Name: "sampler", Value: "paper", Category: samplerCategory,
			Usage: "`SAMPLER`: paper (one global Half-Space-Trees forest on the call and the duration) or hashed (the same on a hash of the call, as in the authors' grid search)"},
		&cli.IntFlag{Name: "n_tree", Aliases: []string{"n-tree"}, Value: def.NTree, Category: samplerCategory,
			Usage: "`TREES` of the forest; more: smoother scores, more memory and time"},
		&cli.IntFlag{Name: "height", Value: def.Height, Category: samplerCategory,
			Usage: "`LEVELS` of branches of a tree; more: finer cells, twice the memory each"},
		&cli.IntFlag{Name: "window_size", Aliases: []string{"window-size"}, Value: def.WindowSize, Category: samplerCategory,
			Usage: "`SPANS` of a reference window; the first one is warm-up"},
		&cli.Float64Flag{Name: "min_score", Aliases: []string{"min-score"}, Value: def.MinScore, Category: samplerCategory,
			Usage: "least score that is kept, `0..1`"},
		&cli.Float64Flag{Name: "max_duration", Aliases: []string{"max-duration"}, Value: def.MaxDuration, Category: samplerCategory,
			Usage: "upper end of the duration feature, `MS`; the paper's protocol leaves out spans that last as long"},
		&cli.Int64Flag{Name: "train_size", Aliases: []string{"train-size"}, Value: def.TrainSize, Category: samplerCategory,
			Usage: "`SPANS` after which the model is frozen (0: never by count)"},
		&cli.StringFlag{Name: "encoding", Value: def.Encoding.String(), Category: samplerCategory,
			Usage: "how calls are numbered: `ENCODING` paper (Algorithm 1 as printed) or fixed"},
		&cli.IntFlag{Name: "feature_length", Value: 16, Category: samplerCategory,
			Usage: "hashed: `BITS` of the call's hash that are features, 1 to 256"},
	}
}

func samplerConfig(c *cli.Context, calls *trace.Calls) (hst.SamplerConfig, error) {
	enc, err := hst.ParseEncoding(c.String("encoding"))
	if err != nil {
		return hst.SamplerConfig{}, usagef("--encoding: %w", err)
	}
	seed, err := hst.ParseSeed(strconv.FormatUint(c.Uint64("seed"), 10))
	if err != nil {
		return hst.SamplerConfig{}, usagef("--seed: %w", err)
	}
	cfg := hst.SamplerConfig{
		NTree: c.Int("n_tree"), Height: c.Int("height"), WindowSize: c.Int("window_size"),
		MinScore: c.Float64("min_score"), MaxDuration: c.Float64("max_duration"), TrainSize: c.Int64("train_size"),
		Seed: seed, Encoding: enc, Calls: calls,
	}
	if err := cfg.Validate(); err != nil {
		return cfg, usageError{err}
	}
	return cfg, nil
}

// checkSamplerFlags finds mistakes before any data is read.
func checkSamplerFlags(c *cli.Context) error {
	cfg, err := samplerConfig(c, nil)
	if err != nil {
		return err
	}
	switch name := c.String("sampler"); name {
	case "paper":
		return nil
	case "hashed":
		if err := hashedConfig(c, cfg).Validate(); err != nil {
			return usageError{err}
		}
		return nil
	default:
		return usagef("--sampler %q: want paper or hashed", name)
	}
}

func hashedConfig(c *cli.Context, cfg hst.SamplerConfig) hst.HashedConfig {
	return hst.HashedConfig{SamplerConfig: cfg, FeatureLength: c.Int("feature_length")}
}

// newSampler makes the sampler that the flags say.
func newSampler(c *cli.Context, calls *trace.Calls) (trace.Sampler, error) {
	if err := checkSamplerFlags(c); err != nil {
		return nil, err
	}
	cfg, err := samplerConfig(c, calls)
	if err != nil {
		return nil, err
	}
	if c.String("sampler") == "hashed" {
		return hst.NewHashed(hashedConfig(c, cfg))
	}
	return hst.NewSampler(cfg)
}

// describeSampler is one line on what the score is.
func describeSampler(name string) string {
	if name == "hashed" {
		return "Half-Space Trees over bits of the call's hash and the duration in whole ms, one forest over all spans"
	}
	return "Half-Space Trees of the SCALE paper: one forest over all spans"
}

// newEntrants are the sampler under test and the baselines that every report has.
func newEntrants(c *cli.Context, calls *trace.Calls, s *split) ([]eval.Entrant, error) {
	sampler, err := newSampler(c, calls)
	if err != nil {
		return nil, err
	}
	share := c.Float64("baseline-share")
	cut := eval.CutShare(share)
	if s.train == 0 {
		// Without a training part there is nothing to choose a cut-off on: the
		// baselines get the sampler's budget instead.
		cut = eval.CutFlagRate()
	}
	return []eval.Entrant{
		{
			Sampler: sampler, Name: c.String("sampler"), Describe: describeSampler(c.String("sampler")),
			Options: map[string]string{"kept": fmt.Sprintf("score >= %g", c.Float64("min_score"))},
			// The sampler's own decisions, by a cut-off that the report can then name.
			Cut: eval.CutAt(c.Float64("min_score")),
		},
		{Sampler: baselines.Static{}, Name: "static duration", Describe: "raw duration, one threshold for all calls", Baseline: true, Cut: cut},
		{Sampler: baselines.NewQuantile(1 - max(share, 1e-9)), Name: "per-call quantile", Describe: "how rare the duration is within its own call", Baseline: true, Cut: cut},
		{Sampler: baselines.NewRatio(1), Name: "per-call ratio", Describe: "duration over its own call's training median", Baseline: true, Cut: cut},
		{Sampler: baselines.NewRandom(share, c.Uint64("seed")), Name: "random", Describe: "keeps as many spans as the sampler, at random", Baseline: true, Cut: eval.CutFlagRate()},
	}, nil
}
