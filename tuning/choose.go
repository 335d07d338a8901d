package tuning

import (
	"math"
	"slices"

	"github.com/scale-eval/scale-eval/eval"
)

// Choose is the index of the row to use, -1 if there is none: the lowest loss on
// validation blocks [from, to), or, of several objectives, the knee of the front.
// Only rows on the largest share and with the most seeds take part. Of equal ones
// it is the first.
func Choose(rows []Row, objectives []Objective, from, to int) int {
	eligible, losses := contest(rows, objectives, from, to)
	if len(eligible) == 0 {
		return -1
	}
	if len(objectives) > 1 {
		front := Front(losses)
		return eligible[front[Knee(losses, front)]]
	}
	best := 0
	for i := range losses {
		if losses[i][0] < losses[best][0] {
			best = i
		}
	}
	return eligible[best]
}

// Contest is the indices of the rows that may be chosen and their losses on all
// validation blocks.
func Contest(rows []Row, objectives []Objective) (eligible []int, losses [][]float64) {
	folds := 0
	for _, r := range rows {
		folds = max(folds, r.Folds())
	}
	return contest(rows, objectives, 0, folds)
}

func contest(rows []Row, objectives []Objective, from, to int) (eligible []int, losses [][]float64) {
	share, seeds := 0.0, 0
	for _, r := range rows {
		if r.Fail == "" {
			share = max(share, r.Share)
		}
	}
	for _, r := range rows {
		if r.Share == share {
			seeds = max(seeds, len(r.Seeds))
		}
	}
	for i, r := range rows {
		if r.Fail != "" || r.Share != share || len(r.Seeds) != seeds {
			continue
		}
		if l := r.Losses(objectives, from, to); !slices.ContainsFunc(l, func(x float64) bool { return math.IsInf(x, 1) }) {
			eligible, losses = append(eligible, i), append(losses, l)
		}
	}
	return eligible, losses
}

// Fold is one step of nested selection: chosen on the validation blocks before Block
// and measured on it.
type Fold struct {
	Block  int // index in Row.Blocks
	Row    int // chosen, index in the rows
	Before eval.Confusion
	After  eval.Confusion
}

// Nested repeats the choice as time goes on: for every block but the first, choose on
// all blocks before it, measure on it. The last fold is the choice of the study and
// its test result. What the folds lose from Before to After is what choosing the
// best of many is worth too little.
func Nested(rows []Row, objectives []Objective) []Fold {
	folds := 0
	for _, r := range rows {
		folds = max(folds, r.Folds())
	}
	var out []Fold
	for b := 1; b <= folds; b++ {
		if i := Choose(rows, objectives, 0, b); i >= 0 {
			out = append(out, Fold{b, i, rows[i].Pooled(0, b), rows[i].Pooled(b, b+1)})
		}
	}
	return out
}
