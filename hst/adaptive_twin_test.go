package hst

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// A tail against the sorted list of what it learned: exact at the edges of cells,
// between the neighbours' counts within, and never rising.
func TestTailAgainstAList(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for range 20 {
		var tl tail
		var list []float64
		for range 1 + rng.IntN(3000) {
			u := rng.NormFloat64() * math.Exp(2*rng.Float64())
			list = append(list, u)
			tl.add(tailReach(u), groupMemory, tailPrior)
		}
		slices.Sort(list)
		above := func(u float64) float64 {
			i, _ := slices.BinarySearch(list, u)
			return float64(len(list) - i)
		}
		last := math.Inf(1)
		for cell := range tailCells - 1 {
			lo, hi := tailEdges[cell]*(1-1e-12), tailEdges[cell+1]
			if got, want := float64(tl.survivors[cell]), above(lo); got != want && cell > 0 {
				t.Fatalf("%v reached cell %d, want %v", got, cell, want)
			}
			for _, at := range []float64{0, 0.3, 0.9} {
				got := tl.above(placeOf(lo+at*(hi-lo), 0.5))
				if got > last+1e-9 {
					t.Fatalf("cell %d at %v: %v after %v", cell, at, got, last)
				}
				last = got
				if beyond := tl.above(placeOf(tailEdges[tl.top]+1, 0.5)); cell < int(tl.top) && (got > above(lo)+1e-9 || got < above(hi)-1e-9) {
					t.Fatalf("cell %d at %v: %v, not within %v and %v (beyond: %v)", cell, at, got, above(lo), above(hi), beyond)
				}
			}
		}
	}
}

// A mass against the list of what it learned: no plateau among factors that scatter,
// one where spans come back, and its weight within what chance adds.
func TestMassAgainstAList(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 5))
	for _, plateau := range []int{0, 3, 20, 400} {
		var m mass
		learn := func(x float64) {
			cell, _ := massCell(x)
			m.add(cell, 1)
		}
		for range 2000 {
			learn(14 + 0.3*rng.NormFloat64())
		}
		for range 100 { // anomalies, three to twenty times as long
			learn(14 + math.Log(3+17*rng.Float64()) + 0.3*rng.NormFloat64())
		}
		timeout := math.Log(5e9)
		for range plateau {
			learn(timeout + 0.002*rng.ExpFloat64())
		}
		for x := 14 + bodyLimit*0.3; x < 30; x += 0.01 {
			got, want := m.excess(x, 14+bodyLimit*0.3), 0.0
			if math.Abs(x-timeout) < 0.02 {
				want = float64(plateau)
			} else if math.Abs(x-timeout) < 2*math.Ln2/massDoubling {
				continue // may share a cell with it
			}
			if got > want || got < want-plateauNoise*math.Sqrt(want+1) {
				t.Fatalf("plateau of %d: at %.2f an excess of %.2f, want about %v", plateau, x, got, want)
			}
		}
		if got := m.excess(14, 14+bodyLimit*0.3); got != 0 {
			t.Errorf("an excess of %v in the body", got)
		}
	}
}

func TestMassCell(t *testing.T) {
	for cell := range massCells - 1 {
		for _, at := range []float64{0.01, 0.4, 0.6, 0.99} {
			x := math.Log(resolution) + (float64(cell)+at)*math.Ln2/massDoubling
			got, beside := massCell(x)
			want := cell + 1
			if at < 0.5 && cell > 0 {
				want = cell - 1
			}
			if got != cell || beside != want {
				t.Fatalf("cell %d at %v: %d beside %d, want beside %d", cell, at, got, beside, want)
			}
		}
	}
	for x, want := range map[float64]int{-5: 0, 0: 0, 60: massCells - 1, math.Inf(1): massCells - 1} {
		if got, beside := massCell(x); got != want || beside < 0 || beside >= massCells {
			t.Errorf("x %v: cell %d beside %d, want %d", x, got, beside, want)
		}
	}
	m := mass{7: 65_530}
	if m.add(7, 20); m[7] != math.MaxUint16 {
		t.Errorf("%d, want the most a cell can hold", m[7])
	}
}

// The vote against the list of flagged spans: it gains what recurs for long enough
// and most of the time, and nothing else.
func TestRecurrence(t *testing.T) {
	const after = 600
	for name, c := range map[string]struct {
		cells []int // one span each 30
		want  int   // with the first span behind 600, then anew
	}{
		"a plateau":            {slices.Repeat([]int{70}, 40), 21},
		"on two cells":         {slices.Repeat([]int{70, 71, 70}, 14), 21 + 21},
		"too short":            {slices.Repeat([]int{70}, 20), 0},
		"scattered":            {slices.Repeat([]int{70, 75, 80, 85, 90}, 40), 0},
		"three of four":        {slices.Repeat([]int{70, 70, 70, 90}, 15), 15 - 5 + 1 + 15 - 5 + 1},
		"one of two":           {slices.Repeat([]int{70, 90}, 40), 0},
		"another for the rest": {append(slices.Repeat([]int{70}, 18), slices.Repeat([]int{90}, 36)...), 0},
	} {
		var r recurrence
		gained := 0
		for _, cell := range c.cells {
			gained += int(r.vote(cell, after))
			r.pass(30)
		}
		if gained != c.want {
			t.Errorf("%s: gained %d, want %d", name, gained, c.want)
		}
	}
}

