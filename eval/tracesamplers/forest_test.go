package tracesamplers

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// randomTrace has parents at random, so there are orphans, doubles and loops.
func randomTrace(rng *rand.Rand, spans, calls int) *Trace {
	t := &Trace{ID: trace.TraceID{Lo: rng.Uint64() | 1}}
	for range spans {
		t.Spans = append(t.Spans, Span{
			ID: trace.SpanID(1 + rng.IntN(spans)), Parent: trace.SpanID(rng.IntN(spans + 3)),
			Call: trace.Call(rng.IntN(calls)), Start: rng.Int64N(1e9), Duration: rng.Int64N(1e8),
		})
	}
	return t
}

// The twin writes every path out as a string, by walking up from each span along the
// parents that the forest chose.
func slowPaths(t *Trace, parent []int32, collapse bool) []string {
	out := make([]string, len(t.Spans))
	for i := range t.Spans {
		for j := int32(i); j >= 0; j = parent[j] {
			if p := parent[j]; collapse && p >= 0 && t.Spans[p].Call == t.Spans[j].Call {
				continue
			}
			out[i] = fmt.Sprintf("%d/%s", t.Spans[j].Call, out[i])
		}
	}
	return out
}

func TestForest(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 0))
	f := [2]forest{{}, {collapse: true}}
	for range 2000 {
		tr := randomTrace(rng, 1+rng.IntN(12), 3)
		for k := range f {
			f[k].build(tr)
			checkForest(t, &f[k], tr)
		}
	}
}

func checkForest(t *testing.T, f *forest, tr *Trace) {
	t.Helper()
	first := map[trace.SpanID]int32{}
	for i := len(tr.Spans) - 1; i >= 0; i-- {
		first[tr.Spans[i].ID] = int32(i)
	}
	at, cut := map[int32]int{}, 0
	for i, s := range f.order {
		at[s] = i
	}
	for i := range tr.Spans {
		want, known := first[tr.Spans[i].Parent]
		switch p := f.parent[i]; {
		case p >= 0 && (!known || p != want || at[p] >= at[int32(i)]):
			t.Fatalf("%+v: parent of %d is %d, order %v", tr.Spans, i, p, f.order)
		case p < 0 && known && tr.Spans[i].Parent != 0:
			cut++
		}
	}
	if len(at) != len(tr.Spans) || cut != loops(tr, first) {
		t.Fatalf("%+v: order %v, %d links cut for %d loops", tr.Spans, f.order, cut, loops(tr, first))
	}
	slow := slowPaths(tr, f.parent, f.collapse)
	hash := map[string]uint64{}
	back := map[uint64]string{}
	for i, p := range slow {
		if h, ok := hash[p]; ok && h != f.path[i] {
			t.Fatalf("path %s has two hashes", p)
		}
		if q, ok := back[f.path[i]]; ok && q != p {
			t.Fatalf("paths %s and %s have one hash", p, q)
		}
		hash[p], back[f.path[i]] = f.path[i], p
	}
}

// loops counts the cycles of the graph of parents: each has one link too many.
func loops(tr *Trace, first map[trace.SpanID]int32) int {
	n, done := 0, map[int32]bool{}
	for i := range tr.Spans {
		seen := map[int32]bool{}
		for j := int32(i); !done[j]; {
			if seen[j] {
				n++
				break
			}
			seen[j] = true
			p, ok := first[tr.Spans[j].Parent]
			if !ok || tr.Spans[j].Parent == 0 {
				break
			}
			j = p
		}
		for j := range seen {
			done[j] = true
		}
	}
	return n
}

func TestKindIgnoresOrderAndRepetition(t *testing.T) {
	tr := &Trace{Spans: []Span{{ID: 1, Call: 5}, {ID: 2, Parent: 1, Call: 6}, {ID: 3, Parent: 1, Call: 7}}}
	kind := func(spans ...Span) uint64 {
		var f forest
		tr := &Trace{Spans: spans}
		f.build(tr)
		return f.kind(tr)
	}
	want := kind(tr.Spans...)
	if kind(tr.Spans[2], tr.Spans[0], tr.Spans[1], Span{ID: 4, Parent: 1, Call: 6}) != want {
		t.Error("another order with one call twice is another kind")
	}
	if kind(Span{ID: 1, Call: 5}, Span{ID: 2, Parent: 1, Call: 6}, Span{ID: 3, Parent: 2, Call: 7}) == want {
		t.Error("another caller is the same kind")
	}
}
