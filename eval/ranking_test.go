package eval

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// The example in the documentation of scikit-learn's average_precision_score and
// roc_auc_score.
func TestRankingScikitLearnExample(t *testing.T) {
	labels := []trace.Label{trace.Normal, trace.Normal, trace.Anomalous, trace.Anomalous}
	r := Rank(labels, []float64{.1, .4, .35, .8})
	near(t, "AP", r.AP(), .8333333333333333, 1e-15)
	near(t, "AUC", r.AUC(), .75, 0)
}

// By hand: all tied is one point; AP is the prevalence and AUC one half.
func TestRankingAllTied(t *testing.T) {
	labels := []trace.Label{trace.Anomalous, trace.Normal, trace.Normal, trace.Candidate}
	r := Rank(labels, []float64{7, 7, 7, 7})
	near(t, "AP", r.AP(), .25, 0)
	near(t, "AUC", r.AUC(), .5, 0)
	if pts := slices.Collect(r.Points()); len(pts) != 1 || pts[0] != (CurvePoint{7, 1, 3}) {
		t.Errorf("points %v, want one: {7 1 3}", pts)
	}
	if at := r.RecallAtFPR(.5); at.TP != 0 || !math.IsInf(float64(at.Threshold), 1) {
		t.Errorf("recall at FPR .5 is at %+v, want nothing kept: the tie keeps all negatives", at)
	}
}

func TestRankingWithoutOneClass(t *testing.T) {
	none := Rank(nil, nil)
	negatives := Rank([]trace.Label{trace.Normal}, []float64{1})
	positives := Rank([]trace.Label{trace.Anomalous}, []float64{1})
	near(t, "AP of nothing", none.AP(), math.NaN(), 0)
	near(t, "AP without positives", negatives.AP(), math.NaN(), 0)
	near(t, "AP without negatives", positives.AP(), 1, 0)
	near(t, "AUC without negatives", positives.AUC(), math.NaN(), 0)
	if _, ok := negatives.Best(); ok {
		t.Error("a best point without positives")
	}
	if got := len(none.Thin(10)); got != 0 {
		t.Errorf("%d curve points of nothing", got)
	}
}

// By hand: the first of four spans gives F1 2/3, and so do all four.
func TestBestOfEqualsKeepsLeast(t *testing.T) {
	labels := []trace.Label{trace.Anomalous, trace.Normal, trace.Normal, trace.Anomalous}
	best, ok := Rank(labels, []float64{4, 3, 2, 1}).Best()
	if want := (CurvePoint{4, 1, 0}); !ok || best != want {
		t.Errorf("best %+v, want %+v", best, want)
	}
}

// scoreKinds are streams of scores that sorting and ties find hard.
var scoreKinds = map[string]func(rng *rand.Rand) float64{
	"continuous": func(rng *rand.Rand) float64 { return rng.NormFloat64() },
	"few values": func(rng *rand.Rand) float64 { return float64(rng.IntN(5)) },
	"edges": func(rng *rand.Rand) float64 {
		zero := 0.0
		edges := []float64{math.Inf(1), math.Inf(-1), 0, -zero, math.Copysign(0, -1), math.MaxFloat64,
			-math.MaxFloat64, math.SmallestNonzeroFloat64, math.NaN(), 1, -1}
		return edges[rng.IntN(len(edges))]
	},
}

func randomColumn(rng *rand.Rand, kind func(*rand.Rand) float64, n int) ([]trace.Label, []float64) {
	labels, scores := make([]trace.Label, n), make([]float64, n)
	for i := range labels {
		labels[i], scores[i] = trace.Label(rng.IntN(int(trace.Guard)+1)), kind(rng)
		if labels[i].Positive() && rng.IntN(2) == 0 {
			scores[i]++
		}
	}
	return labels, scores
}

