package tuning

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/scale-eval/scale-eval/eval"
)

// Baseline is what a regression gate compares with: cases, each measured on several
// seeds.
type Baseline struct {
	Version int    `json:"version"`
	Tool    string `json:"tool"` // version of scale-eval that measured it
	Cases   []Case `json:"cases"`
}

// BaselineVersion is the version of the JSON form of Baseline.
const BaselineVersion = 1

// Case is one protocol and sampler.
type Case struct {
	Name     string              `json:"name"`
	Options  map[string][]string `json:"options"`
	Dataset  json.RawMessage     `json:"dataset"` // to tell that the data is the same
	Seeds    []uint64            `json:"seeds"`
	Measures []Measured          `json:"measures"`
}

// Measured is one measure of a case.
type Measured struct {
	Name   string        `json:"name"`
	Values []eval.Number `json:"values"` // one a seed
	// Tolerance is how much worse the mean may be: a difference, or, for a Relative
	// measure, a share of the baseline.
	Tolerance float64 `json:"tolerance"`
	Relative  bool    `json:"relative,omitempty"`
	// LowIsBetter says which way is worse.
	LowIsBetter bool `json:"low_is_better,omitempty"`
}

// Verdict of a gate on one measure.
type Verdict uint8

const (
	// Unchanged: no difference that the seeds can tell from none, within tolerance.
	Unchanged Verdict = iota
	// WithinTolerance: worse for certain, but by less than is tolerated.
	WithinTolerance
	// WithinNoise: worse by more than is tolerated, but no more than seeds differ among
	// themselves. It passes, and says so.
	WithinNoise
	// Improved: better for certain and by more than the tolerance; the baseline should
	// be measured again, or the gate will not hold the gain.
	Improved
	// Regression: worse by more than is tolerated, and more than seeds explain.
	Regression
	// Undefined: a value is missing on one side only. It fails.
	Undefined
)

// String is the word of a report.
func (v Verdict) String() string {
	return [...]string{"unchanged", "worse, within tolerance", "worse, within noise", "improved", "REGRESSION", "UNDEFINED"}[v]
}

// Fails says whether a gate closes.
func (v Verdict) Fails() bool { return v == Regression || v == Undefined }

// Check is a measure compared with its baseline.
type Check struct {
	Case, Measure string
	Base, Now     Spread
	// Worse is by how much the mean is worse (negative: better), and Noise how much
	// chance gives with probability 0.1 %, both in the unit of Tolerance.
	Worse, Noise, Tolerance float64
	Relative                bool
	// Paired says that both were measured on the same seeds, so that seeds compare one
	// by one; else it is Welch's comparison of two samples.
	Paired  bool
	Verdict Verdict
}

// Compare judges now, measured on seeds, by the baseline: a regression is worse than
// the tolerance and, by a one-sided t-test at 0.1 %, worse than what seeds do. That
// is so strict because a gate is asked often. A mean over fewer than two seeds has no
// noise to compare with: then the tolerance alone decides.
func (c Case) Compare(m Measured, now []eval.Number, seeds []uint64) Check {
	k := Check{Case: c.Name, Measure: m.Name, Tolerance: m.Tolerance, Relative: m.Relative, Paired: slices.Equal(seeds, c.Seeds)}
	a, b := worseOf(m, m.Values), worseOf(m, now)
	k.Base, k.Now = SpreadOf(numbers(m.Values)), SpreadOf(numbers(now))
	if k.Paired {
		diff := make([]float64, len(b))
		for i := range b {
			diff[i] = b[i] - a[i]
		}
		k.Worse, k.Noise = noiseOfMean(diff)
	} else {
		k.Worse, k.Noise = welch(a, b)
	}
	if m.Relative {
		base := math.Abs(float64(k.Base.Mean))
		k.Worse, k.Noise = k.Worse/base, k.Noise/base
	}
	k.Verdict = k.judge()
	return k
}

