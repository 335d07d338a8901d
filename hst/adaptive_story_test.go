package hst_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/scale-eval/scale-eval/datasets/synth"
	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/hst"
)

// town is a system whose durations a story changes as it goes: calls of log-normal
// durations, one span every so often.
type town struct {
	rng   *rand.Rand
	calls int
	every time.Duration // between spans
	sigma float64
	now   int64
	id    trace.SpanID
	// slower is by what factor a call is slower at the moment.
	slower func(call int) float64
}

func newTown(calls int) *town {
	return &town{rng: rand.New(rand.NewPCG(7, 7)), calls: calls, every: 50 * time.Millisecond, sigma: 0.25,
		now: 1_700_000_000_000_000_000, slower: func(int) float64 { return 1 }}
}

// next is a span of a random call, or of the given one.
func (w *town) next(call int) *trace.Span {
	if call < 0 {
		call = w.rng.IntN(w.calls)
	}
	w.now += int64(w.every)
	w.id++
	median := 1e6 * math.Exp(float64(call%10)/2)
	return &trace.Span{TraceID: trace.TraceID{Lo: uint64(w.id)}, ID: w.id, Call: trace.Call(call + 1),
		Service: fmt.Sprint("service", call/5), Operation: fmt.Sprint("op", call), Start: w.now,
		Duration: int64(median * w.slower(call) * math.Exp(w.sigma*w.rng.NormFloat64()))}
}

// run is test-then-train for a while; the shares of spans kept are of call 0 and of
// all others.
func (w *town) run(a *hst.Adaptive, d time.Duration) (zero, others float64) {
	var kept, n [2]float64
	for end := w.now + int64(d); w.now < end; {
		s := w.next(-1)
		i := min(int(s.Call)-1, 1)
		if a.Sample(s).Keep {
			kept[i]++
		}
		a.Learn(s)
		n[i]++
	}
	return kept[0] / n[0], kept[1] / n[1]
}

// A deploy makes one call three times slower for good.
func TestAdaptiveLearnsAPermanentShift(t *testing.T) {
	w, a := newTown(10), newAdaptive(t, nil)
	after := a.Config().RelearnAfter
	w.run(a, 30*time.Minute)
	w.slower = func(call int) float64 { return map[bool]float64{true: 3, false: 1}[call == 0] }
	if zero, others := w.run(a, after/2); zero < 0.6 || others > 0.005 {
		t.Errorf("in the first half of RelearnAfter %.3f of the slower call and %.4f of the others are kept: want most of the one, none of the others", zero, others)
	}
	w.run(a, after/2+time.Minute)
	if zero, others := w.run(a, 20*time.Minute); zero > 0.005 || others > 0.005 {
		t.Errorf("a minute after RelearnAfter %.4f of the slower call and %.4f of the others are still kept", zero, others)
	}
	// And it is as sharp as before.
	if s := w.next(0); !a.Sample(&trace.Span{Call: s.Call, Service: s.Service, Duration: 15_000_000, Start: w.now}).Keep {
		t.Error("five times its new median is not kept")
	}
}

// An incident shorter than RelearnAfter teaches nothing: afterwards the call is
// judged as before.
func TestAdaptiveDoesNotLearnAnIncident(t *testing.T) {
	w, a := newTown(10), newAdaptive(t, nil)
	w.run(a, 30*time.Minute)
	probe := &trace.Span{Call: 1, Service: "service0", Duration: 4_000_000}
	before := a.Explain(probe)
	w.slower = func(call int) float64 { return map[bool]float64{true: 4, false: 1}[call == 0] }
	if zero, _ := w.run(a, 8*time.Minute); zero < 0.8 {
		t.Errorf("%.3f of the spans of an incident of 8 minutes are kept", zero)
	}
	during := a.Explain(probe)
	if shift := math.Abs(math.Log(float64(during.Location) / float64(before.Location))); shift > 0.1 {
		t.Errorf("the incident moved the location from %v to %v", before.Location, during.Location)
	}
	w.slower = func(int) float64 { return 1 }
	if zero, _ := w.run(a, 10*time.Minute); zero > 0.01 {
		t.Errorf("after the incident %.4f of the ordinary spans are kept", zero)
	}
}

