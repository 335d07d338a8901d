package eval

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Board is a comparison reduced to one row a dataset, condition and sampler.
type Board struct {
	Reference string `json:"reference"` // the sampler that the others are paired with
	// Labels are the accounts of the datasets whose labels follow from faults, by name.
	Labels map[string]LabelAccount `json:"labels,omitempty"`
	Rows   []BoardRow              `json:"rows"`
}

// BoardRow is the mean over the seeds. Differences are the sampler minus the
// reference, with a 95 % interval of a paired bootstrap over seeds and traces; Verdict calls an interval that holds 0 a tie.
type BoardRow struct {
	Dataset        string       `json:"dataset"`
	Condition      string       `json:"condition"`
	Strength       Strength     `json:"strength"`
	Sampler        string       `json:"sampler"`
	Seeds          int          `json:"seeds"`
	Positives      Number       `json:"positives"` // share of the test spans
	AP             Rate         `json:"average_precision"`
	OwnF1          Rate         `json:"own_f1"`
	BestF1         Number       `json:"best_f1"`
	OwnRecall      Number       `json:"own_recall"`
	OwnFPR         Number       `json:"own_fpr"`
	RecallAtFPR    []Number     `json:"recall_at_fpr"`    // at DefaultFPRs
	RecallAtBudget []Number     `json:"recall_at_budget"` // at Budgets
	RecallCurve    []Number     `json:"recall_curve"`     // at CurveBudgets
	FaultFreeFPR   Number       `json:"fault_free_fpr"`
	Detected       Number       `json:"faults_detected"`
	ByChance       Number       `json:"faults_detected_by_chance"` // see FaultSummary
	Faults         int          `json:"faults"`
	MedianDelayS   Number       `json:"median_delay_s"`
	PerFault       []FaultDelay `json:"per_fault,omitempty"`
	CallsCovered   Number       `json:"calls_covered"`
	CallsAtBudget  []Number     `json:"calls_at_budget"` // distinct, in that share of the traces, at Budgets; nil: not known
	TypesAtBudget  []Number     `json:"types_at_budget"` // likewise
	AllCalls       Number       `json:"all_calls"`       // of the test part
	AllTypes       Number       `json:"all_types"`
	NsPerSpan      Number       `json:"ns_per_span"`
	BytesPerCall   Number       `json:"bytes_per_call"`
	APDifference   Rate         `json:"ap_difference"`
	F1Difference   Rate         `json:"own_f1_difference"`
	VerdictAP      string       `json:"verdict_ap"` // "better", "worse", "tie", "reference", or "" when undefined
	VerdictF1      string       `json:"verdict_own_f1"`
}

// NewBoard reduces cells, in any order, to rows in order of dataset, condition and
// falling AP. It errs when a cell comes twice or the reference has none.
func NewBoard(cells []Cell, reference string, seed uint64) (*Board, error) {
	groups := map[[2]string]map[string][]Cell{}
	seen := map[string]bool{}
	b := &Board{Reference: reference, Labels: map[string]LabelAccount{}}
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
		if c.LabelAccount != nil {
			b.Labels[c.Dataset] = *c.LabelAccount
		}
	}
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
	return cmp.Or(
		cmp.Compare(x.Dataset, y.Dataset),
		-compareStrength(x.Strength, y.Strength),
		cmp.Compare(x.Condition, y.Condition),
		-cmp.Compare(float64(x.AP.Value), float64(y.AP.Value)), // NaN is the least
		cmp.Compare(x.Sampler, y.Sampler),
	)
}

