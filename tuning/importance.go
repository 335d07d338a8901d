package tuning

import (
	"math"
	"slices"
)

// Importance is what one parameter is worth: the share of the variance of the loss
// that it explains on its own, 0 to 1.
type Importance struct {
	Name  string  `json:"name"`
	Share float64 `json:"share"`
	// Levels are the groups that were compared and their mean losses.
	Levels []LevelMean `json:"levels"`
}

// LevelMean is the mean loss at a level, or in a tenth of the values.
type LevelMean struct {
	Level string  `json:"level"`
	Loss  float64 `json:"loss"`
	N     int     `json:"n"`
}

// Importances compares the parameters, thresholds included, most important first.
// values[i][k] is the value of parameter k in row i, and losses[i] its loss; rows with
// an infinite loss are left out. A parameter without levels, or with more than 20, is
// cut in tenths.
//
// The share is epsilon squared (Kelley 1935), the between-group share of the
// variance without what chance gives to so many groups; on a full grid it is the main
// effect of the functional ANOVA (Hutter, Hoos and Leyton-Brown, ICML 2014), and the
// shares add up to 1 or less, interactions being the rest. After a sequential search,
// which visits good regions more often, it is about those regions.
func Importances(params []Param, values [][]string, losses []float64) []Importance {
	var rows []int
	for i, l := range losses {
		if !math.IsInf(l, 0) && !math.IsNaN(l) {
			rows = append(rows, i)
		}
	}
	out := make([]Importance, len(params))
	for k, p := range params {
		groups, names := group(p, k, values, rows)
		out[k] = Importance{Name: p.Name, Share: epsilonSquared(groups, losses)}
		for g, members := range groups {
			out[k].Levels = append(out[k].Levels, LevelMean{names[g], mean(members, losses), len(members)})
		}
	}
	slices.SortStableFunc(out, func(a, b Importance) int {
		switch {
		case a.Share > b.Share:
			return -1
		case a.Share < b.Share:
			return 1
		}
		return 0
	})
	return out
}

// group puts rows of equal level together, in the order of the levels.
func group(p Param, k int, values [][]string, rows []int) (groups [][]int, names []string) {
	if n := len(p.Levels); n > 0 && n <= 20 {
		for _, level := range p.Levels {
			var members []int
			for _, i := range rows {
				if values[i][k] == level {
					members = append(members, i)
				}
			}
			if len(members) > 0 {
				groups, names = append(groups, members), append(names, level)
			}
		}
		return groups, names
	}
	numbers := make([]float64, len(rows))
	for at, i := range rows {
		numbers[at] = p.Number(values[i][k])
	}
	by := order(numbers)
	for from, tenth := 0, 1; from < len(by); tenth++ {
		to := max(from+1, len(by)*tenth/10)
		for to < len(by) && numbers[by[to]] == numbers[by[to-1]] { // equal values stay together
			to++
		}
		var members []int
		for _, at := range by[from:to] {
			members = append(members, rows[at])
		}
		groups = append(groups, members)
		names = append(names, values[rows[by[from]]][k]+".."+values[rows[by[to-1]]][k])
		from = to
	}
	return groups, names
}

// epsilonSquared is 1 - within-group mean square / total mean square, at least 0.
func epsilonSquared(groups [][]int, losses []float64) float64 {
	var all []int
	within, n := 0.0, 0
	for _, g := range groups {
		all = append(all, g...)
		within += squares(g, losses)
		n += len(g)
	}
	total := squares(all, losses)
	if total == 0 || n <= len(groups) || len(groups) < 2 {
		return 0
	}
	return max(0, 1-(within/float64(n-len(groups)))/(total/float64(n-1)))
}

func mean(members []int, losses []float64) float64 {
	total := 0.0
	for _, i := range members {
		total += losses[i]
	}
	return total / float64(len(members))
}

func squares(members []int, losses []float64) float64 {
	m, total := mean(members, losses), 0.0
	for _, i := range members {
		total += float64((losses[i] - m) * (losses[i] - m))
	}
	return total
}
