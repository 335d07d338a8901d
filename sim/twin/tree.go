package twin

import (
	"cmp"
	"slices"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// span is what the fit keeps of a span.
type span struct {
	trace      trace.TraceID
	id, parent trace.SpanID
	call       trace.Call
	start, end int64
	fault      bool  // labelled as touched by one
	up         int32 // index of the parent; -1: a root, -2: its parent is not in the data
}

const (
	isRoot   = -1
	isOrphan = -2
)

// forest is all spans, those of a trace side by side in the order of their starts.
type forest struct {
	spans    []span
	children [][]int32 // of each span, in the order of their starts
}

func newForest(spans []span) *forest {
	slices.SortFunc(spans, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.trace.Hi, b.trace.Hi), cmp.Compare(a.trace.Lo, b.trace.Lo),
			cmp.Compare(a.start, b.start), cmp.Compare(b.end, a.end), cmp.Compare(a.id, b.id))
	})
	f := &forest{spans, make([][]int32, len(spans))}
	byID := map[trace.SpanID]int32{}
	for from := 0; from < len(spans); {
		to := from
		clear(byID)
		for ; to < len(spans) && spans[to].trace == spans[from].trace; to++ {
			byID[spans[to].id] = int32(to)
		}
		for i := from; i < to; i++ {
			f.attach(int32(i), byID)
		}
		f.cutCycles(from, to)
		from = to
	}
	return f
}

func (f *forest) attach(i int32, byID map[trace.SpanID]int32) {
	s := &f.spans[i]
	up, found := byID[s.parent]
	switch {
	case s.parent == 0:
		s.up = isRoot
	case !found || up == i:
		s.up = isOrphan
	default:
		s.up = up
		f.children[up] = append(f.children[up], i)
	}
}

// cutCycles makes orphans of spans that are their own ancestors, which only broken
// data has: nothing below reaches them from a root, but nothing may walk up for ever.
func (f *forest) cutCycles(from, to int) {
	for i := from; i < to; i++ {
		at, steps := int32(i), 0
		for f.spans[at].up >= 0 && steps <= to-from {
			at = f.spans[at].up
			steps++
		}
		if steps <= to-from {
			continue
		}
		up := f.spans[i].up
		f.children[up] = slices.DeleteFunc(f.children[up], func(c int32) bool { return c == int32(i) })
		f.spans[i].up = isOrphan
	}
}

// pair is a caller and what it calls.
type pair struct{ from, to trace.Call }

// unawaited are the pairs whose children end behind their parents more often than not:
// nobody waits for their answers.
func (f *forest) unawaited() map[pair]bool {
	type votes struct{ late, all int }
	count := map[pair]votes{}
	for i := range f.spans {
		s := &f.spans[i]
		if s.up < 0 {
			continue
		}
		p := pair{f.spans[s.up].call, s.call}
		v := count[p]
		v.all++
		if s.end > f.spans[s.up].end {
			v.late++
		}
		count[p] = v
	}
	async := map[pair]bool{}
	for p, v := range count {
		if 2*v.late > v.all {
			async[p] = true
		}
	}
	return async
}

// child is a call in a stage.
type child struct {
	call  trace.Call
	async bool
}

// stagesOf groups the children of a span, and returns the time that the stages take:
// of each the slowest child that is waited for, cut to the span.
func (f *forest) stagesOf(i int32, async map[pair]bool) (stages [][]child, explained int64) {
	s := &f.spans[i]
	var group []child
	last, slowest := int32(-1), int64(0) // of the group: the child that ends last
	flush := func() {
		if len(group) > 0 {
			slices.SortFunc(group, func(a, b child) int { return cmp.Compare(a.call, b.call) })
			stages = append(stages, group)
			explained += slowest
			group, last, slowest = nil, -1, 0
		}
	}
	for _, c := range f.children[i] {
		kid := &f.spans[c]
		if async[pair{s.call, kid.call}] {
			if last >= 0 && kid.start >= f.spans[last].end {
				flush()
			}
			group = append(group, child{kid.call, true})
			continue
		}
		if last >= 0 && !parallel(&f.spans[last], kid) {
			flush()
		}
		group = append(group, child{kid.call, false})
		slowest = max(slowest, min(kid.end, s.end)-max(kid.start, s.start))
		if last < 0 || kid.end > f.spans[last].end {
			last = c
		}
	}
	flush()
	return stages, explained
}

// parallel reports whether two spans, the second of which starts later, overlap by
// more than half of the shorter one.
func parallel(a, b *span) bool {
	overlap := min(a.end, b.end) - b.start
	return overlap > 0 && 2*overlap > min(a.end-a.start, b.end-b.start)
}
