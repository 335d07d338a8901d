package main

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/eval"
	"github.com/scale-eval/scale-eval/hst"
)

const samplerCategory = "SAMPLER"

// The samplers that --sampler names.
const (
	adaptiveSampler = "adaptive"
	paperSampler    = "paper"
	hashedSampler   = "hashed"
)

// samplerFlags carry the paper's names of its six parameters, and those of the
// adaptive sampler.
func samplerFlags() []cli.Flag {
	def, adaptive := hst.DefaultSamplerConfig(hst.Seed{}), hst.DefaultAdaptiveConfig(hst.Seed{})
	return []cli.Flag{
		&cli.StringFlag{Name: "sampler", Value: adaptiveSampler, Category: samplerCategory,
			Usage: "`SAMPLER`: adaptive (Half-Space Trees over how surprising a span is to its own call), paper (one global forest on the call and the duration) or hashed (the same on a hash of the call, as in the authors' grid search)"},
		&cli.StringFlag{Name: "keep", Value: fmt.Sprintf("%s=%g", adaptive.Mode, adaptive.Target), Category: samplerCategory,
			Usage: "adaptive: what is kept, without labels: `fpr=P` (of ordinary spans), share=P (of all), rate=N (a second) or score=S (0..1)"},
		&cli.DurationFlag{Name: "relearn-after", Value: adaptive.RelearnAfter, Category: samplerCategory,
			Usage: "adaptive: `HOW LONG` a call must be slow before that is its new normal"},
		&cli.IntFlag{Name: "n_tree", Aliases: []string{"n-tree"}, Value: def.NTree, Category: samplerCategory,
			Usage: "`TREES` of the forest; more: smoother scores, more memory and time"},
		&cli.IntFlag{Name: "height", Value: def.Height, Category: samplerCategory,
			Usage: "`LEVELS` of branches of a tree; more: finer cells, twice the memory each"},
		&cli.IntFlag{Name: "window_size", Aliases: []string{"window-size"}, Category: samplerCategory,
			Usage: fmt.Sprintf("`SPANS` of a reference window; the first one is warm-up (0: the sampler's own, %d for adaptive, %d for the others)", adaptive.Window, def.WindowSize)},
		&cli.Float64Flag{Name: "min_score", Aliases: []string{"min-score"}, Value: def.MinScore, Category: samplerCategory,
			Usage: "paper, hashed: least score that is kept, `0..1`"},
		&cli.Float64Flag{Name: "max_duration", Aliases: []string{"max-duration"}, Value: def.MaxDuration, Category: samplerCategory,
			Usage: "upper end of the duration feature, `MS`; the paper's protocol leaves out spans that last as long"},
		&cli.Int64Flag{Name: "train_size", Aliases: []string{"train-size"}, Value: def.TrainSize, Category: samplerCategory,
			Usage: "paper, hashed: `SPANS` after which the model is frozen (0: never by count)"},
		&cli.StringFlag{Name: "encoding", Value: def.Encoding.String(), Category: samplerCategory,
			Usage: "paper: how calls are numbered: `ENCODING` paper (Algorithm 1 as printed) or fixed"},
		&cli.IntFlag{Name: "feature_length", Aliases: []string{"feature-length"}, Value: 16, Category: samplerCategory,
			Usage: "hashed: `BITS` of the call's hash that are features, 1 to 256"},
	}
}

func samplerSeed(c *cli.Context) (hst.Seed, error) {
	seed, err := hst.ParseSeed(strconv.FormatUint(c.Uint64("seed"), 10))
	if err != nil {
		return seed, usagef("--seed: %w", err)
	}
	return seed, nil
}

// samplerConfig is that of the paper's sampler.
func samplerConfig(c *cli.Context, calls *trace.Calls) (hst.SamplerConfig, error) {
	enc, err := hst.ParseEncoding(c.String("encoding"))
	if err != nil {
		return hst.SamplerConfig{}, usagef("--encoding: %w", err)
	}
	seed, err := samplerSeed(c)
	if err != nil {
		return hst.SamplerConfig{}, err
	}
	cfg := hst.SamplerConfig{
		NTree: c.Int("n_tree"), Height: c.Int("height"),
		WindowSize: cmp.Or(c.Int("window_size"), hst.DefaultSamplerConfig(seed).WindowSize),
		MinScore:   c.Float64("min_score"), MaxDuration: c.Float64("max_duration"), TrainSize: c.Int64("train_size"),
		Seed: seed, Encoding: enc, Calls: calls,
	}
	if err := cfg.Validate(); err != nil {
		return cfg, usageError{err}
	}
	return cfg, nil
}

