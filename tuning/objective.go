package tuning

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/scale-eval/scale-eval/eval"
)

// Goal is what an objective measures.
type Goal uint8

const (
	// MaxF1 is the highest F1.
	MaxF1 Goal = iota
	// MinFPR is the lowest false-positive rate of the points whose recall is at least
	// Bound: the SCALE paper's.
	MinFPR
	// FPRAtBudget is the lowest false-positive rate when a model's cut-off is chosen,
	// without labels, so that it keeps the share Bound of the spans.
	FPRAtBudget
	// MinTime is the lowest time a span. It differs between machines and moments.
	MinTime
)

// Objective is one thing to optimise.
type Objective struct {
	Goal  Goal
	Bound float64
}

// ParseObjective reads f1, fpr@recall>=0.99, fpr@budget=0.03 and time.
func ParseObjective(text string) (Objective, error) {
	switch {
	case text == "f1":
		return Objective{Goal: MaxF1}, nil
	case text == "time":
		return Objective{Goal: MinTime}, nil
	}
	for prefix, goal := range map[string]Goal{"fpr@recall>=": MinFPR, "fpr@budget=": FPRAtBudget} {
		if rest, ok := strings.CutPrefix(text, prefix); ok {
			bound, err := strconv.ParseFloat(rest, 64)
			if err != nil || !(bound > 0 && bound <= 1) {
				return Objective{}, fmt.Errorf("objective %q: want a number above 0 to 1 after %q", text, prefix)
			}
			return Objective{goal, bound}, nil
		}
	}
	return Objective{}, fmt.Errorf("objective %q: want f1, fpr@recall>=0.99, fpr@budget=0.03 or time", text)
}

// String is what ParseObjective reads.
func (o Objective) String() string {
	bound := strconv.FormatFloat(o.Bound, 'g', -1, 64)
	switch o.Goal {
	case MaxF1:
		return "f1"
	case MinFPR:
		return "fpr@recall>=" + bound
	case FPRAtBudget:
		return "fpr@budget=" + bound
	default:
		return "time"
	}
}

// Unit is the unit of Value: "" for a rate, "ns/span" for a time.
func (o Objective) Unit() string {
	if o.Goal == MinTime {
		return "ns/span"
	}
	return ""
}

// HigherIsBetter says which way Value is good.
func (o Objective) HigherIsBetter() bool { return o.Goal == MaxF1 }

// Judged says whether the objectives are measured at a reading: with an objective
// at a budget, at that budget; else at the thresholds.
func Judged(objectives []Objective, r Reading) bool {
	for _, o := range objectives {
		if o.Goal == FPRAtBudget {
			return r.Budget == o.Bound
		}
	}
	return r.Budget == 0
}

// CheckObjectives errs when there are none, one is there twice, or two are at
// budgets: a model has one cut-off.
func CheckObjectives(objectives []Objective) error {
	if len(objectives) == 0 {
		return fmt.Errorf("no objective: want f1, fpr@recall>=0.99, fpr@budget=0.03 or time")
	}
	for i, o := range objectives {
		if slices.Contains(objectives[:i], o) {
			return fmt.Errorf("objective %v is there twice", o)
		}
	}
	if len(Budgets(objectives)) > 1 {
		return fmt.Errorf("two objectives at a budget: a model has one cut-off, so search twice")
	}
	return nil
}

// Value is the objective in its own terms, NaN where it is undefined.
func (o Objective) Value(c eval.Confusion, nsPerSpan float64) float64 {
	switch o.Goal {
	case MaxF1:
		return c.F1()
	case MinTime:
		return nsPerSpan
	default:
		return c.FPR()
	}
}

// Loss is a number that is lower for a better point: 1 - F1, the rate, or the time.
// A point that misses the bound of MinFPR has 1 plus what it misses, so it is worse
// than every point that holds it and still better the less it misses. +Inf where
// Value is undefined.
func (o Objective) Loss(c eval.Confusion, nsPerSpan float64) float64 {
	v := o.Value(c, nsPerSpan)
	switch {
	case math.IsNaN(v):
		return math.Inf(1)
	case o.Goal == MaxF1:
		return 1 - v
	case o.Goal == MinFPR && !(c.Recall() >= o.Bound):
		return 1 + missing(o.Bound, c.Recall())
	}
	return v
}

func missing(bound, recall float64) float64 {
	if math.IsNaN(recall) {
		return bound
	}
	return bound - recall
}

// Feasible says whether a loss is of a point that holds the bound.
func (o Objective) Feasible(loss float64) bool {
	return o.Goal == MinTime && !math.IsInf(loss, 1) || loss <= 1
}

// Budgets are the bounds of all FPRAtBudget objectives.
func Budgets(objectives []Objective) (budgets []float64) {
	for _, o := range objectives {
		if o.Goal == FPRAtBudget {
			budgets = append(budgets, o.Bound)
		}
	}
	return budgets
}

// Measures says whether any objective needs the time a span.
func Measures(objectives []Objective) bool {
	for _, o := range objectives {
		if o.Goal == MinTime {
			return true
		}
	}
	return false
}
