package hst

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
)

// BenchPath is one of the ways through the package that [BenchTable] times.
type BenchPath string

const (
	// BenchLineScore is [Line.Score] of a model that does not learn.
	BenchLineScore BenchPath = "line/score"
	// BenchLineLearnScore is [Line.Learn] and Score, one span at a time.
	BenchLineLearnScore BenchPath = "line/learn+score"
	// BenchForestLearnScore is [Forest.LearnScore] on a one-hot key and a duration.
	BenchForestLearnScore BenchPath = "forest/learn+score"
	// BenchBatchLearnScore is [Batch.Scores] with a worker a core.
	BenchBatchLearnScore BenchPath = "batch/learn+score"
	// BenchFlag is [FlagTable.Flag] on durations in ns.
	BenchFlag BenchPath = "line/flag"
)

// BenchRow is the cost of a span on one path, best of several passes.
type BenchRow struct {
	Trees         int       `json:"n_tree"`
	Height        int       `json:"height"`
	Window        int       `json:"window_size"`
	Path          BenchPath `json:"path"`
	NSPerSpan     float64   `json:"ns_per_span"`
	AllocsPerSpan float64   `json:"allocs_per_span"`
	// RiverNSPerSpan is what River 0.22 took for the same on one machine, 0 where
	// that was not measured. Another machine: an order of magnitude, not a ratio.
	RiverNSPerSpan float64 `json:"river_ns_per_span,omitempty"`
}

// BenchOptions says what [BenchTable] measures.
type BenchOptions struct {
	// Now reads a monotonic clock in ns. The package has none of its own.
	Now func() int64
	// Spans is how many log-normal durations a pass takes, 1 to 2^26; 0 for 2^18.
	Spans int
	// Passes is how often each row is repeated, the fastest counting; 0 for 3.
	Passes int
}

// riverNS are times of River 0.22 at window 250, ns a span: score only, learn and
// score.
var riverNS = map[[2]int][2]float64{
	{10, 8}:  {38e3, 68e3},
	{25, 15}: {118e3, 4003e3},
	{50, 10}: {222e3, 586e3},
}

// BenchTable measures the table at [Line] on the machine it runs on: forests of
// 10/8, 25/15 and 50/10 trees/height, windows of 250 and 1000, durations around
// 50 ms with a standard deviation of 1 on the log scale, limits 0 to 10 s. The
// stream is the same every time; the times are not.
//
// It errs when an option is out of range, and with ctx's error between two rows
// once ctx is done. Cost: some seconds, and 60 MB.
func BenchTable(ctx context.Context, o BenchOptions) ([]BenchRow, error) {
	if o.Spans == 0 {
		o.Spans = 1 << 18
	}
	if o.Passes == 0 {
		o.Passes = 3
	}
	if o.Now == nil || o.Spans < 1 || o.Spans > 1<<26 || o.Passes < 1 {
		return nil, errors.New("hst: BenchOptions: want a clock, 1 to 2^26 spans and at least one pass")
	}
	b := newBench(o)
	var rows []BenchRow
	for _, window := range []int{250, 1000} {
		for _, size := range [][2]int{{10, 8}, {25, 15}, {50, 10}} {
			more, err := b.rows(ctx, size[0], size[1], window)
			if err != nil {
				return nil, err
			}
			rows = append(rows, more...)
		}
	}
	return rows, nil
}

// bench holds the stream.
type bench struct {
	BenchOptions
	ms     []float64
	ns     []int64
	scores []float64
	sum    float64 // keeps the compiler from leaving the work out
}

func newBench(o BenchOptions) *bench {
	b := &bench{BenchOptions: o, ms: make([]float64, o.Spans), ns: make([]int64, o.Spans), scores: make([]float64, o.Spans)}
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range b.ms {
		b.ms[i] = float64(50 * math.Exp(rng.NormFloat64()))
		b.ns[i] = int64(float64(b.ms[i] * nsPerMS))
	}
	return b
}

// rows measures all paths of one forest.
func (b *bench) rows(ctx context.Context, trees, height, window int) ([]BenchRow, error) {
	cfg := Config{Trees: trees, Height: height, Window: window, Seed: NewSeed(42),
		Limits: map[string][2]float64{durationFeature: {0, 10_000}}}
	line, err := NewLine(cfg, durationFeature)
	if err != nil {
		return nil, fmt.Errorf("hst: benchmark: %w", err)
	}
	forest, err := NewForest(cfg, []string{keyFeature, durationFeature})
	if err != nil {
		return nil, fmt.Errorf("hst: benchmark: %w", err)
	}
	batch := Batch{Order: LearnThenScore}
	batch.Scores(line, b.scores, b.ms)
	flags := line.FlagTable(0.9)
	var rows []BenchRow
	for _, p := range []struct {
		path  BenchPath
		pass  func()
		spans int
		river float64
	}{
		{BenchLineScore, func() { b.score(line) }, b.Spans, riverNS[[2]int{trees, height}][0]},
		{BenchFlag, func() { b.flag(flags) }, b.Spans, 0},
		{BenchLineLearnScore, func() { b.learnScore(line) }, b.Spans, riverNS[[2]int{trees, height}][1]},
		{BenchBatchLearnScore, func() { batch.Scores(line, b.scores, b.ms) }, b.Spans, riverNS[[2]int{trees, height}][1]},
		{BenchForestLearnScore, func() { b.forest(forest) }, max(1, b.Spans/16), 0},
	} {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r := BenchRow{Trees: trees, Height: height, Window: window, Path: p.path}
		if window == 250 {
			r.RiverNSPerSpan = p.river
		}
		r.NSPerSpan, r.AllocsPerSpan = b.measure(p.pass, p.spans)
		rows = append(rows, r)
	}
	return rows, nil
}

// measure is the fastest pass; allocations are the fewest, as the runtime has some
// of its own.
func (b *bench) measure(pass func(), spans int) (ns, allocs float64) {
	ns, allocs = math.Inf(1), math.Inf(1)
	var before, after runtime.MemStats
	for range b.Passes {
		runtime.ReadMemStats(&before)
		start := b.Now()
		pass()
		took := b.Now() - start
		runtime.ReadMemStats(&after)
		ns = min(ns, float64(took)/float64(spans))
		allocs = min(allocs, float64(after.Mallocs-before.Mallocs)/float64(spans))
	}
	return ns, allocs
}

func (b *bench) score(l *Line) {
	for _, x := range b.ms {
		b.sum += l.Score(x)
	}
}

func (b *bench) learnScore(l *Line) {
	for _, x := range b.ms {
		l.Learn(x)
		b.sum += l.Score(x)
	}
}

func (b *bench) flag(f *FlagTable) {
	n := 0
	for _, ns := range b.ns {
		if f.Flag(ns) {
			n++
		}
	}
	b.sum += float64(n)
}

// forest takes a sixteenth of the stream, because it is that much slower.
func (b *bench) forest(f *Forest) {
	x := []float64{1, 0}
	for _, ms := range b.ms[:max(1, b.Spans/16)] {
		x[1] = ms
		b.sum += f.LearnScore(x, nil)
	}
}
