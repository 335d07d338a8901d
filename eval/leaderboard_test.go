package eval

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// By hand: 10 spans, 2 positives at ranks 1 and 4-5 (tied with a negative). A
// budget of 10 % is the first span; 40 % ends half way into the tie.
func TestRecallAtBudget(t *testing.T) {
	s := &Scores{
		Labels:  make([]trace.Label, 10),
		Columns: []ScoreColumn{{Score: []float64{9, 8, 7, 5, 5, 4, 3, 2, 1, math.NaN()}}},
	}
	for i := range s.Labels {
		s.Labels[i] = trace.Normal
	}
	s.Labels[0], s.Labels[4] = trace.Anomalous, trace.Anomalous
	s.Labels[1] = trace.Guard // takes budget although it is not scored
	shares, want := []float64{0, .1, .3, .4, .5, 1}, []Number{0, .5, .5, .75, 1, 1}
	if got, err := recallAtBudgets(&Workspace{}, Rank(s.Labels, s.Columns[0].Score), s, 0, shares); err != nil || !slices.Equal(got, want) {
		t.Errorf("recall at %v is %v, %v, want %v", shares, got, err, want)
	}
}

// The twin goes through all spans in order of score. Few scores make many ties.
func TestRecallAtBudgetEqualsSlowTwin(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 71))
	for round := range 200 {
		n := 1 + rng.IntN(60)
		s := &Scores{Labels: make([]trace.Label, n), Columns: []ScoreColumn{{Score: make([]float64, n)}}}
		score, positives := s.Columns[0].Score, 0.0
		var order []int
		for i := range score {
			s.Labels[i], score[i] = trace.Label(rng.IntN(6)), float64(rng.IntN(1+round%12))
			if s.Labels[i].Positive() {
				positives++
			}
			if rng.IntN(9) == 0 {
				score[i] = math.NaN()
			} else {
				order = append(order, i)
			}
		}
		slices.SortFunc(order, func(a, b int) int { return cmp.Compare(score[b], score[a]) })
		got, err := recallAtBudgets(&Workspace{}, Rank(s.Labels, score), s, 0, CurveBudgets)
		if err != nil {
			t.Fatal(err)
		}
		for k, share := range CurveBudgets {
			budget, found := share*float64(n), 0.0
			for from := 0; from < len(order) && budget > 0; {
				to, hit := from, 0.0
				for ; to < len(order) && score[order[to]] == score[order[from]]; to++ {
					if s.Labels[order[to]].Positive() {
						hit++
					}
				}
				found += float64(min(1, budget/float64(to-from)) * hit)
				budget -= float64(to - from)
				from = to
			}
			if want := found / positives; float64(got[k]) != want && want == want {
				t.Fatalf("round %d: recall at %v is %v, want %v", round, share, got[k], want)
			}
		}
	}
}

// boardCells are three samplers on k seeds: "good" is better than "same" by .1 on
// every seed and resample, "twin" differs from "same" by noise around 0.
func boardCells(k int) (cells []Cell) {
	rng := rand.New(rand.NewPCG(1, 1))
	for seed := range k {
		base := make([]Number, 50)
		for i := range base {
			base[i] = Number(.5 + .1*rng.NormFloat64())
		}
		for name, shift := range map[string]func() float64{
			"same": func() float64 { return 0 },
			"good": func() float64 { return .1 },
			"twin": func() float64 { return .01 * rng.NormFloat64() },
		} {
			c := Cell{Dataset: "d", Condition: "x", Seed: uint64(seed), Sampler: name, AP: Number(.5 + shift())}
			c.Own.Metrics.F1.Value = c.AP
			for _, b := range base {
				c.APReplicates = append(c.APReplicates, b+Number(shift()))
			}
			c.F1Replicates = c.APReplicates
			cells = append(cells, c)
		}
	}
	return cells
}

func TestBoard(t *testing.T) {
	b, err := NewBoard(boardCells(5), "same", 1)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range b.Rows {
		got = append(got, fmt.Sprint(r.Sampler, " ", r.VerdictAP, " ", r.Seeds))
		if r.Sampler == "good" && math.Abs(float64(r.APDifference.Lo)-.1) > 1e-9 {
			t.Errorf("the difference is .1 in every resample, its interval begins at %v: not paired", r.APDifference.Lo)
		}
		if !(r.AP.Lo <= r.AP.Value && r.AP.Value <= r.AP.Hi) {
			t.Errorf("%s: AP %v outside its interval [%v, %v]", r.Sampler, r.AP.Value, r.AP.Lo, r.AP.Hi)
		}
	}
	if got[0] != "good better 5" || !reflect.DeepEqual(map[string]bool{got[1]: true, got[2]: true}, map[string]bool{"same reference 5": true, "twin tie 5": true}) {
		t.Errorf("rows %q", got)
	}
}

