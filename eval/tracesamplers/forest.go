package tracesamplers

import "github.com/scale-eval/scale-eval/datasets/trace"

// forest is the call structure of a trace: usually a tree, several where spans are
// missing. It is reused from trace to trace.
type forest struct {
	// collapse makes a span that its own call made part of that call: its path is
	// its parent's.
	collapse bool

	parent []int32  // index of the parent span, -1: a root or an orphan
	path   []uint64 // hash of the calls from the root to the span
	order  []int32  // parents before their children

	index   map[trace.SpanID]int32
	state   []uint8
	walk    []int32
	number  map[uint64]int32 // of paths
	keys    []uint64
	longest []int64
}

const (
	unseen = iota
	onWalk
	placed
)

// build works the structure of t out. The first of several spans with one id is the
// parent of its children; a loop of parents is cut where a walk upwards from the
// span that came first closes it. Cost: O(spans).
func (f *forest) build(t *Trace) {
	n := len(t.Spans)
	f.parent, f.path, f.state = resize(f.parent, n), resize(f.path, n), resize(f.state, n)
	f.order = f.order[:0]
	clear(f.state)
	f.link(t)
	for i := range t.Spans {
		f.place(t, int32(i))
	}
}

func (f *forest) link(t *Trace) {
	if f.index == nil {
		f.index, f.number = map[trace.SpanID]int32{}, map[uint64]int32{}
	}
	clear(f.index)
	for i := range t.Spans {
		if _, double := f.index[t.Spans[i].ID]; !double {
			f.index[t.Spans[i].ID] = int32(i)
		}
	}
	for i := range t.Spans {
		f.parent[i] = -1
		if t.Spans[i].Parent == 0 {
			continue
		}
		if p, ok := f.index[t.Spans[i].Parent]; ok {
			f.parent[i] = p
		}
	}
}

// place walks up from span i to one that has its place, then down again.
func (f *forest) place(t *Trace, i int32) {
	f.walk = f.walk[:0]
	for i >= 0 && f.state[i] == unseen {
		f.state[i] = onWalk
		f.walk = append(f.walk, i)
		p := f.parent[i]
		if p >= 0 && f.state[p] == onWalk {
			f.parent[i] = -1
		}
		i = f.parent[i]
	}
	for j := len(f.walk) - 1; j >= 0; j-- {
		i := f.walk[j]
		f.state[i] = placed
		f.order = append(f.order, i)
		f.path[i] = f.extend(t, i)
	}
}

func (f *forest) extend(t *Trace, i int32) uint64 {
	p, call := f.parent[i], t.Spans[i].Call
	if p < 0 {
		return mix(uint64(call) + 1)
	}
	if f.collapse && t.Spans[p].Call == call {
		return f.path[p]
	}
	return mix(f.path[p] ^ mix(uint64(call)+1)*0x9E3779B97F4A7C15)
}

// mix is the finaliser of SplitMix64 (Steele, Lea and Flood 2014).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

// byPath lists the distinct paths, in order of first appearance, and the longest
// duration of each, ns, at least 0. The slices are valid until the next call.
func (f *forest) byPath(t *Trace) (keys []uint64, longest []int64) {
	clear(f.number)
	f.keys, f.longest = f.keys[:0], f.longest[:0]
	for i, key := range f.path {
		n, ok := f.number[key]
		if !ok {
			n = int32(len(f.keys))
			f.number[key] = n
			f.keys, f.longest = append(f.keys, key), append(f.longest, 0)
		}
		f.longest[n] = max(f.longest[n], t.Spans[i].Duration)
	}
	return f.keys, f.longest
}

// kind is a hash of the set of paths: two traces of one kind call the same from the
// same, however often, in whatever order.
func (f *forest) kind(t *Trace) uint64 {
	keys, _ := f.byPath(t)
	var sum uint64
	for _, k := range keys {
		sum += mix(k) // commutative
	}
	return sum
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, 2*n)
	}
	return s[:n]
}
