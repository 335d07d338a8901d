package twin

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/sim"
	"github.com/scale-eval/scale-eval/sim/random"
	"github.com/scale-eval/scale-eval/sim/traffic"
)

func exp(mean float64) random.Dist { return random.Exponential(mean) }

func service(name string, replicas int, courses ...sim.Course) sim.Service {
	return sim.Service{Name: name, Replicas: replicas, Operations: []sim.Operation{{Name: "serve", Courses: courses}}}
}

func call(names ...string) (calls []sim.Call) {
	for _, n := range names {
		calls = append(calls, sim.Call{Service: n})
	}
	return calls
}

// shop is a system whose structure a fit must find: the front calls a and then b and
// c at once, or, for a quarter of the requests, d alone; it tells e without waiting.
func shop() *sim.Topology {
	late := sim.Call{Service: "e", Async: true}
	return &sim.Topology{
		Services: []sim.Service{
			service("front", 1,
				sim.Course{Weight: 3, Stages: []sim.Stage{{CPU: exp(.004)}, {Calls: call("a")}, {Calls: append(call("b", "c"), late)}}},
				sim.Course{Weight: 1, Stages: []sim.Stage{{CPU: exp(.02)}, {Calls: call("d")}}}),
			service("a", 1, sim.Course{Weight: 1, Stages: []sim.Stage{{CPU: random.Must(random.NewLognormal(.01, 1))}}}),
			service("b", 1, sim.Course{Weight: 1, Stages: []sim.Stage{{CPU: random.Must(random.NewErlang(20, .03))}}}),
			service("c", 1, sim.Course{Weight: 1, Stages: []sim.Stage{{CPU: random.Must(random.NewErlang(20, .03))}}}),
			service("d", 1, sim.Course{Weight: 1, Stages: []sim.Stage{{CPU: exp(.05)}}}),
			service("e", 1, sim.Course{Weight: 1, Stages: []sim.Stage{{CPU: random.Constant(.5)}}}),
		},
		Clients: []sim.Client{{Name: "c", Arrivals: traffic.Poisson(traffic.Constant(50)), Mix: []sim.Choice{{Call: sim.Call{Service: "front"}, Weight: 1}}}},
	}
}

// spansOf are the spans of a simulation, in the order in which they ended.
func spansOf(t *testing.T, topology *sim.Topology, seconds int64) []trace.Span {
	t.Helper()
	s, err := sim.New(topology, 1)
	if err != nil {
		t.Fatal(err)
	}
	d := s.Spans(sim.Epoch, seconds*1e9)
	var spans []trace.Span
	for {
		var sp trace.Span
		err := d.Decode(&sp)
		if err == io.EOF {
			return spans
		}
		if err != nil {
			t.Fatal(err)
		}
		spans = append(spans, sp)
	}
}

func stream(spans []trace.Span) trace.Source {
	return func(yield func(*trace.Span, error) bool) {
		for i := range spans {
			s := spans[i]
			if !yield(&s, nil) {
				return
			}
		}
	}
}

