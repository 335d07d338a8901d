package tuning

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/eval"
)

// TestReadTwin compares the one pass over all thresholds with one pass each.
func TestReadTwin(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 50 {
		n := 5 + rng.IntN(300)
		c := Column{Ends: Blocks(n, 1+rng.IntN(4), 0.3+0.4*rng.Float64())}
		for range n {
			score := math.Round(rng.Float64()*20) / 20 // ties with thresholds
			if rng.IntN(10) == 0 {
				score = math.NaN()
			}
			c.Score, c.Keep = append(c.Score, score), append(c.Keep, rng.IntN(2) == 0)
			c.Labels = append(c.Labels, trace.Label(rng.IntN(6)))
		}
		thresholds := []string{"0.9", "0.25", "0.5", "", "0", "1"}
		budgets := []float64{0.1, 0.5}
		got, err := Read(c, thresholds, budgets)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range got {
			keep := func(k int) bool { return c.Keep[k] }
			if i >= len(thresholds) || thresholds[i] != "" {
				keep = func(k int) bool { return c.Score[k] >= float64(r.Score) }
			}
			if want := slowBlocks(c, keep); !slices.Equal(r.Blocks, want) {
				t.Fatalf("reading %d: %+v, want %+v", i, r.Blocks, want)
			}
			if r.Budget > 0 {
				checkBudget(t, c, r)
			}
		}
	}
	if _, err := Read(Column{Ends: []int{0, 0}}, []string{"high"}, nil); err == nil {
		t.Error(`threshold "high" is accepted`)
	}
}

func slowBlocks(c Column, keep func(int) bool) []eval.Confusion {
	blocks := make([]eval.Confusion, len(c.Ends))
	for i := range c.Score {
		b := 0
		for i >= c.Ends[b] {
			b++
		}
		if !math.IsNaN(c.Score[i]) {
			blocks[b].Add(c.Labels[i], keep(i))
		}
	}
	return blocks
}

// checkBudget: of the validation spans the cut-off keeps at most the budget, and the
// next lower score would keep more.
func checkBudget(t *testing.T, c Column, r Reading) {
	t.Helper()
	var scores []float64
	for _, s := range c.Score[:c.Ends[len(c.Ends)-2]] {
		if !math.IsNaN(s) {
			scores = append(scores, s)
		}
	}
	if len(scores) == 0 {
		return
	}
	kept, lower := 0, math.Inf(-1)
	for _, s := range scores {
		if s >= float64(r.Score) {
			kept++
		} else {
			lower = max(lower, s)
		}
	}
	more := kept
	for _, s := range scores {
		if s == lower {
			more++
		}
	}
	if most := r.Budget * float64(len(scores)); float64(kept) > most || !math.IsInf(lower, -1) && float64(more) <= most {
		t.Fatalf("budget %v of %d keeps %d, the next cut %d", r.Budget, len(scores), kept, more)
	}
}

func TestBlocks(t *testing.T) {
	if got := Blocks(1000, 4, 0.5); !slices.Equal(got, []int{125, 250, 375, 500, 1000}) {
		t.Errorf("%v", got)
	}
	if got := Blocks(3, 2, 0.5); !slices.Equal(got, []int{0, 1, 3}) {
		t.Errorf("%v", got)
	}
}

