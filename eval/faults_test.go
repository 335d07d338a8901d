package eval

import (
	"encoding/json"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

func faultPlan() Plan {
	test := spansOf(5, 50, 60, 77, 70, 8, 90, 3)
	set := func(i int, l trace.Label, kind string) { test[i].Label, test[i].Kind = l, kind }
	set(1, trace.Anomalous, "delay a")
	set(2, trace.Propagated, "delay a")
	set(3, trace.Candidate, "delay a")
	set(4, trace.Guard, "delay a")
	set(5, trace.Candidate, "cpu b")
	set(6, trace.Normal, "cpu b") // in the window, but the fault cannot reach it
	return Plan{
		Test:     source(test),
		Entrants: []Entrant{entrant(&scripted{}, Cut{})},
		Faults:   []FaultResult{{Name: "delay a", At: 500_000_000}, {Name: "cpu b", At: 4e9}},
	}
}

func TestRunFaults(t *testing.T) {
	o := runOrFail(t, faultPlan())
	r, err := o.Result(SummaryOptions{Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	// Span 1 starts at 1 s, lasts 50 ns and is kept, as is span 3 later; the fault
	// began at .5 s.
	a := FaultResult{Name: "delay a", At: 500_000_000, Candidates: 2, Positives: 1, Propagated: 1, Guard: 1,
		FlaggedCands: 2, DetectionDelayS: Number(float64(500_000_050) / 1e9)}
	if r.Faults[0] != a {
		t.Errorf("fault a: %+v, want %+v", r.Faults[0], a)
	}
	if b := r.Faults[1]; b.Candidates != 1 || b.FlaggedCands != 0 || b.DetectionDelayS == b.DetectionDelayS {
		t.Errorf("fault b: %+v, want one candidate that is not flagged", b)
	}
	near(t, "candidate recall", float64(r.CandidateRecall.Value), 2.0/3, 1e-15)
	// Normal spans outside of windows: 5 and 3, neither kept; 90 does not count.
	near(t, "fault-free FPR", float64(r.FaultFreeFPR.Value), 0, 0)
	near(t, "FPR", float64(r.Samplers[0].Point.Metrics.FPR.Value), 2.0/5, 1e-15)
}

func TestResultJSON(t *testing.T) {
	o := runOrFail(t, faultPlan())
	r, _ := o.Result(SummaryOptions{})
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back Result
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	again, _ := json.Marshal(back)
	if string(again) != string(b) {
		t.Error("a Result changes on its way through JSON")
	}
}
