package tuning

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/eval"
)

// Unit is what is computed at once: a model on one seed and one share of the data,
// at all thresholds.
type Unit struct {
	Model Point
	Seed  uint64
	// Share of the training and validation spans, above 0 to 1. Below 1 the test
	// block is not scored.
	Share float64
}

// Outcome is what a unit measured. Fail says why a model could not be run, for
// instance because its options contradict each other; it then has no readings.
type Outcome struct {
	Unit
	Fail     string
	Readings []Reading
	// NsPerSpan is the time of one span, NaN where it was not measured. It is the
	// only part of an outcome that differs between two computations.
	NsPerSpan eval.Number
}

// Reading is the result of a model at one cut-off.
type Reading struct {
	// Threshold is a level of the threshold parameter, "" for the sampler's own
	// decision.
	Threshold string
	// Budget, if above 0, says that the cut-off was chosen to keep that share of the
	// validation spans instead; Score is that cut-off.
	Budget float64
	Score  eval.Number
	// Blocks are by time, the validation blocks first and the test block last.
	Blocks []eval.Confusion
}

// Validation is the sum of all blocks but the last.
func (r Reading) Validation() eval.Confusion { return sum(r.Blocks[:len(r.Blocks)-1]) }

// Test is the last block.
func (r Reading) Test() eval.Confusion { return r.Blocks[len(r.Blocks)-1] }

// Total is the sum of all blocks.
func (r Reading) Total() eval.Confusion { return sum(r.Blocks) }

func sum(blocks []eval.Confusion) (c eval.Confusion) {
	for _, b := range blocks {
		c.TP, c.FP, c.FN, c.TN = c.TP+b.TP, c.FP+b.FP, c.FN+b.FN, c.TN+b.TN
	}
	return c
}

// Column is the scored part of a dataset, one entry a span in order of time.
type Column struct {
	Score  []float64 // high = anomalous, NaN: warm-up
	Keep   []bool    // the sampler's own decisions; nil: none
	Labels []trace.Label
	// Ends are where the blocks end, ascending; the last is the number of spans. All
	// but the last block are validation.
	Ends []int
}

// Blocks cuts n spans into so many validation blocks of equal length, together the
// share of n, and one test block. It panics unless folds is 1 or more and the share
// inside (0, 1).
func Blocks(n, folds int, share float64) []int {
	if folds < 1 || !(share > 0 && share < 1) {
		panic(fmt.Sprintf("tuning: Blocks(%d, %d, %v)", n, folds, share))
	}
	validation := int(share * float64(n))
	ends := make([]int, folds+1)
	for i := range folds {
		ends[i] = validation * (i + 1) / folds
	}
	ends[folds] = n
	return ends
}

// Read makes the readings of a column: one a threshold, in that order ("" reads
// Keep), then one a budget. Spans that take no part in a confusion matrix, or have
// no score, are left out.
//
// Cost: O(n log m) for n spans and m thresholds, however many thresholds there are,
// and one selection on the validation scores a budget.
func Read(c Column, thresholds []string, budgets []float64) ([]Reading, error) {
	var readings []Reading
	cuts := make([]float64, 0, len(thresholds)+len(budgets))
	for _, text := range thresholds {
		if text == "" {
			readings = append(readings, c.readKeep())
			continue
		}
		x, ok := parseNumber(text)
		if !ok {
			return nil, fmt.Errorf("threshold %q is no number", text)
		}
		cuts = append(cuts, x)
		readings = append(readings, Reading{Threshold: text, Score: eval.Number(x)})
	}
	for _, b := range budgets {
		x := c.budgetCut(b)
		cuts = append(cuts, x)
		readings = append(readings, Reading{Budget: b, Score: eval.Number(x)})
	}
	blocks := c.count(cuts)
	for i := range readings {
		if readings[i].Blocks == nil {
			readings[i].Blocks, blocks = blocks[0], blocks[1:]
		}
	}
	return readings, nil
}

func (c Column) readKeep() Reading {
	r := Reading{Score: eval.Number(math.NaN()), Blocks: make([]eval.Confusion, len(c.Ends))}
	for b, from := 0, 0; b < len(c.Ends); from, b = c.Ends[b], b+1 {
		for i := from; i < c.Ends[b]; i++ {
			if !math.IsNaN(c.Score[i]) {
				r.Blocks[b].Add(c.Labels[i], c.Keep[i])
			}
		}
	}
	return r
}

// budgetCut is the lowest score that keeps at most the share of the validation
// spans. It reads no label.
func (c Column) budgetCut(share float64) float64 {
	var scores []float64
	for _, s := range c.Score[:c.Ends[max(0, len(c.Ends)-2)]] {
		if !math.IsNaN(s) {
			scores = append(scores, s)
		}
	}
	if len(scores) == 0 {
		return math.MaxFloat64 // finite, as JSON wants it
	}
	return eval.TopShare(scores, share)
}

// count is the blocks of every cut, in one pass: a span is counted in the bin
// between the cuts around its score, and bins are summed from the top.
func (c Column) count(cuts []float64) [][]eval.Confusion {
	order := make([]int, len(cuts))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(cuts[a], cuts[b]) })
	sorted := make([]float64, len(cuts))
	for i, k := range order {
		sorted[i] = cuts[k]
	}
	out := make([][]eval.Confusion, len(cuts))
	for i := range out {
		out[i] = make([]eval.Confusion, len(c.Ends))
	}
	kept := make([][2]int64, len(cuts)+1) // negatives and positives whose score reaches so many cuts
	for b, from := 0, 0; b < len(c.Ends); from, b = c.Ends[b], b+1 {
		clear(kept)
		for i := from; i < c.Ends[b]; i++ {
			score, label := c.Score[i], c.Labels[i]
			if math.IsNaN(score) || !label.Scored() {
				continue
			}
			reached := sort.Search(len(sorted), func(k int) bool { return sorted[k] > score })
			if label.Positive() {
				kept[reached][1]++
			} else {
				kept[reached][0]++
			}
		}
		var m eval.Confusion
		for _, k := range kept {
			m.TN, m.FN = m.TN+k[0], m.FN+k[1]
		}
		for k := len(cuts) - 1; k >= 0; k-- {
			fp, tp := kept[k+1][0], kept[k+1][1]
			m.FP, m.TP, m.TN, m.FN = m.FP+fp, m.TP+tp, m.TN-fp, m.FN-tp
			out[order[k]][b] = m
		}
	}
	return out
}
