package main

import (
	"encoding/json"
	"math"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/eval"
	"github.com/scale-eval/scale-eval/hst"
	"github.com/scale-eval/scale-eval/tuning"
)

// measureCase runs a protocol once a seed: of trees and shocks.
func measureCase(c *cli.Context, name string, seeds []uint64) (*tuning.Case, error) {
	calls, err := newCalls(c)
	if err != nil {
		return nil, err
	}
	b := &bench{c: c, calls: calls, space: &tuning.Space{}, scenarios: map[string]*scenario{}, trunks: map[string]*hst.Line{}}
	if err := checkSamplerFlags(c); err != nil {
		return nil, err
	}
	if err := b.load(); err != nil {
		return nil, err
	}
	files, err := checksums(b.ds)
	if err != nil {
		return nil, err
	}
	bar := newUnitProgress(c.App.ErrWriter, "checking "+name)
	defer bar.finish()
	var values [][]float64
	for i, seed := range seeds {
		bar.of(i, len(seeds))
		if err := c.Context.Err(); err != nil {
			return nil, err
		}
		v, err := b.measure(seed)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	dataset, err := json.Marshal(recordedDataset{b.ds.Name, b.ds.Format, b.census.read, files})
	if err != nil {
		return nil, err
	}
	k := &tuning.Case{Name: name, Options: pinnedOptions(c), Seeds: seeds, Measures: measuresOf(values), Dataset: dataset}
	if c.Bool("no-time") {
		k.Measures = slices.DeleteFunc(k.Measures, func(m tuning.Measured) bool { return m.Name == "time_ratio" })
	}
	return k, nil
}

// pinnedOptions are the options of a case, with their values.
func pinnedOptions(c *cli.Context) map[string][]string {
	options := map[string][]string{}
	for name, v := range recordOptions(c) {
		if findFlag(pinnedFlags(), name) != nil && !(len(v) == 1 && v[0] == "") {
			options[name] = v
		}
	}
	return options
}

// measure is one seed: F1, FPR, recall, average precision, time ratio.
func (b *bench) measure(seed uint64) ([]float64, error) {
	c, err := overlay(b.c, evaluationOverlay, map[string][]string{"seed": {strconv.FormatUint(seed, 10)}, "folds": {"1"}, "validation": {"0.5"}})
	if err != nil {
		return nil, err
	}
	last := &scored{}
	defer runtime.KeepAlive(last) // it holds the arrays of the column
	col, err := b.score(c, 1, last)
	if err != nil {
		return nil, err
	}
	readings, err := tuning.Read(*col, []string{""}, nil)
	if err != nil {
		return nil, err
	}
	ratio := math.NaN()
	if !b.c.Bool("no-time") {
		if ratio, err = b.timeRatio(c, last.scenario); err != nil {
			return nil, err
		}
	}
	m := readings[0].Total()
	return []float64{m.F1(), m.FPR(), m.Recall(), eval.Rank(col.Labels, col.Score).AP(), ratio}, nil
}

// ratioPasses is how often sampler and reference are timed in turn. The least of each
// counts: whatever else runs on the machine only adds time.
const ratioPasses = 9

// timeRatio is the time of a span relative to a reference sampler that learns and
// scores the same spans in turn with it: the paper's, with River's defaults. A ratio
// leaves most of the machine out of the comparison.
func (b *bench) timeRatio(c *cli.Context, sc *scenario) (float64, error) {
	sampler, err := newSampler(c, b.calls)
	if err != nil {
		return 0, err
	}
	reference, err := hst.NewSampler(hst.DefaultSamplerConfig(hst.NewSeed(1)))
	if err != nil {
		return 0, err
	}
	spans := make([]trace.Span, 0, timedSpans)
	var s trace.Span
	for i, row := range sc.row[:min(len(sc.row), sc.train+timedSpans)] {
		b.data.span(&s, row)
		s.Duration = sc.duration[i]
		if i < sc.train {
			sampler.Learn(&s)
			continue
		}
		spans = append(spans, s)
	}
	own, other := math.Inf(1), math.Inf(1)
	for range ratioPasses {
		other = min(other, passTime(reference, spans, eval.ScoreThenLearn))
		own = min(own, passTime(sampler, spans, sc.mode))
	}
	return math.Round(own/other*1000) / 1000, nil
}

func passTime(s trace.Sampler, spans []trace.Span, mode eval.Mode) float64 {
	start := time.Now()
	for i := range spans {
		if mode == eval.LearnThenScore {
			s.Learn(&spans[i])
		}
		s.Sample(&spans[i])
		if mode == eval.ScoreThenLearn {
			s.Learn(&spans[i])
		}
	}
	return float64(time.Since(start))
}
