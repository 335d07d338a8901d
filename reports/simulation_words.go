package reports

import (
	"fmt"
	"slices"
	"strings"

	"github.com/scale-eval/scale-eval/sim/experiment/measure"
)

// A rival is at least as good when no certain difference says otherwise; a certain one
// is that of measure.Comparison: 5 % after Holm's correction.

// simulationLosses says in words where the reference loses: who misses the objective
// for less time, and who is cheaper without missing it for longer. Bounds are no rivals.
func simulationLosses(s *measure.Summary) (sentences []string) {
	ref := clean(s.Reference, nameRunes)
	for _, v := range s.Verdicts {
		var parts []string
		for _, other := range v.Loses {
			c := comparisonOf(s, v.Case, "violated_s", other)
			parts = append(parts, fmt.Sprintf("misses the objective %s s longer than %s", differenceOf(c.Diff, 1), clean(other, nameRunes)))
		}
		for _, c := range s.Comparisons {
			if c.Case != v.Case || c.Measure != "pod_s" || !c.Worse || slices.Contains(measure.Bounds, c.Other) {
				continue
			}
			if violated := comparisonOf(s, v.Case, "violated_s", c.Other); violated != nil && !violated.Better {
				parts = append(parts, fmt.Sprintf("takes %s pod hours more than %s, which misses it no longer", differenceOf(c.Diff, 3600), clean(c.Other, nameRunes)))
			}
		}
		if len(parts) > 0 {
			sentences = append(sentences, fmt.Sprintf("%s: %s %s.", clean(v.Case, 60), ref, strings.Join(parts, "; ")))
		}
	}
	return sentences
}

// simulationWins are the cases in which the reference misses the objective for less
// time than somebody.
func simulationWins(s *measure.Summary) (sentences []string) {
	for _, v := range s.Verdicts {
		if len(v.Beats) == 0 {
			continue
		}
		var names []string
		for _, other := range v.Beats {
			c := comparisonOf(s, v.Case, "violated_s", other)
			names = append(names, fmt.Sprintf("%s (%s s)", clean(other, nameRunes), differenceOf(c.Diff, 1)))
		}
		sentences = append(sentences, fmt.Sprintf("%s: less than %s.", clean(v.Case, 60), strings.Join(names, ", ")))
	}
	return sentences
}

func comparisonOf(s *measure.Summary, name, what, other string) *measure.Comparison {
	for i := range s.Comparisons {
		if c := &s.Comparisons[i]; c.Case == name && c.Measure == what && c.Other == other {
			return c
		}
	}
	return nil
}

// differenceOf writes "41 [30, 52]" in another unit.
func differenceOf(e measure.Estimate, unit float64) string {
	return fmt.Sprintf("%s [%s, %s]", plain(e.Mean/unit), plain(e.Low/unit), plain(e.High/unit))
}

// plain writes a number of seconds or hours with as many decimals as it needs.
func plain(v float64) string {
	switch {
	case v > -.05 && v < .05:
		return "0"
	case v > -10 && v < 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}
