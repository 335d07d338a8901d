package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/eval"
	"github.com/scale-eval/scale-eval/eval/baselines"
	"github.com/scale-eval/scale-eval/hst"
)

const samplerCategory = "SAMPLER"

// samplerFlags are the adaptive sampler's, then the paper's under its names of its
// six parameters.
func samplerFlags() []cli.Flag {
	def := hst.DefaultSamplerConfig(hst.Seed{})
	return []cli.Flag{
		&cli.StringFlag{Name: "sampler", Value: "adaptive", Category: samplerCategory,
			Usage: "`SAMPLER`: adaptive (Half-Space Trees over how surprising a span is to its own call) or paper (one global forest on the call and the duration)"},
		&cli.StringFlag{Name: "keep", Value: "fpr=0.001", Category: samplerCategory,
			Usage: "adaptive: what is kept, without labels: `fpr=P` (of ordinary spans), share=P (of all), rate=N (a second) or score=S (0..1)"},
		&cli.DurationFlag{Name: "relearn-after", Value: hst.DefaultAdaptiveConfig(hst.Seed{}).RelearnAfter, Category: samplerCategory,
			Usage: "adaptive: `HOW LONG` a call must be slow before that is its new normal"},
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
	if s := c.String("sampler"); s != "paper" && s != "adaptive" {
		return usagef("--sampler %q: want adaptive or paper", s)
	}
	if _, err := adaptiveConfig(c, nil); err != nil {
		return err
	}
	_, err := samplerConfig(c, nil)
	return err
}

func adaptiveConfig(c *cli.Context, calls *trace.Calls) (hst.AdaptiveConfig, error) {
	seed, err := hst.ParseSeed(strconv.FormatUint(c.Uint64("seed"), 10))
	if err != nil {
		return hst.AdaptiveConfig{}, usagef("--seed: %w", err)
	}
	cfg := hst.DefaultAdaptiveConfig(seed)
	mode, value, _ := strings.Cut(c.String("keep"), "=")
	if cfg.Mode, err = hst.ParseThresholdMode(mode); err != nil {
		return cfg, usagef("--keep: %w", err)
	}
	if cfg.Target, err = strconv.ParseFloat(value, 64); err != nil {
		return cfg, usagef("--keep %q: want fpr=P, share=P, rate=N or score=S", c.String("keep"))
	}
	cfg.RelearnAfter, cfg.Calls = c.Duration("relearn-after"), calls
	if err := cfg.Validate(); err != nil {
		return cfg, usageError{err}
	}
	return cfg, nil
}

// samplersUnderTest are the one that --sampler names and, beside the adaptive one,
// the paper's as a baseline.
func samplersUnderTest(c *cli.Context, calls *trace.Calls) ([]eval.Entrant, error) {
	cfg, err := samplerConfig(c, calls)
	if err != nil {
		return nil, err
	}
	sampler, err := hst.NewSampler(cfg)
	if err != nil {
		return nil, err
	}
	paper := eval.Entrant{
		Sampler: sampler, Name: "paper", Describe: "Half-Space Trees of the SCALE paper: one forest over all spans",
		Options: map[string]string{"kept": fmt.Sprintf("score >= %g", cfg.MinScore)},
	}
	if c.String("sampler") == "paper" {
		return []eval.Entrant{paper}, nil
	}
	acfg, err := adaptiveConfig(c, calls)
	if err != nil {
		return nil, err
	}
	adaptive, err := hst.NewAdaptive(acfg)
	if err != nil {
		return nil, err
	}
	paper.Baseline = true
	return []eval.Entrant{{
		Sampler: adaptive, Name: "adaptive", Describe: "Half-Space Trees over how surprising a span is to its own call",
		Options: map[string]string{"kept": c.String("keep")},
	}, paper}, nil
}

// newEntrants are the sampler under test and the baselines that every report has.
func newEntrants(c *cli.Context, calls *trace.Calls, s *split) ([]eval.Entrant, error) {
	entrants, err := samplersUnderTest(c, calls)
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
	return append(entrants, []eval.Entrant{
		{Sampler: baselines.Static{}, Name: "static duration", Describe: "raw duration, one threshold for all calls", Baseline: true, Cut: cut},
		{Sampler: baselines.NewQuantile(1 - max(share, 1e-9)), Name: "per-call quantile", Describe: "how rare the duration is within its own call", Baseline: true, Cut: cut},
		{Sampler: baselines.NewRatio(1), Name: "per-call ratio", Describe: "duration over its own call's training median", Baseline: true, Cut: cut},
		{Sampler: baselines.NewRandom(share, c.Uint64("seed")), Name: "random", Describe: "keeps as many spans as the sampler, at random", Baseline: true, Cut: eval.CutFlagRate()},
	}...), nil
}