func adaptiveConfig(c *cli.Context, calls *trace.Calls) (hst.AdaptiveConfig, error) {
	seed, err := samplerSeed(c)
	if err != nil {
		return hst.AdaptiveConfig{}, err
	}
	cfg := hst.DefaultAdaptiveConfig(seed)
	mode, value, _ := strings.Cut(c.String("keep"), "=")
	if cfg.Mode, err = hst.ParseThresholdMode(mode); err != nil {
		return cfg, usagef("--keep: %w", err)
	}
	if cfg.Target, err = strconv.ParseFloat(value, 64); err != nil {
		return cfg, usagef("--keep %q: want fpr=P, share=P, rate=N or score=S", c.String("keep"))
	}
	cfg.Trees, cfg.Height, cfg.Window = c.Int("n_tree"), c.Int("height"), cmp.Or(c.Int("window_size"), cfg.Window)
	cfg.RelearnAfter, cfg.Calls = c.Duration("relearn-after"), calls
	if err := cfg.Validate(); err != nil {
		return cfg, usageError{err}
	}
	return cfg, nil
}

func hashedConfig(c *cli.Context, cfg hst.SamplerConfig) hst.HashedConfig {
	return hst.HashedConfig{SamplerConfig: cfg, FeatureLength: c.Int("feature_length")}
}

// checkSamplerFlags finds mistakes before any data is read, also in the flags of
// samplers that are not asked for: a typo there is a typo.
func checkSamplerFlags(c *cli.Context) error {
	cfg, err := samplerConfig(c, nil)
	if err != nil {
		return err
	}
	if _, err := adaptiveConfig(c, nil); err != nil {
		return err
	}
	if err := hashedConfig(c, cfg).Validate(); err != nil {
		return usageError{err}
	}
	switch name := c.String("sampler"); name {
	case adaptiveSampler, paperSampler, hashedSampler:
		return nil
	default:
		return usagef("--sampler %q: want adaptive, paper or hashed", name)
	}
}

// newSampler makes the sampler that the flags say.
func newSampler(c *cli.Context, calls *trace.Calls) (trace.Sampler, error) {
	if err := checkSamplerFlags(c); err != nil {
		return nil, err
	}
	return newSamplerNamed(c, c.String("sampler"), calls)
}

func newSamplerNamed(c *cli.Context, name string, calls *trace.Calls) (trace.Sampler, error) {
	if name == adaptiveSampler {
		cfg, err := adaptiveConfig(c, calls)
		if err != nil {
			return nil, err
		}
		return hst.NewAdaptive(cfg)
	}
	cfg, err := samplerConfig(c, calls)
	if err != nil {
		return nil, err
	}
	if name == hashedSampler {
		return hst.NewHashed(hashedConfig(c, cfg))
	}
	return hst.NewSampler(cfg)
}

// samplerEntrant is a sampler of --sampler in a run, by its own decisions.
func samplerEntrant(c *cli.Context, name string, calls *trace.Calls) (eval.Entrant, error) {
	sampler, err := newSamplerNamed(c, name, calls)
	if err != nil {
		return eval.Entrant{}, err
	}
	e := eval.Entrant{Sampler: sampler, Name: name, Describe: describeSampler(name)}
	if name == adaptiveSampler {
		e.Options = map[string]string{"kept": c.String("keep")}
		return e, nil
	}
	e.Options = map[string]string{"kept": fmt.Sprintf("score >= %g", c.Float64("min_score"))}
	// The sampler's own decisions, by a cut-off that the report can then name.
	e.Cut = eval.CutAt(c.Float64("min_score"))
	return e, nil
}

// describeSampler is one line on what the score is.
func describeSampler(name string) string {
	switch name {
	case adaptiveSampler:
		return "Half-Space Trees over how surprising a span is to its own call"
	case hashedSampler:
		return "Half-Space Trees over bits of the call's hash and the duration in whole ms, one forest over all spans"
	}
	return "Half-Space Trees of the SCALE paper: one forest over all spans"
}
