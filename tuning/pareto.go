package tuning

import (
	"cmp"
	"math"
	"slices"
)

// Front is the indices of the rows of losses that no other row dominates, that is,
// is at most as high in every loss and lower in one. It is sorted by the first loss,
// then the next; of equal rows it has the first.
//
// Cost: O(n log n) for two losses, O(n * front) for more.
func Front(losses [][]float64) []int {
	order := make([]int, len(losses))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return slices.Compare(losses[a], losses[b]) })
	var front []int
	for _, i := range order {
		// Whatever dominates i, or equals it, comes before it in this order, and so
		// does something on the front that dominates that.
		if !slices.ContainsFunc(front, func(k int) bool { return atMost(losses[k], losses[i]) }) {
			front = append(front, i)
		}
	}
	return front
}

func atMost(a, b []float64) bool {
	for i := range a {
		if a[i] > b[i] {
			return false
		}
	}
	return true
}

// Knee is the place in front of the point with the best bargain: after each loss is
// scaled to 0..1 over the front, the point that lies furthest below the plane through
// the ends, which is the one of the lowest sum (Das, "On characterizing the knee of
// the Pareto curve", 1999). Of equal ones it is the first. It panics on an empty
// front.
func Knee(losses [][]float64, front []int) int {
	lo, hi := slices.Clone(losses[front[0]]), slices.Clone(losses[front[0]])
	for _, i := range front {
		for k, x := range losses[i] {
			lo[k], hi[k] = min(lo[k], x), max(hi[k], x)
		}
	}
	best, least := 0, math.Inf(1)
	for at, i := range front {
		total := 0.0
		for k, x := range losses[i] {
			if hi[k] > lo[k] {
				total += (x - lo[k]) / (hi[k] - lo[k])
			}
		}
		if total < least-1e-12 {
			best, least = at, total
		}
	}
	return best
}

// ranks is one number a row of losses that sorts rows by the number of fronts to
// peel off before it is on one (Goldberg 1989), and within a front by the scaled sum
// of Knee. One loss is its own rank.
func ranks(losses [][]float64) []float64 {
	out := make([]float64, len(losses))
	if len(losses) > 0 && len(losses[0]) == 1 {
		for i, l := range losses {
			out[i] = l[0]
		}
		return out
	}
	left := make([]int, 0, len(losses))
	for i, l := range losses {
		if slices.ContainsFunc(l, func(x float64) bool { return math.IsInf(x, 1) }) {
			out[i] = math.Inf(1)
			continue
		}
		left = append(left, i)
	}
	for depth := 0; len(left) > 0; depth++ {
		some := make([][]float64, len(left))
		for i, k := range left {
			some[i] = losses[k]
		}
		front := Front(some)
		for at, f := range byBargain(some, front) {
			out[left[f]] = float64(depth) + float64(at)/float64(len(front))
		}
		slices.Sort(front)
		for n, f := range front {
			left = slices.Delete(left, f-n, f-n+1)
		}
	}
	return out
}

// byBargain sorts a front by the scaled sum of the losses, the knee first.
func byBargain(losses [][]float64, front []int) []int {
	sorted := make([]int, 0, len(front))
	for rest := slices.Clone(front); len(rest) > 0; {
		k := Knee(losses, rest)
		sorted = append(sorted, rest[k])
		rest = slices.Delete(rest, k, k+1)
	}
	return sorted
}

// order is the indices of xs, ascending by value, stable.
func order(xs []float64) []int {
	idx := make([]int, len(xs))
	for i := range idx {
		idx[i] = i
	}
	slices.SortStableFunc(idx, func(a, b int) int { return cmp.Compare(xs[a], xs[b]) })
	return idx
}