// slowCurve is the twin: for every distinct score, count who reaches it.
func slowCurve(labels []trace.Label, scores []float64) []CurvePoint {
	distinct := map[float64]bool{}
	for i, x := range scores {
		if labels[i].Scored() && x == x {
			distinct[x] = true
		}
	}
	var out []CurvePoint
	for threshold := range distinct {
		var c Confusion
		for i, x := range scores {
			if x == x {
				c.Add(labels[i], x >= threshold)
			}
		}
		out = append(out, CurvePoint{Number(threshold), c.TP, c.FP})
	}
	slices.SortFunc(out, func(a, b CurvePoint) int { return int((a.TP + a.FP) - (b.TP + b.FP)) })
	return out
}

// slowAUC looks at all pairs.
func slowAUC(labels []trace.Label, scores []float64) float64 {
	var won, pairs float64
	for i, p := range scores {
		for j, n := range scores {
			if !labels[i].Positive() || !labels[j].Scored() || labels[j].Positive() || p != p || n != n {
				continue
			}
			pairs++
			if p > n {
				won++
			} else if p == n {
				won += .5
			}
		}
	}
	return won / pairs
}

func slowAP(curve []CurvePoint, positives int64) float64 {
	var sum, recall float64
	for _, c := range curve {
		r := float64(c.TP) / float64(positives)
		sum += (r - recall) * float64(c.TP) / float64(c.TP+c.FP)
		recall = r
	}
	if positives == 0 {
		return math.NaN()
	}
	return sum
}

func slowRecallAt(curve []CurvePoint, fpr float64, p, n int64) float64 {
	var best int64
	for _, c := range curve {
		if float64(c.FP)/float64(n) <= fpr || c.FP == 0 {
			best = max(best, c.TP)
		}
	}
	return float64(best) / float64(p)
}

func TestRankingEqualsSlowTwin(t *testing.T) {
	for name, kind := range scoreKinds {
		rng := rand.New(rand.NewPCG(1, 2))
		for range 200 {
			labels, scores := randomColumn(rng, kind, rng.IntN(120))
			r := Rank(labels, scores)
			want := slowCurve(labels, scores)
			if got := slices.Collect(r.Points()); !slices.Equal(got, want) {
				t.Fatalf("%s: points %v, want %v", name, got, want)
			}
			near(t, name+": AUC", r.AUC(), slowAUC(labels, scores), 1e-14)
			near(t, name+": AP", r.AP(), slowAP(want, r.p), 1e-14)
			for _, f := range []float64{0, .1, .25, 1} {
				got := ratio(r.RecallAtFPR(f).TP, r.p)
				near(t, name+": recall at FPR", got, slowRecallAt(want, f, r.p, r.n), 1e-15)
			}
			checkBest(t, r, want)
		}
	}
}

func checkBest(t *testing.T, r *Ranking, curve []CurvePoint) {
	t.Helper()
	best, ok := r.Best()
	if ok != (r.p > 0) {
		t.Fatalf("best: ok = %v with %d positives", ok, r.p)
	}
	for _, c := range curve {
		if ok && r.At(c).F1() > r.At(best).F1() {
			t.Fatalf("best is %+v with F1 %v, but %+v has %v", best, r.At(best).F1(), c, r.At(c).F1())
		}
	}
}

// Every dropped point lies within one step of the kept point before it; what must be
// kept is kept.
func TestThin(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	labels, scores := randomColumn(rng, scoreKinds["continuous"], 60_000)
	r := Rank(labels, scores)
	full := slices.Collect(r.Points())
	must := full[len(full)/3]
	thin := r.Thin(500, must)
	if len(thin) > 502 || len(thin) < 250 {
		t.Errorf("%d points, want close to 500", len(thin))
	}
	if thin[0] != full[0] || thin[len(thin)-1] != full[len(full)-1] || !slices.Contains(thin, must) {
		t.Error("the first, the last or the asked point is missing")
	}
	widest, k := 0.0, 0
	for _, pt := range full {
		if k+1 < len(thin) && thin[k+1] == pt {
			k++
		}
		widest = max(widest, r.distance(thin[k], pt))
	}
	// Recall and FPR rise by 1 each and precision changes by about 1 in all, so 500
	// steps of 3/500 would do; the series of steps overshoots by at most 1.3.
	if widest > 1.3*3.0/500 {
		t.Errorf("a dropped point is %v from the kept one before it", widest)
	}
	if got := r.Thin(len(full)); !slices.Equal(got, full) {
		t.Errorf("a curve of %d points that fits was thinned to %d", len(full), len(got))
	}
	if got := r.Thin(0); len(got) < 1 || len(got) > 2 {
		t.Errorf("Thin(0) gave %d points, want the ends", len(got))
	}
}

