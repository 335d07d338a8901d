package inject

import (
	"slices"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// zone is where in time a span ended.
type zone uint8

const (
	free zone = iota
	guarded
	window
)

const none = int32(-1)

// labeller is the working memory of one Label; slices are by span unless they say
// otherwise.
type labeller struct {
	spans  []trace.Span
	faults timeline

	parent    []int32 // index of the parent, or none
	zone      []zone
	fault     []int32 // index of the fault the span belongs to, or none
	candidate []bool
	explained []bool // positive once, then propagated
	call      []int32
	levels    []level // by call
}

// level is the fault-free duration of a call.
type level struct {
	median, p99 int64
	known       bool // from at least MinReference samples
}

func newLabeller(spans []trace.Span, faults timeline) *labeller {
	n := len(spans)
	return &labeller{
		spans: spans, faults: faults, parent: parents(spans),
		zone: make([]zone, n), fault: make([]int32, n), call: make([]int32, n),
		candidate: make([]bool, n), explained: make([]bool, n),
	}
}

// parents links spans within their trace.
func parents(spans []trace.Span) []int32 {
	type key struct {
		trace trace.TraceID
		span  trace.SpanID
	}
	index := make(map[key]int32, len(spans))
	for i := range spans {
		k := key{spans[i].TraceID, spans[i].ID}
		if _, dup := index[k]; !dup {
			index[k] = int32(i)
		}
	}
	out := make([]int32, len(spans))
	for i := range spans {
		out[i] = none
		if spans[i].ParentID == 0 {
			continue
		}
		if p, ok := index[key{spans[i].TraceID, spans[i].ParentID}]; ok {
			out[i] = p
		}
	}
	return out
}

// place gives every span its zone and fault, and the label that needs no more.
func (l *labeller) place() {
	for i := range l.spans {
		s := &l.spans[i]
		l.fault[i] = none
		s.Label, s.Kind = trace.Normal, ""
		if lo, hi := l.faults.windows(s.End()); lo < hi {
			l.zone[i], l.fault[i] = window, int32(hi-1)
			if slices.ContainsFunc(l.faults[lo:hi], func(f fault) bool { return f.unknown }) {
				l.zone[i] = guarded
			}
		} else if g := l.faults.guard(s.End()); g >= 0 {
			l.zone[i], l.fault[i] = guarded, int32(g)
		}
		if l.zone[i] == guarded {
			s.Label = trace.Guard
		}
		if l.fault[i] != none {
			s.Kind = l.faults[l.fault[i]].name
		}
	}
}

// reference measures the calls on fault-free spans.
func (l *labeller) reference() {
	type name struct{ service, operation string }
	ids := map[name]int32{}
	var samples [][]int64
	for i := range l.spans {
		s := &l.spans[i]
		id, ok := ids[name{s.Service, s.Operation}]
		if !ok {
			id = int32(len(samples))
			ids[name{s.Service, s.Operation}] = id
			samples = append(samples, nil)
		}
		l.call[i] = id
		if l.zone[i] == free {
			samples[id] = append(samples[id], s.Duration)
		}
	}
	l.levels = make([]level, len(samples))
	for id, d := range samples {
		l.levels[id] = levelOf(d)
	}
}

// levelOf sorts d.
func levelOf(d []int64) level {
	n := len(d)
	if n < MinReference {
		return level{}
	}
	slices.Sort(d)
	return level{median: d[(n+1)/2-1], p99: d[(99*n+99)/100-1], known: true}
}

// candidates marks the spans that their fault can show in.
func (l *labeller) candidates() {
	for i := range l.spans {
		service := l.spans[i].Service
		l.offer(i, func(f *fault) bool { return f.own && f.Target == service })
		if p := l.parent[i]; p != none {
			caller := l.spans[p].Service
			l.offer(int(p), func(f *fault) bool {
				return f.callers && f.Target == service && f.Target != caller
			})
		}
	}
}

// offer makes span i a candidate of the latest fault in whose window it ended and
// that can show in it. A later fault wins over one from an earlier offer.
func (l *labeller) offer(i int, can func(*fault) bool) {
	if l.zone[i] != window {
		return
	}
	lo, hi := l.faults.windows(l.spans[i].End())
	for k := hi - 1; k >= lo; k-- {
		if l.candidate[i] && int32(k) <= l.fault[i] {
			return
		}
		if can(&l.faults[k]) {
			l.candidate[i], l.fault[i] = true, int32(k)
			return
		}
	}
}

// positives labels the candidates.
func (l *labeller) positives() {
	for i := range l.spans {
		if !l.candidate[i] {
			continue
		}
		s := &l.spans[i]
		s.Label, s.Kind = trace.Candidate, l.faults[l.fault[i]].name
		if lv := l.levels[l.call[i]]; lv.known && s.Duration > lv.p99 {
			s.Label = trace.Anomalous
		}
	}
}

// propagate walks every trace from its leaves up. Spans on a cycle of parents,
// which only broken data has, are never reached and keep their label.
func (l *labeller) propagate() {
	waiting := make([]int32, len(l.spans)) // children not walked yet
	for _, p := range l.parent {
		if p != none {
			waiting[p]++
		}
	}
	below := make([]int64, len(l.spans)) // what the children explain
	via := make([]int32, len(l.spans))   // latest fault of a positive below, or none
	for i := range via {
		via[i] = none
	}
	for leaf := range l.spans {
		if waiting[leaf] != 0 {
			continue // walked behind its last child, now or before
		}
		waiting[leaf] = none
		for i := int32(leaf); ; {
			explains := l.explain(i, below[i], via)
			p := l.parent[i]
			if p == none {
				break
			}
			below[p] = addCapped(below[p], explains)
			via[p] = max(via[p], via[i])
			if waiting[p]--; waiting[p] != 0 {
				break
			}
			waiting[p] = none
			i = p
		}
	}
}

// explain decides whether span i is propagated, and returns what it explains of
// its parent's excess.
func (l *labeller) explain(i int32, below int64, via []int32) int64 {
	s, lv := &l.spans[i], l.levels[l.call[i]]
	if below > 0 && waits(s, lv, below) {
		l.explained[i] = s.Label == trace.Anomalous
		if l.fault[i] == none {
			l.fault[i] = via[i]
		}
		s.Label, s.Kind = trace.Propagated, l.faults[l.fault[i]].name
	}
	if s.Label != trace.Anomalous {
		return below
	}
	via[i] = max(via[i], l.fault[i])
	return s.Duration - lv.median // more than below, or i would be propagated
}

// waits says whether s is as slow as it is because of what is below it. Of a span
// whose level is not known, neither that nor the contrary can be said.
func waits(s *trace.Span, lv level, below int64) bool {
	if !lv.known {
		return s.Label == trace.Normal
	}
	return s.Label != trace.Guard && s.Duration > lv.p99 && s.Duration-below <= lv.p99
}

// addCapped adds non-negative numbers without overflow.
func addCapped(a, b int64) int64 {
	if s := a + b; s >= 0 {
		return s
	}
	return 1<<63 - 1
}

func (l *labeller) count() []FaultCounts {
	out := make([]FaultCounts, len(l.faults))
	for k := range out {
		out[k].Fault = l.faults[k].Fault
	}
	for i := range l.spans {
		k := l.fault[i]
		if k == none {
			continue
		}
		c := &out[k]
		if l.zone[i] == window {
			c.Window++
		}
		switch l.spans[i].Label {
		case trace.Guard:
			c.Guard++
		case trace.Anomalous:
			c.Positives++
			c.Candidates++
		case trace.Candidate:
			c.Candidates++
			if !l.levels[l.call[i]].known {
				c.NoReference++
			}
		case trace.Propagated:
			c.Propagated++
			if l.explained[i] {
				c.Explained++
			}
			if !l.levels[l.call[i]].known {
				c.Unknown++
			}
		}
	}
	return out
}
