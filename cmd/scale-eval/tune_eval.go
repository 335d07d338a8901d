package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/datasets/catalog"
	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/eval"
	"github.com/scale-eval/scale-eval/hst"
	"github.com/scale-eval/scale-eval/tuning"
)

// tunable are the flags whose values a study may search: those of the sampler, and
// the protocol's, which change the data.
func tunable() []cli.Flag { return append(samplerFlags(), protocolFlags()...) }

// changesData says whether a parameter makes another scenario of the dataset.
func changesData(name string) bool {
	return name == "max_duration" || findFlag(protocolFlags(), name) != nil
}

func evaluationOverlay() []cli.Flag {
	return append(tunable(), &cli.Uint64Flag{Name: "seed"}, &cli.IntFlag{Name: "folds"}, &cli.Float64Flag{Name: "validation"})
}

// bench evaluates units on one dataset. Safe for concurrent use.
type bench struct {
	c          *cli.Context
	ds         *catalog.Dataset
	calls      *trace.Calls
	census     *census
	data       *columns
	space      *tuning.Space
	objectives []tuning.Objective

	mu        sync.Mutex
	scenarios map[string]*scenario
	trunks    map[string]*hst.Line
}

// maxCached bounds what a bench keeps; it then starts over.
const maxCached = 64

// group is what units share: all but what changes the data.
func (b *bench) group(u tuning.Unit) string {
	var s strings.Builder
	for i, p := range b.space.Params {
		if !changesData(p.Name) {
			fmt.Fprintf(&s, "%s=%s ", p.Name, u.Model[i])
		}
	}
	return fmt.Sprintf("%sseed=%d share=%g", s.String(), u.Seed, u.Share)
}

// context is the command line of a unit.
func (b *bench) context(u tuning.Unit) (*cli.Context, error) {
	set := map[string][]string{"seed": {strconv.FormatUint(u.Seed, 10)}}
	for i, p := range b.space.Params {
		set[p.Name] = u.Model[i : i+1]
	}
	return overlay(b.c, evaluationOverlay, set)
}