// The twin is the library's stable sort. Lengths are of all three ways to sort; keys
// agree in most bits, in few or in none, so that ranges are split unevenly.
func TestSortKeysIsStable(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	type pair struct {
		key uint64
		ref uint32
	}
	for round := range 60 {
		n := rng.IntN([]int{2 * fewKeys, 2 * cachedKeys, 20 * cachedKeys}[round%3])
		mask, shift := rng.Uint64()&rng.Uint64()&rng.Uint64(), rng.IntN(50)
		a, room := keyed{make([]uint64, n), make([]uint32, n)}, keyed{make([]uint64, n), make([]uint32, n)}
		want := make([]pair, n)
		for i := range want {
			a.key[i], a.ref[i] = rng.Uint64()&mask>>(shift*rng.IntN(2)), uint32(i)
			want[i] = pair{a.key[i], a.ref[i]}
		}
		bare := keyed{key: slices.Clone(a.key)}
		slices.SortStableFunc(want, func(a, b pair) int { return cmp.Compare(a.key, b.key) })
		sortKeys(a, room)
		sortKeys(bare, keyed{key: room.key})
		for i, w := range want {
			if a.key[i] != w.key || a.ref[i] != w.ref || bare.key[i] != w.key {
				t.Fatalf("at %d of %d: %x/%d and %x, want %x/%d", i, n, a.key[i], a.ref[i], bare.key[i], w.key, w.ref)
			}
		}
	}
}

// The twin looks at every point of the curve; both forms of a ranking are compared.
func TestThinEqualsSlowTwin(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	for name, kind := range scoreKinds {
		for range 60 {
			labels, scores := randomColumn(rng, kind, rng.IntN(3000))
			r, h := Rank(labels, scores), histogram{}
			for i, x := range scores {
				if labels[i].Scored() && x == x {
					h.add(x, labels[i].Positive())
				}
			}
			full := slices.Collect(r.Points())
			if got := slices.Collect(h.ranking().Points()); !slices.Equal(got, full) {
				t.Fatalf("%s: points of counts %v, want %v", name, got, full)
			}
			must := []CurvePoint{{}, {TP: int64(rng.IntN(50)), FP: int64(rng.IntN(50))}}
			for range rng.IntN(4) * min(len(full), 1) {
				must = append(must, full[rng.IntN(len(full))])
			}
			limit := rng.IntN(100)
			want := slowThin(r, full, limit, must)
			if got := r.Thin(limit, must...); !slices.Equal(got, want) {
				t.Fatalf("%s: %d points thinned to %v, want %v", name, len(full), got, want)
			}
			if got := h.ranking().Thin(limit, must...); !slices.Equal(got, want) {
				t.Fatalf("%s: counts thinned to %v, want %v", name, got, want)
			}
		}
	}
}

func slowThin(r *Ranking, full []CurvePoint, limit int, must []CurvePoint) []CurvePoint {
	limit += len(must)
	asked := func(pt CurvePoint) bool {
		return slices.ContainsFunc(must, func(m CurvePoint) bool { return m.TP == pt.TP && m.FP == pt.FP })
	}
	for step := 0.0; ; step = nextStep(step, limit-len(must)) {
		var out []CurvePoint
		for _, pt := range full {
			if len(out) == 0 || r.distance(out[len(out)-1], pt) > step || asked(pt) {
				out = append(out, pt)
			}
		}
		if len(out) > limit && step <= 1 {
			continue
		}
		if n := len(out); n > 0 && out[n-1] != full[len(full)-1] {
			out = append(out, full[len(full)-1])
		}
		return out
	}
}

func BenchmarkRank(b *testing.B) {
	labels, scores := randomColumn(rand.New(rand.NewPCG(1, 1)), scoreKinds["continuous"], 1_000_000)
	b.ResetTimer()
	for range b.N {
		Rank(labels, scores)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1e6, "ns/span")
}
