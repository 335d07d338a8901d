package eval

import (
	"fmt"
	"math"
)

// Result reduces the outcome. Dataset, Protocol, Options and the counts that Run
// cannot know (Read, Bad, Filtered, Calls, Overflow) are the caller's to fill.
// Cost: one Summarise a column, and on Track B two bootstraps of a rate.
func (o *Outcome) Result(opt SummaryOptions) (*Result, error) {
	r := &Result{Version: ResultVersion, Seed: opt.Seed, Counts: o.Counts}
	opt = opt.withDefaults() // one workspace
	for i, e := range o.Plan.Entrants {
		sr, err := Summarise(o.Scores, i, opt)
		if err != nil {
			return nil, err
		}
		sr.Describe, sr.Baseline, sr.Options = e.Describe, e.Baseline, e.Options
		sr.ThresholdBy = e.Cut.String()
		if t := o.Thresholds[i]; !math.IsNaN(t) {
			sr.Point.Threshold = Number(t)
		}
		if len(o.Plan.Faults) > 0 {
			s, err := o.FaultSummary(i, opt.Workspace)
			if err != nil {
				return nil, err
			}
			sr.Faults = &s
		}
		r.Samplers = append(r.Samplers, sr)
	}
	if len(o.Plan.Faults) > 0 {
		r.Faults = o.Faults(0)
		recall, err := o.CandidateRecall(0, opt)
		if err != nil {
			return nil, err
		}
		fpr, err := o.FaultFreeFPR(0, opt)
		if err != nil {
			return nil, err
		}
		r.CandidateRecall, r.FaultFreeFPR = &recall, &fpr
	}
	r.Warnings = o.warnings(r)
	return r, nil
}

// fewTraces is below what number of traces with a positive an interval by trace is
// said to be rough: percentile intervals of so few clusters cover too little
// (Cameron, Gelbach and Miller 2008).
const fewTraces = 30

func (o *Outcome) warnings(r *Result) []string {
	out := warningsOf(r)
	if n := o.tracesWithPositive(); r.Counts.Positives > 0 && n < fewTraces {
		out = append(out, fmt.Sprintf("the traces with a positive are only %d: intervals by trace are rough", n))
	}
	return out
}

// warningsOf are those that the result itself gives rise to.
func warningsOf(r *Result) []string {
	var out []string
	warn := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	c := r.Counts
	switch {
	case c.Test == 0:
		warn("the test part is empty")
	case c.Positives == 0:
		warn("no positive in the test part: recall, precision, F1, AP and AUC say nothing")
	case c.Negatives == 0:
		warn("no negative in the test part: FPR and AUC are undefined")
	}
	for _, s := range r.Samplers {
		if s.WarmUp == c.Test && c.Test > 0 {
			warn("%s: never ready: nothing of it was scored", s.Name)
		} else if s.WarmUp > 0 {
			warn("%s: %d test spans of its warm-up are not scored", s.Name, s.WarmUp)
		}
	}
	unseen := 0
	for _, f := range r.Faults {
		if f.Candidates == 0 {
			unseen++
		}
	}
	if unseen > 0 {
		warn("%d of %d faults have no candidate span in the test part: whether they are detected cannot be said", unseen, len(r.Faults))
	}
	return out
}

// tracesWithPositive counts up to fewTraces of them.
func (o *Outcome) tracesWithPositive() int {
	seen := map[uint32]bool{}
	for i, l := range o.Scores.Labels {
		if l.Positive() {
			if seen[o.Scores.Trace[i]] = true; len(seen) == fewTraces {
				break
			}
		}
	}
	return len(seen)
}
