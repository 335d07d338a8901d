package eval

import (
	"math"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// matchFlagRates gives the entrants of CutFlagRate the budget of the first one.
func (w *walk) matchFlagRates() error {
	cols := w.out.Scores.Columns
	budget := 0
	for _, keep := range cols[0].Keep {
		if keep {
			budget++
		}
	}
	ws := NewWorkspace(w.p.Arrays)
	for i, e := range w.p.Entrants {
		if e.Cut.by != byFlagRate {
			continue
		}
		t, err := cols[i].KeepTop(budget, ws)
		if err != nil {
			return err
		}
		if t == t {
			w.out.Thresholds[i] = t
		}
	}
	return nil
}

// KeepTop decides by the highest scores, at most so many, ties allowing, and returns the
// cut-off: NaN, and no decision is changed, where all are NaN.
func (c *ScoreColumn) KeepTop(budget int, ws *Workspace) (threshold float64, err error) {
	if err := resize(ws, &ws.highest, len(c.Score)); err != nil {
		return 0, err
	}
	scores := ws.highest[:0]
	for _, x := range c.Score {
		if x == x {
			scores = append(scores, x)
		}
	}
	if len(scores) == 0 {
		return math.NaN(), nil
	}
	threshold = TopCount(scores, budget)
	for row, x := range c.Score {
		c.Keep[row] = x >= threshold
	}
	return threshold, nil
}

func (w *walk) finish() (err error) {
	c := &w.out.Counts
	if w.out.Scores.Trace, c.Traces, err = w.traces.finish(); err != nil {
		return err
	}
	countLabels(c, &w.byLabel)
	if w.p.Clock != nil {
		w.out.Timing = w.timing()
	}
	w.progress()
	return nil
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