// compareStrength orders by the mean factor, then by the bump.
func compareStrength(a, b Strength) int {
	return cmp.Or(cmp.Compare(a.FactorLo+a.FactorHi, b.FactorLo+b.FactorHi), cmp.Compare(a.BumpNs, b.BumpNs))
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
		Dataset: cells[0].Dataset, Condition: cells[0].Condition, Strength: cells[0].Strength, Sampler: cells[0].Sampler, Seeds: len(cells),
		Positives:    mean(func(c *Cell) Number { return Number(float64(c.Positives) / float64(c.Test)) }),
		BestF1:       mean(func(c *Cell) Number { return c.BestF1 }),
		OwnRecall:    mean(func(c *Cell) Number { return c.Own.Metrics.Recall.Value }),
		OwnFPR:       mean(func(c *Cell) Number { return c.Own.Metrics.FPR.Value }),
		FaultFreeFPR: mean(func(c *Cell) Number { return c.FaultFreeFPR }),
		Detected:     mean(func(c *Cell) Number { return Number(c.Detected) }),
		ByChance:     mean(func(c *Cell) Number { return c.ByChance }),
		Faults:       cells[0].Faults,
		PerFault:     perFault(cells),
		MedianDelayS: mean(func(c *Cell) Number { return c.MedianDelayS }),
		CallsCovered: mean(func(c *Cell) Number { return c.CallsCovered }),
		AllCalls:     mean(func(c *Cell) Number { return c.coverage(0, func(v Coverage) int { return v.AllCalls }) }),
		AllTypes:     mean(func(c *Cell) Number { return c.coverage(0, func(v Coverage) int { return v.AllTypes }) }),
		NsPerSpan:    mean(func(c *Cell) Number { return c.NsPerSpan }),
		BytesPerCall: mean((*Cell).bytesPerCall),
	}
	each := func(n int, get func(*Cell, int) Number) (out []Number) {
		for i := range n {
			out = append(out, mean(func(c *Cell) Number { return get(c, i) }))
		}
		return out
	}
	r.RecallAtFPR = each(len(cells[0].RecallAtFPR), func(c *Cell, i int) Number { return c.RecallAtFPR[i] })
	r.RecallAtBudget = each(len(cells[0].RecallAtBudget), func(c *Cell, i int) Number { return c.RecallAtBudget[i] })
	r.RecallCurve = each(len(cells[0].RecallCurve), func(c *Cell, i int) Number { return c.RecallCurve[i] })
	r.CallsAtBudget = each(len(cells[0].Diversity), func(c *Cell, i int) Number { return c.coverage(i, func(v Coverage) int { return v.Calls }) })
	r.TypesAtBudget = each(len(cells[0].Diversity), func(c *Cell, i int) Number { return c.coverage(i, func(v Coverage) int { return v.Types }) })
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

// perFault averages over the cells, which all have the same faults.
func perFault(cells []Cell) (out []FaultDelay) {
	for i, f := range cells[0].PerFault {
		f.Detected = meanOf(cells, func(c *Cell) Number { return c.PerFault[i].Detected })
		f.DelayS = meanOf(cells, func(c *Cell) Number { return c.PerFault[i].DelayS })
		out = append(out, f)
	}
	return out
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
// and a bootstrap interval. Seeds and traces are crossed: every seed is of the same
// traces. So a draw takes seeds with replacement and one resample of the traces, the
// same for all of them and for the reference (the pigeonhole bootstrap of Owen, 2007). A
// resample for each seed would take the traces for as many as there are seeds.
func (m measure) rate(cells, reference []Cell, seed uint64) Rate {
	pairs := pairUp(cells, reference)
	total := 0.0
	for _, p := range pairs {
		total += m.difference(p, -1)
	}
	out := Rate{Value: Number(total / float64(len(pairs))), Lo: Number(math.NaN()), Hi: Number(math.NaN())}
	n := len(m.replicates(&cells[0]))
	if len(pairs) == 0 || n < 2 {
		return out
	}
	rng := rand.New(rand.NewPCG(seed, 0x626f617264)) // "board"
	draws := (1000 + n - 1) / n * n                  // each resample as often as any other
	means := make([]float64, 0, draws)
	for i := range draws {
		sum := 0.0
		for range pairs {
			sum += m.difference(pairs[rng.IntN(len(pairs))], i%n)
		}
		if mean := sum / float64(len(pairs)); !math.IsNaN(mean) {
			means = append(means, mean)
		}
	}
	if len(means) < draws/2 {
		return out
	}
	slices.Sort(means)
	out.Lo, out.Hi = Number(quantile(means, .025)), Number(quantile(means, .975))
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
