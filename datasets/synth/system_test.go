package synth

import (
	"math"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

func TestLayeredSystem(t *testing.T) {
	for _, size := range [][2]int{{4, 4}, {16, 60}, {20, 200}, {1000, 10_000}} {
		c := bookshop()
		c.Services, c.Calls = size[0], size[1]
		sys := newSystem(&c)
		names, services := map[string]bool{}, map[string]bool{}
		for i, k := range sys.calls {
			names[k.operation] = true // alone: some formats have no service
			services[k.service] = true
			for _, st := range k.steps {
				for _, e := range st {
					if int(e.to[0]) <= i {
						t.Fatalf("%v: call %d calls %d: a cycle is possible", size, i, e.to[0])
					}
				}
			}
			if lo, hi := math.Log(float64(c.MedianMin)), math.Log(float64(c.MedianMax)); k.mu < lo || k.mu > hi {
				t.Errorf("%v: call %d: median %v ns", size, i, math.Exp(k.mu))
			}
			if k.sigma < c.SigmaMin || k.sigma > c.SigmaMax {
				t.Errorf("%v: call %d: sigma %v", size, i, k.sigma)
			}
		}
		if len(names) != c.Calls || len(services) != c.Services {
			t.Errorf("%v: %d names, %d services", size, len(names), len(services))
		}
		byCall, total := sys.visits()
		for i, v := range byCall {
			if v <= 0 {
				t.Errorf("%v: call %d is never made", size, i)
			}
		}
		if total > 60 {
			t.Errorf("%v: %.0f spans a trace", size, total)
		}
	}
}

// The expected visits against the mean of many requests.
func TestVisitsAgainstSimulation(t *testing.T) {
	c := bookshop()
	c.AnomalyRate, c.Spans = 0, 300_000
	sys := newSystem(&c)
	byCall, total := sys.visits()
	got, roots := map[string]float64{}, 0.0
	spans := collect(t, c)
	for _, s := range spans {
		got[s.Service+s.Operation]++
		if s.ParentID == 0 {
			roots++
		}
	}
	if mean := float64(len(spans)) / roots; math.Abs(mean-total) > 0.03*total {
		t.Errorf("%.2f spans a trace, expected %.2f", mean, total)
	}
	for i, k := range sys.calls {
		// A request makes a call a handful of times at most: Poisson-like spread.
		mean := byCall[i] * roots
		if diff := math.Abs(got[k.service+k.operation] - mean); diff > 8*math.Sqrt(mean)+1 {
			t.Errorf("call %d: %.0f spans, expected %.0f", i, got[k.service+k.operation], mean)
		}
	}
}

// Both kinds of branching occur: some siblings overlap, some follow each other.
func TestParallelAndSequentialChildren(t *testing.T) {
	c := bookshop()
	c.Spans, c.AnomalyRate = 5_000, 0
	children := map[trace.SpanID][]trace.Span{}
	for _, s := range collect(t, c) {
		children[s.ParentID] = append(children[s.ParentID], s)
	}
	delete(children, 0)
	together, apart := 0, 0
	for _, kids := range children {
		for i := 1; i < len(kids); i++ {
			if kids[i].Start == kids[i-1].Start {
				together++
			} else {
				apart++
			}
		}
	}
	if together < 100 || apart < 100 {
		t.Errorf("%d siblings start together, %d one after the other", together, apart)
	}
}

// Shapes of otelgen v0.5.2 as its traces have them: spans, services, depth,
// durations (leaf operations sleep 0-99 ms) and its share of errors.
func TestOtelgenShapes(t *testing.T) {
	type shape struct {
		spans, services int
		minMS, maxMS    float64 // mean duration of a root
	}
	for name, want := range map[string]shape{
		"microservices": {102, 17, 4_900, 5_100}, // 16, and the root that otelgen gives none
		"web_mobile":    {5, 3, 111, 114},        // 25 + 50 + 37.5 ms
		"single":        {1, 1, 0.0095, 0.011},
	} {
		c, err := Named(name)
		if err != nil {
			t.Fatal(err)
		}
		c.Spans = int64(1_000 * want.spans)
		perTrace, services := map[trace.TraceID]int{}, map[string]bool{}
		roots, sum, errors, operations := 0, 0.0, 0, 0
		for _, s := range collect(t, c) {
			perTrace[s.TraceID]++
			services[s.Service] = true
			if s.ParentID == 0 {
				roots++
				sum += s.DurationMS()
			}
			if s.Kind == KindError {
				errors++
			}
			if s.Duration > 100e6 && want.spans == 102 {
				operations++
			}
		}
		for id, n := range perTrace {
			if n != want.spans {
				t.Errorf("%s: trace %s has %d spans", name, id, n)
			}
		}
		if len(services) != want.services || roots != 1_000 {
			t.Errorf("%s: %d services, %d roots", name, len(services), roots)
		}
		if mean := sum / float64(roots); mean < want.minMS || mean > want.maxMS {
			t.Errorf("%s: roots of %.4f ms", name, mean)
		}
		if name == "microservices" {
			within4Sigma(t, "errors", errors, 100_000, 0.1)
			if operations != 2*roots {
				t.Errorf("%d spans above 100 ms, want the root and the request only", operations)
			}
		}
	}
}
