package eval

import (
	"math"
	"slices"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// LabelAccount says how labels that follow from a list of faults and from observed
// durations came about (Track B): what a reader needs to judge what they can bias.
// Counts are over both parts of the dataset unless they say otherwise.
type LabelAccount struct {
	Faults       int   `json:"faults"`
	Controls     int   `json:"negative_controls"`  // faults that no span's duration can show
	Overlapping  int   `json:"overlapping_faults"` // whose window overlaps that of another fault
	Window       int64 `json:"window"`             // spans that ended in a window, whatever their label
	Candidates   int64 `json:"candidates"`         // that their fault can show in, positives included
	Positives    int64 `json:"positives"`          // candidates over their call's fault-free p99
	NoReference  int64 `json:"no_reference"`       // candidates whose call has fewer than MinReference fault-free spans: never positive
	MinReference int   `json:"min_reference"`
	Propagated   int64 `json:"propagated"`            // left out: slow because of a positive below
	Explained    int64 `json:"explained"`             // of Propagated: positive but for that
	Unknown      int64 `json:"propagated_unknown"`    // of Propagated: their call's p99 is not known
	Guard        int64 `json:"guard"`                 // left out: ended soon after a window
	WindowNormal int64 `json:"window_normal_in_test"` // test spans that count as normal although they ended in a window
}

// FaultSummary is how one sampler did on the faults of the test part.
type FaultSummary struct {
	Detected     int    `json:"detected"`       // faults with a flagged candidate
	Detectable   int    `json:"detectable"`     // faults with a candidate
	MedianDelayS Number `json:"median_delay_s"` // of the detected, injection to the end of the first flagged candidate; NaN: none
	FaultFreeFPR Number `json:"fault_free_fpr"` // share of the normal spans outside all windows that it flags
	// ByChance is how many faults a sampler that flags spans independently at
	// FaultFreeFPR is expected to detect: with enough candidates, most of them.
	ByChance Number `json:"detected_by_chance"`
}

// FaultSummary reduces the faults of a column in ws; nil: in a new one. Cost: O(rows).
func (o *Outcome) FaultSummary(column int, ws *Workspace) (FaultSummary, error) {
	fpr, err := o.FaultFreeFPR(column, SummaryOptions{Replicates: -1, Workspace: ws})
	return summariseFaults(o.Faults(column), fpr.Value), err
}

func summariseFaults(faults []FaultResult, fpr Number) FaultSummary {
	s := FaultSummary{FaultFreeFPR: fpr, MedianDelayS: Number(math.NaN())}
	var delays []float64
	for _, f := range faults {
		if f.Candidates == 0 {
			continue
		}
		s.Detectable++
		s.ByChance += Number(1 - math.Pow(1-float64(fpr), float64(f.Candidates)))
		if f.FlaggedCands > 0 {
			s.Detected++
			delays = append(delays, float64(f.DetectionDelayS))
		}
	}
	if n := len(delays); n > 0 {
		slices.Sort(delays)
		s.MedianDelayS = Number((delays[(n-1)/2] + delays[n/2]) / 2)
	}
	return s
}

// WindowNormal counts the test spans that are labelled normal although they ended in a
// fault's window.
func (o *Outcome) WindowNormal() (n int64) {
	for _, m := range o.Marked {
		if m.Fault >= 0 && o.Scores.Labels[m.Row] == trace.Normal {
			n++
		}
	}
	return n
}
