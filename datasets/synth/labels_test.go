package synth

import (
	"testing"
	"time"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// withoutExcess is the same traffic with every anomaly's excess taken away: the
// same draws, factor 1, no waits. What each span would have lasted.
func withoutExcess(t *testing.T, c Config) map[trace.SpanID]trace.Span {
	c.FactorMin, c.FactorMax, c.DelayMin, c.DelayMax = 1, 1, 0, 0
	plain := map[trace.SpanID]trace.Span{}
	for _, s := range collect(t, c) {
		plain[s.ID] = s
	}
	return plain
}

// descendantsAnomalous marks every ancestor of an anomalous span, by walking up
// from each: slow and obvious.
func descendantsAnomalous(spans []trace.Span) map[trace.SpanID]bool {
	parent := map[trace.SpanID]trace.SpanID{}
	for _, s := range spans {
		parent[s.ID] = s.ParentID
	}
	above := map[trace.SpanID]bool{}
	for _, s := range spans {
		if s.Label == trace.Anomalous {
			for p := s.ParentID; p != 0; p = parent[p] {
				above[p] = true
			}
		}
	}
	return above
}

func labelled(spans int64) Config {
	c := bookshop()
	c.Spans, c.AnomalyRate = spans, 0.03
	c.Kinds = Mix{1, 1, 1, 1}
	return c
}

// The labels, once more from two streams instead of one walk.
func TestPropagatedAgainstTheStreamWithoutExcess(t *testing.T) {
	c := labelled(60_000)
	spans := collect(t, c)
	plain, above := withoutExcess(t, c), descendantsAnomalous(spans)
	count := map[trace.Label]int{}
	for _, s := range spans {
		would := plain[s.ID].Duration
		want := trace.Normal
		switch {
		case s.Kind != "":
			want = trace.Anomalous
		case above[s.ID] && float64(s.Duration-would) >= 0.1*float64(would):
			want = trace.Propagated
		case !above[s.ID] && s.Duration != would:
			t.Fatalf("span %s: %d ns, without anomalies %d ns, and none below it", s.ID, s.Duration, would)
		}
		if s.Label != want {
			t.Fatalf("span %s of %d ns (%d without): label %v, want %v", s.ID, s.Duration, would, s.Label, want)
		}
		count[want]++
		if want == trace.Normal && above[s.ID] {
			count[trace.Guard]++ // above an anomaly, and not late
		}
	}
	for _, l := range []trace.Label{trace.Normal, trace.Anomalous, trace.Propagated, trace.Guard} {
		if count[l] == 0 {
			t.Errorf("no span of case %v: the test compared too little", l)
		}
	}
}

// An anomalous span's own excess is what its kind says, measured on self times.
func TestExcessByKind(t *testing.T) {
	c := labelled(60_000)
	spans := collect(t, c)
	plain, above := withoutExcess(t, c), descendantsAnomalous(spans)
	siblings := map[trace.SpanID]int{}
	for _, s := range spans {
		siblings[s.ParentID]++
	}
	seen := map[string]int{}
	for _, s := range spans {
		if s.Kind == "" || above[s.ID] {
			continue
		}
		seen[s.Kind]++
		would := plain[s.ID].Duration
		excess := time.Duration(s.Duration - would)
		switch s.Kind {
		case KindSlowSelf, KindSlowDependency:
			if f := float64(s.Duration) / float64(would); f < c.FactorMin*0.999 || f > c.FactorMax*1.001 {
				t.Fatalf("%s: %.2f times as long", s.Kind, f)
			}
		case KindNetworkDelay:
			if excess < c.DelayMin || excess > c.DelayMax {
				t.Fatalf("%s: %v longer", s.Kind, excess)
			}
		case KindRetry:
			if excess < c.DelayMin || excess > maxFailures*c.DelayMax || siblings[s.ID] < 2 {
				t.Fatalf("%s: %v longer, %d children", s.Kind, excess, siblings[s.ID])
			}
		}
	}
	for _, k := range []string{KindSlowSelf, KindSlowDependency, KindNetworkDelay, KindRetry} {
		if seen[k] == 0 {
			t.Errorf("no %s", k)
		}
	}
}

func TestAnomalyRateIsBinomial(t *testing.T) {
	for _, rate := range []float64{0.005, 0.017, 0.05} {
		for _, v := range []string{"A", "F", "microservices"} {
			c, err := Named(v)
			if err != nil {
				t.Fatal(err)
			}
			c.AnomalyRate, c.Spans = rate, 100_000
			within4Sigma(t, v, countLabel(collect(t, c), trace.Anomalous), int(c.Spans), rate)
		}
	}
}

func countLabel(spans []trace.Span, l trace.Label) (n int) {
	for i := range spans {
		if spans[i].Label == l {
			n++
		}
	}
	return n
}

// Bursts promise an expectation only: here over 400 of them, which leaves a
// relative deviation of about 0.06 (windows are cut by the arrivals in them).
func TestBurstShareInExpectation(t *testing.T) {
	c := bookshop()
	c.Kinds = Mix{SlowDependency: 1}
	c.DayDepth, c.BurstEvery, c.RequestsPerSecond = 0, 20*time.Second, 2
	c.Spans = 280_000
	got := float64(countLabel(collect(t, c), trace.Anomalous)) / float64(c.Spans)
	if got < 0.75*c.AnomalyRate || got > 1.25*c.AnomalyRate {
		t.Errorf("share %.4f, want about %.4f", got, c.AnomalyRate)
	}
}

// In a burst all spans of one call are slow by one factor.
func TestBurstIsOneCallForAWhile(t *testing.T) {
	c := labelled(60_000)
	c.Kinds = Mix{SlowDependency: 1}
	calls := map[int64]string{}
	for _, s := range collect(t, c) {
		if s.Kind != KindSlowDependency {
			continue
		}
		n, name := (s.Start-Epoch)/int64(c.BurstEvery), s.Service+"::"+s.Operation
		if calls[n] == "" {
			calls[n] = name
		}
		if calls[n] != name {
			t.Fatalf("cycle %d: %s and %s", n, calls[n], name)
		}
	}
	if len(calls) < 4 {
		t.Errorf("%d bursts", len(calls))
	}
}

func TestNoAnomaliesWhenAskedForNone(t *testing.T) {
	c := bookshop()
	c.AnomalyRate, c.Spans = 0, 20_000
	if n := countLabel(collect(t, c), trace.Normal); n != int(c.Spans) {
		t.Errorf("%d normal spans of %d", n, c.Spans)
	}
}