// Now and then a call runs into a timeout of two seconds. Where it has always done
// so that is ordinary, for this call, and only at two seconds.
func TestAdaptiveKnowsATimeout(t *testing.T) {
	for _, trained := range []bool{true, false} {
		w, a := newTown(10), newAdaptive(t, nil)
		after := a.Config().RelearnAfter
		timeouts := func(d time.Duration, learnOnly bool) (kept float64) {
			n := 0.0
			for end := w.now + int64(d); w.now < end; {
				s := w.next(-1)
				slow := s.Call == 1 && w.rng.IntN(50) == 0
				if slow {
					s.Duration = 2_000_000_000 + w.rng.Int64N(5_000_000)
					n++
				}
				if !learnOnly && a.Sample(s).Keep && slow {
					kept++
				}
				a.Learn(s)
			}
			return kept / n
		}
		if trained {
			timeouts(time.Hour, true)
		} else { // it begins with a deploy, seen from the first span on
			w.run(a, time.Hour)
			if kept := timeouts(after/2, false); kept < 0.95 {
				t.Errorf("before RelearnAfter %.2f of the new timeouts are kept, want nearly all", kept)
			}
			timeouts(3*after, false)
		}
		if kept := timeouts(time.Hour, false); kept > 0.02 {
			t.Errorf("trained: %v: %.2f of the known timeouts are kept", trained, kept)
		}
		judge := func(call trace.Call, ns int64) hst.Explanation {
			return a.Explain(&trace.Span{Call: call, Service: "service0", Duration: ns, Start: w.now})
		}
		// Of the call's spans 2 % come back; what chance may have added is taken off.
		if e := judge(1, 2_002_000_000); e.Keep || e.Plateau < 0.005 || e.Plateau > 0.021 {
			t.Errorf("trained: %v: the timeout: %+v", trained, e)
		}
		for _, e := range []hst.Explanation{judge(1, 1_000_000_000), judge(1, 4_000_000_000), judge(2, 2_002_000_000)} {
			if !e.Keep || e.Plateau != 0 {
				t.Errorf("trained: %v: elsewhere: %+v", trained, e)
			}
		}
	}
}

// A call that becomes three times faster is not mistaken for long.
func TestAdaptiveLearnsAFasterCall(t *testing.T) {
	w, a := newTown(10), newAdaptive(t, nil)
	w.run(a, 10*time.Minute)
	w.slower = func(call int) float64 { return map[bool]float64{true: 1.0 / 3, false: 1}[call == 0] }
	w.run(a, time.Minute) // 120 spans of the call
	e := a.Explain(w.next(0))
	if r := math.Log(float64(e.Location) / (1e6 / 3)); math.Abs(r) > 0.15 {
		t.Errorf("after 120 spans the location is %v, want about 333 µs", e.Location)
	}
}

// A tenth of all spans anomalous from the first on: it still tells them apart,
// at its own threshold, which no quantile of 0.1 % could.
func TestAdaptiveIsNotBlindedByContamination(t *testing.T) {
	names := []string{"A", "E", "F"}
	if hst.RaceEnabled {
		names = names[:1]
	}
	for _, name := range names {
		c, err := synth.Named(name)
		if err != nil {
			t.Fatal(err)
		}
		c.AnomalyRate = 0.1
		o, err := synth.NewOracle(c)
		if err != nil {
			t.Fatal(err)
		}
		spans := synthSpans(t, c)
		q, ceiling := measure(t, newAdaptive(t, nil), spans, len(spans)/4), measure(t, o, spans, len(spans)/4)
		t.Logf("%s with 10 %% anomalies: best F1 %.3f (oracle %.3f), own threshold %.3f at a false-positive rate of %.3f %%", name, q.best, ceiling.best, q.own, 100*q.fpr)
		if q.best < ceiling.best-0.02 || q.own < ceiling.best-0.06 {
			t.Errorf("%s: best F1 %.3f, own %.3f; oracle %.3f", name, q.best, q.own, ceiling.best)
		}
	}
}

