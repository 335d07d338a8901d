package inject

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

const (
	sec = int64(1e9)
	t0  = int64(1_700_000_000) * sec // of the injection in these tests
)

// day is a hand-made day: reference gives calls their fault-free level.
type day struct{ spans []trace.Span }

// reference adds 200 fault-free spans of a call, 1 to 200 ms: its median is 100 ms
// and its p99 198 ms, by counting.
func (d *day) reference(service string) *day {
	for i := range int64(200) {
		d.add(1000+trace.SpanID(len(d.spans)), 0, service, t0-1000*sec, (i+1)*ms)
	}
	return d
}

// add ends a span at a time.
func (d *day) add(id, parent trace.SpanID, service string, end, duration int64) *day {
	d.spans = append(d.spans, trace.Span{
		TraceID: trace.TraceID{Lo: 1}, ID: id, ParentID: parent, Service: service, Operation: "op",
		Start: end - duration, Duration: duration,
	})
	return d
}

func (d *day) label(t *testing.T, faults ...Fault) (map[trace.SpanID]trace.Span, []FaultCounts) {
	t.Helper()
	var b TrackB
	for _, f := range faults {
		if err := b.AddFault(f.Type, f.Target, f.At); err != nil && !showsOf(f.Type).unknown {
			t.Fatal(err)
		}
	}
	if err := b.Label(d.spans); err != nil {
		t.Fatal(err)
	}
	out := map[trace.SpanID]trace.Span{}
	for _, s := range d.spans {
		out[s.ID] = s
	}
	return out, b.Counts()
}

// chain is one request through edge -> client of b -> b's server span -> b's own
// client span -> c, all ending in the window: each slower than its p99.
func chain() *day {
	d := (&day{}).reference("edge").reference("a").reference("b").reference("c")
	end := t0 + 10*sec
	return d.add(1, 0, "edge", end+4, 1400*ms).
		add(2, 1, "a", end+3, 1300*ms).
		add(3, 2, "b", end+2, 300*ms).
		add(4, 3, "b", end+1, 250*ms).
		add(5, 4, "c", end, 240*ms)
}

// TestRoles: where each type of fault shows, and what follows for the chain. The
// arithmetic: medians are 100 ms, p99s 198 ms.
func TestRoles(t *testing.T) {
	for _, c := range []struct {
		faultType string
		want      [5]trace.Label // of spans 1 to 5
		counts    FaultCounts
	}{
		// Only a's span calls b. Its excess of 1200 ms explains edge's 1400 - 1200 = 200 > 198: not quite.
		{"network_delay", [5]trace.Label{trace.Normal, trace.Anomalous, trace.Normal, trace.Normal, trace.Normal},
			FaultCounts{Window: 5, Candidates: 1, Positives: 1}},
		// b's own: 4 is positive and explains 150 ms, so 3 (300 - 150) is propagated;
		// a (1300 - 150) is positive on its own account.
		{"cpu_contention", [5]trace.Label{trace.Normal, trace.Anomalous, trace.Propagated, trace.Anomalous, trace.Normal},
			FaultCounts{Window: 5, Candidates: 2, Positives: 2, Propagated: 1, Explained: 1}},
		{"return", [5]trace.Label{trace.Normal, trace.Normal, trace.Normal, trace.Normal, trace.Normal}, FaultCounts{Window: 5}},
		{"exception", [5]trace.Label{trace.Normal, trace.Normal, trace.Normal, trace.Normal, trace.Normal}, FaultCounts{Window: 5}},
		{"meteorite", [5]trace.Label{trace.Guard, trace.Guard, trace.Guard, trace.Guard, trace.Guard}, FaultCounts{Guard: 5}},
	} {
		f := Fault{c.faultType, "b", t0}
		spans, counts := chain().label(t, f)
		for i, want := range c.want {
			if s := spans[trace.SpanID(i+1)]; s.Label != want || s.Kind != c.faultType+" b 2023-11-14T22:13:20Z" {
				t.Errorf("%s: span %d (%s) is %v %q, want %v", c.faultType, i+1, s.Service, s.Label, s.Kind, want)
			}
		}
		c.counts.Fault = f
		if len(counts) != 1 || counts[0] != c.counts {
			t.Errorf("%s: counts %+v, want %+v", c.faultType, counts, c.counts)
		}
		if s := spans[1000]; s.Label != trace.Normal || s.Kind != "" {
			t.Errorf("%s: fault-free span is %v %q", c.faultType, s.Label, s.Kind)
		}
	}
}

