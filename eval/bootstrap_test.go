package eval

import (
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"gonum.org/v1/gonum/stat"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

func TestPoissonTable(t *testing.T) {
	// F(k) = e^-1 * sum 1/i!.
	sum, term := 0.0, 1.0
	for k, c := range poisson.cdf {
		if k > 0 {
			term /= float64(k)
		}
		sum += term
		near(t, "cdf", float64(c)/(1<<32), sum*math.Exp(-1), 1e-9)
	}
	rng := rand.New(rand.NewPCG(7, 8))
	for range 200_000 {
		u := rng.Uint32()
		if poisson.draw(u) != poisson.search(u) {
			t.Fatalf("draw(%#x) = %d, inversion gives %d", u, poisson.draw(u), poisson.search(u))
		}
	}
	if got := poisson.draw(math.MaxUint32); got > maxWeight {
		t.Errorf("largest weight %d, want at most %d: lanes would overflow", got, maxWeight)
	}
}

func TestLaneSumsDoNotOverflow(t *testing.T) {
	w := []uint64{0x0C0C0C0C0C0C0C0C, 0x0102030405060708}
	refs := make([]uint32, 100_000)
	refs[7] = 1 | positiveBit
	var got [lanes]int64
	laneSums(refs, w, &got)
	for k, sum := range got {
		if want := int64(99_999*maxWeight + 8 - k); sum != want {
			t.Errorf("lane %d: %d, want %d", k, sum, want)
		}
	}
}

// randomScores has spans in traces of 1 to 6, in no order.
func randomScores(rng *rand.Rand, kind func(*rand.Rand) float64, n int) *Scores {
	labels, score := randomColumn(rng, kind, n)
	s := &Scores{Labels: labels, Trace: make([]uint32, n)}
	keep := make([]bool, n)
	for i := range keep {
		keep[i] = rng.IntN(4) == 0
		s.Trace[i] = uint32(rng.IntN(n/3 + 1))
	}
	s.Columns = []ScoreColumn{{Name: "random", Score: score, Keep: keep}}
	return s
}

// The twin writes each span down as often as its trace was drawn and computes the
// measures of that list by the slow definitions.
func TestResampleEqualsSlowTwin(t *testing.T) {
	const seed, replicates = 11, 13
	fprs := []float64{.05, .3}
	for name, kind := range scoreKinds {
		rng := rand.New(rand.NewPCG(9, 10))
		for range 12 {
			s := randomScores(rng, kind, 5+rng.IntN(80))
			got, err := Resample(s, 0, SummaryOptions{Seed: seed, Replicates: replicates, FPRs: fprs})
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Point) != replicates {
				t.Fatalf("%d replicates, want %d", len(got.Point), replicates)
			}
			bestOfAll, _ := Rank(s.Labels, s.Columns[0].Score).Best()
			for i := range replicates {
				labels, scores, keep := slowResample(s, seed, i)
				compareResample(t, name, got, i, labels, scores, keep, bestOfAll, fprs)
			}
		}
	}
}

func slowResample(s *Scores, seed uint64, replicate int) (labels []trace.Label, scores []float64, keep []bool) {
	top := uint32(0)
	for _, n := range s.Trace {
		top = max(top, n)
	}
	w := make([]uint64, top+1)
	fillWeights(w, seed, uint64(replicate/lanes))
	for i, l := range s.Labels {
		for range w[s.Trace[i]] >> (8 * (replicate % lanes)) & 0xFF {
			labels = append(labels, l)
			scores = append(scores, s.Columns[0].Score[i])
			keep = append(keep, s.Columns[0].Keep[i])
		}
	}
	return labels, scores, keep
}

func compareResample(t *testing.T, name string, got *Replicates, i int,
	labels []trace.Label, scores []float64, keep []bool, bestOfAll CurvePoint, fprs []float64) {
	t.Helper()
	var point, best Confusion
	for j, l := range labels {
		if scores[j] == scores[j] {
			point.Add(l, keep[j])
			best.Add(l, scores[j] >= float64(bestOfAll.Threshold))
		}
	}
	if got.Point[i] != point {
		t.Fatalf("%s: replicate %d: %+v, want %+v", name, i, got.Point[i], point)
	}
	if bestOfAll != (CurvePoint{}) && got.Best[i] != best {
		t.Fatalf("%s: replicate %d at the best point: %+v, want %+v", name, i, got.Best[i], best)
	}
	curve := slowCurve(labels, scores)
	p, n := point.Positives(), point.Negatives()
	near(t, name+": AP", got.AP[i], slowAP(curve, p), 1e-12)
	near(t, name+": AUC", got.AUC[i], slowAUC(labels, scores), 1e-12)
	for j, f := range fprs {
		near(t, name+": recall at FPR", got.RecallAt[j][i], slowRecallAt(curve, f, p, n), 1e-12)
	}
}

func TestResampleSameOnAnyNumberOfCores(t *testing.T) {
	s := randomScores(rand.New(rand.NewPCG(1, 9)), scoreKinds["continuous"], 5000)
	o := SummaryOptions{Seed: 3}
	many, _ := Resample(s, 0, o)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	one, _ := Resample(s, 0, o)
	for i := range one.AP {
		if one.AP[i] != many.AP[i] || one.Point[i] != many.Point[i] {
			t.Fatalf("replicate %d depends on the number of cores", i)
		}
	}
}