// Two calls are new: a service's calls say what to expect of another, and a
// service that is new itself is as all are.
func TestAdaptiveJudgesNewCallsByTheirService(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	a := newAdaptive(t, nil)
	now := int64(1_700_000_000_000_000_000)
	for range 20_000 { // service fast: 0.2 ms, service slow: 200 ms; 20 calls each
		call := rng.IntN(40)
		service, median := "fast", 2e5
		if call >= 20 {
			service, median = "slow", 2e8
		}
		now += 1e7
		a.Learn(&trace.Span{Call: trace.Call(call + 1), Service: service, Start: now, Duration: int64(median * math.Exp(0.3*rng.NormFloat64()))})
	}
	const ms = 1_000_000
	calls := map[string]trace.Call{"fast": 1000, "slow": 1001, "new": 1002}
	surprise := func(service string, ns int64) float64 {
		return a.Explain(&trace.Span{Call: calls[service], Service: service, Duration: ns}).Surprise
	}
	if f, s := surprise("fast", 200*ms), surprise("slow", 200*ms); f < s+5 {
		t.Errorf("200 ms in a new call surprise by %.1f nats in the fast service and by %.1f in the slow one", f, s)
	}
	if f, n := surprise("fast", 200*ms), surprise("new", 200*ms); f < n+5 {
		t.Errorf("200 ms surprise by %.1f nats in the fast service and by %.1f in an unknown one", f, n)
	}
	if !a.Sample(&trace.Span{Call: calls["fast"], Service: "fast", Duration: 200 * ms}).Keep {
		t.Error("a thousand times what is usual in the service is not kept in a new call")
	}
	if a.Sample(&trace.Span{Call: calls["new"], Service: "new", Duration: 200 * ms}).Keep {
		t.Error("the first span of an unknown service is kept although it is no longer than many")
	}
}

// The budget is held while every duration doubles and halves over an hour.
func TestAdaptiveHoldsItsBudgetUnderDrift(t *testing.T) {
	for _, want := range []struct {
		mode   hst.ThresholdMode
		target float64
		share  float64 // of 20 spans a second
		low    float64 // at least so much of it: a false-positive rate is an upper bound
	}{
		{hst.ThresholdShare, 0.01, 0.01, 0.8}, {hst.ThresholdShare, 0.05, 0.05, 0.8}, {hst.ThresholdRate, 0.5, 0.025, 0.8}, {hst.ThresholdFPR, 0.01, 0.01, 0.4},
	} {
		a := newAdaptive(t, func(c *hst.AdaptiveConfig) { c.Mode, c.Target = want.mode, want.target })
		w := newTown(10)
		w.slower = func(int) float64 { return math.Exp2(math.Sin(2 * math.Pi * float64(w.now%3_600_000_000_000) / 3.6e12)) }
		w.run(a, 40*time.Minute)
		zero, others := w.run(a, time.Hour)
		kept := 0.1*zero + 0.9*others
		t.Logf("%v %v: %.4f of the spans are kept, want %.4f", want.mode, want.target, kept, want.share)
		if ratio := kept / want.share; ratio < want.low || ratio > 1.25 {
			t.Errorf("%v %v keeps %.4f of the spans, want %.4f", want.mode, want.target, kept, want.share)
		}
	}
}

// Anomalies do not move the threshold among them: with none it keeps what it was
// told to, with 5 % it keeps those and hardly more.
func TestAdaptiveThresholdIgnoresAnomalies(t *testing.T) {
	rates := []float64{0.05, 0.01, 0}
	if hst.RaceEnabled {
		rates = rates[:1]
	}
	for _, rate := range rates {
		w, a := newTown(10), newAdaptive(t, nil)
		kept, ordinary, found, anomalies := 0.0, 0.0, 0.0, 0.0
		for i := range 120_000 {
			s := w.next(-1)
			anomalous := w.rng.Float64() < rate
			if anomalous {
				s.Duration *= int64(6 + w.rng.IntN(15))
			}
			keep := a.Sample(s).Keep
			a.Learn(s)
			switch {
			case i < 40_000:
			case anomalous:
				anomalies++
				if keep {
					found++
				}
			default:
				ordinary++
				if keep {
					kept++
				}
			}
		}
		t.Logf("%.0f %% anomalies: %.4f %% of the ordinary spans kept, %.0f of %.0f anomalies found", 100*rate, 100*kept/ordinary, found, anomalies)
		if kept/ordinary > 0.002 || found < 0.97*anomalies {
			t.Errorf("%.0f %% anomalies: %.4f %% of the ordinary spans kept, %.0f of %.0f anomalies found", 100*rate, 100*kept/ordinary, found, anomalies)
		}
	}
}

