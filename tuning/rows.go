package tuning

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/scale-eval/scale-eval/eval"
)

// Row is one point of a study, at one cut-off, over its seeds.
type Row struct {
	Model     Point
	Threshold string
	Budget    float64
	// Score is the cut-off, the mean over the seeds at a budget.
	Score float64
	Share float64 // of the data, the largest that the model was run on
	Fail  string  // why there are no readings
	Seeds []uint64
	// Blocks has the blocks of each seed.
	Blocks [][]eval.Confusion
	// NsPerSpan is the least over the seeds, NaN where it was not measured.
	NsPerSpan float64
}

// Rows joins outcomes of equal models at their largest share: one row a reading, in
// the order of Space.Compare and then of thresholds. Outcomes may come in any order.
func Rows(s *Space, outcomes []Outcome) []Row {
	sorted := slices.Clone(outcomes)
	SortOutcomes(s, sorted)
	var rows []Row
	for from, to := 0, 0; from < len(sorted); from = to {
		for to = from; to < len(sorted) && slices.Equal(sorted[to].Model, sorted[from].Model); to++ {
		}
		last := to - 1 // of the largest share
		for last > from && sorted[last-1].Share == sorted[to-1].Share {
			last--
		}
		rows = append(rows, rowsOf(sorted[last:to])...)
	}
	return rows
}

// SortOutcomes sorts by model, share and seed, the order of every file.
func SortOutcomes(s *Space, outcomes []Outcome) {
	slices.SortFunc(outcomes, func(a, b Outcome) int {
		return cmp.Or(s.Compare(a.Model, b.Model), cmp.Compare(a.Share, b.Share), cmp.Compare(a.Seed, b.Seed))
	})
}

// rowsOf joins the seeds of one model and share.
func rowsOf(seeds []Outcome) []Row {
	first := seeds[0]
	for _, o := range seeds {
		if o.Fail != "" {
			return []Row{{Model: first.Model, Share: first.Share, Fail: o.Fail, NsPerSpan: math.NaN(), Score: math.NaN()}}
		}
	}
	rows := make([]Row, len(first.Readings))
	for i, r := range first.Readings {
		row := Row{Model: first.Model, Threshold: r.Threshold, Budget: r.Budget, Share: first.Share, NsPerSpan: math.NaN()}
		total := 0.0
		for _, o := range seeds {
			row.Seeds = append(row.Seeds, o.Seed)
			row.Blocks = append(row.Blocks, o.Readings[i].Blocks)
			total += float64(o.Readings[i].Score)
			if ns := float64(o.NsPerSpan); math.IsNaN(row.NsPerSpan) || ns < row.NsPerSpan {
				row.NsPerSpan = ns
			}
		}
		row.Score = total / float64(len(seeds))
		rows[i] = row
	}
	return rows
}

// Pooled is the confusion matrix of blocks [from, to) summed over the seeds. Its
// rates are the means over the seeds, weighed by their spans.
func (r Row) Pooled(from, to int) (c eval.Confusion) {
	for _, blocks := range r.Blocks {
		c = sum([]eval.Confusion{c, sum(blocks[from:to])})
	}
	return c
}

// Folds is the number of validation blocks, 0 for a row without readings.
func (r Row) Folds() int {
	if len(r.Blocks) == 0 {
		return 0
	}
	return len(r.Blocks[0]) - 1
}

// Validation is Pooled of the validation blocks.
func (r Row) Validation() eval.Confusion { return r.Pooled(0, r.Folds()) }

// Test is Pooled of the test block.
func (r Row) Test() eval.Confusion { return r.Pooled(r.Folds(), r.Folds()+1) }

// Losses are those of the objectives on the validation blocks [from, to); +Inf for a
// row without readings or at a cut-off that is not theirs.
func (r Row) Losses(objectives []Objective, from, to int) []float64 {
	losses := make([]float64, len(objectives))
	judged := r.Fail == "" && Judged(objectives, Reading{Threshold: r.Threshold, Budget: r.Budget})
	c := eval.Confusion{}
	if judged {
		c = r.Pooled(from, to)
	}
	for i, o := range objectives {
		losses[i] = math.Inf(1)
		if judged {
			losses[i] = o.Loss(c, r.NsPerSpan)
		}
	}
	return losses
}

// Spread is a measure over seeds.
type Spread struct {
	Mean eval.Number `json:"mean"`
	// SD is the standard deviation between seeds, NaN for fewer than two.
	SD eval.Number `json:"sd"`
	N  int         `json:"seeds"`
}

// SpreadOf is the mean and deviation of values, NaN if any of them is.
func SpreadOf(values []float64) Spread {
	n := float64(len(values))
	mean := 0.0
	for _, v := range values {
		mean += v / n
	}
	if len(values) == 0 {
		mean = math.NaN()
	}
	squares := 0.0
	for _, v := range values {
		squares += float64((v - mean) * (v - mean))
	}
	sd := math.NaN()
	if len(values) > 1 {
		sd = math.Sqrt(squares / (n - 1))
	}
	return Spread{eval.Number(mean), eval.Number(sd), len(values)}
}

// Spread is a measure of blocks [from, to), seed by seed.
func (r Row) Spread(from, to int, of func(eval.Confusion) float64) Spread {
	values := make([]float64, len(r.Blocks))
	for i, blocks := range r.Blocks {
		values[i] = of(sum(blocks[from:to]))
	}
	return SpreadOf(values)
}

// Label is a row in one line, "height=8 n_tree=12 min_score=0.6".
func (r Row) Label(s *Space) string {
	parts := []string{}
	if len(r.Model) > 0 {
		parts = append(parts, s.Key(r.Model))
	}
	if r.Threshold != "" {
		parts = append(parts, ThresholdParam+"="+r.Threshold)
	}
	return strings.Join(parts, " ")
}
