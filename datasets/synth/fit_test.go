package synth

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

const ksDraws = 50_000

func TestDrawsFitTheirDistributions(t *testing.T) {
	for _, c := range []struct {
		name string
		draw func(*rng) float64
		cdf  func(float64) float64
	}{
		{"uniform", (*rng).float, func(x float64) float64 { return x }},
		{"normal", (*rng).normal, normalCDF},
		{"exponential", (*rng).exponential, func(x float64) float64 { return 1 - math.Exp(-x) }},
		{"pareto", func(r *rng) float64 { return r.pareto(1.5) }, func(x float64) float64 { return 1 - math.Pow(x, -1.5) }},
		{"intn", func(r *rng) float64 { return (float64(r.intn(1<<30)) + 0.5) / (1 << 30) }, func(x float64) float64 { return x }},
	} {
		r := newRNG(7, 7)
		xs := make([]float64, ksDraws)
		for i := range xs {
			xs[i] = c.draw(r)
		}
		slices.Sort(xs)
		if d := ksDistance(xs, c.cdf); d > ksCritical(len(xs)) {
			t.Errorf("%s: KS distance %.4f > %.4f", c.name, d, ksCritical(len(xs)))
		}
	}
}

// selfTimes is each span's duration without the union of its children, from
// nothing but the spans: the reader's definition, not the generator's.
func selfTimes(spans []trace.Span) []int64 {
	children := map[trace.SpanID][]int{}
	for i := range spans {
		children[spans[i].ParentID] = append(children[spans[i].ParentID], i)
	}
	self := make([]int64, len(spans))
	for i := range spans {
		self[i] = spans[i].Duration
		kids := children[spans[i].ID]
		slices.SortFunc(kids, func(a, b int) int { return int(spans[a].Start - spans[b].Start) })
		covered := spans[i].Start
		for _, k := range kids {
			self[i] -= max(0, spans[k].End()-max(covered, spans[k].Start))
			covered = max(covered, spans[k].End())
		}
	}
	return self
}

func TestSelfTimesAreLogNormal(t *testing.T) {
	c := bookshop()
	c.Spans = ksDraws
	c.AnomalyRate, c.Drift, c.TailShare = 0, 0, 0
	spans := collect(t, c)
	calls := map[string]*call{}
	sys := newSystem(&c)
	for i := range sys.calls {
		calls[sys.calls[i].service+sys.calls[i].operation] = &sys.calls[i]
	}
	last := spans[len(spans)-1].TraceID
	var zs []float64
	for i, self := range selfTimes(spans) {
		if spans[i].TraceID == last {
			continue // may have been cut short, never in self time, but keep to whole traces
		}
		k := calls[spans[i].Service+spans[i].Operation]
		zs = append(zs, (math.Log(float64(self)+0.5)-k.mu)/k.sigma)
	}
	slices.Sort(zs)
	if d := ksDistance(zs, normalCDF); d > ksCritical(len(zs)) {
		t.Errorf("KS distance %.4f > %.4f over %d self times", d, ksCritical(len(zs)), len(zs))
	}
}

// A drift of amplitude a spreads ln(duration) by U(-a, a) over whole periods: the
// variance is sigma^2 + a^2/3.
func TestDriftMovesTheLocation(t *testing.T) {
	c, _ := Named("A")
	c.Calls, c.AnomalyRate, c.Spans = 1, 0, 100_000
	c.Drift, c.DriftPeriod = 0.6, 100*time.Second // ten periods
	var sum, sum2 float64
	for _, s := range collect(t, c) {
		x := math.Log(float64(s.Duration))
		sum += x
		sum2 += x * x
	}
	n := float64(c.Spans)
	got, want := sum2/n-sum/n*sum/n, 0.25*0.25+0.6*0.6/3
	if math.Abs(got-want) > 0.03*want {
		t.Errorf("variance of ln(duration) %.4f, want %.4f", got, want)
	}
}

func TestHeavyTails(t *testing.T) {
	c, _ := Named("A")
	c.Calls, c.AnomalyRate, c.SigmaMin, c.SigmaMax = 1, 0, 0, 0
	c.TailShare, c.TailProb, c.TailAlpha = 1, 0.1, 2
	median := exp(newSystem(&c).calls[0].mu)
	over := 0
	for _, s := range collect(t, c) {
		if float64(s.Duration) > 3*median {
			over++
		}
	}
	// P = TailProb * 3^-TailAlpha.
	within4Sigma(t, "self times above three medians", over, int(c.Spans), 0.1/9)
}

func within4Sigma(t *testing.T, what string, k, n int, p float64) {
	t.Helper()
	mean, sd := float64(n)*p, math.Sqrt(float64(n)*p*(1-p))
	if math.Abs(float64(k)-mean) > 4*sd {
		t.Errorf("%s: %d of %d, want %.0f ± %.0f", what, k, n, mean, 4*sd)
	}
}

func TestArrivalsFollowTheDay(t *testing.T) {
	c := base(Single)
	c.RequestsPerSecond, c.Day, c.DayDepth = 100, 24*time.Second, 1
	c.Spans = 240_000 // a hundred days of 24 one-second hours
	byHour := make([]int, 24)
	for _, s := range collect(t, c) {
		byHour[(s.Start-Epoch)/int64(time.Second)%24]++
	}
	for h, got := range byHour {
		mean := (dayShape[h] + dayShape[(h+1)%24]) / 2
		within4Sigma(t, "arrivals", got, int(c.Spans), mean/24)
	}
	// The cycle is fixed, so an even day must not look like this one.
	if byHour[20] < 3*byHour[3] {
		t.Errorf("%d arrivals in the evening, %d at night", byHour[20], byHour[3])
	}
}

func TestArrivalGapsAreExponential(t *testing.T) {
	c := base(Single)
	c.Spans = ksDraws
	c.RequestsPerSecond = 1
	spans := collect(t, c)
	slices.SortFunc(spans, func(a, b trace.Span) int { return int(a.Start - b.Start) })
	gaps := make([]float64, len(spans))
	before := Epoch
	for i, s := range spans {
		gaps[i] = float64(s.Start-before) / 1e9
		before = s.Start
	}
	slices.Sort(gaps)
	if d := ksDistance(gaps, func(x float64) float64 { return 1 - math.Exp(-x) }); d > ksCritical(len(gaps)) {
		t.Errorf("KS distance %.4f > %.4f", d, ksCritical(len(gaps)))
	}
}
