package eval

import "github.com/scale-eval/scale-eval/datasets/trace"

// matchFlagRates gives the entrants of CutFlagRate the budget of the first one.
func (w *walk) matchFlagRates() {
	cols := w.out.Scores.Columns
	budget := 0
	for _, keep := range cols[0].Keep {
		if keep {
			budget++
		}
	}
	for i, e := range w.p.Entrants {
		if e.Cut.by != byFlagRate {
			continue
		}
		scores := make([]float64, 0, len(cols[i].Score))
		for _, x := range cols[i].Score {
			if x == x {
				scores = append(scores, x)
			}
		}
		if len(scores) == 0 {
			continue
		}
		t := TopCount(scores, budget)
		w.out.Thresholds[i] = t
		for row, x := range cols[i].Score {
			cols[i].Keep[row] = x >= t
		}
	}
}

func (w *walk) finish() {
	c := &w.out.Counts
	w.out.Scores.Trace, c.Traces = w.traces.finish()
	countLabels(c, &w.byLabel)
	if w.p.Clock != nil {
		w.out.Timing = w.timing()
	}
	w.progress()
}

// countLabels fills the counts by label.
func countLabels(c *Counts, byLabel *[256]int64) {
	c.ByLabel = map[string]int64{}
	for l, n := range byLabel {
		label := trace.Label(l)
		switch {
		case n == 0:
			continue
		case label.Positive():
			c.Positives += n
		case label.Scored():
			c.Negatives += n
		}
		c.ByLabel[label.String()] += n
	}
	c.Scored = c.Positives + c.Negatives
}

func (w *walk) timing() *Timing {
	cost := clockCost(w.p.Clock)
	t := &Timing{LoadNsPerSpan: w.load.mean(cost), ClockNs: Number(cost)}
	for i, e := range w.p.Entrants {
		t.Samplers = append(t.Samplers, SamplerTimes{
			Name:   e.Name,
			MeanNs: w.timers[i].mean(cost),
			P50Ns:  w.timers[i].percentile(.50, cost),
			P99Ns:  w.timers[i].percentile(.99, cost),
		})
	}
	return t
}