func read(t *testing.T, spans []trace.Span) *Recording {
	t.Helper()
	r, err := Read(stream(spans), ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func learned(t *testing.T, spans []trace.Span, opt Options) *Model {
	t.Helper()
	m, err := Fit(read(t, spans), opt)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// The fit finds the structure, the shares and the self times that were put in.
func TestFitFindsWhatWasSimulated(t *testing.T) {
	spans := spansOf(t, shop(), 200)
	rng := rand.New(rand.NewPCG(1, 1))
	rng.Shuffle(len(spans), func(i, j int) { spans[i], spans[j] = spans[j], spans[i] })
	m := learned(t, spans, Options{})
	topology, err := m.Topology(WhatIf{})
	if err != nil {
		t.Fatal(err)
	}
	var front *sim.Service
	for i := range topology.Services {
		if topology.Services[i].Name == "front" {
			front = &topology.Services[i]
		}
	}
	var got []string
	total := 0.0
	for _, c := range front.Operations[0].Courses {
		total += c.Weight
	}
	for _, c := range front.Operations[0].Courses {
		if c.Weight < total/100 {
			continue // cut off by the end of the recording
		}
		text := ""
		for _, st := range c.Stages[1:] {
			var names []string
			for _, k := range st.Calls {
				names = append(names, fmt.Sprintf("%s async=%t", k.Service, k.Async))
			}
			slices.Sort(names)
			text += strings.Join(names, " + ") + "; "
		}
		got = append(got, fmt.Sprintf("%.0f %%: %s", 100*c.Weight/total, text))
	}
	want := []string{"75 %: a async=false; b async=false + c async=false + e async=true; ", "25 %: d async=false; "}
	if len(got) != 2 || got[0][5:] != want[0][5:] || got[1][5:] != want[1][5:] {
		t.Errorf("courses %q, want about %q", got, want)
	}
	a := m.Report.Arrivals
	if a.Process != "poisson" || math.Abs(a.PerSecond-50) > 2 || math.Abs(a.GapSCV-1) > .1 || math.Abs(a.Dispersion100-1) > .5 || a.Breaks != 0 {
		t.Errorf("arrivals %+v", a)
	}
	if b := m.Report.Busy["d"]; math.Abs(b-50./4*.05) > .1 {
		t.Errorf("d computes %v requests at once, want 0.625", b)
	}
	again, err := m.Predict(WhatIf{}, 2, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	observed := read(t, spans).Durations()
	rows := Compare(again, observed, observed)
	if len(rows) != 6 {
		t.Errorf("%d calls compared, want 6", len(rows))
	}
	for _, r := range rows {
		if math.Abs(r.TwinErr) > .06 || math.Abs(r.TwinErr95) > .08 || r.FitErr != 0 {
			t.Errorf("%+v", r)
		}
	}
}

// Factors that were simulated are found: a and b share one, c and d another, e none.
// Which is which does not matter, so the correlations that loadings imply are compared.
func TestLoadingsAreFound(t *testing.T) {
	topology := shop()
	topology.Services = topology.Services[:1]
	f := &topology.Services[0].Operations[0]
	f.Courses = []sim.Course{{Weight: 1, Stages: []sim.Stage{{CPU: exp(.001)}, {Calls: call("a")}, {Calls: call("b")}, {Calls: call("c")}, {Calls: call("d")}, {Calls: call("e")}}}}
	loadings := map[string]vector{"a": {.9}, "b": {.7}, "c": {0, .8}, "d": {0, -.8}, "e": {}}
	for _, name := range sortedKeys(loadings) {
		stage := sim.Stage{CPU: random.Must(random.NewLognormal(.01, 1)), Loadings: loadings[name]}
		topology.Services = append(topology.Services, service(name, 1, sim.Course{Weight: 1, Stages: []sim.Stage{stage}}))
	}
	m := learned(t, spansOf(t, topology, 80), Options{})
	got := map[string]*vector{}
	for c, op := range m.ops {
		if op != nil {
			got[m.calls.Service(trace.Call(c))] = &op.loadings
		}
	}
	for _, x := range sortedKeys(loadings) {
		for _, y := range sortedKeys(loadings) {
			lx, ly := loadings[x], loadings[y]
			if want := lx.dot(&ly); x < y && math.Abs(got[x].dot(got[y])-want) > .07 {
				t.Errorf("%s and %s correlate by %.3f, want %.3f", x, y, got[x].dot(got[y]), want)
			}
		}
	}
	if m := learned(t, spansOf(t, topology, 20), Options{Independent: true}); m.ops[1].loadings != (vector{}) {
		t.Error("Independent has loadings")
	}
}

// The inverse times the matrix is the identity.
func TestInverse(t *testing.T) {
	m := matrix{{4, 1, -1}, {1, 3, .5}, {-1, .5, 2}}
	inv := m.inverse()
	for i := range m {
		for j := range m {
			column := vector{m[0][j], m[1][j], m[2][j]}
			if got, want := inv[i].dot(&column), identity()[i][j]; math.Abs(got-want) > 1e-12 {
				t.Errorf("[%d][%d] is %v", i, j, got)
			}
		}
	}
}

// What-ifs: a slower service is slower and so is who waits for it, more load makes
// only services with few cores slower, and overload is an error.
func TestWhatIf(t *testing.T) {
	m := learned(t, spansOf(t, shop(), 100), Options{Lognormal: true})
	p50 := func(w WhatIf, name string) float64 {
		t.Helper()
		d, err := m.Predict(w, 1, 5_000)
		if err != nil {
			t.Fatal(err)
		}
		return quantile(d[name+"::serve"], .5)
	}
	base := p50(WhatIf{}, "a")
	if got := p50(WhatIf{Slower: map[string]float64{"a": 3}}, "a") / base; math.Abs(got-3) > .1 {
		t.Errorf("three times slower: %v times", got)
	}
	if got := p50(WhatIf{Slower: map[string]float64{"a": 30}}, "front"); got < p50(WhatIf{}, "front")+.1 {
		t.Errorf("the front does not wait for a: %v s", got)
	}
	if got := p50(WhatIf{Load: 2}, "a") / base; math.Abs(got-1) > .05 {
		t.Errorf("without a limit, twice the load makes a %v times slower", got)
	}
	cores := map[string]float64{"d": 1}
	if one, two := p50(WhatIf{Cores: cores, Load: .5}, "d"), p50(WhatIf{Cores: cores, Load: 1.4}, "d"); two < 2*one {
		t.Errorf("one core at 0.31 and at 0.87: %v s, %v s", one, two)
	}
	if _, err := m.Predict(WhatIf{Cores: cores, Load: 40}, 1, 10_000); err == nil || !strings.Contains(err.Error(), "overloaded") {
		t.Errorf("25 times overloaded: %v", err)
	}
	for _, w := range []WhatIf{
		{Load: -1}, {Load: math.NaN()}, {Slower: map[string]float64{"x": 2}}, {Slower: map[string]float64{"a": 0}},
		{Cores: map[string]float64{"a": math.Inf(1)}}, {Replicas: map[string]int{"a": 0}}, {Replicas: map[string]int{"y": 1}},
	} {
		if _, err := m.Topology(w); err == nil {
			t.Errorf("%+v is accepted", w)
		}
	}
}

// The process of the arrivals, from gaps of a known kind.
func TestArrivals(t *testing.T) {
	h2 := random.Must(random.NewHyperExponential(1, 6))
	for name, c := range map[string]struct {
		gap  random.Dist
		want string
		scv  float64
	}{
		"even": {random.Constant(1), "erlang", 0}, "poisson": {exp(1), "poisson", 1}, "bursts": {h2, "hyperexponential", 6},
	} {
		var spans []trace.Span
		s, at := random.NewStream(1, name), int64(0)
		for i := range uint64(12_000) {
			at += int64(c.gap.Sample(s) * 1e8)
			if i%3000 == 2999 {
				at += 3600e9 // nothing was recorded for an hour
			}
			spans = append(spans, trace.Span{TraceID: trace.TraceID{Lo: i + 1}, ID: 1, Service: "s", Operation: "o", Start: at, Duration: 1e6})
		}
		a := learned(t, spans, Options{}).Report.Arrivals
		if a.Process != c.want || math.Abs(a.GapSCV-c.scv) > .15*c.scv+.01 || a.Breaks != 4 || math.Abs(a.PerSecond-10) > .5 {
			t.Errorf("%s: %+v", name, a)
		}
		if _, err := sim.New(&sim.Topology{Services: []sim.Service{service("s", 1, sim.Course{Weight: 1})},
			Clients: []sim.Client{{Name: "c", Arrivals: a.process(1), Mix: []sim.Choice{{Call: sim.Call{Service: "s"}, Weight: 1}}}}}, 1); err != nil {
			t.Error(name, err)
		}
	}
}

// The distance of a sample from its own distribution is small, from another it is the
// largest gap of the two: between Exp(1) and Exp(2), 1/4 at ln 2.
func TestKolmogorovSmirnov(t *testing.T) {
	s := random.NewStream(1, "ks")
	x := make([]float64, 40_000)
	for i := range x {
		x[i] = s.Exp()
	}
	slices.Sort(x)
	if d := ks(x, func(x float64) float64 { return -math.Expm1(-x) }); d > 1.63/200 {
		t.Errorf("Exp(1) from itself: %v", d)
	}
	if d := ks(x, func(x float64) float64 { return -math.Expm1(-2 * x) }); math.Abs(d-.25) > .01 {
		t.Errorf("Exp(1) from Exp(2): %v, want 0.25", d)
	}
	if d := ks([]float64{2, 2, 2}, func(float64) float64 { return math.NaN() }); d != 1 {
		t.Errorf("no spread: %v, want 1", d)
	}
}

// A call that calls itself, without names, once, at no time of its own: each course
// has its own self time, so the prediction is exact.
func TestOneTrace(t *testing.T) {
	m := learned(t, []trace.Span{
		{TraceID: trace.TraceID{Lo: 1}, ID: 1, Start: 0, Duration: 10},
		{TraceID: trace.TraceID{Lo: 1}, ID: 2, ParentID: 1, Start: 0, Duration: 10},
	}, Options{Lognormal: true})
	d, err := m.Predict(WhatIf{}, 1, 100)
	if err != nil {
		t.Fatal(err)
	}
	got := d["(none)::(none)"]
	if len(got) < 150 || got[0] != 1e-8 || got[len(got)-1] != 1e-8 {
		t.Errorf("%v", d)
	}
}

// Data as it should not be: nothing hangs, and what has no root is counted.
func TestBrokenTraces(t *testing.T) {
	id := trace.TraceID{Lo: 7}
	span := func(id_, parent trace.SpanID, start, duration int64) trace.Span {
		return trace.Span{TraceID: id, ID: id_, ParentID: parent, Service: "s", Operation: fmt.Sprint(id_), Start: start, Duration: duration}
	}
	circle := []trace.Span{span(1, 2, 0, 5), span(2, 3, 0, 5), span(3, 1, 0, 5), span(4, 4, 0, 5)}
	if _, err := Fit(read(t, circle), Options{}); !errors.Is(err, ErrNoTraces) {
		t.Errorf("a circle of parents: %v", err)
	}
	m := learned(t, append(circle, span(9, 0, 0, 100), span(10, 9, -50, 20), span(11, 9, 90, 1000), span(12, 77, 1, 1)), Options{})
	if m.Report.Orphans != 5 || m.Report.Traces != 1 || m.Report.Spans != 8 {
		t.Errorf("%+v", m.Report)
	}
	if _, err := m.Predict(WhatIf{}, 1, 10); err != nil {
		t.Error(err)
	}
	if _, err := Read(stream(circle), ReadOptions{MaxSpans: 3}); err == nil {
		t.Error("more spans than MaxSpans are taken")
	}
	broken := errors.New("broken")
	if _, err := Read(func(yield func(*trace.Span, error) bool) { yield(nil, broken) }, ReadOptions{}); !errors.Is(err, broken) {
		t.Error(err)
	}
	if _, err := Fit(read(t, nil), Options{}); !errors.Is(err, ErrNoTraces) {
		t.Error(err)
	}
}

// Rare courses go first, and their share is told.
func TestMaxCourses(t *testing.T) {
	m := learned(t, spansOf(t, shop(), 100), Options{MaxCourses: 1})
	for _, c := range m.Report.Calls {
		if c.Service == "front" && (c.Courses != 1 || math.Abs(c.LeftOut-.25) > .03) {
			t.Errorf("%+v", c)
		}
	}
}

// Traces touched by a fault go as wholes; halves take turns by the minute.
func TestFaultFreeAndSplit(t *testing.T) {
	var spans []trace.Span
	for i := range uint64(60) { // ten a minute
		at := int64(i) * 6e9
		id := trace.TraceID{Lo: i + 1}
		spans = append(spans,
			trace.Span{TraceID: id, ID: 1, Service: "a", Operation: "o", Start: at, Duration: 2e6, Label: trace.Normal},
			trace.Span{TraceID: id, ID: 2, ParentID: 1, Service: "b", Operation: "o", Start: at, Duration: 1e6})
	}
	spans[1].Label, spans[20].Label = trace.Anomalous, trace.Guard // of minutes 0 and 1
	r, err := Read(stream(spans), ReadOptions{FaultFree: true})
	if err != nil || r.Len() != 116 {
		t.Fatalf("%d spans, %v; want 116", r.Len(), err)
	}
	even, odd := r.Split()
	if even.Len() != 58 || odd.Len() != 58 { // each half lost one trace
		t.Errorf("%d and %d spans", even.Len(), odd.Len())
	}
}
