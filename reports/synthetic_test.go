package reports

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/eval"
)

// The results here are made up, but consistent: counts, rates and curves all follow
// from one list of scores, by code as plain as possible.

// trackA is the size of the paper's TraceMesh run: 57,908 test spans, 2,895 shocked.
func trackA() (*eval.Result, *eval.Scores) { return synthetic(57908, 2895, 1) }

// trackB is a day of 24 faults.
func trackB() (*eval.Result, *eval.Scores) {
	r, s := synthetic(80000, 320, 2)
	r.Dataset, r.Protocol = "nezha:ob-2022-08-22", "labels"
	for i := range 1500 {
		s.Labels[i*7] = []trace.Label{trace.Candidate, trace.Propagated, trace.Guard}[i%3]
	}
	r.Counts.ByLabel = map[string]int64{"normal": 77910, "anomalous": 320, "candidate": 770, "propagated": 500, "guard": 500}
	types := []string{"network_delay", "cpu_contention", "return", "exception"}
	services := []string{"adservice", "cartservice", "checkoutservice", "currencyservice", "frontend", "recommendationservice"}
	for i := range 24 {
		f := eval.FaultResult{Type: types[i%4], Target: services[i%6], At: 1661140401e9 + int64(i)*1200e9,
			Candidates: int64(900 + 37*i), Positives: int64(5 + i), Propagated: int64(3 * i), Guard: 1200,
			FlaggedCands: int64(4 + i), DetectionDelayS: eval.Number(2.5 + 3*float64(i))}
		if f.Type == "return" {
			f.Positives, f.FlaggedCands, f.DetectionDelayS = 0, 0, eval.Number(math.NaN())
		}
		f.Name = fmt.Sprintf("%s %s %s", f.Type, f.Target, utc(f.At))
		r.Faults = append(r.Faults, f)
	}
	c, f := wilson(612, 9000), wilson(400, 60000)
	r.CandidateRecall, r.FaultFreeFPR = &c, &f
	for i := range r.Samplers {
		r.Samplers[i].Faults = &eval.FaultSummary{Detected: 18 - i, Detectable: 24, MedianDelayS: 12.5, FaultFreeFPR: .0067, ByChance: 17.25}
	}
	r.LabelAccount = &eval.LabelAccount{Faults: 24, Controls: 12, Overlapping: 2, Window: 41_000, Candidates: 31_818, Positives: 396,
		NoReference: 118, MinReference: 100, Propagated: 414, Explained: 40, Unknown: 7, Guard: 28_800, WindowNormal: 9182}
	return r, s
}

// samplersOf are the sampler and the four baselines with how well each separates.
var samplersOf = []struct {
	name, describe string
	shift, rate    float64
}{
	{"paper", "Half-Space-Trees mass of service::operation and duration, 1 - normalised", 3.4, 0.075},
	{"static duration", "the span's duration", 3.2, 0.07},
	{"per-call quantile", "share of the call's training spans that are faster", 2.2, 0.05},
	{"per-call ratio to the median", "duration / median of the call's training spans", 2.7, 0.06},
	{"random at the same rate", "a uniform draw", 0, 0.075},
}

type recipe struct {
	n, pos int
	seed   uint64
}

type built struct {
	result *eval.Result
	scores *eval.Scores
}

// kept saves building the same result for every test; tests here are not parallel.
var kept = map[recipe]built{}

// synthetic scores n spans of which pos are positive with five samplers. The caller
// may change what it gets.
func synthetic(n, pos int, seed uint64) (*eval.Result, *eval.Scores) {
	key := recipe{n, pos, seed}
	if _, ok := kept[key]; !ok {
		r, s := build(n, pos, seed)
		kept[key] = built{r, s}
	}
	r, s := *kept[key].result, *kept[key].scores
	r.Options, r.Counts.ByLabel = maps.Clone(r.Options), maps.Clone(r.Counts.ByLabel)
	r.Samplers, r.Warnings = slices.Clone(r.Samplers), slices.Clone(r.Warnings)
	for i := range r.Samplers {
		r.Samplers[i].Curve = slices.Clone(r.Samplers[i].Curve)
	}
	s.Labels, s.Columns = slices.Clone(s.Labels), slices.Clone(s.Columns)
	s.Columns[0].Score = slices.Clone(s.Columns[0].Score)
	return &r, &s
}

