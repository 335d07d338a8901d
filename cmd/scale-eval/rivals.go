package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/eval"
	"github.com/scale-eval/scale-eval/eval/baselines"
	"github.com/scale-eval/scale-eval/eval/tracesamplers"
	"github.com/scale-eval/scale-eval/hst"
)

// rival is a sampler that compare can enter by name.
type rival struct {
	name, describe string
	// make returns a fresh sampler and how its cut-off is chosen without labels.
	make func(rivalParams) (trace.Sampler, eval.Cut, error)
	// traces makes, instead, a sampler that decides whole traces.
	traces func(rivalParams) tracesamplers.Sampler
}

// rivalParams are what a rival may depend on.
type rivalParams struct {
	seed     uint64
	rate     float64 // spans a second of the dataset, 0: not known
	share    float64 // of the spans that a label-free cut-off keeps
	paper    hst.SamplerConfig
	adaptive hst.AdaptiveConfig
}

// byShare is a rival whose cut-off keeps a share of the training spans.
func byShare(make func(rivalParams) trace.Sampler) func(rivalParams) (trace.Sampler, eval.Cut, error) {
	return func(p rivalParams) (trace.Sampler, eval.Cut, error) { return make(p), eval.CutShare(p.share), nil }
}

// rivals is every sampler by name, one row each.
var rivals = []rival{
	{name: "adaptive", describe: "Half-Space Trees over how surprising a span is to its own call", make: func(p rivalParams) (trace.Sampler, eval.Cut, error) {
		s, err := hst.NewAdaptive(p.adaptive)
		return s, eval.Cut{}, err
	}},
	{name: "paper", describe: "the SCALE paper's global Half-Space Trees", make: func(p rivalParams) (trace.Sampler, eval.Cut, error) {
		s, err := hst.NewSampler(p.paper)
		return s, eval.Cut{}, err
	}},
	{name: "static", describe: "raw duration, one threshold for all calls", make: byShare(func(rivalParams) trace.Sampler { return baselines.Static{} })},
	{name: "quantile", describe: "how rare the duration is within its own call", make: byShare(func(p rivalParams) trace.Sampler { return baselines.NewQuantile(1 - max(p.share, 1e-9)) })},
	{name: "ratio", describe: "duration over its own call's training median", make: byShare(func(rivalParams) trace.Sampler { return baselines.NewRatio(1) })},
	{name: "ewma", describe: "z of the log duration to the call's moving mean", make: byShare(func(rivalParams) trace.Sampler { return baselines.NewEWMA(4) })},
	{name: "welford", describe: "z of the log duration to the call's mean of all time", make: byShare(func(rivalParams) trace.Sampler { return baselines.NewWelford(4) })},
	{name: "sketch-p95", describe: "duration over the call's p95 (DDSketch)", make: byShare(func(rivalParams) trace.Sampler { return baselines.NewSketch(.95) })},
	{name: "sketch-p99", describe: "duration over the call's p99 (DDSketch)", make: byShare(func(rivalParams) trace.Sampler { return baselines.NewSketch(.99) })},
	{name: "head", describe: "by trace id, as OpenTelemetry's probability sampler", make: func(p rivalParams) (trace.Sampler, eval.Cut, error) {
		return baselines.NewProbabilistic(100*p.share, ""), eval.CutFlagRate(), nil
	}},
	{name: "rate-limit", describe: "a token bucket, as many spans a second as its share", make: func(p rivalParams) (trace.Sampler, eval.Cut, error) {
		perSecond := min(max(p.share*p.rate, 1e-3), 1e9)
		return baselines.NewRateLimit(perSecond, 0), eval.Cut{}, nil
	}},
	{name: "random", describe: "keeps as many spans as the first sampler, at random", make: func(p rivalParams) (trace.Sampler, eval.Cut, error) {
		return baselines.NewRandom(p.share, p.seed), eval.CutFlagRate(), nil
	}},
	{name: "otel-latency", describe: "the Collector's latency policy, whole traces", traces: func(rivalParams) tracesamplers.Sampler { return tracesamplers.Latency{} }},
	{name: "sieve", describe: "random cut forest over path vectors, whole traces", traces: func(p rivalParams) tracesamplers.Sampler {
		return tracesamplers.NewSieve(tracesamplers.SieveOptions{Seed: p.seed})
	}},
	{name: "tracemesh", describe: "evolving clusters of path sketches, whole traces", traces: func(p rivalParams) tracesamplers.Sampler {
		return tracesamplers.NewTraceMesh(tracesamplers.TraceMeshOptions{Seed: p.seed, Budget: p.share})
	}},
	{name: "sifter", describe: "loss of a model of call paths, whole traces", traces: func(p rivalParams) tracesamplers.Sampler {
		return tracesamplers.NewSifter(tracesamplers.SifterOptions{Seed: p.seed, Budget: p.share})
	}},
	{name: "weighted", describe: "hierarchical clustering, branches equally likely, whole traces", traces: func(p rivalParams) tracesamplers.Sampler {
		return tracesamplers.NewWeighted(tracesamplers.WeightedOptions{Seed: p.seed, Budget: p.share})
	}},
}

