package hst

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

// The expected values of this file are those of the twin.

// cases is how many random configurations a property is tried on.
func cases() int {
	if testing.Short() || os.Getenv("CI") != "" || raceEnabled {
		return 1_000
	}
	return 12_000
}

func TestForestEqualsTwin(t *testing.T) {
	for seed := range uint64(cases()) {
		c := newCase(seed)
		if err := c.run(); err != nil {
			t.Fatalf("case %d, %+v, features %q: %v", seed, c.cfg, c.features, err)
		}
	}
}

// randomCase is a stream through a Forest, a River and the twin.
type randomCase struct {
	rng      *rand.Rand
	cfg      Config
	features []string
	absent   float64 // probability that a value is missing
	forest   *Forest
	river    *River
	twin     *twin
}

func newCase(seed uint64) *randomCase {
	rng := rand.New(rand.NewPCG(seed, 1))
	c := &randomCase{rng: rng, cfg: Config{
		Trees: 1 + rng.IntN(4), Height: 1 + rng.IntN(6), Window: 1 + rng.IntN(25),
		Seed: NewSeed(rng.Int64() >> rng.IntN(63)), Variant: Variant(rng.IntN(2)),
		Limits: map[string][2]float64{},
	}}
	for i := range 1 + rng.IntN(4) {
		name := fmt.Sprintf("f%d", i)
		c.features = append(c.features, name)
		if rng.IntN(2) == 0 {
			low := math.Round(rng.NormFloat64()*4) / 4
			c.cfg.Limits[name] = [2]float64{low, low + float64(rng.IntN(4))}
		}
	}
	if rng.IntN(2) == 0 {
		c.absent = rng.Float64() / 2
	}
	c.cfg.Limits["f0"] = [2]float64{-1, 1} // at least one width is not zero
	return c
}

// value is ordinary, or one that sits on an edge: a threshold, an infinity, NaN.
func (c *randomCase) value() float64 {
	switch c.rng.IntN(12) {
	case 0:
		_, at := c.forest.Branch(c.rng.IntN(c.cfg.Trees), c.rng.IntN(c.forest.branches))
		return at
	case 1:
		special := []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1), math.MaxFloat64}
		return special[c.rng.IntN(len(special))]
	}
	return c.rng.NormFloat64()
}

// observation is one value a feature in both forms; missing is nil when every
// value is there, but for a case in which it may be.
func (c *randomCase) observation() (m map[string]float64, x []float64, missing Missing) {
	m, x = map[string]float64{}, make([]float64, len(c.features))
	if c.absent > 0 {
		missing = NewMissing(len(x))
	}
	for i, name := range c.features {
		if c.rng.Float64() < c.absent {
			missing.Set(i)
			x[i] = c.rng.NormFloat64() // must not matter
			continue
		}
		x[i] = c.value()
		m[name] = x[i]
	}
	m["unknown"] = 1 // no tree asks for it
	return m, x, missing
}

func (c *randomCase) run() (err error) {
	if c.forest, err = NewForest(c.cfg, c.features); err != nil {
		return err
	}
	c.twin, c.river = newTwin(c.cfg, c.features), &River{cfg: c.cfg}
	c.river.use(c.forest.Clone())
	if c.rng.IntN(4) == 0 { // the numbers of windows run out within the stream
		c.forest.epoch = math.MaxUint32 - uint32(c.rng.IntN(3))
	}
	for i := range 10 + c.rng.IntN(4*c.cfg.Window) {
		if err := c.step(); err != nil {
			return fmt.Errorf("observation %d: %w", i, err)
		}
	}
	for _, f := range []*Forest{c.forest, c.river.Forest()} {
		if d := c.twin.diff(f); d != "" {
			return fmt.Errorf("at the end: %s", d)
		}
	}
	return nil
}

// step sends one observation through all models, through each in one of the ways
// that must come to the same.
func (c *randomCase) step() error {
	m, x, missing := c.observation()
	kept, keptMissing := slices.Clone(x), slices.Clone(missing)
	before := c.twin.score(m)
	c.twin.learn(m)
	after := c.twin.score(m)
	var got, want float64
	switch c.rng.IntN(4) {
	case 0:
		got, want = c.forest.ScoreLearn(x, missing), before
	case 1:
		got, want = c.forest.LearnScore(x, missing), after
	case 2:
		got, want = c.forest.Score(x, missing), before
		c.forest.Learn(x, missing)
	case 3:
		c.forest.Learn(x, missing)
		got, want = c.forest.Score(x, missing), after
	}
	if got != want {
		return fmt.Errorf("score of %v (missing %v) is %v, twin has %v", x, missing, got, want)
	}
	if got := c.river.Score(m); got != before {
		return fmt.Errorf("River scores %v %v, twin %v", m, got, before)
	}
	if err := c.river.Learn(m); err != nil {
		return err
	}
	if got := c.river.Score(m); got != after {
		return fmt.Errorf("River scores %v %v after learning, twin %v", m, got, after)
	}
	if fmt.Sprint(x, missing) != fmt.Sprint(kept, keptMissing) {
		return fmt.Errorf("the vector %v was changed to %v", kept, x)
	}
	return c.replace()
}

// replace sometimes swaps the forest for a copy of itself.
func (c *randomCase) replace() (err error) {
	switch c.rng.IntN(30) {
	case 0:
		original := c.forest
		c.forest = original.Clone()
		original.Learn(make([]float64, len(c.features)), nil) // must not matter
	case 1:
		c.forest, err = RestoreForest(c.forest.Snapshot(), c.forest.MemoryBytes())
	case 2:
		c.river, err = RestoreRiver(c.river.Snapshot(), c.forest.MemoryBytes())
	}
	return err
}