// evaluate is the tuning.Evaluator.
func (b *bench) evaluate(ctx context.Context, group []tuning.Unit, emit func(tuning.Outcome) error) error {
	last := &scored{}
	defer runtime.KeepAlive(last) // it holds the arrays that columns are of
	for _, u := range group {
		if err := ctx.Err(); err != nil {
			return err
		}
		o := tuning.Outcome{Unit: u, NsPerSpan: eval.Number(math.NaN())}
		err := b.outcome(&o, last)
		if err != nil {
			o.Fail, o.Readings = err.Error(), nil
		}
		if err := emit(o); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) outcome(o *tuning.Outcome, last *scored) error {
	c, err := b.context(o.Unit)
	if err != nil {
		return err
	}
	column, err := b.score(c, o.Share, last)
	if err != nil {
		return err
	}
	defer last.forget()
	if o.Readings, err = tuning.Read(*column, b.space.Thresholds(), tuning.Budgets(b.objectives)); err != nil {
		return err
	}
	if tuning.Measures(b.objectives) && o.Share == 1 {
		o.NsPerSpan, err = b.time(c, last.scenario)
	}
	return err
}

// scored is the last column of a group, for the next unit to start from.
type scored struct {
	scenario *scenario
	sampler  trace.Sampler
	score    []float64 // of the scored part
	keep     []bool
	decided  bool // keep has decisions

	// Room for both, 9 bytes a span, spilled.
	scores []float64
	keeps  []bool
	spill
}

// begin makes room for the scores of sc. sampler is nil where it is not a span's.
func (l *scored) begin(sc *scenario, sampler trace.Sampler) (err error) {
	n := len(sc.row) - sc.train
	if len(l.scores) < n {
		l.spill = spill{}
		var errs [2]error
		l.scores, errs[0] = spilled[float64](&l.spill, n)
		l.keeps, errs[1] = spilled[bool](&l.spill, n)
		err = errors.Join(errs[:]...)
	}
	if err == nil {
		l.scenario, l.sampler, l.score, l.keep, l.decided = sc, sampler, l.scores[:n], l.keeps[:n], sampler != nil
	}
	return err
}

// score runs the sampler of c over its scenario.
func (b *bench) score(c *cli.Context, share float64, last *scored) (*tuning.Column, error) {
	sc, err := b.scenario(c)
	if err != nil {
		return nil, err
	}
	sc = sc.share(share)
	if err := checkSamplerFlags(c); err != nil {
		return nil, err
	}
	switch {
	case last.reusable(sc):
		b.rescore(sc, last)
	case c.String("sampler") == "paper" && c.String("encoding") == hst.EncodingPaper.String():
		err = b.scoreLine(c, sc, last)
	default:
		err = b.scoreSpans(c, sc, last)
	}
	if err != nil {
		return nil, err
	}
	last.scenario = sc
	if len(b.space.Thresholds()) == 1 && b.space.Threshold == nil {
		last.decide(c.Float64("min_score"))
	}
	col := &tuning.Column{Score: last.score, Labels: sc.label[sc.train:], Ends: sc.ends}
	if last.decided {
		col.Keep = last.keep
	}
	return col, nil
}

// decide fills keep where the sampler's own decisions were not recorded.
func (l *scored) decide(minScore float64) {
	if l.decided {
		return
	}
	l.decided = true
	for i, s := range l.score {
		l.keep[i] = s >= minScore
	}
}

// scenario is the data as c's protocol sees it, made once.
func (b *bench) scenario(c *cli.Context) (*scenario, error) {
	key := strings.Builder{}
	for _, f := range evaluationOverlay() {
		if name := f.Names()[0]; changesData(name) || name == "seed" {
			fmt.Fprintf(&key, "%s=%v ", name, c.Value(name))
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if sc, ok := b.scenarios[key.String()]; ok {
		return sc, nil
	}
	census := *b.census
	if limit := maxDurationNs(c); limit != 0 {
		census.kept = 0
		for i, d := range b.data.duration {
			if d < limit {
				census.kept++
			}
			passed(i, &b.data.spill)
		}
	}
	sc, err := newScenario(c, b.ds, &census, b.data)
	if err != nil {
		return nil, err
	}
	if len(b.scenarios) >= maxCached {
		clear(b.scenarios)
	}
	b.scenarios[key.String()] = sc
	return sc, nil
}

// reusable says whether the scores of the last scenario hold for sc but where
// durations differ: nothing was learned from what differs, and decisions depend on
// the model alone.
func (l *scored) reusable(sc *scenario) bool {
	if _, ok := l.sampler.(*hst.Hashed); !ok {
		return false
	}
	o := l.scenario
	return sc.mode == eval.Frozen && o.mode == eval.Frozen && sc.train == o.train && slices.Equal(sc.row, o.row)
}

func (b *bench) rescore(sc *scenario, last *scored) {
	var span trace.Span
	for i, row := range sc.row[sc.train:] {
		if d := sc.duration[sc.train+i]; d != last.scenario.duration[sc.train+i] {
			b.data.span(&span, row)
			span.Duration = d
			last.set(i, last.sampler.Sample(&span))
		}
		passed(i, &b.data.spill, sc.spill, last.scenario.spill, &last.spill)
	}
}

func (l *scored) set(i int, d trace.Decision) {
	l.score[i], l.keep[i] = d.Score, d.Keep
	if d.WarmUp {
		l.score[i] = math.NaN()
	}
}

// sharedOptions are the flags that decide every outcome of a study, for its journal.
func sharedOptions(c *cli.Context, space *tuning.Space) map[string][]string {
	options := recordOptions(c)
	maps.DeleteFunc(options, func(name string, _ []string) bool {
		return slices.Contains(searchFlags, name) || name == "seed" || slices.Contains(space.Names(), name) || name == tuning.ThresholdParam && space.Threshold != nil
	})
	return options
}
