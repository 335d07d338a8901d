package tuning

import "math"

// hopelessGap is how much worse than the best a model must be on the first seed for
// the others to be spared: the room that another seed may make.
const hopelessGap = 0.05

// hopeful leaves out the models that one seed shows to be hopeless.
func (s *Study) hopeful(models []Point, first []Outcome) []Point {
	rows := Rows(s.Space, first)
	best := Choose(rows, s.Objectives, 0, foldsOf(rows))
	if best < 0 {
		return models
	}
	chance := map[string]bool{}
	for _, r := range rows {
		if r.Fail == "" && !hopeless(r, rows[best], s.Objectives) {
			chance[s.Space.Key(r.Model)] = true
		}
	}
	var out []Point
	for _, m := range models {
		if chance[s.Space.Key(m)] {
			out = append(out, m)
		}
	}
	return out
}

func foldsOf(rows []Row) (folds int) {
	for _, r := range rows {
		folds = max(folds, r.Folds())
	}
	return folds
}

// hopeless says that r is worse than best in every validation block, significantly,
// and by more than hopelessGap.
func hopeless(r, best Row, objectives []Objective) bool {
	n := r.Folds()
	if n < 2 {
		return false
	}
	var gaps []float64
	for b := range n {
		mine, other := r.Losses(objectives, b, b+1)[0], best.Losses(objectives, b, b+1)[0]
		if math.IsInf(other, 1) { // no positive in this block, for instance
			continue
		}
		if !(mine > other) {
			return false
		}
		gaps = append(gaps, mine-other)
	}
	spread := SpreadOf(gaps)
	t := float64(spread.Mean) / (float64(spread.SD) / math.Sqrt(float64(len(gaps))))
	return len(gaps) > 1 && float64(spread.Mean) > hopelessGap && (spread.SD == 0 || t > studentT995(len(gaps)-1))
}

// studentT995 is the 99.5 % quantile of Student's t distribution with so many degrees
// of freedom, from a table (Abramowitz and Stegun, table 26.10); rounded up between
// its rows.
func studentT995(df int) float64 {
	table := []float64{math.Inf(1), 63.657, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499, 3.355, 3.250, 3.169}
	if df < len(table) {
		return table[df]
	}
	return table[len(table)-1]
}
