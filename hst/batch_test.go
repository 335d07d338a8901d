package hst

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// checkBatch cuts the stream of a case into random calls with random numbers of
// workers; scores and flags must be those of the twin, whatever the cuts.
func (c *lineCase) checkBatch() error {
	for _, order := range []Order{ScoreThenLearn, LearnThenScore} {
		b := Batch{Order: order, MinScore: c.rng.Float64()}
		if c.rng.IntN(3) == 0 {
			b.Train = 1 + c.rng.Int64N(int64(len(c.xs)+1))
		}
		if err := c.checkCuts(b, c.wanted(b)); err != nil {
			return fmt.Errorf("%+v: %w", b, err)
		}
	}
	return nil
}

// wanted are the scores of a run as the twin gives them. After Train observations
// nothing is learned any more, so a fresh Forest stands in for the frozen twin.
func (c *lineCase) wanted(b Batch) []float64 {
	want := slices.Clone(c.before)
	if b.Order == LearnThenScore {
		want = slices.Clone(c.after)
	}
	if b.Train <= 0 || b.Train >= int64(len(c.xs)) {
		return want
	}
	f, err := NewForest(c.cfg, []string{"x"})
	if err != nil {
		panic(err)
	}
	for _, x := range c.xs[:b.Train] {
		f.Learn([]float64{x}, nil)
	}
	for i := int(b.Train); i < len(c.xs); i++ {
		want[i] = f.Score([]float64{c.xs[i]}, nil)
	}
	return want
}

// warmUpOf is how many of n observations a run scores without a reference.
func warmUpOf(b Batch, window, n int) int {
	if b.Train > 0 && b.Train < int64(window) {
		return n
	}
	if b.Order == LearnThenScore {
		window--
	}
	return min(n, window)
}

func (c *lineCase) checkCuts(b Batch, want []float64) error {
	lines := make([]*Line, 2)
	for i := range lines {
		var err error
		if lines[i], err = NewLine(c.cfg, "x"); err != nil {
			return err
		}
	}
	warm := warmUpOf(b, c.cfg.Window, len(c.xs))
	for from := 0; from < len(c.xs); {
		to := from + 1 + c.rng.IntN(len(c.xs)-from)
		b.Workers = 1 + c.rng.IntN(4)
		xs := slices.Clone(c.xs[from:to])
		scores := make([]float64, len(xs))
		b.Scores(lines[0], scores, xs)
		flags := make([]uint64, (len(xs)+63)/64)
		flags[0] = math.MaxUint64 // what was there must not matter
		b.Flags(lines[1], flags, xs)
		for i := range xs {
			if scores[i] != want[from+i] {
				return fmt.Errorf("observation %d: score %v, twin %v", from+i, scores[i], want[from+i])
			}
			flag := flags[i/64]>>(i%64)&1 == 1
			if flag != (from+i >= warm && want[from+i] >= b.MinScore) {
				return fmt.Errorf("observation %d: flag %v at score %v", from+i, flag, want[from+i])
			}
		}
		from = to
	}
	return nil
}

// Durations in ns must score as the same durations in ms, with windows enough for
// several workers, and Forest decides what is right.
func TestBatchNanoseconds(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	cfg := Config{Trees: 5, Height: 6, Window: 50, Seed: NewSeed(1), Limits: map[string][2]float64{"duration": {0, 1000}}}
	ns := make([]int64, 64*cfg.Window+17)
	want := make([]float64, len(ns))
	f, _ := NewForest(cfg, []string{"duration"})
	for i := range ns {
		ns[i] = int64(1e6 * math.Exp(3+2*rng.NormFloat64()))
		want[i] = f.LearnScore([]float64{float64(ns[i]) / 1e6}, nil)
	}
	for workers := 1; workers <= 4; workers++ {
		b := Batch{Order: LearnThenScore, Workers: workers, MinScore: 0.9}
		line, err := NewLine(cfg, "duration")
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float64, len(ns))
		flags := make([]uint64, (len(ns)+63)/64)
		b.FlagsNS(line.Clone(), flags, ns)
		b.ScoresNS(line, got, ns)
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("%d workers, observation %d: %v, Forest %v", workers, i, got[i], want[i])
			}
			if flag := flags[i/64]>>(i%64)&1 == 1; flag != (i >= cfg.Window-1 && want[i] >= b.MinScore) {
				t.Fatalf("%d workers, observation %d: flag %v, score %v", workers, i, flag, want[i])
			}
		}
		if line.Learned() != int64(len(ns)) {
			t.Fatalf("learned %d of %d", line.Learned(), len(ns))
		}
	}
}

// Frozen runs long enough for the flag table flag what the scores say.
func TestBatchFrozenFlags(t *testing.T) {
	l := benchLine(t, 10, 8, 250)
	xs := logNormal(3*frozenRun + 77)
	ns, scores, flags := make([]int64, len(xs)), make([]float64, len(xs)), make([]uint64, len(xs)/64+1)
	for i, x := range xs {
		ns[i] = int64(x * nsPerMS)
	}
	b := Batch{Train: 1, MinScore: 0.9, Workers: 3}
	b.ScoresNS(l, scores, ns)
	b.FlagsNS(l, flags, ns)
	kept := 0
	for i, score := range scores {
		flag := flags[i/64]>>(i%64)&1 == 1
		if flag != (score >= b.MinScore) {
			t.Fatalf("%d ns: flag %v at score %v", ns[i], flag, score)
		}
		if flag {
			kept++
		}
	}
	if kept == 0 || kept == len(ns) {
		t.Errorf("%d of %d flagged: the test sees only one answer", kept, len(ns))
	}
}

func TestParseOrder(t *testing.T) {
	for _, o := range []Order{ScoreThenLearn, LearnThenScore} {
		if got, err := ParseOrder(o.String()); got != o || err != nil {
			t.Errorf("ParseOrder(%q) = %v, %v", o, got, err)
		}
	}
	if _, err := ParseOrder("both"); err == nil {
		t.Error("want an error for an unknown order")
	}
}
