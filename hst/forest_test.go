package hst

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"
)

// oneTree is the tree of seed 42, height 1: its split is CPython's
// random.Random(42): random() for the feature, uniform(.15, .85).
func oneTree(t *testing.T, window int) *Forest {
	f, err := NewForest(Config{Trees: 1, Height: 1, Window: window, Seed: NewSeed(42)}, []string{"x"})
	if err != nil {
		t.Fatal(err)
	}
	if on, at := f.Branch(0, 0); on != 0 || at != 0.16750752865586685 {
		t.Fatalf("the split is %d < %v", on, at)
	}
	return f
}

func TestEqualAndNaNAndInfinityGoRight(t *testing.T) {
	for value, right := range map[float64]bool{
		0.16750752865586685:                     true,
		math.Nextafter(0.16750752865586685, -1): false,
		math.NaN():                              true,
		math.Inf(1):                             true,
		math.Inf(-1):                            false,
		math.Copysign(0, -1):                    false,
	} {
		f := oneTree(t, 10)
		f.Learn([]float64{value}, nil)
		if _, latest := f.Masses(0, 2); (latest == 1) != right {
			t.Errorf("%v goes right: %v, want %v", value, latest == 1, right)
		}
	}
}

// River's rule: a missing value goes to the child with more mass in the current
// window, left on a tie, and each step of learning counts for the next.
func TestMissingFollowsTheCurrentWindow(t *testing.T) {
	f := oneTree(t, 10)
	gone := NewMissing(1)
	gone.Set(0)
	for _, step := range []struct {
		x           float64
		missing     Missing
		left, right int
	}{
		{0.9, gone, 1, 0}, // a tie, whatever x says
		{0.9, nil, 1, 1},
		{0.9, gone, 2, 1},
		{0.9, nil, 2, 2},
		{0.9, nil, 2, 3},
		{0.1, gone, 2, 4},
	} {
		f.Learn([]float64{step.x}, step.missing)
		_, left := f.Masses(0, 1)
		_, right := f.Masses(0, 2)
		if left != step.left || right != step.right {
			t.Fatalf("after %v (missing %v): left %d right %d, want %d and %d", step.x, step.missing, left, right, step.left, step.right)
		}
	}
}

// By hand: 70 observations, 7 of them to the left, height 1. Left: 70 + 7*2 = 84
// of 70*3 = 210. Right: 70 + 63*2 = 196.
func TestMassByHand(t *testing.T) {
	f := oneTree(t, 70)
	for i := range 70 {
		if f.Ready() || f.Score([]float64{0.5}, nil) != 0 || f.Mass([]float64{0.5}, nil) != 0 {
			t.Fatalf("a score after %d of the 70 observations of the first window", i)
		}
		f.Learn([]float64{float64(i) / 40}, nil) // 7 below 0.1675
	}
	if !f.Ready() || f.Learned() != 70 {
		t.Fatalf("ready %v after %d observations", f.Ready(), f.Learned())
	}
	for x, want := range map[float64]uint64{0.1: 84, 0.5: 196, math.NaN(): 196} {
		if got := f.Mass([]float64{x}, nil); got != want {
			t.Errorf("mass of %v is %d, want %d", x, got, want)
		}
		if got := f.Score([]float64{x}, nil); got != 1-float64(want)/210 {
			t.Errorf("score of %v is %v, want 1-%d/210", x, got, want)
		}
	}
	if r, l := f.Masses(0, 0); r != 70 || l != 0 {
		t.Errorf("the root has masses %d and %d, want 70 and 0", r, l)
	}
}

