package eval

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Budgets are the shares of the test spans that a sampler may keep at which its
// recall is compared: what an operator pays for.
var Budgets = []float64{.01, .02, .05, .10}

// Cell is one sampler on one dataset, one condition (shock strength, or the
// dataset's own labels) and one seed: the unit that a comparison computes once.
type Cell struct {
	Dataset   string `json:"dataset"`
	Condition string `json:"condition"`
	Seed      uint64 `json:"seed"`
	Sampler   string `json:"sampler"`

	AP             Number   `json:"average_precision"`
	BestF1         Number   `json:"best_f1"`
	Own            Point    `json:"own"`              // at the sampler's own or label-free cut-off, without intervals
	RecallAtFPR    []Number `json:"recall_at_fpr"`    // at DefaultFPRs
	RecallAtBudget []Number `json:"recall_at_budget"` // at Budgets
	FaultFreeFPR   Number   `json:"fault_free_fpr"`   // Track B
	Detected       int      `json:"faults_detected"`
	Faults         int      `json:"faults"`            // with candidates in the test part
	MedianDelayS   Number   `json:"median_delay_s"`    // of the detected
	CallsCovered   Number   `json:"calls_covered"`     // share of the test part's calls with a kept span
	WarmUp         int64    `json:"warm_up"`           //
	NsPerSpan      Number   `json:"ns_per_span"`       // of this machine
	APReplicates   []Number `json:"ap_replicates"`     // paired within a dataset, condition and seed
	F1Replicates   []Number `json:"own_f1_replicates"` // likewise
}

// Board is a comparison reduced to one row a dataset, condition and sampler.
type Board struct {
	Reference string     `json:"reference"` // the sampler that the others are paired with
	Rows      []BoardRow `json:"rows"`
}

// BoardRow is the mean over the seeds. Differences are the sampler minus the
// reference, with a 95 % interval of a paired bootstrap over seeds and, within a
// seed, over traces; Verdict calls an interval that holds 0 a tie.
type BoardRow struct {
	Dataset        string   `json:"dataset"`
	Condition      string   `json:"condition"`
	Sampler        string   `json:"sampler"`
	Seeds          int      `json:"seeds"`
	AP             Rate     `json:"average_precision"`
	OwnF1          Rate     `json:"own_f1"`
	BestF1         Number   `json:"best_f1"`
	OwnRecall      Number   `json:"own_recall"`
	OwnFPR         Number   `json:"own_fpr"`
	RecallAtFPR    []Number `json:"recall_at_fpr"`
	RecallAtBudget []Number `json:"recall_at_budget"`
	FaultFreeFPR   Number   `json:"fault_free_fpr"`
	Detected       Number   `json:"faults_detected"`
	Faults         int      `json:"faults"`
	MedianDelayS   Number   `json:"median_delay_s"`
	CallsCovered   Number   `json:"calls_covered"`
	NsPerSpan      Number   `json:"ns_per_span"`
	APDifference   Rate     `json:"ap_difference"`
	F1Difference   Rate     `json:"own_f1_difference"`
	VerdictAP      string   `json:"verdict_ap"` // "better", "worse", "tie", "reference", or "" when undefined
	VerdictF1      string   `json:"verdict_own_f1"`
}

// CellOf reduces one column of an outcome. Timing fills NsPerSpan when there is
// any. Cost: one Summarise and two sorts of the scores.
func CellOf(o *Outcome, column int, opt SummaryOptions) (Cell, error) {
	sr, err := Summarise(o.Scores, column, opt)
	if err != nil {
		return Cell{}, err
	}
	reps, err := Resample(o.Scores, column, opt)
	if err != nil {
		return Cell{}, err
	}
	c := Cell{
		Seed: opt.Seed, Sampler: o.Scores.Columns[column].Name,
		AP: sr.AP.Value, BestF1: sr.Best.Metrics.F1.Value, Own: sr.Point,
		FaultFreeFPR: Number(math.NaN()), MedianDelayS: Number(math.NaN()), NsPerSpan: Number(math.NaN()),
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
	c.RecallAtBudget = recallAtBudgets(o.Scores, column)
	c.CallsCovered = callsCovered(o, column)
	c.addFaults(o, column, opt)
	if o.Timing != nil {
		c.NsPerSpan = o.Timing.Samplers[column].MeanNs
	}
	return c, nil
}

func (c *Cell) addFaults(o *Outcome, column int, opt SummaryOptions) {
	if len(o.Plan.Faults) == 0 {
		return
	}
	opt.Replicates = -1 // the cell needs the value alone
	c.FaultFreeFPR = o.FaultFreeFPR(column, opt).Value
	var delays []float64
	for _, f := range o.Faults(column) {
		if f.Candidates > 0 {
			c.Faults++
		}
		if f.FlaggedCands > 0 {
			c.Detected++
			delays = append(delays, float64(f.DetectionDelayS))
		}
	}
	if len(delays) > 0 {
		sort.Float64s(delays)
		c.MedianDelayS = Number((delays[(len(delays)-1)/2] + delays[len(delays)/2]) / 2)
	}
}

// recallAtBudgets keeps the highest scores of all test spans, whatever their label:
// a sampler does not know which spans are left out of the score. Ties at the
// cut-off count in proportion, as if broken at random.
func recallAtBudgets(s *Scores, column int) []Number {
	score := s.Columns[column].Score
	order := make([]int, 0, len(score))
	positives := 0
	for i, x := range score {
		if x == x {
			order = append(order, i)
		}
		if s.Labels[i].Positive() {
			positives++
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case score[a] > score[b]:
			return -1
		case score[a] < score[b]:
			return 1
		}
		return a - b
	})
	out := make([]Number, len(Budgets))
	for i, b := range Budgets {
		out[i] = Number(kept(s, score, order, b*float64(len(score))) / float64(positives))
	}
	return out
}