func build(n, pos int, seed uint64) (*eval.Result, *eval.Scores) {
	rng := rand.New(rand.NewPCG(seed, 7))
	s := &eval.Scores{Labels: make([]trace.Label, n), Trace: make([]uint32, n)}
	for i := range s.Labels {
		s.Labels[i] = trace.Normal
		s.Trace[i] = uint32(i / 5)
	}
	for _, i := range rng.Perm(n)[:pos] {
		s.Labels[i] = trace.Anomalous
	}
	r := &eval.Result{Version: eval.ResultVersion, Dataset: "tracemesh", Protocol: "paper", Seed: 42,
		Options: map[string]string{"train": "0.25", "shock_fraction": "0.05", "shock_bump": "5ms", "shock_factor": "8:10", "max_duration": "10s", "encoding": "paper"},
		Counts: eval.Counts{Read: int64(n) * 4 / 3, Train: int64(n) / 3, Test: int64(n), Scored: int64(n), Positives: int64(pos),
			Negatives: int64(n - pos), Filtered: 101, Bad: 3, Calls: 1103, Traces: int64(n / 5),
			ByLabel: map[string]int64{"normal": int64(n - pos), "anomalous": int64(pos)}},
		Warnings: []string{"spans of a trace are dependent and the dataset has few traces: intervals by trace are wide"},
	}
	for i, def := range samplersOf {
		col := scoresOf(rng, s.Labels, def.name, def.shift, def.rate)
		s.Columns = append(s.Columns, col)
		r.Samplers = append(r.Samplers, scoredBy(col, s.Labels, def.describe, i > 0))
	}
	r.Samplers[0].Options = map[string]string{"n_tree": "32", "height": "10", "window_size": "250", "min_score": "0.52"}
	return r, s
}

// scoresOf draws logistic scores; positives are shifted.
func scoresOf(rng *rand.Rand, labels []trace.Label, name string, shift, rate float64) eval.ScoreColumn {
	col := eval.ScoreColumn{Name: name, Score: make([]float64, len(labels)), Keep: make([]bool, len(labels))}
	for i, l := range labels {
		z := rng.NormFloat64() - 1
		if l.Positive() {
			z += shift
		}
		col.Score[i] = math.Round(1e4/(1+math.Exp(-z))) / 1e4
	}
	sorted := slices.Clone(col.Score)
	slices.Sort(sorted)
	if len(sorted) == 0 {
		return col
	}
	cut := sorted[int(float64(len(sorted))*(1-rate))]
	for i, v := range col.Score {
		col.Keep[i] = v >= cut
	}
	return col
}

// scoredBy reduces a column to a result.
func scoredBy(col eval.ScoreColumn, labels []trace.Label, describe string, baseline bool) eval.SamplerResult {
	curve, total := fullCurve(col, labels)
	out := eval.SamplerResult{Name: col.Name, Describe: describe, Baseline: baseline, ThresholdBy: "95th percentile of the training scores"}
	cut, tp, fp := math.Inf(1), int64(0), int64(0)
	for i, keep := range col.Keep {
		if keep && labels[i].Scored() {
			cut = min(cut, col.Score[i])
			if labels[i].Positive() {
				tp++
			} else {
				fp++
			}
		}
	}
	out.Point = pointOf(cut, tp, fp, total)
	out.Best = out.Point
	auc, ap, prev := 0.0, 0.0, eval.CurvePoint{}
	for _, p := range curve {
		if pt := pointOf(float64(p.Threshold), p.TP, p.FP, total); pt.Metrics.F1.Value > out.Best.Metrics.F1.Value {
			out.Best = pt
		}
		auc += float64(p.FP-prev.FP) * float64(p.TP+prev.TP) / 2
		ap += float64(p.TP-prev.TP) * float64(p.TP) / float64(p.TP+p.FP)
		prev = p
	}
	pos, neg := float64(total.TP), float64(total.FP)
	out.ROCAUC = around(auc/(pos*neg), 0.004)
	out.AP = around(ap/pos, 0.01)
	for _, fpr := range []float64{0.001, 0.005, 0.01, 0.03} {
		at := eval.RecallAt{FPR: fpr, Recall: wilson(0, total.TP)}
		for _, p := range curve {
			if float64(p.FP) <= fpr*neg {
				at.Recall, at.Threshold = wilson(p.TP, total.TP), p.Threshold
			}
		}
		out.RecallAt = append(out.RecallAt, at)
	}
	out.Curve = thin(curve, 600)
	return out
}