func TestMisuseSaysWhatDoesNotFit(t *testing.T) {
	f := oneTree(t, 1)
	calls := map[string]func(x []float64, m Missing){
		"Score":      func(x []float64, m Missing) { f.Score(x, m) },
		"Mass":       func(x []float64, m Missing) { f.Mass(x, m) },
		"Learn":      func(x []float64, m Missing) { f.Learn(x, m) },
		"ScoreLearn": func(x []float64, m Missing) { f.ScoreLearn(x, m) },
		"LearnScore": func(x []float64, m Missing) { f.LearnScore(x, m) },
	}
	for name, call := range calls {
		for want, args := range map[string]struct {
			x []float64
			m Missing
		}{
			"hst: a vector of 2 values and a Missing of 1 for a forest of 1 features": {make([]float64, 2), nil},
			"hst: a vector of 0 values and a Missing of 1 for a forest of 1 features": {nil, nil},
			"hst: a vector of 1 values and a Missing of 0 for a forest of 1 features": {make([]float64, 1), Missing{}},
		} {
			if got := panicOf(func() { call(args.x, args.m) }); got != want {
				t.Errorf("%s panics with %q, want %q", name, got, want)
			}
		}
	}
	if f.Learned() != 0 {
		t.Error("a refused vector was counted")
	}
}

func panicOf(call func()) (message string) {
	defer func() { message = fmt.Sprint(recover()) }()
	call()
	return ""
}

func TestRiverFirstObservation(t *testing.T) {
	r, err := NewRiver(Config{Trees: 2, Height: 2, Window: 1, Limits: map[string][2]float64{"flat": {1, 1}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []map[string]float64{nil, {}, {"flat": 1}} {
		if err := r.Learn(x); err == nil || r.Forest() != nil || r.Ready() {
			t.Errorf("trees grew from %v (%v)", x, err)
		}
	}
	x := map[string]float64{"b": 0.5, "flat": 1, "a": math.NaN()}
	if r.Score(x) != 0 || r.Mass(x) != 0 {
		t.Error("a score before the first observation")
	}
	if err := errors.Join(r.Learn(x), r.Learn(nil), r.Learn(map[string]float64{"later": 7})); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(r.Forest().Features()); got != "[a b flat]" || !r.Ready() {
		t.Errorf("features %s, want those of the first observation that was learnt", got)
	}
	if len(x) != 3 {
		t.Errorf("the observation is now %v", x)
	}
}

func TestNothingAllocatesPerObservation(t *testing.T) {
	cfg := DefaultConfig(NewSeed(1))
	cfg.Window = 7 // windows end within the test
	f, err := NewForest(cfg, []string{"a", "b"})
	if err != nil {
		t.Fatal(err)
	}
	r := &River{}
	r.use(f.Clone())
	x, gone, m := []float64{0.5, 0.5}, NewMissing(2), map[string]float64{"a": 0.5}
	gone.Set(1)
	for name, call := range map[string]func(){
		"Learn":      func() { f.Learn(x, gone) },
		"Score":      func() { f.Score(x, gone) },
		"ScoreLearn": func() { f.ScoreLearn(x, nil) },
		"LearnScore": func() { f.LearnScore(x, nil) },
		"River":      func() { r.Score(m); _ = r.Learn(m) },
	} {
		if n := testing.AllocsPerRun(100, call); n != 0 {
			t.Errorf("%s allocates %v times a call", name, n)
		}
	}
}

// The formula of the documentation: 24 bytes a node.
func TestMemoryBytes(t *testing.T) {
	for _, s := range []struct {
		trees, height int
		want          int64
	}{{10, 8, 122_640}, {50, 10, 2_456_400}, {25, 15, 39_321_000}} {
		cfg := Config{Trees: s.trees, Height: s.height, Window: 250}
		f, err := NewForest(cfg, []string{"x"})
		if err != nil {
			t.Fatal(err)
		}
		if got := f.MemoryBytes(); got != s.want || got != int64(cap(f.nodes))*nodeBytes {
			t.Errorf("%d/%d takes %d bytes, documented are %d", s.trees, s.height, got, s.want)
		}
	}
}

// The race detector is the judge: readers may run together while nothing learns.
func TestScoreMayRunTogether(t *testing.T) {
	f := snapshotForest(t)
	want := f.Score([]float64{0.5, 2}, nil)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				if got := f.Score([]float64{0.5, 2}, nil); got != want {
					t.Errorf("score %v, want %v", got, want)
				}
			}
		})
	}
	wg.Wait()
}
