package eval

import (
	"encoding/json"
	"strings"
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

// Without replicates nothing is resampled, however often defaults are filled in.
func TestResultWithoutBootstrap(t *testing.T) {
	o := runOrFail(t, faultPlan())
	r, err := o.Result(SummaryOptions{Replicates: -1})
	if err != nil {
		t.Fatal(err)
	}
	for name, rate := range map[string]Rate{"AP": r.Samplers[0].AP, "F1": r.Samplers[0].Point.Metrics.F1, "candidate recall": *r.CandidateRecall} {
		if strings.HasPrefix(rate.Method, "bootstrap") || rate.Lo == rate.Lo && rate.Method == "" {
			t.Errorf("%s: %+v is of a bootstrap", name, rate)
		}
	}
	if got, err := o.Result(SummaryOptions{}); err != nil || !strings.HasPrefix(got.Samplers[0].AP.Method, "bootstrap") {
		t.Errorf("by default: %+v, %v", got.Samplers[0].AP, err)
	}
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

// By hand: fault a has two candidates, of which spans kept at random at a rate of .5
// miss both with .25; fault b one, missed with .5; fault c none, which nothing can say.
func TestFaultSummary(t *testing.T) {
	faults := []FaultResult{
		{Name: "a", Candidates: 2, FlaggedCands: 1, DetectionDelayS: 3},
		{Name: "b", Candidates: 1, FlaggedCands: 1, DetectionDelayS: 8},
		{Name: "c"},
	}
	s := summariseFaults(faults, .5)
	if s.Detected != 2 || s.Detectable != 2 {
		t.Errorf("%d of %d detected, want 2 of 2", s.Detected, s.Detectable)
	}
	near(t, "by chance", float64(s.ByChance), .75+.5, 1e-15)
	near(t, "median delay", float64(s.MedianDelayS), 5.5, 1e-15)

	o := runOrFail(t, faultPlan())
	got, err := o.FaultSummary(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.Detected != 1 || got.Detectable != 2 || got.FaultFreeFPR != 0 || got.ByChance != 0 {
		t.Errorf("summary %+v, want 1 of 2 detected and nothing by chance", got)
	}
	if n := o.WindowNormal(); n != 1 {
		t.Errorf("%d normal spans in windows, want span 6 alone", n)
	}
	c, err := CellOf(o, 0, nil, SummaryOptions{Replicates: -1})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.PerFault) != 2 || c.PerFault[0].Detected != 1 || c.PerFault[1].Detected != 0 {
		t.Errorf("per fault %+v", c.PerFault)
	}
}