func TestObjectives(t *testing.T) {
	c := eval.Confusion{TP: 8, FN: 2, FP: 5, TN: 95}
	for text, want := range map[string]float64{
		"f1":              1 - 16./23, // 2TP / (2TP+FP+FN)
		"fpr@recall>=0.8": 0.05,
		"fpr@recall>=0.9": 1.1, // misses by 0.1
		"fpr@budget=0.1":  0.05,
		"time":            120,
	} {
		o, err := ParseObjective(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := o.Loss(c, 120); math.Abs(got-want) > 1e-12 {
			t.Errorf("%s: loss %v, want %v", text, got, want)
		}
		if o.String() != text {
			t.Errorf("%s is printed as %s", text, o)
		}
		if bad := text == "fpr@recall>=0.9"; o.Feasible(want) == bad {
			t.Errorf("%s: loss %v is feasible: %v", text, want, !bad)
		}
	}
	for _, text := range []string{"", "f2", "fpr", "fpr@recall>=", "fpr@recall>=1.1", "fpr@recall>=0", "fpr@budget=x"} {
		if _, err := ParseObjective(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
	a, b := Objective{FPRAtBudget, .1}, Objective{FPRAtBudget, .2}
	for _, list := range [][]Objective{nil, {a, a}, {a, b}} {
		if CheckObjectives(list) == nil {
			t.Errorf("%v is accepted", list)
		}
	}
}

// row is a row of one seed with a confusion matrix a block.
func row(name string, blocks ...eval.Confusion) Row {
	return Row{Model: Point{name}, Share: 1, Seeds: []uint64{1}, Blocks: [][]eval.Confusion{blocks}, NsPerSpan: math.NaN()}
}

// withF1 is a matrix of 100 positives whose F1 is about f.
func withF1(f float64) eval.Confusion {
	tp := int64(math.Round(100 * f))
	return eval.Confusion{TP: tp, FN: 100 - tp, FP: 100 - tp, TN: 1000}
}

// TestChoiceIsHonest: "lucky" is best on the validation blocks and bad later; it is
// chosen, and its test result is what it is.
func TestChoiceIsHonest(t *testing.T) {
	rows := []Row{
		row("1", withF1(.7), withF1(.7), withF1(.7)),
		row("2", withF1(.9), withF1(.8), withF1(.3)),
		row("3", withF1(.6), withF1(.6), withF1(.99)), // only the test block likes it
	}
	f1 := []Objective{{Goal: MaxF1}}
	if got := Choose(rows, f1, 0, 2); got != 1 {
		t.Errorf("chose row %d", got)
	}
	folds := Nested(rows, f1)
	if len(folds) != 2 || folds[1].Row != 1 || math.Abs(folds[1].After.F1()-.3) > .01 || math.Abs(folds[0].After.F1()-.8) > .01 {
		t.Errorf("folds %+v", folds)
	}
	fewer := rows[1]
	fewer.Share = 0.5
	if got := Choose([]Row{rows[0], fewer}, f1, 0, 2); got != 0 {
		t.Error("a row on half of the data was chosen")
	}
	if got := Choose([]Row{{Fail: "no"}}, f1, 0, 1); got != -1 {
		t.Errorf("chose row %d of none", got)
	}
}

func TestSpread(t *testing.T) {
	s := SpreadOf([]float64{1, 2, 3, 4}) // deviation sqrt(5/3)
	if s.Mean != 2.5 || math.Abs(float64(s.SD)-math.Sqrt(5./3)) > 1e-12 || s.N != 4 {
		t.Errorf("%+v", s)
	}
	if s := SpreadOf([]float64{7}); s.Mean != 7 || !math.IsNaN(float64(s.SD)) {
		t.Errorf("%+v", s)
	}
}

// TestPaired: two columns of the same errors are a tie; one that is worse on every
// resample is not.
func TestPaired(t *testing.T) {
	var a, worse, noisy []eval.Confusion
	rng := rand.New(rand.NewPCG(2, 2))
	for range 200 {
		base := 0.5 + 0.2*rng.Float64()
		a, worse = append(a, withF1(base)), append(worse, withF1(base-.05))
		noisy = append(noisy, withF1(base+.1*(rng.Float64()-.5)))
	}
	f1 := Objective{Goal: MaxF1}
	pair := func(b []eval.Confusion) Difference {
		return Paired([][]eval.Confusion{a, a}, [][]eval.Confusion{b, b}, f1)
	}
	if d := pair(a); !d.Tie || d.Loss != 0 {
		t.Errorf("with itself: %+v", d)
	}
	if d := pair(worse); d.Tie || math.Abs(float64(d.Loss)-.05) > .005 {
		t.Errorf("worse by .05 on every resample: %+v", d)
	}
	if d := pair(noisy); !d.Tie {
		t.Errorf("as good on average: %+v", d)
	}
	if d := Paired([][]eval.Confusion{{{TN: 5}}}, [][]eval.Confusion{{{TN: 5}}}, f1); d.Tie || !math.IsNaN(float64(d.Lo)) {
		t.Errorf("without positives: %+v", d)
	}
}

func TestImportances(t *testing.T) {
	// loss = 2 a + b over a full 3 x 3 grid, c without effect: the variances of 2a and b
	// are 4 to 1, so the shares are near .8 and .2.
	s := mustSpace(t, "a=0,1,2", "b=0,1,2", "c=0..9")
	var values [][]string
	var losses []float64
	for a := range 3 {
		for b := range 3 {
			for c := range 10 {
				values = append(values, []string{strconv.Itoa(a), strconv.Itoa(b), strconv.Itoa(c)})
				losses = append(losses, float64(2*a+b))
			}
		}
	}
	values, losses = append(values, []string{"0", "0", "0"}), append(losses, math.Inf(1))
	got := Importances(s.Params, values, losses)
	want := map[string]float64{"a": .8, "b": .2, "c": 0}
	for i, name := range []string{"a", "b", "c"} {
		if got[i].Name != name || math.Abs(got[i].Share-want[name]) > .02 {
			t.Errorf("place %d: %+v, want %s with %v", i, got[i], name, want[name])
		}
	}
	if l := got[0].Levels; len(l) != 3 || l[2].Loss != 5 || l[2].N != 30 {
		t.Errorf("levels of a: %+v", l)
	}
}