// A tail that forgets halves what it counts, and keeps its shape.
func TestTailForgets(t *testing.T) {
	var tl tail
	for i := range 5000 {
		tl.add(tailReach(float64(i%10)), 1000, tailPrior)
	}
	if tl.n >= 1000 || tl.n < 500 {
		t.Errorf("%d spans after forgetting at 1000", tl.n)
	}
	if got := tl.above(placeOf(4.5, 1)) / float64(tl.n); math.Abs(got-0.5) > 0.06 {
		t.Errorf("%.3f above 4.5, want half", got)
	}
}

// flight against a map without bounds, on families of spans that end in order.
func TestFlightAgainstAMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	f := newFlight(1 << 12)
	type family struct{ sum, end int64 }
	want := map[trace.SpanID]family{}
	end := int64(1_000_000)
	for i := range 2000 {
		parent := trace.SpanID(1 + i/4)
		end += rng.Int64N(500)
		s := &trace.Span{TraceID: trace.TraceID{Lo: 9}, ID: trace.SpanID(100_000 + i), ParentID: parent, Start: end - 1000, Duration: 1000}
		late := rng.Int64N(1000)
		f.add(s, late)
		f.add(s, late) // Sample and Learn of one span
		w, known := want[parent]
		if late > 0 {
			if known {
				late = min(late, end-w.end)
			}
			want[parent] = family{w.sum + late, end}
		}
	}
	for parent, w := range want {
		if got := f.explained(&trace.Span{TraceID: trace.TraceID{Lo: 9}, ID: parent}); got != w.sum && got != 0 {
			t.Errorf("parent %d: %d ns explained, want %d", parent, got, w.sum)
		}
	}
	found := 0
	for parent := range want {
		if f.explained(&trace.Span{TraceID: trace.TraceID{Lo: 9}, ID: parent}) > 0 {
			found++
		}
	}
	if found < len(want)*8/10 {
		t.Errorf("%d of %d parents found in a table of 4096", found, len(want))
	}
}

// The location's filter against its textbook form: the posterior of a Gaussian
// random walk, while no span is far out; and the scale against the root mean square
// of the upper residuals.
func TestCallModelAgainstTextbook(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	for _, sigma := range []float64{0.1, 0.3, 1} {
		var c callModel
		var all group
		c.inherit(nil, &all)
		sum, n := 0.0, 0.0
		for range 4000 {
			x := 12 + sigma*rng.NormFloat64()
			c.learn(x)
			c.learned++
			sum, n = sum+x, n+1
			if n == 20 && math.Abs(c.location-sum/n) > sigma {
				t.Errorf("sigma %v: after 20 spans the location is %v, their mean %v", sigma, c.location, sum/n)
			}
		}
		if math.Abs(c.location-12) > 0.5*sigma || math.Abs(math.Sqrt(c.spread)/sigma-1) > 0.08 {
			t.Errorf("location %.3f and scale %.3f, want 12 and %.3f", c.location, math.Sqrt(c.spread), sigma)
		}
		if gain := c.variance / (c.variance + c.spread); math.Abs(gain-steadyGain) > 0.002 {
			t.Errorf("gain %.4f, want %.4f in the long run", gain, steadyGain)
		}
	}
}

// The groups' sums follow their calls: against the mean and variance of the list.
func TestGroupAgainstAList(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	var g group
	calls := make([]callModel, 30)
	for i := range 1000 {
		c := &calls[i%len(calls)]
		c.location, c.spread = 15+2*rng.NormFloat64(), math.Exp(rng.NormFloat64())
		g.update(c)
		c.share = shareOf(c)
	}
	mean, squares, spread := 0.0, 0.0, 0.0
	for i := range calls {
		mean += calls[i].location / 30
		spread += math.Log(calls[i].spread) / 30
	}
	for i := range calls {
		squares += (calls[i].location - mean) * (calls[i].location - mean)
	}
	got := g.expect(prior{mean, 0, spread})
	if math.Abs(got.location-mean) > 1e-9 || math.Abs(got.variance-squares/31) > 1e-6 || math.Abs(got.logSpread-spread) > 1e-9 {
		t.Errorf("%+v, want %v, %v, %v", got, mean, squares/31, spread)
	}
}

