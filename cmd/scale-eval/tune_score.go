package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/eval"
	"github.com/scale-eval/scale-eval/hst"
)

// scoreSpans is the way of every sampler: span by span, as run does it.
func (b *bench) scoreSpans(c *cli.Context, sc *scenario, last *scored) error {
	sampler, err := newSampler(c, b.calls)
	if err != nil {
		return err
	}
	if err := last.begin(sc, sampler); err != nil {
		return err
	}
	var span trace.Span
	for i, row := range sc.row {
		b.data.span(&span, row)
		span.Duration, span.Label = sc.duration[i], trace.Unlabelled
		passed(i, &b.data.spill, sc.spill, &last.spill)
		if i < sc.train {
			sampler.Learn(&span)
			continue
		}
		if sc.mode == eval.LearnThenScore {
			sampler.Learn(&span)
		}
		last.set(i-sc.train, sampler.Sample(&span))
		if sc.mode == eval.ScoreThenLearn {
			sampler.Learn(&span)
		}
	}
	return nil
}

// scoreLine is the way of the paper's sampler, whose score depends on the duration
// alone: whole columns, and trees that all its forests share.
func (b *bench) scoreLine(c *cli.Context, sc *scenario, last *scored) error {
	cfg, err := samplerConfig(c, nil)
	if err != nil {
		return err
	}
	trunk, err := b.trunk(cfg)
	if err != nil {
		return err
	}
	line, err := trunk.Derive(cfg.NTree, cfg.WindowSize)
	if err != nil {
		return err
	}
	batch := hst.Batch{Workers: 1, Train: cfg.TrainSize}
	if sc.mode == eval.LearnThenScore {
		batch.Order = hst.LearnThenScore
	}
	if err := last.begin(sc, nil); err != nil {
		return err
	}
	unread := make([]float64, min(spillWindow, sc.train))
	for ns := range slices.Chunk(sc.duration[:sc.train], spillWindow) {
		batch.ScoresNS(line, unread, ns)
		sc.forget()
	}
	scores := last.score
	for ns := range slices.Chunk(sc.duration[sc.train:], spillWindow) {
		if sc.mode == eval.Frozen {
			b.scoreFrozen(line, scores, ns)
		} else {
			batch.ScoresNS(line, scores, ns)
		}
		scores = scores[len(ns):]
		sc.forget()
		last.forget()
	}
	if sc.mode != eval.Frozen {
		warm := cfg.WindowSize // rows before there is a reference
		if sc.mode == eval.LearnThenScore {
			warm--
		}
		for i := sc.train; i < min(warm, len(sc.row)); i++ {
			last.score[i-sc.train] = math.NaN()
		}
	}
	return nil
}

// scoreFrozen scores durations with a model that learns no more.
func (b *bench) scoreFrozen(line *hst.Line, dst []float64, ns []int64) {
	for i, d := range ns {
		if dst[i] = math.NaN(); line.Ready() {
			dst[i] = line.Score(float64(d) / 1e6)
		}
	}
}

// trunk is the largest forest of the study with the trees of cfg: smaller ones are
// its first trees.
func (b *bench) trunk(cfg hst.SamplerConfig) (*hst.Line, error) {
	for _, p := range b.space.Params {
		if p.Name == "n_tree" {
			for _, level := range p.Levels {
				if n, err := strconv.Atoi(level); err == nil {
					cfg.NTree = max(cfg.NTree, n)
				}
			}
			cfg.NTree = max(cfg.NTree, int(p.Hi))
		}
	}
	cfg.TrainSize, cfg.WindowSize = 0, 1
	key := fmt.Sprintf("%d %d %v %v", cfg.NTree, cfg.Height, cfg.MaxDuration, cfg.Seed)
	b.mu.Lock()
	defer b.mu.Unlock()
	if l, ok := b.trunks[key]; ok {
		return l, nil
	}
	line, err := hst.NewBatchLine(cfg)
	if err != nil {
		return nil, err
	}
	if len(b.trunks) >= maxCached {
		clear(b.trunks)
	}
	b.trunks[key] = line
	return line, nil
}

// timedSpans is how many test spans a model is timed on, and timedPasses how often;
// the fastest pass counts, as the others were disturbed.
const (
	timedSpans  = 4096
	timedPasses = 3
)

// time is what a span costs a trained sampler, learning included where the protocol
// learns, in ns. Other workers run meanwhile.
func (b *bench) time(c *cli.Context, sc *scenario) (eval.Number, error) {
	sampler, err := newSampler(c, b.calls)
	if err != nil {
		return 0, err
	}
	var spans []trace.Span
	for i, row := range sc.row[:min(len(sc.row), sc.train+timedSpans)] {
		var s trace.Span
		b.data.span(&s, row)
		s.Duration = sc.duration[i]
		if i < sc.train {
			sampler.Learn(&s)
			continue
		}
		spans = append(spans, s)
	}
	best := math.Inf(1)
	for range timedPasses {
		start := time.Now()
		for i := range spans {
			sampler.Sample(&spans[i])
			if sc.mode != eval.Frozen {
				sampler.Learn(&spans[i])
			}
		}
		best = min(best, float64(time.Since(start))/float64(len(spans)))
	}
	return eval.Number(math.Round(best*10) / 10), nil
}
