package eval

import (
	"fmt"
	"math"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// tallyGroups is into how many groups a Tally puts traces, for intervals. Widths over
// so many clusters are known to 1 %.
const tallyGroups = 1 << 12

// Tally is the evaluation of one sampler on spans that are too many to keep a score of
// each: what [Run] and [Summarise] reduce Scores to, in bounded memory. Tallies of
// parts of the spans add up, in any order, to that of all of them.
//
// Counts, confusion matrices and, with at most a million distinct scores, the curve and
// all that follows from it are those of Summarise. With more, scores are rounded down to
// a part in two million first, and [Tally.Sketched] says so. Intervals of the operating
// point come from resampling groups of traces, those of a trace together; the ranking
// measures have none, because they would need the scores of every group.
//
// Memory: some 90 MB at most, whatever the number of spans: that of the scores and of their rounded form. Cost: that of
// sorting the scores some 260 000 at a time.
type Tally struct {
	cut     Cut
	test    int64
	warmUp  int64
	byLabel [256]int64
	cells   [tallyGroups]Confusion // by group of traces
	scores  histogram
	// The operating point is a cut-off on the score if all kept scores are above all
	// others.
	lowestKept, highestDropped float64
}

// NewTally is an empty tally of decisions by cut, which must not need training spans
// or other samplers.
func NewTally(cut Cut) (*Tally, error) {
	if cut.by != bySampler && cut.by != byValue {
		return nil, fmt.Errorf("cut-off %q: a tally takes the sampler's own or a fixed one", cut)
	}
	return &Tally{cut: cut, lowestKept: math.Inf(1), highestDropped: math.Inf(-1)}, nil
}

// GroupOf is the group of a trace: the same wherever its spans are tallied. A span
// without trace id is a trace of its own, known by its row.
func GroupOf(id trace.TraceID, row int64) uint32 {
	x := id.Hi*0x9e3779b97f4a7c15 ^ id.Lo
	if id == (trace.TraceID{}) {
		x = uint64(row)
	}
	// SplitMix64's finaliser (Steele, Lea and Flood 2014).
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return uint32((x ^ x>>31) % tallyGroups)
}

// Add counts one test span of a group and says whether it is kept. It errs when the
// sampler says NaN without warming up.
func (t *Tally) Add(l trace.Label, d trace.Decision, group uint32) (keep bool, err error) {
	t.test++
	t.byLabel[l]++
	if d.WarmUp {
		t.warmUp++
		return false, nil
	}
	if d.Score != d.Score {
		return false, fmt.Errorf("score of test span %d is NaN although the sampler is not warming up: this is a defect of it", t.test)
	}
	keep = d.Keep
	if t.cut.by == byValue {
		keep = d.Score >= t.cut.value
	}
	if !l.Scored() {
		return keep, nil
	}
	t.cells[group].Add(l, keep)
	t.scores.add(d.Score, l.Positive())
	if keep {
		t.lowestKept = min(t.lowestKept, d.Score)
	} else {
		t.highestDropped = max(t.highestDropped, d.Score)
	}
	return keep, nil
}

// Merge adds what o counted, with the same cut-off. o must not be used any more.
func (t *Tally) Merge(o *Tally) {
	t.test += o.test
	t.warmUp += o.warmUp
	for i, n := range o.byLabel {
		t.byLabel[i] += n
	}
	for i, c := range o.cells {
		t.cells[i].TP += c.TP
		t.cells[i].FP += c.FP
		t.cells[i].FN += c.FN
		t.cells[i].TN += c.TN
	}
	t.scores.merge(&o.scores)
	t.lowestKept = min(t.lowestKept, o.lowestKept)
	t.highestDropped = max(t.highestDropped, o.highestDropped)
}

// Sketched says that scores were rounded because too many differ.
func (t *Tally) Sketched() bool { t.scores.settle(); return t.scores.coarse != nil }

// Test is how many spans were added.
func (t *Tally) Test() int64 { return t.test }

// Result is that of one run of e, Counts filled but for what a tally cannot know: Read,
// Bad, Filtered, Train, Calls, Overflow and Traces.
func (t *Tally) Result(e Entrant, o SummaryOptions) *Result {
	o = o.withDefaults()
	r := &Result{Version: ResultVersion, Seed: o.Seed, Counts: Counts{Test: t.test}}
	countLabels(&r.Counts, &t.byLabel)
	s := t.sampler(o)
	s.Name, s.Describe, s.Baseline, s.Options, s.ThresholdBy = e.Name, e.Describe, e.Baseline, e.Options, t.cut.String()
	r.Samplers = []SamplerResult{s}
	r.Warnings = warningsOf(r)
	if t.Sketched() {
		r.Warnings = append(r.Warnings, fmt.Sprintf("more than %d scores differ: the curve, AP, AUC, the best point and recall at FPR are of scores rounded down to 21 leading bits", distinctMax))
	}
	return r
}

func (t *Tally) sampler(o SummaryOptions) SamplerResult {
	var point Confusion
	var s spread
	for _, c := range t.cells {
		point = Confusion{point.TP + c.TP, point.FP + c.FP, point.FN + c.FN, point.TN + c.TN}
		s.kept += min(c.Kept(), 1)
		s.positive += min(c.Positives(), 1)
		s.negative += min(c.Negatives(), 1)
		s.all += min(c.Total(), 1)
	}
	iv, none := intervals{}, []float64(nil)
	out := SamplerResult{WarmUp: t.warmUp}
	out.Point = Point{Threshold: t.threshold(), Confusion: point, Metrics: iv.metrics(point, s, t.resample(o.replicates(), o.Seed))}
	r := t.scores.ranking()
	out.Best = Point{Threshold: Number(math.NaN()), Metrics: iv.metrics(Confusion{}, spread{}, nil)}
	best, ok := r.Best()
	if ok {
		c := r.At(best)
		out.Best = Point{Threshold: best.Threshold, Confusion: c, Metrics: iv.metrics(c, spread{}, nil)}
	}
	out.AP, out.ROCAUC = iv.percentile(r.AP(), none), iv.percentile(r.AUC(), none)
	must := []CurvePoint{{TP: point.TP, FP: point.FP}, best}
	for _, f := range o.FPRs {
		pt := r.RecallAtFPR(f)
		must = append(must, pt)
		out.RecallAt = append(out.RecallAt, RecallAt{FPR: f, Recall: iv.resampled(pt.TP, r.p, 0, none), Threshold: pt.Threshold})
	}
	out.Curve = r.Thin(o.CurvePoints, must...)
	return out
}

func (t *Tally) threshold() Number {
	switch {
	case t.cut.by == byValue:
		return Number(t.cut.value)
	case t.lowestKept <= t.highestDropped:
		return Number(math.NaN())
	}
	return Number(t.lowestKept)
}

// resample weighs the confusion matrix n times, each group Poisson(1) times.
func (t *Tally) resample(n int, seed uint64) []Confusion {
	out := make([]Confusion, (n+lanes-1)/lanes*lanes)
	eachBlock(tallyGroups, n, seed, func(block int, w []uint64) {
		sums := out[block*lanes:][:lanes]
		for g, c := range t.cells {
			for k := range sums {
				x := int64(w[g] >> (8 * k) & 0xFF)
				sums[k].TP += x * c.TP
				sums[k].FP += x * c.FP
				sums[k].FN += x * c.FN
				sums[k].TN += x * c.TN
			}
		}
	})
	return out[:n]
}