// A slow child explains its parent, once.
func TestAdaptiveExplainsParents(t *testing.T) {
	w, a := newTown(4), newAdaptive(t, nil)
	w.run(a, 20*time.Minute)
	const ms = 1_000_000
	family := func(id uint64, child int64) hst.Explanation {
		start := w.now
		if child > 0 {
			a.Sample(&trace.Span{TraceID: trace.TraceID{Hi: id}, ID: 2, ParentID: 1, Call: 1, Service: "service0", Start: start + ms, Duration: child})
		}
		return a.Explain(&trace.Span{TraceID: trace.TraceID{Hi: id}, ID: 1, Call: 2, Service: "service0", Start: start, Duration: 52 * ms})
	}
	alone, with, other := family(1, 0), family(2, 50*ms), family(3, 500_000)
	if !alone.Keep || alone.Explained != 0 {
		t.Errorf("50 ms too long without a slow child: %+v", alone)
	}
	if with.Keep || with.Explained < 48*time.Millisecond || with.Explained > 50*time.Millisecond {
		t.Errorf("50 ms too long because of its child: %+v", with)
	}
	if !other.Keep || other.Explained != 0 {
		t.Errorf("50 ms too long with a child that was not slow: %+v", other)
	}
}

func TestAdaptiveExplain(t *testing.T) {
	w, a := newTown(10), newAdaptive(t, nil)
	w.run(a, 30*time.Minute)
	s := w.next(4)
	s.Duration = 40_000_000
	d, e := a.Sample(s), a.Explain(s)
	if e.Score != d.Score || e.Keep != d.Keep || !e.Keep || e.Threshold != a.Threshold() || e.Score < e.Threshold {
		t.Errorf("Sample says %+v, Explain %+v", d, e)
	}
	median := 1e6 * math.Exp(2)
	if math.Abs(math.Log(float64(e.Location)/median)) > 0.1 || math.Abs(e.Scale-math.Exp(w.sigma)) > 0.05 {
		t.Errorf("location %v and scale %.3f, want about %v and %.3f", e.Location, e.Scale, time.Duration(median), math.Exp(w.sigma))
	}
	if z := math.Log(40e6/median) / w.sigma; math.Abs(e.Z-z) > 0.5 || e.OneIn < 1000 || e.Spans < 3000 {
		t.Errorf("z %.2f, want about %.2f; one in %.0f; %d spans", e.Z, z, e.OneIn, e.Spans)
	}
	if sum := e.Rarity + e.Outside + e.Slower; e.Plateau != 0 || math.Abs(sum-e.Surprise) > 1e-9 {
		t.Errorf("evidence of %.3f, %.3f and %.3f nats for a surprise of %.3f (plateau %g)", e.Rarity, e.Outside, e.Slower, e.Surprise, e.Plateau)
	}
	if from := a.KeptFrom(s.Call); from != e.KeptFrom {
		t.Errorf("kept from %v on, explained as %v", from, e.KeptFrom)
	}
	for _, less := range []int64{1, 0} {
		s.Duration = int64(e.KeptFrom) - less
		if kept := a.Sample(s).Keep; kept != (less == 0) {
			t.Errorf("kept from %v on, but a span of %v: kept %v", e.KeptFrom, time.Duration(s.Duration), kept)
		}
	}
	s.Duration = int64(median)
	if e := a.Explain(s); e.Keep || e.OneIn > 3 || math.Abs(e.Z) > 0.3 {
		t.Errorf("a typical span: %+v", e)
	}
}

// TestAdaptiveConstant: two calls whose spans all take the same time are ordinary, the
// warm-up ends, and a span that takes 160 times as long is kept, the first of them too.
func TestAdaptiveConstant(t *testing.T) {
	a, err := hst.NewAdaptive(hst.DefaultAdaptiveConfig(hst.NewSeed(1)))
	if err != nil {
		t.Fatal(err)
	}
	calls := trace.NewCalls(10, nil)
	of := []trace.Call{calls.Of("checkout", "root"), calls.Of("checkout", "child")}
	now, n := int64(1e18), 0
	next := func(d int64) trace.Decision {
		n++
		now += 1e6
		s := trace.Span{Call: of[n%2], Service: "checkout", ID: trace.SpanID(n), Start: now, Duration: d}
		v := a.Sample(&s)
		a.Learn(&s)
		return v
	}
	for range 2000 {
		if v := next(5e6); v.Keep {
			t.Fatalf("span %d of the usual length is kept: %+v", n, v)
		}
	}
	for range 100 {
		if v := next(800e6); !v.Keep || v.WarmUp {
			t.Fatalf("slow span %d: %+v, want it kept", n, v)
		}
	}
}