// A sampler without chance on labels that no seed moves says the same for every seed:
// more seeds are no more data, so intervals must not shrink. Nor must those of a
// difference, here of the sampler to one that is worse by half of the resample's luck.
func TestSeedsOfTheSameTracesAreNoMoreData(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	luck := make([]Number, 200)
	for i := range luck {
		luck[i] = Number(.1 * rng.NormFloat64())
	}
	width := map[int][2]float64{}
	for _, seeds := range []int{1, 10} {
		var cells []Cell
		for seed := range seeds {
			for name, share := range map[string]Number{"all": 1, "half": .5} {
				c := Cell{Dataset: "d", Condition: "labels", Seed: uint64(seed), Sampler: name, AP: .5}
				for _, l := range luck {
					c.APReplicates = append(c.APReplicates, .5+share*l)
				}
				cells = append(cells, c)
			}
		}
		b, err := NewBoard(cells, "half", 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range b.Rows {
			if r.Sampler == "all" {
				width[seeds] = [2]float64{float64(r.AP.Hi - r.AP.Lo), float64(r.APDifference.Hi - r.APDifference.Lo)}
			}
		}
	}
	for i, one := range width[1] {
		// A resample for each seed would give a third.
		near(t, "width with ten seeds", width[10][i], one, 1e-12)
	}
}

func TestBoardDoesNotDependOnOrder(t *testing.T) {
	cells := boardCells(3)
	want, err := NewBoard(cells, "same", 1)
	if err != nil {
		t.Fatal(err)
	}
	rand.New(rand.NewPCG(2, 2)).Shuffle(len(cells), func(i, j int) { cells[i], cells[j] = cells[j], cells[i] })
	got, err := NewBoard(cells, "same", 1)
	// NaN is not equal to itself, so compare the printed form.
	if err != nil || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("another order gives another board: %v", err)
	}
}

func TestBoardRefuses(t *testing.T) {
	cells := boardCells(1)
	if _, err := NewBoard(append(cells, cells[0]), "same", 1); err == nil {
		t.Error("a cell twice must be an error")
	}
	if _, err := NewBoard(cells, "absent", 1); err == nil {
		t.Error("a missing reference must be an error")
	}
}

// Strongest first, a dataset's own labels last: the order of a table that reads from the
// easy to the hard.
func TestBoardOrdersConditionsByStrength(t *testing.T) {
	var cells []Cell
	for _, s := range []Strength{{2, 2, 0}, {8, 10, 5e6}, {2, 2, 5e6}, {10, 10, 0}, {}} {
		cells = append(cells, Cell{Dataset: "d", Condition: fmt.Sprint(s), Strength: s, Sampler: "a"})
	}
	b, err := NewBoard(cells, "a", 1)
	if err != nil {
		t.Fatal(err)
	}
	var got []Strength
	for _, r := range b.Rows {
		got = append(got, r.Strength)
	}
	if want := []Strength{{10, 10, 0}, {8, 10, 5e6}, {2, 2, 5e6}, {2, 2, 0}, {}}; !reflect.DeepEqual(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
}

// Two traces of two calls each: what a cell says of diversity is what Diversity says,
// and recall rises with the budget to 1.
func TestCellOfDiversityAndCurve(t *testing.T) {
	o := &Outcome{Calls: []trace.Call{1, 2, 3, 4}, Counts: Counts{Test: 4, Positives: 1}, Scores: &Scores{
		Labels: []trace.Label{trace.Anomalous, trace.Normal, trace.Normal, trace.Normal}, Trace: []uint32{0, 0, 1, 1},
		Columns: []ScoreColumn{{Name: "s", Score: []float64{4, 3, 2, 1}, Keep: []bool{true, false, false, false}}},
	}}
	c, err := CellOf(o, 0, []uint32{0, 1}, SummaryOptions{Replicates: -1})
	if err != nil {
		t.Fatal(err)
	}
	want, err := Diversity(o.Scores, 0, Cover{Calls: o.Calls, Types: []uint32{0, 1}}, Budgets, 0)
	if err != nil || !reflect.DeepEqual(c.Diversity, want) {
		t.Errorf("diversity %v, %v, want %v", c.Diversity, err, want)
	}
	if len(c.RecallCurve) != len(CurveBudgets) || c.RecallCurve[len(CurveBudgets)-1] != 1 {
		t.Errorf("recall against budget %v", c.RecallCurve)
	}
	// A thousandth of four spans is .004 of the first, which is the one positive.
	if math.Abs(float64(c.RecallCurve[0])-.004) > 1e-12 {
		t.Errorf("recall at a budget of .1 %% is %v, want .004", c.RecallCurve[0])
	}
}