func rivalNames() (names []string) {
	for _, r := range rivals {
		names = append(names, r.name)
	}
	return names
}

// rivalsNamed resolves a list of names; "all" is every one that was not named before it.
func rivalsNamed(names []string) ([]rival, error) {
	var out []rival
	for _, name := range strings.Split(strings.Join(names, ","), ",") {
		if name == "all" {
			for _, r := range rivals {
				if !slices.ContainsFunc(out, func(o rival) bool { return o.name == r.name }) {
					out = append(out, r)
				}
			}
			continue
		}
		r, err := rivalNamed(name)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(out, func(o rival) bool { return o.name == name }) {
			return nil, usagef("sampler %q: named twice", name)
		}
		out = append(out, r)
	}
	return out, nil
}

func rivalNamed(name string) (rival, error) {
	for _, r := range rivals {
		if r.name == name {
			return r, nil
		}
	}
	return rival{}, usagef("sampler %q: want all or some of %s", name, strings.Join(rivalNames(), ", "))
}

// entrantsOf makes fresh entrants of those that decide spans; the first is the one that flag-rate cut-offs
// follow.
func entrantsOf(list []rival, p rivalParams, hasTrain bool) ([]eval.Entrant, error) {
	var out []eval.Entrant
	for i, r := range list {
		if r.traces != nil {
			if i == 0 {
				return nil, usagef("sampler %s decides whole traces and cannot be the first, which the budgets of others follow: name another before it", r.name)
			}
			continue
		}
		s, cut, err := r.make(p)
		if err != nil {
			return nil, fmt.Errorf("sampler %s: %w", r.name, err)
		}
		if !hasTrain && cut != (eval.Cut{}) {
			cut = eval.CutFlagRate()
		}
		if i == 0 && cut == eval.CutFlagRate() {
			return nil, usagef("sampler %s takes its budget from the first sampler and cannot be the first: name another before it", r.name)
		}
		out = append(out, eval.Entrant{Sampler: s, Name: r.name, Describe: r.describe, Baseline: i > 0, Cut: cut})
	}
	return out, nil
}

// paramsOf reads the rivals' parameters from the sampler flags.
func paramsOf(c *cli.Context, seed uint64) (rivalParams, error) {
	cfg, err := samplerConfig(c, nil)
	if err != nil {
		return rivalParams{}, err
	}
	adaptive, err := adaptiveConfig(c, nil)
	if err != nil {
		return rivalParams{}, err
	}
	cfg.Seed = hst.NewSeed(int64(seed))
	adaptive.Seed = cfg.Seed
	return rivalParams{seed: seed, share: c.Float64("baseline-share"), paper: cfg, adaptive: adaptive}, nil
}