func (k Check) judge() Verdict {
	bothMissing := math.IsNaN(float64(k.Base.Mean)) && math.IsNaN(float64(k.Now.Mean))
	switch {
	case bothMissing:
		return Unchanged
	case math.IsNaN(k.Worse):
		return Undefined
	case k.Worse > k.Tolerance && k.Worse > k.Noise:
		return Regression
	case k.Worse > k.Tolerance:
		return WithinNoise
	case k.Worse > k.Noise && k.Worse > 0:
		return WithinTolerance
	case -k.Worse > k.Tolerance && -k.Worse > k.Noise:
		return Improved
	}
	return Unchanged
}

// worseOf turns values so that higher is worse.
func worseOf(m Measured, values []eval.Number) []float64 {
	out := numbers(values)
	for i := range out {
		if !m.LowIsBetter {
			out[i] = -out[i]
		}
	}
	return out
}

func numbers(values []eval.Number) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = float64(v)
	}
	return out
}

// noiseOfMean is the mean and its one-sided 99.9 % bound.
func noiseOfMean(xs []float64) (mean, noise float64) {
	s := SpreadOf(xs)
	if s.N < 2 {
		return float64(s.Mean), 0
	}
	return float64(s.Mean), studentT999(float64(s.N-1)) * float64(s.SD) / math.Sqrt(float64(s.N))
}

// welch is the difference of the means of b and a, and its one-sided 99.9 % bound with
// the Welch-Satterthwaite degrees of freedom (Welch 1947).
func welch(a, b []float64) (diff, noise float64) {
	x, y := SpreadOf(a), SpreadOf(b)
	diff = float64(y.Mean) - float64(x.Mean)
	if x.N < 2 || y.N < 2 {
		return diff, 0
	}
	va, vb := float64(x.SD*x.SD)/float64(x.N), float64(y.SD*y.SD)/float64(y.N)
	if va+vb == 0 {
		return diff, 0
	}
	df := (va + vb) * (va + vb) / (va*va/float64(x.N-1) + vb*vb/float64(y.N-1))
	return diff, studentT999(df) * math.Sqrt(va+vb)
}

// studentT999 is the 99.9 % quantile of Student's t distribution, from a table
// (Abramowitz and Stegun, table 26.10); between its rows that of the row before,
// which is higher.
func studentT999(df float64) float64 {
	table := []struct{ df, t float64 }{{1, 318.31}, {2, 22.327}, {3, 10.215}, {4, 7.173}, {5, 5.893}, {6, 5.208}, {7, 4.785}, {8, 4.501},
		{9, 4.297}, {10, 4.144}, {12, 3.930}, {15, 3.733}, {20, 3.552}, {30, 3.385}, {60, 3.232}, {120, 3.160}}
	t := table[0].t
	for _, row := range table {
		if df >= row.df-1e-9 {
			t = row.t
		}
	}
	return t
}

// Find is the case of a name, nil if there is none.
func (b *Baseline) Find(name string) *Case {
	for i := range b.Cases {
		if b.Cases[i].Name == name {
			return &b.Cases[i]
		}
	}
	return nil
}

// Validate finds what a hand-edited baseline may have wrong.
func (b *Baseline) Validate() error {
	if b.Version != BaselineVersion {
		return fmt.Errorf("baseline of version %d, this program reads version %d: measure it again with --update", b.Version, BaselineVersion)
	}
	for _, c := range b.Cases {
		for _, m := range c.Measures {
			if len(m.Values) != len(c.Seeds) || len(c.Seeds) == 0 {
				return fmt.Errorf("case %s, measure %s: %d values for %d seeds", c.Name, m.Name, len(m.Values), len(c.Seeds))
			}
			if !(m.Tolerance >= 0) {
				return fmt.Errorf("case %s, measure %s: tolerance %v: want 0 or more", c.Name, m.Name, m.Tolerance)
			}
		}
	}
	return nil
}
