package measure

import (
	"slices"
	"testing"
)

// Seven seconds in bins of two, by hand: what is bad in a bin stays in sight.
func TestCoarseKeepsWhatIsBad(t *testing.T) {
	fine := &Timeline{
		Step: 1, Load: []float64{1, 3, 5, 5, 0, 2, 7}, P50: []float64{10, 30, 0, 20, 0, 0, 5}, P95: []float64{50, 20, 0, 90, 0, 0, 5},
		Violated: []bool{false, true, false, false, false, false, false},
		Services: []ServiceLine{{Service: "web", Want: []int{1, 2, 2, 2, 2, 1, 1}, Ready: []int{1, 1, 1, 2, 2, 2, 1}, Queue: []int{0, 9, 0, 0, 0, 0, 3}}},
	}
	c := fine.Coarse(4)
	s := c.Services[0]
	if c.Step != 2 || !slices.Equal(c.Load, []float64{2, 5, 1, 7}) || !slices.Equal(c.P50, []float64{20, 20, 0, 5}) || !slices.Equal(c.P95, []float64{50, 90, 0, 5}) ||
		!slices.Equal(c.Violated, []bool{true, false, false, false}) ||
		!slices.Equal(s.Want, []int{2, 2, 2, 1}) || !slices.Equal(s.Ready, []int{1, 1, 2, 1}) || !slices.Equal(s.Queue, []int{9, 0, 0, 3}) {
		t.Errorf("%+v", c)
	}
	if fine.Coarse(7) != fine || fine.Step != 1 || len(fine.Services[0].Want) != 7 {
		t.Error("a short timeline is changed")
	}
	if empty := (&Timeline{Step: 1}).Coarse(3); len(empty.Load) != 0 {
		t.Errorf("%+v", empty)
	}
}

// In the middle of 5, 7 and 9 violated seconds is seed 3; of 5 and 7 the lower one.
func TestTypicalIsTheMedian(t *testing.T) {
	runs := []*Measures{
		{Case: "a", Policy: "scale", Seed: 1, ViolatedSeconds: 9}, {Case: "a", Policy: "scale", Seed: 2, ViolatedSeconds: 5},
		{Case: "a", Policy: "scale", Seed: 3, ViolatedSeconds: 7}, {Case: "a", Policy: "hpa", Seed: 4, ViolatedSeconds: 7},
		{Case: "b", Policy: "scale", Seed: 5, ViolatedSeconds: 7},
	}
	if got := Typical(runs, "a", "scale"); got != 3 {
		t.Errorf("seed %d, want 3", got)
	}
	if got := Typical(runs[1:], "a", "scale"); got != 2 {
		t.Errorf("seed %d of two, want 2", got)
	}
	if got := Typical(runs, "c", "scale"); got != 0 {
		t.Errorf("seed %d of none", got)
	}
}
