package eval

import (
	"math"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Faults are Plan.Faults with the counts of the test part and what one column
// flagged. Positives are candidates too; warm-up spans are candidates that were
// not flagged. Cost: O(len(Marked)).
func (o *Outcome) Faults(column int) []FaultResult {
	out := make([]FaultResult, len(o.Plan.Faults))
	firstEnd := make([]int64, len(out))
	copy(out, o.Plan.Faults)
	for i := range out {
		f := &out[i]
		f.Candidates, f.Positives, f.Propagated, f.Guard, f.FlaggedCands = 0, 0, 0, 0, 0
		firstEnd[i] = math.MaxInt64
	}
	for _, m := range o.Marked {
		if m.Fault < 0 {
			continue
		}
		flagged := o.Scores.Columns[column].Keep[m.Row]
		out[m.Fault].count(o.Scores.Labels[m.Row], flagged)
		if flagged && isCandidate(o.Scores.Labels[m.Row]) {
			firstEnd[m.Fault] = min(firstEnd[m.Fault], m.End)
		}
	}
	for i := range out {
		out[i].DetectionDelayS = Number(math.NaN())
		if out[i].FlaggedCands > 0 {
			out[i].DetectionDelayS = Number(float64(firstEnd[i]-out[i].At) / 1e9)
		}
	}
	return out
}

func isCandidate(l trace.Label) bool { return l == trace.Anomalous || l == trace.Candidate }

func (f *FaultResult) count(l trace.Label, flagged bool) {
	switch l {
	case trace.Anomalous:
		f.Positives++
	case trace.Propagated:
		f.Propagated++
	case trace.Guard:
		f.Guard++
	}
	if isCandidate(l) {
		f.Candidates++
		if flagged {
			f.FlaggedCands++
		}
	}
}

// CandidateRecall is the share of all spans a fault could have slowed (candidates,
// positives included) that a column kept. It does not lean on the observed
// duration, as the label "positive" does. Warm-up spans are left out.
func (o *Outcome) CandidateRecall(column int, opt SummaryOptions) (Rate, error) {
	return o.keptShare(column, opt, func(row int) bool { return isCandidate(o.Scores.Labels[row]) })
}

// FaultFreeFPR is the share of the normal spans that belong to no fault's window
// (no Kind) that a column kept. Warm-up spans are left out.
func (o *Outcome) FaultFreeFPR(column int, opt SummaryOptions) (Rate, error) {
	marked := o.Marked // those from the present row on
	return o.keptShare(column, opt, func(row int) bool {
		for len(marked) > 0 && int(marked[0].Row) < row {
			marked = marked[1:]
		}
		return o.Scores.Labels[row] == trace.Normal && (len(marked) == 0 || int(marked[0].Row) != row)
	})
}

// keptShare is the share of the chosen rows, asked for in order, that a column kept: the
// recall of a matrix in which they are the positives.
func (o *Outcome) keptShare(column int, opt SummaryOptions, chosen func(row int) bool) (Rate, error) {
	opt = opt.withDefaults()
	ws, col := opt.Workspace, &o.Scores.Columns[column]
	if err := resize(ws, &ws.labels, len(o.Scores.Labels)); err != nil {
		return Rate{}, err
	}
	labels := ws.labels
	for row := range labels {
		labels[row] = trace.Unlabelled
		if chosen(row) && col.Score[row] == col.Score[row] {
			labels[row] = trace.Anomalous
		}
	}
	s := &Scores{Labels: labels, Trace: o.Scores.Trace, Columns: []ScoreColumn{{Name: col.Name, Keep: col.Keep}}}
	v, err := newView(s, 0, opt)
	if err != nil {
		return Rate{}, err
	}
	reps := v.sample.resample(opt.replicates(), opt.Seed)
	return v.iv().metrics(v.point, v.spread(seenKept), reps.Point).Recall, nil
}
