package measure

import (
	"math"
	"testing"
)

// By hand: 90 violated seconds in half an hour are 180 an hour, and 3 pods all the time
// are 3 pod-hours an hour, at 10 violated seconds each.
func TestLossIsByTheHour(t *testing.T) {
	o := Objective{Price: 10, Hours: map[string]float64{"web": .5}}
	m := &Measures{Case: "web", ViolatedSeconds: 90, PodSeconds: 3 * 1800}
	if l := o.Loss(m); l != 210 {
		t.Errorf("%v, want 210", l)
	}
	loss, violated, pods := o.Mean([]*Measures{m, {Case: "web"}})
	if loss != 105 || violated != 90 || pods != 1.5 {
		t.Errorf("%v, %v, %v, want 105, 90, 1.5", loss, violated, pods)
	}
}

// Two policies on three seeds: tuning makes "a" better by 10, 11 and 12 and leaves "b" as
// it was. The means, differences and signs are those; t is 11·√3, whose two-sided p-value at
// two degrees of freedom is 1 - t/√(t²+2), and twice that after Holm.
func TestScoreIsPaired(t *testing.T) {
	values := map[string][]float64{"a": {100, 200, 300}, "a@1": {90, 189, 288}, "b": {50, 60, 70}}
	run := func(c, policy string, seed uint64) *Measures {
		return &Measures{Case: c, ViolatedSeconds: values[policy][seed-1]}
	}
	r := &Tuning{
		Objective: Objective{Hours: map[string]float64{"x": 1, "y": 1}},
		Policies: []TunedPolicy{
			{Policy: "a", Chosen: 1, Trials: []Trial{{Name: "a"}, {Name: "a@1"}}},
			{Policy: "b", Trials: []Trial{{Name: "b"}}},
		},
	}
	r.Score(1, 3, run, []string{"x", "y"})
	h := r.Held[0]
	a, b := h.Scores[0], h.Scores[1]
	if a.Default.Loss.Mean != 200 || a.Tuned.Loss.Mean != 189 || a.Change.Diff.Mean != -11 || !a.Change.Better || math.Abs(a.Change.Holm-2*(1-math.Sqrt(363./365))) > 1e-9 {
		t.Errorf("%+v", a)
	}
	if b.Change.Diff != (Estimate{}) || b.Change.P != 1 || b.Change.Better || b.Change.Worse {
		t.Errorf("%+v", b)
	}
	if len(h.Rivals) != 1 || h.Rivals[0].Other != "b" || h.Rivals[0].Diff.Mean != 129 {
		t.Errorf("%+v", h.Rivals)
	}
	if len(h.RivalCells) != 2 || h.RivalCells[1].Case != "y" || h.RivalCells[1].Diff.Mean != 129 {
		t.Errorf("%+v", h.RivalCells)
	}
	if len(h.Cells) != 4 || h.Cells[1].Case != "y" || h.Cells[1].Policy != "a" || h.Cells[1].Change.Diff.Mean != -11 {
		t.Errorf("%+v", h.Cells)
	}
}
