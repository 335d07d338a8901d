package live

import (
	"cmp"
	"slices"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// traceView is a trace as a forest, with self times. It is scratch: build reuses
// everything, and what it holds is valid until the next build.
type traceView struct {
	spans      []bufSpan // times moved by clock skew
	parent     []int32   // -1: a root
	first      []int32   // first child, -1: none
	next       []int32   // next sibling, -1: none
	order      []int32   // parents before children
	self       []int64
	orphans    int                    // spans whose parent is missing
	index      map[trace.SpanID]int32 // of more than fewSpans
	state      []uint8
	intervals  []interval
	serviceOf  func(trace.Call) *service
	candidates []candidate
	failed     []int32
}

type interval struct{ start, end int64 }

// orphanSearch is the largest trace in which orphans are given a home: the search
// costs a square.
const orphanSearch = 512

// build makes the forest of a trace's spans, which it keeps and moves. Cost: O(spans
// log children).
func (v *traceView) build(spans []bufSpan) {
	v.spans = spans
	n := len(v.spans)
	v.parent, v.first, v.next = resize(v.parent, n), resize(v.first, n), resize(v.next, n)
	v.state, v.self = resize(v.state, n), resize(v.self, n)
	v.orphans = 0
	v.link()
	v.adopt()
	v.cutCycles()
	v.children()
	v.moveSkewed()
	for i := range v.spans {
		v.self[i] = v.selfTime(int32(i))
	}
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, 2*n)
	}
	return s[:n]
}

// link finds parents. An orphan gets parent -2 until adopt has looked for a home.
func (v *traceView) link() {
	v.makeIndex()
	for i := range v.spans {
		s := &v.spans[i]
		v.parent[i] = -1
		if s.parent == 0 || s.parent == s.id {
			continue
		}
		p := v.find(s.parent)
		if p < 0 {
			v.orphans++
			p = -2
		}
		v.parent[i] = p
	}
}

// fewSpans is up to where to look at all spans is faster than to ask a map.
const fewSpans = 24

func (v *traceView) makeIndex() {
	if len(v.spans) <= fewSpans {
		return
	}
	if v.index == nil {
		v.index = map[trace.SpanID]int32{}
	}
	clear(v.index)
	for i := range v.spans {
		v.index[v.spans[i].id] = int32(i)
	}
}

// find is the index of a span, the last of those with its id; -1: it is not there.
func (v *traceView) find(id trace.SpanID) int32 {
	if len(v.spans) > fewSpans {
		if i, ok := v.index[id]; ok {
			return i
		}
		return -1
	}
	for i := len(v.spans) - 1; i >= 0; i-- {
		if v.spans[i].id == id {
			return int32(i)
		}
	}
	return -1
}

// adopt gives each orphan to the shortest span that encloses it, which is where its
// missing parent was. Without one it is a root.
func (v *traceView) adopt() {
	if v.orphans == 0 {
		return
	}
	for i := range v.spans {
		if v.parent[i] == -2 {
			v.parent[i] = -1
			if len(v.spans) <= orphanSearch {
				v.parent[i] = v.shortestAround(int32(i))
			}
		}
	}
}

func (v *traceView) shortestAround(i int32) int32 {
	s, best := &v.spans[i], int32(-1)
	for j := range v.spans {
		c := &v.spans[j]
		if c.dur <= s.dur || c.start > s.start || c.end() < s.end() {
			continue
		}
		if best < 0 || c.dur < v.spans[best].dur {
			best = int32(j)
		}
	}
	return best
}

// cutCycles makes a root of one span of every cycle of parents.
func (v *traceView) cutCycles() {
	const fresh, walking, done = 0, 1, 2
	clear(v.state)
	for i := range v.spans {
		j := int32(i)
		for j >= 0 && v.state[j] == fresh {
			v.state[j] = walking
			j = v.parent[j]
		}
		if j >= 0 && v.state[j] == walking {
			v.parent[j] = -1
			v.orphans++
		}
		for j = int32(i); j >= 0 && v.state[j] == walking; j = v.parent[j] {
			v.state[j] = done
		}
	}
}

// children makes the child lists and an order with parents first.
func (v *traceView) children() {
	for i := range v.spans {
		v.first[i], v.next[i] = -1, -1
	}
	v.order = v.order[:0]
	for i := len(v.spans) - 1; i >= 0; i-- {
		if p := v.parent[i]; p >= 0 {
			v.next[i], v.first[p] = v.first[p], int32(i)
		} else {
			v.order = append(v.order, int32(i))
		}
	}
	for k := 0; k < len(v.order); k++ {
		for c := v.first[v.order[k]]; c >= 0; c = v.next[c] {
			v.order = append(v.order, c)
		}
	}
}

// moveSkewed moves a child of another service, with all below it, into its parent
// when it would fit but its host's clock says otherwise.
func (v *traceView) moveSkewed() {
	for _, i := range v.order {
		p := v.parent[i]
		if p < 0 {
			continue
		}
		s, up := &v.spans[i], &v.spans[p]
		if s.kind.async() || s.dur > up.dur || v.serviceOf(s.call) == v.serviceOf(up.call) {
			continue
		}
		switch {
		case s.start < up.start:
			v.shift(i, up.start-s.start)
		case s.end() > up.end():
			v.shift(i, up.end()-s.end())
		}
	}
}

// shift moves a span and all below it by d ns.
func (v *traceView) shift(i int32, d int64) {
	v.spans[i].start += d
	for c := v.first[i]; c >= 0; c = v.next[c] {
		v.shift(c, d)
	}
}

// selfTime is the duration of span i minus the union of its children, clipped to
// it. A child that nobody waits for does not count.
func (v *traceView) selfTime(i int32) int64 {
	s := &v.spans[i]
	v.intervals = v.intervals[:0]
	for c := v.first[i]; c >= 0; c = v.next[c] {
		k := &v.spans[c]
		from, to := max(k.start, s.start), min(k.end(), s.end())
		if from < to && !k.kind.async() {
			v.intervals = append(v.intervals, interval{from, to})
		}
	}
	return s.dur - union(v.intervals)
}

// union is the length of the union. It sorts the intervals.
func union(in []interval) int64 {
	if len(in) > 1 {
		slices.SortFunc(in, func(a, b interval) int { return cmp.Compare(a.start, b.start) })
	}
	var sum int64
	reach := int64(minTime)
	for _, x := range in {
		if x.end > reach {
			sum += x.end - max(x.start, reach)
			reach = x.end
		}
	}
	return sum
}