// kept is the expected number of positives among the first budget spans of order.
func kept(s *Scores, score []float64, order []int, budget float64) float64 {
	var found float64
	for from := 0; from < len(order) && budget > 0; {
		to, positives := from, 0
		for ; to < len(order) && score[order[to]] == score[order[from]]; to++ {
			if s.Labels[order[to]].Positive() {
				positives++
			}
		}
		share := min(1, budget/float64(to-from))
		found += float64(share * float64(positives))
		budget -= float64(to - from)
		from = to
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

// NewBoard reduces cells, in any order, to rows in order of dataset, condition and
// falling AP. It errs when a cell comes twice or the reference has none.
func NewBoard(cells []Cell, reference string, seed uint64) (*Board, error) {
	groups := map[[2]string]map[string][]Cell{}
	seen := map[string]bool{}
	for _, c := range cells {
		id := fmt.Sprintf("%q %q %d %q", c.Dataset, c.Condition, c.Seed, c.Sampler)
		if seen[id] {
			return nil, fmt.Errorf("comparison: cell %s twice", id)
		}
		seen[id] = true
		g := [2]string{c.Dataset, c.Condition}
		if groups[g] == nil {
			groups[g] = map[string][]Cell{}
		}
		groups[g][c.Sampler] = append(groups[g][c.Sampler], c)
	}
	b := &Board{Reference: reference}
	for g, samplers := range groups {
		if samplers[reference] == nil {
			return nil, fmt.Errorf("comparison: no cell of the reference %q for %s, %s", reference, g[0], g[1])
		}
		for _, cs := range samplers {
			b.Rows = append(b.Rows, newRow(cs, samplers[reference], seed))
		}
	}
	slices.SortFunc(b.Rows, compareRows)
	return b, nil
}

func compareRows(x, y BoardRow) int {
	for _, d := range [][2]string{{x.Dataset, y.Dataset}, {x.Condition, y.Condition}} {
		if d[0] != d[1] {
			if d[0] < d[1] {
				return -1
			}
			return 1
		}
	}
	switch a, b := float64(x.AP.Value), float64(y.AP.Value); {
	case a > b || a == a && b != b:
		return -1
	case a < b || a != a && b == b:
		return 1
	case x.Sampler < y.Sampler:
		return -1
	}
	return 1
}

func newRow(cells, reference []Cell, seed uint64) BoardRow {
	bySeed := func(a, b Cell) int {
		if a.Seed < b.Seed {
			return -1
		}
		return 1
	}
	cells, reference = slices.Clone(cells), slices.Clone(reference)
	slices.SortFunc(cells, bySeed)
	slices.SortFunc(reference, bySeed)
	mean := func(get func(*Cell) Number) Number { return meanOf(cells, get) }
	r := BoardRow{
		Dataset: cells[0].Dataset, Condition: cells[0].Condition, Sampler: cells[0].Sampler, Seeds: len(cells),
		BestF1:       mean(func(c *Cell) Number { return c.BestF1 }),
		OwnRecall:    mean(func(c *Cell) Number { return c.Own.Metrics.Recall.Value }),
		OwnFPR:       mean(func(c *Cell) Number { return c.Own.Metrics.FPR.Value }),
		FaultFreeFPR: mean(func(c *Cell) Number { return c.FaultFreeFPR }),
		Detected:     mean(func(c *Cell) Number { return Number(c.Detected) }),
		Faults:       cells[0].Faults,
		MedianDelayS: mean(func(c *Cell) Number { return c.MedianDelayS }),
		CallsCovered: mean(func(c *Cell) Number { return c.CallsCovered }),
		NsPerSpan:    mean(func(c *Cell) Number { return c.NsPerSpan }),
	}
	for i := range cells[0].RecallAtFPR {
		r.RecallAtFPR = append(r.RecallAtFPR, mean(func(c *Cell) Number { return c.RecallAtFPR[i] }))
	}
	for i := range cells[0].RecallAtBudget {
		r.RecallAtBudget = append(r.RecallAtBudget, mean(func(c *Cell) Number { return c.RecallAtBudget[i] }))
	}
	ap := measure{func(c *Cell) Number { return c.AP }, func(c *Cell) []Number { return c.APReplicates }}
	f1 := measure{func(c *Cell) Number { return c.Own.Metrics.F1.Value }, func(c *Cell) []Number { return c.F1Replicates }}
	r.AP, r.OwnF1 = ap.rate(cells, nil, seed), f1.rate(cells, nil, seed)
	r.APDifference, r.F1Difference = ap.rate(cells, reference, seed), f1.rate(cells, reference, seed)
	r.VerdictAP, r.VerdictF1 = verdict(r.APDifference), verdict(r.F1Difference)
	if cells[0].Sampler == reference[0].Sampler {
		r.VerdictAP, r.VerdictF1 = "reference", "reference"
	}
	return r
}

// verdict calls a difference whose interval holds 0 a tie.
func verdict(d Rate) string {
	switch {
	case math.IsNaN(float64(d.Lo)) || math.IsNaN(float64(d.Hi)):
		return ""
	case d.Lo > 0:
		return "better"
	case d.Hi < 0:
		return "worse"
	}
	return "tie"
}

// meanOf leaves out what is undefined.
func meanOf(cells []Cell, get func(*Cell) Number) Number {
	sum, n := 0.0, 0
	for i := range cells {
		if v := float64(get(&cells[i])); !math.IsNaN(v) {
			sum += v
			n++
		}
	}
	return Number(sum / float64(n))
}

// measure is one number of a cell and its replicates.
type measure struct {
	value      func(*Cell) Number
	replicates func(*Cell) []Number
}

// rate is the mean over seeds of the measure, or of its difference to a reference,
// and a bootstrap interval: each replicate draws seeds with replacement and, of
// each, one replicate over traces, the same one for the reference.
func (m measure) rate(cells, reference []Cell, seed uint64) Rate {
	pairs := pairUp(cells, reference)
	total := 0.0
	for _, p := range pairs {
		total += m.difference(p, -1)
	}
	out := Rate{Value: Number(total / float64(len(pairs))), Lo: Number(math.NaN()), Hi: Number(math.NaN())}
	n := len(m.replicates(&cells[0]))
	if len(pairs) == 0 || n == 0 {
		return out
	}
	rng := rand.New(rand.NewPCG(seed, 0x626f617264)) // "board"
	const draws = 1000
	means := make([]float64, 0, draws)
	for range draws {
		sum := 0.0
		for range pairs {
			sum += m.difference(pairs[rng.IntN(len(pairs))], rng.IntN(n))
		}
		if mean := sum / float64(len(pairs)); !math.IsNaN(mean) {
			means = append(means, mean)
		}
	}
	if len(means) < draws/2 {
		return out
	}
	sort.Float64s(means)
	out.Lo, out.Hi = Number(means[len(means)*25/1000]), Number(means[len(means)*975/1000])
	out.Method = "paired bootstrap over seeds and traces"
	return out
}

// difference is the measure of a pair's cell minus that of its reference, of
// replicate i or, for i < 0, of the whole sample.
func (m measure) difference(p [2]*Cell, i int) float64 {
	at := func(c *Cell) float64 {
		if i < 0 {
			return float64(m.value(c))
		}
		if r := m.replicates(c); i < len(r) {
			return float64(r[i])
		}
		return math.NaN()
	}
	d := at(p[0])
	if p[1] != nil {
		d -= at(p[1])
	}
	return d
}

// pairUp matches cells with the reference's of the same seed; a cell without a
// partner is left out of differences.
func pairUp(cells, reference []Cell) (pairs [][2]*Cell) {
	for i := range cells {
		if reference == nil {
			pairs = append(pairs, [2]*Cell{&cells[i], nil})
			continue
		}
		for j := range reference {
			if reference[j].Seed == cells[i].Seed {
				pairs = append(pairs, [2]*Cell{&cells[i], &reference[j]})
			}
		}
	}
	return pairs
}