// fullCurve has one point a distinct score; total holds the positives in TP and the
// negatives in FP.
func fullCurve(col eval.ScoreColumn, labels []trace.Label) (curve []eval.CurvePoint, total eval.Confusion) {
	order := make([]int, 0, len(labels))
	for i, l := range labels {
		if l.Scored() {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case col.Score[a] > col.Score[b]:
			return -1
		case col.Score[a] < col.Score[b]:
			return 1
		}
		return a - b
	})
	for k, i := range order {
		if labels[i].Positive() {
			total.TP++
		} else {
			total.FP++
		}
		if k+1 == len(order) || col.Score[order[k+1]] != col.Score[i] {
			curve = append(curve, eval.CurvePoint{Threshold: eval.Number(col.Score[i]), TP: total.TP, FP: total.FP})
		}
	}
	return curve, total
}

func thin(curve []eval.CurvePoint, limit int) []eval.CurvePoint {
	if len(curve) <= limit {
		return curve
	}
	out := make([]eval.CurvePoint, limit)
	for i := range out {
		x := float64(i) / float64(limit-1)
		out[i] = curve[int(x*x*float64(len(curve)-1))]
	}
	return slices.Compact(out)
}

func pointOf(cut float64, tp, fp int64, total eval.Confusion) eval.Point {
	c := eval.Confusion{TP: tp, FP: fp, FN: total.TP - tp, TN: total.FP - fp}
	f1 := 2 * float64(tp) / float64(2*tp+fp+c.FN)
	return eval.Point{Threshold: eval.Number(cut), Confusion: c, Metrics: eval.Metrics{
		Precision: wilson(tp, tp+fp), Recall: wilson(tp, total.TP), FPR: wilson(fp, total.FP),
		Accuracy: wilson(tp+c.TN, total.TP+total.FP), F1: around(f1, 0.011), MCC: around(f1-0.02, 0.011)}}
}

func around(v, half float64) eval.Rate {
	return eval.Rate{Value: eval.Number(v), Lo: eval.Number(max(0, v-half)), Hi: eval.Number(min(1, v+half)), Method: "bootstrap by trace"}
}

// wilson is the score interval (Wilson 1927) at 95 %.
func wilson(k, n int64) eval.Rate {
	p, m, z := float64(k)/float64(n), float64(n), 1.959964
	mid := (p + z*z/(2*m)) / (1 + z*z/m)
	half := z * math.Sqrt(p*(1-p)/m+z*z/(4*m*m)) / (1 + z*z/m)
	return eval.Rate{Value: eval.Number(p), Lo: eval.Number(max(0, mid-half)), Hi: eval.Number(min(1, mid+half)), Method: "wilson"}
}

// noPositives is a run whose test part has no positive span: recall, F1, AP and AUC
// are undefined.
func noPositives() (*eval.Result, *eval.Scores) { return synthetic(500, 0, 3) }

// huge has counts of 5 M spans, without their scores.
func huge() *eval.Result {
	r, _ := synthetic(20000, 1000, 4)
	c := &r.Counts
	for _, v := range []*int64{&c.Read, &c.Train, &c.Test, &c.Scored, &c.Positives, &c.Negatives, &c.Filtered, &c.Traces} {
		*v *= 262
	}
	for k := range c.ByLabel {
		c.ByLabel[k] *= 262
	}
	for i := range r.Samplers {
		s := &r.Samplers[i]
		for _, p := range []*eval.Confusion{&s.Point.Confusion, &s.Best.Confusion} {
			*p = eval.Confusion{TP: p.TP * 262, FP: p.FP * 262, FN: p.FN * 262, TN: p.TN * 262}
		}
		for k := range s.Curve {
			s.Curve[k].TP, s.Curve[k].FP = s.Curve[k].TP*262, s.Curve[k].FP*262
		}
		s.WarmUp = 12345
	}
	r.Samplers[2].Name = "a baseline with a name that somebody thought was a good idea at the time"
	return r
}

// timing is a plausible Timing of r.
func timing(r *eval.Result) *eval.Timing {
	t := &eval.Timing{LoadNsPerSpan: 183}
	for i, s := range r.Samplers {
		m := eval.Number(412 / float64(1+i*i))
		t.Samplers = append(t.Samplers, eval.SamplerTimes{Name: s.Name, MeanNs: m, P50Ns: m * 0.9, P99Ns: m * 6})
	}
	return t
}