// TestPropagated: the edge's excess goes away with its child's, at 1398 ms to the
// nanosecond; it is labelled wherever it ended, except in the guard band.
func TestPropagated(t *testing.T) {
	for _, c := range []struct {
		duration, end int64
		want          trace.Label
		kind          bool
	}{
		{1398 * ms, t0 + 11*sec, trace.Propagated, true},
		{1398*ms + 1, t0 + 11*sec, trace.Normal, true},
		{198 * ms, t0 + 11*sec, trace.Normal, true}, // no excess of its own
		{1398 * ms, t0 + 179*sec, trace.Propagated, true},
		{1398 * ms, t0 + 180*sec, trace.Guard, true},
		{1398 * ms, t0 + 419*sec, trace.Guard, true},
		{1398 * ms, t0 + 420*sec, trace.Propagated, true},
		{1399 * ms, t0 + 420*sec, trace.Normal, false},
	} {
		d := (&day{}).reference("edge").reference("a").reference("b")
		d.add(1, 0, "edge", c.end, c.duration).add(2, 1, "a", t0+10*sec, 1300*ms).add(3, 2, "b", t0+10*sec, 1*ms)
		// The edge must not become its own reference.
		for i := range int64(200) {
			d.add(trace.SpanID(5000+i), 0, "edge", t0-900*sec, 198*ms)
		}
		spans, counts := d.label(t, Fault{"network_delay", "b", t0})
		if s := spans[1]; s.Label != c.want || (s.Kind != "") != c.kind {
			t.Errorf("%d ns ending %d s after: %v %q, want %v", c.duration, (c.end-t0)/sec, s.Label, s.Kind, c.want)
		}
		if (counts[0].Propagated == 1) != (c.want == trace.Propagated) {
			t.Errorf("%+v", counts)
		}
	}
}

// TestUnknownAncestor: above a positive span, a call without reference is left out
// of the score, unless it is a candidate.
func TestUnknownAncestor(t *testing.T) {
	d := (&day{}).reference("b").add(1, 0, "edge", t0+4, 5).add(2, 1, "a", t0+3, 5).add(3, 2, "b", t0+2, sec)
	spans, counts := d.label(t, Fault{"cpu_x", "b", t0})
	if spans[1].Label != trace.Propagated || spans[2].Label != trace.Candidate || spans[3].Label != trace.Anomalous ||
		counts[0].Unknown != 1 || counts[0].NoReference != 1 {
		t.Errorf("%+v, %+v", spans[1], counts)
	}
}

// TestPropagatedKind: outside all windows, the latest fault below gives the name,
// whichever child is walked last and whether it lies below another positive.
func TestPropagatedKind(t *testing.T) {
	late := t0 + 1000*sec
	for _, ends := range [][2]int64{{t0 + sec, late + sec}, {late + sec, t0 + sec}} {
		for _, parent := range []trace.SpanID{1, 2} {
			d := (&day{}).reference("edge").reference("b")
			d.add(1, 0, "edge", t0+2000*sec, 2000*ms).
				add(2, 1, "b", ends[0], 2100*ms).
				add(3, parent, "b", ends[1], 2000*ms)
			spans, _ := d.label(t, Fault{"cpu_x", "b", t0}, Fault{"cpu_y", "b", late})
			if s := spans[1]; s.Label != trace.Propagated || !strings.HasPrefix(s.Kind, "cpu_y ") {
				t.Errorf("ends %v, parent %d: %v %q", ends, parent, s.Label, s.Kind)
			}
		}
	}
}

// TestHugeExcess: what two children explain together may exceed int64.
func TestHugeExcess(t *testing.T) {
	d := (&day{}).reference("edge").reference("b")
	d.add(1, 0, "edge", t0+sec, 6e18).add(2, 1, "b", t0+sec, 5e18).add(3, 1, "b", t0+sec, 5e18)
	spans, _ := d.label(t, Fault{"cpu_x", "b", t0})
	if got := spans[1].Label; got != trace.Propagated {
		t.Error(got)
	}
}

// TestWindowAndGuardEnds: by the end of a span, half open.
func TestWindowAndGuardEnds(t *testing.T) {
	for _, c := range []struct {
		faultType string
		end       int64
		want      trace.Label
	}{
		{"cpu_load", t0 - 1, trace.Normal},
		{"cpu_load", t0, trace.Candidate},
		{"cpu_load", t0 + 180*sec - 1, trace.Candidate},
		{"cpu_load", t0 + 180*sec, trace.Guard},
		{"cpu_load", t0 + 480*sec - 1, trace.Guard},
		{"cpu_load", t0 + 480*sec, trace.Normal},
		{"network_delay", t0 + 420*sec - 1, trace.Guard},
		{"network_delay", t0 + 420*sec, trace.Normal},
		{"return", t0 + 300*sec, trace.Guard},
	} {
		d := (&day{}).add(1, 0, "b", c.end, 10*sec)
		spans, _ := d.label(t, Fault{c.faultType, "b", t0})
		if got := spans[1].Label; got != c.want {
			t.Errorf("%s, ended %d ns after: %v, want %v", c.faultType, c.end-t0, got, c.want)
		}
	}
}