// An exponential, whole and with a second crowd beyond it: the threshold is its
// quantile, or in the valley.
func TestHistogramExtrapolates(t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 10))
	for _, rate := range []float64{0.4, 0.6, 1} {
		for _, crowd := range []float64{0, 0.01, 0.1} {
			var h surpriseHistogram
			for range 30_000 {
				s := rng.ExpFloat64() / rate
				if rng.Float64() < crowd {
					s = 14/rate + 5*rng.Float64()
				}
				h.add(surpriseIndex(s))
			}
			var c surpriseCurve
			c.sum(&h)
			at := c.extrapolate(0.001, 0)
			if want := math.Log(1000) / rate; math.Abs(at-want) > 0.35*want || at > 14/rate {
				t.Errorf("rate %v with %v beyond: %.2f, want about %.2f and below %.1f", rate, crowd, at, want, 14/rate)
			}
		}
	}
	if at := new(surpriseCurve).extrapolate(0.001, 7); at != 7 {
		t.Errorf("without spans %v, want the old threshold", at)
	}
}

func TestHistogramQuantile(t *testing.T) {
	var h surpriseHistogram
	for i := range 4000 {
		h.add(surpriseIndex(float64(i) / 100)) // evenly up to 40
	}
	var c surpriseCurve
	c.sum(&h)
	for _, share := range []float64{0.01, 0.1, 0.5, 0.9} {
		if got, want := c.quantile(share), 40*(1-share); math.Abs(got-want) > 0.1 {
			t.Errorf("share %v: %v, want %v", share, got, want)
		}
	}
	if got := c.quantile(1); got > surpriseCell {
		t.Errorf("share 1: %v, want the first cell", got)
	}
}

// ln and exp against the library's.
func TestPortableMath(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 11))
	for range 100_000 {
		x := math.Exp(200 * (rng.Float64() - 0.5))
		if got, want := ln(x), math.Log(x); math.Abs(got-want) > 3e-13*max(1, math.Abs(want)) {
			t.Fatalf("ln(%v) = %v, want %v", x, got, want)
		}
		y := 1400 * (rng.Float64() - 0.5)
		if got, want := exp(y), math.Exp(y); math.Abs(got/want-1) > 2e-13 {
			t.Fatalf("exp(%v) = %v, want %v", y, got, want)
		}
	}
	if math.Abs(ln(1)) > 3e-13 || exp(0) != 1 || exp(-800) != 0 || !math.IsInf(exp(800), 1) {
		t.Errorf("ln 1 = %v, e^0 = %v, e^-800 = %v, e^800 = %v", ln(1), exp(0), exp(-800), exp(800))
	}
}

// Surprise and score rise with the duration, strictly where one can tell them apart,
// but on plateaus: there, surprise is that of a share of the call's spans, and the
// score falls back behind them to what it would have been.
func TestSurpriseRises(t *testing.T) {
	a, rest := trained(t, trace.NewCalls(100, nil), 20_000)
	for call := range trace.Call(40) {
		s := rest[int(call)]
		s.Call, s.ID = call, 0
		last, score := math.Inf(-1), math.Inf(-1)
		for d := 100.0; d < 1e18; d *= 1.01 {
			s.Duration = int64(d)
			e := a.Explain(&s)
			if v := a.memo.verdict; v.known {
				if e.Surprise >= v.body || math.Abs(math.Exp(-e.Surprise/nominalSlope)/e.Plateau-1) > 1e-9 {
					t.Fatalf("call %d, %v ns: surprise %v on a plateau of %v, without it %v", call, s.Duration, e.Surprise, e.Plateau, v.body)
				}
				continue
			}
			if e.Surprise <= last && d > 2000 || e.Score < score {
				t.Fatalf("call %d, %v ns: surprise %v after %v, score %v after %v", call, s.Duration, e.Surprise, last, e.Score, score)
			}
			last, score = e.Surprise, e.Score
		}
	}
}

func TestAdaptiveConfigValidate(t *testing.T) {
	for name, change := range map[string]func(*AdaptiveConfig){
		"false-positive": func(c *AdaptiveConfig) { c.Target = 0 },
		"share":          func(c *AdaptiveConfig) { c.Mode, c.Target = ThresholdShare, 1.5 },
		"spans a second": func(c *AdaptiveConfig) { c.Mode, c.Target = ThresholdRate, math.Inf(1) },
		"min_score":      func(c *AdaptiveConfig) { c.Mode, c.Target = ThresholdScore, math.NaN() },
		"Mode":           func(c *AdaptiveConfig) { c.Mode = numThresholdModes },
		"RelearnAfter":   func(c *AdaptiveConfig) { c.RelearnAfter = 1 },
		"InFlight":       func(c *AdaptiveConfig) { c.InFlight = -1 },
		"Window":         func(c *AdaptiveConfig) { c.Window = 0 },
	} {
		cfg := DefaultAdaptiveConfig(NewSeed(1))
		change(&cfg)
		if _, err := NewAdaptive(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for m := range numThresholdModes {
		if got, err := ParseThresholdMode(m.String()); err != nil || got != m {
			t.Errorf("%v -> %v, %v", m, got, err)
		}
	}
}
