package reports

import (
	"fmt"

	"github.com/scale-eval/scale-eval/eval"
)

// nameRunes is how much of a name tables and legends show.
const nameRunes = 40

// headline is how the sampler stands against the best baseline, both as deployed, by
// F1. Overlapping intervals are called a tie: the strict test is a paired one, and
// this sentence must never claim more than the table shows.
func headline(r *eval.Result) string {
	if len(r.Samplers) == 0 {
		return "No sampler was scored."
	}
	own := r.Samplers[0]
	if c := own.Point.Confusion; c.TP+c.FN == 0 || !finite(own.Point.Metrics.F1.Value) {
		return "F1 is undefined: " + whyUndefined(own) + "."
	}
	if len(r.Samplers) == 1 {
		return fmt.Sprintf("%s: F1 %s, without a baseline to compare with.", clean(own.Name, nameRunes), unitRate(own.Point.Metrics.F1))
	}
	best, ok := bestBaseline(r.Samplers[1:])
	if !ok {
		return "No baseline has a defined F1 to compare with."
	}
	a, b := own.Point.Metrics.F1, best.Point.Metrics.F1
	return fmt.Sprintf("%s (F1 %s) %s the best baseline, %s (F1 %s)%s.",
		clean(own.Name, nameRunes), unit3(a.Value), verdict(a, b), clean(best.Name, nameRunes), unit3(b.Value), overlapNote(a, b))
}

func bestBaseline(all []eval.SamplerResult) (best eval.SamplerResult, ok bool) {
	for _, s := range all {
		f1 := s.Point.Metrics.F1.Value
		if s.Baseline && finite(f1) && (!ok || f1 > best.Point.Metrics.F1.Value) {
			best, ok = s, true
		}
	}
	return best, ok
}

func verdict(a, b eval.Rate) string {
	switch {
	case overlap(a, b):
		return "ties with"
	case a.Value > b.Value:
		return "beats"
	default:
		return "is beaten by"
	}
}

func overlapNote(a, b eval.Rate) string {
	switch {
	case !finite(a.Lo) || !finite(b.Lo):
		return "; without intervals the difference may be chance"
	case overlap(a, b):
		return ": their 95 % intervals overlap"
	default:
		return ": their 95 % intervals do not overlap"
	}
}

// overlap is false where an interval is unknown, unless the values are equal.
func overlap(a, b eval.Rate) bool {
	if a.Value == b.Value {
		return true
	}
	return a.Lo <= b.Hi && b.Lo <= a.Hi
}

func whyUndefined(s eval.SamplerResult) string {
	switch pos, neg := totals(s); {
	case pos == 0 && neg == 0:
		return "no span was scored"
	case !decided(s):
		return "there are scores but neither decisions nor a cut-off"
	case pos == 0:
		return "the scored spans hold no positive one"
	default:
		return "nothing was flagged"
	}
}

// detection says how many faults had at least one flagged candidate, of those that
// had any: negative controls and faults that ended before the test part do not count
// as missed.
func detection(faults []eval.FaultResult) string {
	detected, detectable := 0, 0
	for _, f := range faults {
		if f.Candidates > 0 {
			detectable++
		}
		if f.FlaggedCands > 0 {
			detected++
		}
	}
	s := fmt.Sprintf("%d of %d detected", detected, detectable)
	if rest := len(faults) - detectable; rest > 0 {
		s += fmt.Sprintf("; %d more have no candidate span in the test part", rest)
	}
	return s
}

// chosen says how the cut-offs in force came about: of scores from outside nobody
// here knows.
func chosen(r *eval.Result) string {
	if len(r.Samplers) == 1 {
		return "cut-off: " + clean(r.Samplers[0].ThresholdBy, 60)
	}
	return "cut-offs chosen without test labels"
}
