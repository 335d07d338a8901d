package hst

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestGoldenLine runs the recorded vectors of one feature through the fast path.
func TestGoldenLine(t *testing.T) {
	dir := goldenDir(t)
	inputs := goldenInputs(t, dir)
	var names []string
	readGolden(t, dir, "index.json", &names)
	ran := 0
	for _, name := range names {
		var v vector
		readGolden(t, dir, name+".json", &v)
		if len(v.BuildKeys) != 1 || !alwaysHas(inputs[v.Inputs], v.BuildKeys[0]) {
			continue
		}
		ran++
		t.Run(name, func(t *testing.T) {
			l, err := NewLine(v.goldenConfig(t), v.BuildKeys[0])
			if err != nil {
				t.Fatal(err)
			}
			for i, x := range inputs[v.Inputs][:len(v.Post)] {
				v.checkScores(t, i, x[v.BuildKeys[0]], l.Score, l.Learn)
			}
		})
	}
	if ran == 0 {
		t.Fatal("no vector has a single feature that is never missing")
	}
}

func alwaysHas(rows []map[string]float64, feature string) bool {
	for _, row := range rows {
		if _, ok := row[feature]; !ok {
			return false
		}
	}
	return true
}

func (v *vector) goldenConfig(t *testing.T) Config {
	t.Helper()
	cfg := Config{Trees: v.Trees, Height: v.Height, Window: v.Window, Limits: v.Limits}
	if err := cfg.Seed.UnmarshalText([]byte(v.Seed)); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// checkScores compares the scores of observation i before and after learning it.
func (v *vector) checkScores(t *testing.T, i int, x float64, score func(float64) float64, learn func(float64)) {
	t.Helper()
	want := 0.0
	if i >= v.Window {
		sum, err := v.PreSum[i].Float64()
		if err != nil {
			t.Fatal(err)
		}
		want = 1 - sum/v.MaxScore
	}
	if got := score(x); got != want {
		t.Fatalf("observation %d, %v: score before learning %v, want %v", i, x, got, want)
	}
	learn(x)
	if got := score(x); got != v.Post[i] {
		t.Fatalf("observation %d, %v: score after learning %v, want %v", i, x, got, v.Post[i])
	}
}

// lineCase is a random configuration and stream, with its scores from the twin.
type lineCase struct {
	rng    *rand.Rand
	cfg    Config
	xs     []float64
	before []float64 // the twin's scores before learning each
	after  []float64 // and after
}

func newLineCase(seed uint64) *lineCase {
	rng := rand.New(rand.NewPCG(seed, 2))
	c := &lineCase{rng: rng, cfg: Config{
		Trees: 1 + rng.IntN(5), Height: 1 + rng.IntN(7), Window: 1 + rng.IntN(40),
		Seed: NewSeed(rng.Int64() >> rng.IntN(63)),
	}}
	low := []float64{0, -1, -0.5, 1e6, -1e-300}[rng.IntN(5)]
	width := []float64{1, 2, 1e4, 1e-3, 1e300}[rng.IntN(5)]
	c.cfg.Limits = map[string][2]float64{"x": {low, low + width}}
	c.stream(low, width)
	return c
}

// stream draws values: spread over the limits and beyond, crowded, constant, on
// thresholds and their neighbours, or not finite.
func (c *lineCase) stream(low, width float64) {
	trees, err := grow(c.cfg, []string{"x"})
	if err != nil {
		panic(err)
	}
	center, sigma := c.rng.Float64(), math.Pow(10, -6*c.rng.Float64())
	special := []float64{math.NaN(), math.Copysign(math.NaN(), -1), math.Inf(1), math.Inf(-1),
		0, math.Copysign(0, -1), math.MaxFloat64, -math.MaxFloat64, 5e-324, -5e-324}
	odd := c.rng.Float64() / 2
	c.xs = make([]float64, c.rng.IntN(6*c.cfg.Window+20))
	for i := range c.xs {
		x := low + width*(center+sigma*c.rng.NormFloat64())
		if c.rng.Float64() < odd {
			at := trees.threshold[c.rng.IntN(len(trees.threshold))]
			x = []float64{at, math.Nextafter(at, math.Inf(-1)), math.Nextafter(at, math.Inf(1)),
				special[c.rng.IntN(len(special))], low, low + width, c.rng.NormFloat64()}[c.rng.IntN(7)]
		}
		c.xs[i] = x
	}
}

// expect fills in what the twin says, and checks the general path against it.
func (c *lineCase) expect() error {
	w := newTwin(c.cfg, []string{"x"})
	f, err := NewForest(c.cfg, []string{"x"})
	if err != nil {
		return err
	}
	c.before, c.after = make([]float64, len(c.xs)), make([]float64, len(c.xs))
	for i, x := range c.xs {
		m, v := map[string]float64{"x": x}, []float64{x}
		c.before[i] = w.score(m)
		if got := f.ScoreLearn(v, nil); got != c.before[i] {
			return fmt.Errorf("observation %d, %v: Forest %v, twin %v", i, x, got, c.before[i])
		}
		w.learn(m)
		c.after[i] = w.score(m)
	}
	return nil
}

// checkLine runs the stream through a Line one by one, swapping it now and then
// for a copy.
func (c *lineCase) checkLine() error {
	l, err := NewLine(c.cfg, "x")
	if err != nil {
		return err
	}
	for i, x := range c.xs {
		if got := l.Score(x); got != c.before[i] {
			return fmt.Errorf("observation %d, %v: Line %v before learning, twin %v", i, x, got, c.before[i])
		}
		l.Learn(x)
		if got := l.Score(x); got != c.after[i] {
			return fmt.Errorf("observation %d, %v: Line %v after learning, twin %v", i, x, got, c.after[i])
		}
		if l, err = c.replace(l); err != nil {
			return err
		}
	}
	return nil
}

func (c *lineCase) replace(l *Line) (*Line, error) {
	switch c.rng.IntN(30) * 2 {
	case 0:
		copied := l.Clone()
		for range c.cfg.Window {
			l.Learn(0) // must not matter
		}
		return copied, nil
	case 1:
		return RestoreLine(l.Snapshot(), l.MemoryBytes())
	}
	return l, nil
}

func TestLineEqualsForestAndTwin(t *testing.T) {
	for seed := range uint64(cases()) {
		c := newLineCase(seed)
		err := c.expect()
		if err == nil {
			err = c.checkLine()
		}
		if err == nil {
			err = c.checkBatch()
		}
		if err != nil {
			t.Fatalf("case %d, %+v: %v", seed, c.cfg, err)
		}
	}
}

func TestLineRefuses(t *testing.T) {
	for name, cfg := range map[string]Config{
		"no trees":            {Height: 3, Window: 3},
		"the other algorithm": {Trees: 1, Height: 3, Window: 3, Variant: VariantTan2011},
		"nothing to split":    {Trees: 1, Height: 3, Window: 3, Limits: map[string][2]float64{"x": {1, 1}}},
	} {
		if l, err := NewLine(cfg, "x"); err == nil {
			t.Errorf("%s: %v, want an error", name, l)
		}
	}
}

func TestLineDoesNotAllocate(t *testing.T) {
	l := benchLine(t, 10, 8, 250)
	xs := logNormal(4096)
	i, sum := 0, 0.0
	if n := testing.AllocsPerRun(4096, func() {
		l.Learn(xs[i%len(xs)])
		sum += l.Score(xs[i%len(xs)])
		i++
	}); n != 0 || math.IsNaN(sum) {
		t.Errorf("%v allocations a span, want 0", n)
	}
}
