package main

import (
	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/eval"
	"github.com/scale-eval/scale-eval/eval/baselines"
)

// newEntrants are the sampler under test and the baselines that every report has,
// the paper's sampler among them, unless --baselines leaves them out.
func newEntrants(c *cli.Context, calls *trace.Calls, s *split) ([]eval.Entrant, error) {
	if err := checkSamplerFlags(c); err != nil {
		return nil, err
	}
	own, err := samplerEntrant(c, c.String("sampler"), calls)
	if err != nil {
		return nil, err
	}
	entrants := []eval.Entrant{own}
	if c.String("baselines") == "none" {
		return entrants, nil
	}
	if own.Name != paperSampler {
		paper, err := samplerEntrant(c, paperSampler, calls)
		if err != nil {
			return nil, err
		}
		paper.Baseline = true
		entrants = append(entrants, paper)
	}
	share := c.Float64("baseline-share")
	cut := eval.CutShare(share)
	if s.train == 0 {
		// Without a training part there is nothing to choose a cut-off on: the
		// baselines get the sampler's budget instead.
		cut = eval.CutFlagRate()
	}
	return append(entrants,
		eval.Entrant{Sampler: baselines.Static{}, Name: "static duration", Describe: "raw duration, one threshold for all calls", Baseline: true, Cut: cut},
		eval.Entrant{Sampler: baselines.NewQuantile(1 - max(share, 1e-9)), Name: "per-call quantile", Describe: "how rare the duration is within its own call", Baseline: true, Cut: cut},
		eval.Entrant{Sampler: baselines.NewRatio(1), Name: "per-call ratio", Describe: "duration over its own call's training median", Baseline: true, Cut: cut},
		eval.Entrant{Sampler: baselines.NewRandom(share, c.Uint64("seed")), Name: "random", Describe: "keeps as many spans as the sampler, at random", Baseline: true, Cut: eval.CutFlagRate()},
	), nil
}
