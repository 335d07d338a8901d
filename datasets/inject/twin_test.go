package inject

import (
	"math/rand/v2"
	"sort"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// twin is Track B written down as its definition reads, quadratic and recursive.
type twin struct {
	spans  []trace.Span
	faults []Fault // in order of At, then Name
	role   []int   // fault that the span is a candidate of, or -1
	label  []trace.Label
	kind   []string
	done   map[int]twinResult
	levels map[[2]string][]int64 // median and p99 by call; empty: not known
}

type twinResult struct {
	explains int64
	fault    int // latest fault of a positive at or below, or -1
}

func newTwin(spans []trace.Span, faults []Fault) *twin {
	w := &twin{spans: spans, faults: append([]Fault(nil), faults...), done: map[int]twinResult{}, levels: map[[2]string][]int64{}}
	sort.Slice(w.faults, func(i, j int) bool {
		a, b := w.faults[i], w.faults[j]
		return a.At < b.At || a.At == b.At && a.Name() < b.Name()
	})
	for i := range spans {
		role := w.candidateOf(i)
		l, k := w.base(i, role)
		w.role, w.label, w.kind = append(w.role, role), append(w.label, l), append(w.kind, k)
	}
	for i := range spans {
		w.walk(i)
	}
	return w
}

func known(faultType string) bool {
	return faultType == "network_delay" || len(faultType) >= 4 && faultType[:4] == "cpu_" || faultType == "return" || faultType == "exception"
}

func (w *twin) inWindow(i, f int) bool {
	since := w.spans[i].Start + w.spans[i].Duration - w.faults[f].At
	return since >= 0 && since < 180e9
}

func (w *twin) inGuard(i, f int) bool {
	since := w.spans[i].Start + w.spans[i].Duration - w.faults[f].At
	if len(w.faults[f].Type) >= 4 && w.faults[f].Type[:4] == "cpu_" {
		return since >= 180e9 && since < 480e9
	}
	return since >= 180e9 && since < 420e9
}

func (w *twin) children(i int) (out []int) {
	for c := range w.spans {
		if w.spans[c].TraceID == w.spans[i].TraceID && w.spans[c].ParentID == w.spans[i].ID {
			out = append(out, c)
		}
	}
	return out
}

func (w *twin) candidateOf(i int) int {
	for f := len(w.faults) - 1; f >= 0; f-- {
		if !w.inWindow(i, f) {
			continue
		}
		target := w.faults[f].Target
		own, calls := w.spans[i].Service == target, false
		for _, c := range w.children(i) {
			calls = calls || !own && w.spans[c].Service == target
		}
		switch t := w.faults[f].Type; {
		case t == "network_delay" && calls, len(t) >= 4 && t[:4] == "cpu_" && (own || calls):
			return f
		}
	}
	return -1
}

func (w *twin) base(i, role int) (trace.Label, string) {
	window, guard, unknown := -1, -1, false
	for f := range w.faults {
		if w.inWindow(i, f) {
			window = f
			unknown = unknown || !known(w.faults[f].Type)
		}
		if w.inGuard(i, f) {
			guard = f
		}
	}
	switch {
	case unknown:
		return trace.Guard, w.faults[window].Name()
	case window < 0 && guard >= 0:
		return trace.Guard, w.faults[guard].Name()
	case window < 0:
		return trace.Normal, ""
	case role < 0:
		return trace.Normal, w.faults[window].Name()
	}
	if _, p99, ok := w.level(i); ok && w.spans[i].Duration > p99 {
		return trace.Anomalous, w.faults[role].Name()
	}
	return trace.Candidate, w.faults[role].Name()
}

// level is that of span i's call, measured once. It counts instead of indexing: the p99 is the smallest sample that at least
// 99 % of the samples do not exceed, the median that at least half do not.
func (w *twin) level(i int) (median, p99 int64, ok bool) {
	call := [2]string{w.spans[i].Service, w.spans[i].Operation}
	l, done := w.levels[call]
	if !done {
		l = w.measure(i)
		w.levels[call] = l
	}
	if len(l) == 0 {
		return 0, 0, false
	}
	return l[0], l[1], true
}

func (w *twin) measure(i int) []int64 {
	var samples []int64
	for j := range w.spans {
		free := w.spans[j].Service == w.spans[i].Service && w.spans[j].Operation == w.spans[i].Operation
		for f := range w.faults {
			free = free && !w.inWindow(j, f) && !w.inGuard(j, f)
		}
		if free {
			samples = append(samples, w.spans[j].Duration)
		}
	}
	smallest := func(percent int) int64 {
		best := int64(-1)
		for _, v := range samples {
			within := 0
			for _, u := range samples {
				if u <= v {
					within++
				}
			}
			if 100*within >= percent*len(samples) && (best < 0 || v < best) {
				best = v
			}
		}
		return best
	}
	if len(samples) < 100 {
		return nil
	}
	return []int64{smallest(50), smallest(99)}
}

func (w *twin) walk(i int) twinResult {
	if r, ok := w.done[i]; ok {
		return r
	}
	r := twinResult{fault: -1}
	for _, c := range w.children(i) {
		below := w.walk(c)
		r.explains += below.explains
		r.fault = max(r.fault, below.fault)
	}
	d := w.spans[i].Duration
	_, p99, ok := w.level(i)
	waited := ok && w.label[i] != trace.Guard && d > p99 && d-r.explains <= p99
	unknown := !ok && w.label[i] == trace.Normal
	if r.explains > 0 && (waited || unknown) {
		w.label[i] = trace.Propagated
		if w.kind[i] == "" {
			w.kind[i] = w.faults[r.fault].Name()
		}
	}
	if w.label[i] == trace.Anomalous {
		median, _, _ := w.level(i)
		r.explains = max(r.explains, d-median)
		r.fault = max(r.fault, w.role[i])
	}
	w.done[i] = r
	return r
}

// randomDay is a few services whose requests call one another, fault-free at first
// and then with one to four faults, close enough that windows and guards overlap.
func randomDay(rng *rand.Rand) ([]trace.Span, []Fault) {
	services := []string{"a", "b", "c"}
	types := []string{"network_delay", "cpu_contention", "cpu_consumed", "network_delay", "cpu_", "network_delay", "cpu_contention",
		"cpu_consumed", "return", "exception", "meteorite"}
	var faults []Fault
	for range 1 + rng.IntN(4) {
		faults = append(faults, Fault{types[rng.IntN(len(types))], services[rng.IntN(3)], t0 + rng.Int64N(14)*50*sec})
	}
	var spans []trace.Span
	for id := uint64(1); len(spans) < 700; id++ {
		end := t0 - 100*sec
		if rng.IntN(2) == 0 {
			end = t0 + rng.Int64N(1300)*sec
		}
		n := 1 + rng.IntN(8)
		for k := range n {
			s := trace.Span{TraceID: trace.TraceID{Lo: id}, ID: trace.SpanID(id<<8 | uint64(k+1)),
				Service: services[rng.IntN(3)], Operation: "op", Duration: 1 + rng.Int64N(1000)}
			if k > 0 && rng.IntN(12) > 0 {
				s.ParentID = trace.SpanID(id<<8 | uint64(1+rng.IntN(k)))
			}
			if rng.IntN(40) == 0 {
				s.Operation = "rare"
			}
			spans = append(spans, s)
		}
		request := spans[len(spans)-n:]
		if end >= t0 {
			slow(request, rng.IntN(n), rng.Int64N(3000))
		}
		for i := range request {
			request[i].Start = end - request[i].Duration + rng.Int64N(20)*sec
		}
	}
	return spans, faults
}

// slow adds an excess to span i and to all that wait for it.
func slow(spans []trace.Span, i int, excess int64) {
	spans[i].Duration += excess
	for p := range spans {
		if spans[p].ID == spans[i].ParentID {
			slow(spans, p, excess)
		}
	}
}

// TestAgainstTwin: labels, kinds and counts equal the definition's.
func TestAgainstTwin(t *testing.T) {
	rng := rand.New(rand.NewPCG(20220822, 20230130))
	seen := map[trace.Label]int{}
	for round := range 80 {
		spans, faults := randomDay(rng)
		w := newTwin(append([]trace.Span(nil), spans...), faults)
		_, counts := (&day{spans}).label(t, faults...)
		byFault := map[string]map[trace.Label]int64{}
		for i, s := range spans {
			seen[s.Label]++
			if s.Label != w.label[i] || s.Kind != w.kind[i] {
				t.Fatalf("round %d, span %d %+v: twin says %v %q (faults %v)", round, i, s, w.label[i], w.kind[i], faults)
			}
			if byFault[s.Kind] == nil {
				byFault[s.Kind] = map[trace.Label]int64{}
			}
			byFault[s.Kind][s.Label]++
		}
		for _, c := range counts {
			n := byFault[c.Name()]
			same := 0 // two faults may have one name
			for _, o := range counts {
				if o.Name() == c.Name() {
					same++
				}
			}
			if same == 1 && (c.Positives != n[trace.Anomalous] || c.Candidates != n[trace.Anomalous]+n[trace.Candidate] ||
				c.Propagated != n[trace.Propagated] || c.Guard != n[trace.Guard]) {
				t.Fatalf("round %d: %+v, labels say %v", round, c, n)
			}
		}
	}
	for l := trace.Normal; l <= trace.Guard; l++ {
		if seen[l] < 20 {
			t.Errorf("only %d spans were %v: the days of this test prove nothing about it", seen[l], l)
		}
	}
}
