package measure

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Summary is a whole experiment.
type Summary struct {
	Seeds       int           `json:"seeds"`
	Reference   string        `json:"reference"` // the policy that others are compared with
	Cells       []Cell        `json:"cells"`     // by case, then policy, in the order of the plan
	Comparisons []Comparison  `json:"comparisons"`
	Verdicts    []CaseVerdict `json:"verdicts"`
	Notes       []string      `json:"notes,omitempty"` // what readers must know of the cases
}

// Estimate is a mean over seeds and its 95 % interval (Student's t). With one seed
// the interval is the value.
type Estimate struct {
	Mean float64 `json:"mean"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Cell is one policy in one case.
type Cell struct {
	Case   string `json:"case"`
	Policy string `json:"policy"`
	Seeds  int    `json:"seeds"`

	ViolatedSeconds Estimate `json:"violated_s"`
	ViolatedPercent Estimate `json:"violated_percent"`
	P50             Estimate `json:"p50_ms"`
	P95             Estimate `json:"p95_ms"`
	P99             Estimate `json:"p99_ms"`
	PodSeconds      Estimate `json:"pod_s"`
	CoreSeconds     Estimate `json:"core_s"`
	OverPodSeconds  Estimate `json:"over_pod_s"`
	Actions         Estimate `json:"actions"`
	Reversals       Estimate `json:"reversals"`
	// Medians of seconds from the fault over the seeds in which it happened, and how
	// many those were.
	Detect  Times `json:"detect"`
	Decide  Times `json:"decide"`
	Ready   Times `json:"ready"`
	Recover Times `json:"recover"`
	// Precision is right / (right + wrong) changes upwards over all seeds, NaN-free: 1
	// without any. Recall is the share of seeds in which a remedy was tried; 1 where
	// there is none. Quiet is the share of seeds without any change.
	Precision  float64         `json:"precision"`
	Recall     float64         `json:"recall"`
	Quiet      float64         `json:"quiet"`
	Elasticity ElasticityMeans `json:"elasticity"`
}

// Times are a median and how often.
type Times struct {
	Median float64 `json:"median"` // seconds; -1: it never happened
	Seeds  int     `json:"seeds"`
}

// ElasticityMeans are means over seeds of sim.Elasticity.
type ElasticityMeans struct {
	UnderAccuracy float64 `json:"under_accuracy"`
	OverAccuracy  float64 `json:"over_accuracy"`
	UnderTime     float64 `json:"under_time"`
	OverTime      float64 `json:"over_time"`
	Instability   float64 `json:"instability"`
	Jitter        float64 `json:"jitter"`
}

// Comparison is the paired difference reference - other, over seeds.
type Comparison struct {
	Case    string   `json:"case"`
	Measure string   `json:"measure"` // violated_s or pod_s
	Other   string   `json:"other"`
	Diff    Estimate `json:"diff"`
	P       float64  `json:"p"`      // two-sided paired t-test
	Holm    float64  `json:"p_holm"` // adjusted over all comparisons of the measure
	Better  bool     `json:"better"` // the reference is, at 5 % after correction
	Worse   bool     `json:"worse"`
}

// CaseVerdict says in one case what the reference beats and what beats it.
type CaseVerdict struct {
	Case  string   `json:"case"`
	Beats []string `json:"beats"`
	Loses []string `json:"loses"`
}

// Bounds are no rivals: they know the future.
var Bounds = []string{"oracle", "static"}

// Plan names what was played: every case under every policy with the seeds 1..Seeds.
type Plan struct {
	Cases    []string
	Policies []string
	Seeds    int
}

// Summarise reduces runs. Only seeds that both policies of a comparison have played
// are compared, and no seed above those of the plan. reference must be the name of a policy. Cost: O(n log n) of the runs.
func Summarise(plan Plan, runs []*Measures, reference string) *Summary {
	byCell := map[[2]string][]*Measures{}
	for _, m := range runs {
		if k := [2]string{m.Case, m.Policy}; m.Seed <= uint64(plan.Seeds) {
			byCell[k] = append(byCell[k], m)
		}
	}
	s := &Summary{Seeds: plan.Seeds, Reference: reference}
	for _, c := range plan.Cases {
		for _, p := range plan.Policies {
			ms := byCell[[2]string{c, p}]
			slices.SortFunc(ms, func(a, b *Measures) int { return cmp.Compare(a.Seed, b.Seed) })
			if len(ms) > 0 {
				s.Cells = append(s.Cells, newCell(ms))
			}
		}
	}
	for _, measure := range []string{"violated_s", "pod_s"} {
		s.compare(plan, byCell, measure)
	}
	s.judge(plan)
	return s
}

func newCell(ms []*Measures) Cell {
	over := func(f func(*Measures) float64) Estimate {
		x := make([]float64, len(ms))
		for i, m := range ms {
			x[i] = f(m)
		}
		return estimate(x)
	}
	mean := func(f func(*Measures) float64) float64 { return over(f).Mean }
	c := Cell{
		Case: ms[0].Case, Policy: ms[0].Policy, Seeds: len(ms),
		ViolatedSeconds: over(func(m *Measures) float64 { return m.ViolatedSeconds }),
		ViolatedPercent: over(func(m *Measures) float64 { return m.ViolatedRequests }),
		P50:             over(func(m *Measures) float64 { return m.P50 }),
		P95:             over(func(m *Measures) float64 { return m.P95 }),
		P99:             over(func(m *Measures) float64 { return m.P99 }),
		PodSeconds:      over(func(m *Measures) float64 { return m.PodSeconds }),
		CoreSeconds:     over(func(m *Measures) float64 { return m.CoreSeconds }),
		OverPodSeconds:  over(func(m *Measures) float64 { return m.OverSeconds }),
		Actions:         over(func(m *Measures) float64 { return float64(m.Actions) }),
		Reversals:       over(func(m *Measures) float64 { return float64(m.Reversals) }),
		Detect:          times(ms, func(m *Measures) float64 { return m.Detect }),
		Decide:          times(ms, func(m *Measures) float64 { return m.Decide }),
		Ready:           times(ms, func(m *Measures) float64 { return m.Ready }),
		Recover:         times(ms, func(m *Measures) float64 { return m.Recover }),
		Elasticity: ElasticityMeans{
			mean(func(m *Measures) float64 { return m.Elasticity.UnderAccuracy }),
			mean(func(m *Measures) float64 { return m.Elasticity.OverAccuracy }),
			mean(func(m *Measures) float64 { return m.Elasticity.UnderTime }),
			mean(func(m *Measures) float64 { return m.Elasticity.OverTime }),
			mean(func(m *Measures) float64 { return m.Elasticity.Instability }),
			mean(func(m *Measures) float64 { return m.Elasticity.Jitter }),
		},
		Precision: 1,
	}
	right, wrong, missed, quiet := 0, 0, 0, 0
	for _, m := range ms {
		right, wrong, missed = right+m.Right, wrong+m.Wrong, missed+m.Missed
		if m.Actions == 0 {
			quiet++
		}
	}
	if right+wrong > 0 {
		c.Precision = float64(right) / float64(right+wrong)
	}
	c.Recall, c.Quiet = 1-float64(missed)/float64(len(ms)), float64(quiet)/float64(len(ms))
	return c
}

func times(ms []*Measures, f func(*Measures) float64) Times {
	var x []float64
	for _, m := range ms {
		if v := f(m); v >= 0 {
			x = append(x, v)
		}
	}
	if len(x) == 0 {
		return Times{Median: -1}
	}
	slices.Sort(x)
	return Times{stat.Quantile(.5, stat.Empirical, x, nil), len(x)}
}

func estimate(x []float64) Estimate {
	mean, sd := stat.MeanStdDev(x, nil)
	if len(x) < 2 {
		return Estimate{mean, mean, mean}
	}
	half := studentT(len(x)).Quantile(.975) * sd / math.Sqrt(float64(len(x)))
	return Estimate{mean, mean - half, mean + half}
}

func studentT(n int) distuv.StudentsT { return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(n - 1)} }

// compare adds the comparisons of one measure, corrected over all cases and rivals.
func (s *Summary) compare(plan Plan, byCell map[[2]string][]*Measures, measure string) {
	first := len(s.Comparisons)
	for _, c := range plan.Cases {
		ours := byCell[[2]string{c, s.Reference}]
		for _, p := range plan.Policies {
			if p == s.Reference {
				continue
			}
			if d := paired(ours, byCell[[2]string{c, p}], measure); len(d) > 1 {
				s.Comparisons = append(s.Comparisons, Comparison{
					Case: c, Measure: measure, Other: p, Diff: estimate(d), P: pairedT(d),
				})
			}
		}
	}
	holm(s.Comparisons[first:])
}

// paired are the differences of the seeds that both have, sorted by seed.
func paired(ours, others []*Measures, measure string) (d []float64) {
	value := func(m *Measures) float64 {
		if measure == "pod_s" {
			return m.PodSeconds
		}
		return m.ViolatedSeconds
	}
	i, j := 0, 0
	for i < len(ours) && j < len(others) {
		switch {
		case ours[i].Seed < others[j].Seed:
			i++
		case ours[i].Seed > others[j].Seed:
			j++
		default:
			d = append(d, value(ours[i])-value(others[j]))
			i, j = i+1, j+1
		}
	}
	return d
}

// pairedT is the two-sided p-value of the paired t-test. Differences that are all
// the same are certain: 0, or 1 when they are zero.
func pairedT(d []float64) float64 {
	mean, sd := stat.MeanStdDev(d, nil)
	if sd == 0 {
		if mean == 0 {
			return 1
		}
		return 0
	}
	return 2 * studentT(len(d)).CDF(-math.Abs(mean)/(sd/math.Sqrt(float64(len(d)))))
}

// holm adjusts p-values by the step-down procedure (Holm, 1979).
func holm(cs []Comparison) {
	order := make([]int, len(cs))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(cs[a].P, cs[b].P) })
	worst := 0.0
	for rank, i := range order {
		worst = max(worst, min(1, float64(len(cs)-rank)*cs[i].P))
		c := &cs[i]
		c.Holm = worst
		c.Better, c.Worse = worst < .05 && c.Diff.Mean < 0, worst < .05 && c.Diff.Mean > 0
	}
}

// judge says by violated seconds whom the reference beats and who beats it.
func (s *Summary) judge(plan Plan) {
	for _, c := range plan.Cases {
		v := CaseVerdict{Case: c}
		for _, cmp := range s.Comparisons {
			if cmp.Case != c || cmp.Measure != "violated_s" || slices.Contains(Bounds, cmp.Other) {
				continue
			}
			if cmp.Better {
				v.Beats = append(v.Beats, cmp.Other)
			} else if cmp.Worse {
				v.Loses = append(v.Loses, cmp.Other)
			}
		}
		s.Verdicts = append(s.Verdicts, v)
	}
}
