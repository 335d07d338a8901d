package eval

import (
	"math"
	"slices"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Budgets are the shares of the test spans that a sampler may keep at which its
// recall is compared: what an operator pays for.
var Budgets = []float64{.01, .02, .05, .10}

// CurveBudgets are the shares at which recall against budget is drawn: six a decade,
// from a thousandth to everything.
var CurveBudgets = curveBudgets()

func curveBudgets() (out []float64) {
	const perDecade, decades = 6, 3
	for i := range perDecade*decades + 1 {
		out = append(out, math.Pow(10, float64(i)/perDecade-decades))
	}
	return out
}

// Strength is how much a condition slows spans down: a duration d becomes (d + bump)
// times a factor. The zero value is a dataset's own labels.
type Strength struct {
	FactorLo float64 `json:"factor_lo"` // the factor is drawn from [FactorLo, FactorHi]
	FactorHi float64 `json:"factor_hi"`
	BumpNs   int64   `json:"bump_ns"`
}

// Injected says whether there are shocks at all.
func (s Strength) Injected() bool { return s != Strength{} }

// Cell is one sampler on one dataset, one condition (shock strength, or the
// dataset's own labels) and one seed: the unit that a comparison computes once.
type Cell struct {
	Dataset   string   `json:"dataset"`
	Condition string   `json:"condition"`
	Strength  Strength `json:"strength"`
	Seed      uint64   `json:"seed"`
	Sampler   string   `json:"sampler"`

	Test           int64         `json:"test"`      // spans sent to the sampler
	Positives      int64         `json:"positives"` // of them
	AP             Number        `json:"average_precision"`
	BestF1         Number        `json:"best_f1"`
	Own            Point         `json:"own"`              // at the sampler's own or label-free cut-off
	RecallAtFPR    []Number      `json:"recall_at_fpr"`    // at DefaultFPRs
	RecallAtBudget []Number      `json:"recall_at_budget"` // at Budgets
	RecallCurve    []Number      `json:"recall_curve"`     // at CurveBudgets
	FaultFreeFPR   Number        `json:"fault_free_fpr"`   // Track B
	Detected       int           `json:"faults_detected"`
	Faults         int           `json:"faults"`                    // with candidates in the test part
	MedianDelayS   Number        `json:"median_delay_s"`            // of the detected
	ByChance       Number        `json:"faults_detected_by_chance"` // see FaultSummary
	PerFault       []FaultDelay  `json:"per_fault,omitempty"`       // those with candidates in the test part
	LabelAccount   *LabelAccount `json:"label_account,omitempty"`   // Track B; the caller's to fill
	CallsCovered   Number        `json:"calls_covered"`             // share of the test part's calls with a span kept at the own cut-off
	Diversity      []Coverage    `json:"diversity"`                 // at Budgets, of whole traces
	WarmUp         int64         `json:"warm_up"`
	NsPerSpan      Number        `json:"ns_per_span"`       // of this machine
	StateBytes     int64         `json:"state_bytes"`       // of the sampler after the test part; 0: not measured
	Calls          int           `json:"calls"`             // that the sampler has seen
	APReplicates   []Number      `json:"ap_replicates"`     // paired within a dataset, condition and seed
	F1Replicates   []Number      `json:"own_f1_replicates"` // likewise
}

// FaultDelay is how a sampler did on one fault.
type FaultDelay struct {
	Name       string `json:"name"`
	Candidates int64  `json:"candidates"` // in the test part, positives included
	Positives  int64  `json:"positives"`
	Detected   Number `json:"detected"` // 1 or 0; of several seeds the share
	DelayS     Number `json:"delay_s"`  // injection to the end of the first flagged candidate; NaN: none
}

// CellOf reduces one column of an outcome; types are the types of its traces, as in
// Cover, nil when they are not known. Timing fills NsPerSpan when there is any. The seed
// of opt is that of resampling: cells of one condition are paired when it is the same
// for all of them, those of other seeds of the plan too. Cost: one Summarise, a sort of
// the scores that are not ranked and, with types, one of the traces. All of it is in the
// workspace of opt.
func CellOf(o *Outcome, column int, types []uint32, opt SummaryOptions) (Cell, error) {
	opt = opt.withDefaults()
	v, err := newView(o.Scores, column, opt)
	if err != nil {
		return Cell{}, err
	}
	reps := v.sample.resample(opt.replicates(), opt.Seed)
	sr := v.result(reps)
	c := Cell{
		Seed: o.Plan.Seed, Sampler: o.Scores.Columns[column].Name,
		AP: sr.AP.Value, BestF1: sr.Best.Metrics.F1.Value, Own: sr.Point,
		FaultFreeFPR: Number(math.NaN()), MedianDelayS: Number(math.NaN()), ByChance: Number(math.NaN()), NsPerSpan: Number(math.NaN()),
		WarmUp: sr.WarmUp,
	}
	for _, at := range sr.RecallAt {
		c.RecallAtFPR = append(c.RecallAtFPR, at.Recall.Value)
	}
	for i := range reps.Point {
		c.F1Replicates = append(c.F1Replicates, Number(reps.Point[i].F1()))
	}
	for _, ap := range reps.AP {
		c.APReplicates = append(c.APReplicates, Number(ap))
	}
	c.Test, c.Positives = o.Counts.Test, o.Counts.Positives
	recall, err := recallAtBudgets(opt.Workspace, v.sample.ranking, o.Scores, column, append(slices.Clone(Budgets), CurveBudgets...))
	if err != nil {
		return Cell{}, err
	}
	c.RecallAtBudget, c.RecallCurve = recall[:len(Budgets):len(Budgets)], recall[len(Budgets):]
	c.CallsCovered = callsCovered(o, column)
	if err := c.addFaults(o, column, opt); err != nil {
		return Cell{}, err
	}
	if types != nil {
		cover := Cover{Calls: o.Calls, Types: types, Workspace: opt.Workspace}
		if c.Diversity, err = Diversity(o.Scores, column, cover, Budgets, o.Plan.Seed); err != nil {
			return Cell{}, err
		}
	}
	if o.Timing != nil {
		c.NsPerSpan = o.Timing.Samplers[column].MeanNs
	}
	return c, nil
}

func (c *Cell) addFaults(o *Outcome, column int, opt SummaryOptions) error {
	if len(o.Plan.Faults) == 0 {
		return nil
	}
	s, err := o.FaultSummary(column, opt.Workspace)
	if err != nil {
		return err
	}
	c.FaultFreeFPR, c.Detected, c.Faults = s.FaultFreeFPR, s.Detected, s.Detectable
	c.MedianDelayS, c.ByChance = s.MedianDelayS, s.ByChance
	for _, f := range o.Faults(column) {
		if f.Candidates > 0 {
			c.PerFault = append(c.PerFault, FaultDelay{f.Name, f.Candidates, f.Positives, Number(bit(f.FlaggedCands > 0)), f.DetectionDelayS})
		}
	}
	return nil
}

func bit(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// recallAtBudgets keeps the highest scores of all test spans, whatever their label:
// a sampler does not know which spans are left out of the score. Ties at the
// cut-off count in proportion, as if broken at random. r is the ranking of the column,
// which may be in ws, and stays there.
func recallAtBudgets(ws *Workspace, r *Ranking, s *Scores, column int, budgets []float64) ([]Number, error) {
	others, positives, err := unrankedScores(ws, s, s.Columns[column].Score)
	if err != nil {
		return nil, err
	}
	out := make([]Number, len(budgets))
	for i, b := range budgets {
		out[i] = Number(r.kept(others, b*float64(len(s.Labels))) / float64(positives))
	}
	return out, nil
}

// unrankedScores are the keys, ascending, of spans that have a score but a label that is
// left out of the ranking. positives are those of all spans.
func unrankedScores(ws *Workspace, s *Scores, score []float64) (keys []uint64, positives int64, err error) {
	n := 0
	for i, l := range s.Labels {
		if l.Positive() {
			positives++
		}
		if x := score[i]; x == x && !l.Scored() {
			n++
		}
	}
	if err := resize(ws, &ws.key2, 2*n); err != nil {
		return nil, 0, err
	}
	keys = ws.key2[:0:n]
	for i, l := range s.Labels {
		if x := score[i]; x == x && !l.Scored() {
			keys = append(keys, keyOf(x))
		}
	}
	sortKeys(keyed{key: keys}, keyed{key: ws.key2[n:]})
	return keys, positives, nil
}

// kept is the expected number of positives among the first budget of the ranked spans
// and of others, keys that ascend.
func (r *Ranking) kept(others []uint64, budget float64) float64 {
	var found float64
	tp, passed := int64(0), int64(0)
	for i := range r.stops {
		st := &r.stops[i]
		above := lowerBound(others, st.key)
		tied := lowerBound(others[above:], st.key+1) // no score has the last key
		passed, others = passed+int64(above+tied), others[above+tied:]
		before := st.above + tp + passed - int64(tied)
		left := budget - float64(before)
		if left <= 0 {
			break
		}
		share := min(1, left/float64(st.tied+st.pos+int64(tied)))
		found += float64(share * float64(st.pos))
		tp += st.pos
	}
	return found
}

func callsCovered(o *Outcome, column int) Number {
	if len(o.Calls) == 0 {
		return Number(math.NaN())
	}
	seen, kept := map[trace.Call]bool{}, map[trace.Call]bool{}
	for i, call := range o.Calls {
		seen[call] = true
		if o.Scores.Columns[column].Keep[i] {
			kept[call] = true
		}
	}
	return Number(float64(len(kept)) / float64(len(seen)))
}

// coverage is a count at a budget, NaN when the types of traces were not known.
func (c *Cell) coverage(budget int, count func(Coverage) int) Number {
	if budget >= len(c.Diversity) {
		return Number(math.NaN())
	}
	return Number(count(c.Diversity[budget]))
}

// bytesPerCall spreads what a sampler holds over the calls that it has seen.
func (c *Cell) bytesPerCall() Number {
	if c.StateBytes == 0 || c.Calls == 0 {
		return Number(math.NaN())
	}
	return Number(float64(c.StateBytes) / float64(c.Calls))
}