// TestReference: below 100 samples there are no positives, and the p99 is the
// nearest-rank order statistic: 99th of 100, 100th of 101.
func TestReference(t *testing.T) {
	for _, c := range []struct {
		n, duration int64
		want        trace.Label
		noReference int64
	}{
		{99, 1 << 40, trace.Candidate, 1},
		{100, 99 * ms, trace.Candidate, 0},
		{100, 99*ms + 1, trace.Anomalous, 0},
		{101, 100 * ms, trace.Candidate, 0},
		{101, 100*ms + 1, trace.Anomalous, 0},
	} {
		d := &day{}
		for i := range c.n {
			d.add(trace.SpanID(10+i), 0, "b", t0-sec, (i+1)*ms)
		}
		spans, counts := d.add(1, 0, "b", t0+sec, c.duration).label(t, Fault{"cpu_x", "b", t0})
		if got := spans[1].Label; got != c.want || counts[0].NoReference != c.noReference {
			t.Errorf("%d samples, %d ns: %v, %+v", c.n, c.duration, got, counts[0])
		}
	}
	if l := levelOf(make([]int64, 100)); l != (level{0, 0, true}) {
		t.Errorf("%+v", l)
	}
}

// TestBrokenTrees: cycles, self-parents, missing parents and equal ids neither hang
// nor panic, and leave the rest labelled.
func TestBrokenTrees(t *testing.T) {
	d := (&day{}).reference("b")
	end := t0 + sec
	d.add(1, 1, "b", end, sec).add(2, 3, "b", end, sec).add(3, 2, "b", end, sec).
		add(4, 99, "b", end, sec).add(4, 4, "b", end, sec).add(5, 4, "b", end, sec)
	spans, _ := d.label(t, Fault{"cpu_x", "b", t0})
	for id := trace.SpanID(1); id <= 5; id++ {
		want := trace.Anomalous
		if got := spans[id].Label; got != want {
			t.Errorf("span %d: %v, want %v", id, got, want)
		}
	}
}

func TestFaultErrors(t *testing.T) {
	var b TrackB
	for want, f := range map[string]Fault{
		"no target":          {"network_delay", "", t0},
		"ns since 1970":      {"network_delay", "b", -1},
		"at 922337203685477": {"network_delay", "b", 1<<63 - 1},
	} {
		if err := b.AddFault(f.Type, f.Target, f.At); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	if err := b.Label(nil); err == nil || !strings.Contains(err.Error(), "fault list") {
		t.Errorf("no fault: %v", err)
	}
	if err := b.AddFault("meteorite", "b", t0); err == nil || !strings.Contains(err.Error(), `"meteorite"`) {
		t.Errorf("unknown type: %v", err)
	}
	if err := b.Label(nil); err != nil || len(b.Counts()) != 1 {
		t.Errorf("no spans: %v %v", err, b.Counts())
	}
}

// TestOrderDoesNotMatter: labels and counts are the same for any order of spans
// and faults.
func TestOrderDoesNotMatter(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 30 {
		spans, faults := randomDay(rng)
		want, wantCounts := (&day{slices.Clone(spans)}).label(t, faults...)
		rng.Shuffle(len(spans), func(i, j int) { spans[i], spans[j] = spans[j], spans[i] })
		rng.Shuffle(len(faults), func(i, j int) { faults[i], faults[j] = faults[j], faults[i] })
		got, counts := (&day{spans}).label(t, faults...)
		for id, s := range want {
			if got[id] != s {
				t.Fatalf("span %v: %+v, want %+v", id, got[id], s)
			}
		}
		if !slices.Equal(counts, wantCounts) {
			t.Fatalf("counts %+v, want %+v", counts, wantCounts)
		}
	}
}

func BenchmarkLabel(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	var spans []trace.Span
	var faults []Fault
	for len(spans) < 200_000 {
		more, f := randomDay(rng)
		for i := range more {
			more[i].TraceID.Hi = uint64(len(spans))
		}
		spans, faults = append(spans, more...), f
	}
	var tb TrackB
	for _, f := range faults {
		_ = tb.AddFault(f.Type, f.Target, f.At) // unknown types are wanted here
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := tb.Label(spans); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(spans)), "ns/span")
}