// By theory: the standard error of a rate over independent spans is
// sqrt(p(1-p)/n); when every trace is m copies of one span, only n/m spans are
// worth counting and the interval is sqrt(m) as wide. The tolerance is four
// standard errors of a standard error from 400 replicates, 4/sqrt(800) = 14 %.
func TestBootstrapWidth(t *testing.T) {
	const n, m = 12_000, 9
	rng := rand.New(rand.NewPCG(21, 22))
	s := &Scores{Labels: make([]trace.Label, n), Trace: make([]uint32, n)}
	keep := make([]bool, n)
	for i := range keep {
		s.Labels[i], s.Trace[i] = trace.Normal, uint32(i/m)
		keep[i] = i%m > 0 && keep[max(i-1, 0)] || i%m == 0 && rng.IntN(10) == 0
	}
	s.Columns = []ScoreColumn{{Name: "copies", Keep: keep}}
	got, err := Summarise(s, 0, SummaryOptions{Seed: 1, Replicates: 400})
	if err != nil {
		t.Fatal(err)
	}
	fpr := got.Point.Metrics.FPR
	p := float64(fpr.Value)
	want := 2 * z95 * math.Sqrt(p*(1-p)/n*m)
	if width := float64(fpr.Hi - fpr.Lo); math.Abs(width/want-1) > .14 {
		t.Errorf("the interval is %v wide, theory says %v", width, want)
	}
	if fpr.Method != methodBootTrace {
		t.Errorf("method %q", fpr.Method)
	}
	s.Trace = nil
	got, _ = Summarise(s, 0, SummaryOptions{})
	if got.Point.Metrics.FPR != Wilson(got.Point.Confusion.FP, n) {
		t.Errorf("independent spans: %+v, want Wilson's interval", got.Point.Metrics.FPR)
	}
}

// Of the replicates 0..200 the middle 95 % go from 5 to 195; undefined ones do not
// count.
func TestPercentileInterval(t *testing.T) {
	reps := []float64{math.NaN()}
	for i := range 201 {
		reps = append(reps, float64(200-i), math.NaN())
	}
	r := intervals{}.percentile(42, reps)
	if want := (Rate{Value: 42, Lo: 5, Hi: 195, Method: methodBootTrace}); r != want {
		t.Errorf("%+v, want %+v", r, want)
	}
	if r := (intervals{}).percentile(42, []float64{7, 7, math.NaN()}); r.Value != 42 || r.Lo == r.Lo || r.Method != "" {
		t.Errorf("%+v of equal replicates, want no interval", r)
	}
}

// Both columns see the same resamples: a column minus itself is zero throughout.
func TestResamplesArePaired(t *testing.T) {
	s := randomScores(rand.New(rand.NewPCG(4, 4)), scoreKinds["continuous"], 400)
	s.Columns = append(s.Columns, s.Columns[0])
	a, _ := Resample(s, 0, SummaryOptions{Seed: 5})
	b, _ := Resample(s, 1, SummaryOptions{Seed: 5})
	c, _ := Resample(s, 1, SummaryOptions{Seed: 6})
	same := true
	for i := range a.AP {
		if a.AP[i] != b.AP[i] {
			t.Fatalf("replicate %d: %v and %v", i, a.AP[i], b.AP[i])
		}
		same = same && a.AP[i] == c.AP[i]
	}
	if same {
		t.Error("another seed gave the same resamples")
	}
}

// Resampling groups of traces where there are many gives the widths that resampling
// the traces themselves does: the twin is the same sample with its weights drawn a
// trace. 500 replicates know a width to some 3 %; 15 % is four times that for two.
func TestGroupsKeepIntervals(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 14))
	const traces, perTrace, replicates = 2 * maxGroups, 3, 500
	s := &Scores{Columns: make([]ScoreColumn, 1)}
	c := &s.Columns[0]
	of := make([]Confusion, traces)
	for i := range of {
		bad := rng.NormFloat64() // what the spans of a trace share
		for range perTrace {
			x := bad + rng.NormFloat64()
			label := trace.Normal
			if x+rng.NormFloat64() > 3.5 {
				label = trace.Anomalous
			}
			s.Labels, s.Trace = append(s.Labels, label), append(s.Trace, uint32(i))
			c.Score, c.Keep = append(c.Score, x), append(c.Keep, x > 3)
			of[i].Add(label, x > 3)
		}
	}
	grouped, err := Resample(s, 0, SummaryOptions{Seed: 3, Replicates: replicates})
	if err != nil {
		t.Fatal(err)
	}
	twin := make([]Confusion, replicates)
	for i := range twin {
		for _, cell := range of {
			w := int64(poisson.draw(rng.Uint32()))
			twin[i].TP += w * cell.TP
			twin[i].FP += w * cell.FP
			twin[i].FN += w * cell.FN
		}
	}
	for name, f := range map[string]func(Confusion) float64{"F1": Confusion.F1, "recall": Confusion.Recall, "precision": Confusion.Precision} {
		got, want := mapped(grouped.Point, f), mapped(twin, f)
		spread := stat.StdDev(want, nil)
		near(t, name+": spread of the replicates", stat.StdDev(got, nil), spread, .15*spread)
		near(t, name+": their mean", stat.Mean(got, nil), stat.Mean(want, nil), .25*spread)
	}
}

func mapped(c []Confusion, f func(Confusion) float64) (out []float64) {
	for _, m := range c {
		out = append(out, f(m))
	}
	return out
}
