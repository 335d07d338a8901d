package eval

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Cover is what a sample of the traces of Scores can cover.
type Cover struct {
	Calls []trace.Call // of each row
	Types []uint32     // of each trace number: traces of one type have the same structure

	Workspace *Workspace // nil: a new one
}

// Coverage is how diverse the kept traces are: what samplers of traces optimise, and
// what average precision on anomalies does not see.
type Coverage struct {
	Budget   float64 `json:"budget"` // share of the traces, 0..1
	Traces   int64   `json:"traces"` // kept, Budget of all rounded down
	Spans    int64   `json:"spans"`  // of them
	Calls    int     `json:"calls"`  // distinct calls in them
	Types    int     `json:"types"`  // distinct types of them
	AllCalls int     `json:"all_calls"`
	AllTypes int     `json:"all_types"`
}

// Diversity keeps the traces of highest score of a column, whole, at each budget, and
// counts the calls and the types among them. The score of a trace is the highest of
// its spans, whatever their labels; warming-up traces come last. Ties are broken at
// random, by the seed alone, so that no sampler gains from the order of the data.
//
// It returns an error if lengths differ or the column has no scores. Cost: one sort of
// the traces, and one pass over the rows a budget.
func Diversity(s *Scores, column int, c Cover, budgets []float64, seed uint64) ([]Coverage, error) {
	col := s.Columns[column]
	switch n := len(s.Labels); {
	case len(s.Trace) != n || len(c.Calls) != n:
		return nil, fmt.Errorf("column %q: %d rows, %d trace numbers, %d calls", col.Name, n, len(s.Trace), len(c.Calls))
	case len(col.Score) != n:
		return nil, fmt.Errorf("column %q: %d scores for %d rows", col.Name, len(col.Score), n)
	case n > 0 && len(c.Types) != int(slices.Max(s.Trace))+1:
		return nil, fmt.Errorf("column %q: %d trace types for %d traces", col.Name, len(c.Types), slices.Max(s.Trace)+1)
	}
	rank, err := rankTraces(cmp.Or(c.Workspace, &Workspace{}), s, col.Score, len(c.Types), seed)
	if err != nil {
		return nil, err
	}
	var out []Coverage
	for _, b := range budgets {
		if !(b >= 0 && b <= 1) {
			return nil, fmt.Errorf("budget %v: want 0..1", b)
		}
		// The allowance is for products such as .07*100 that land a rounding below.
		keep := uint32(math.Floor(float64(b*float64(len(rank))) + 1e-9))
		out = append(out, c.covered(s, rank, keep, b))
	}
	return out, nil
}

// rankTraces is the place of each trace, 0 the highest score.
func rankTraces(ws *Workspace, s *Scores, score []float64, traces int, seed uint64) ([]uint32, error) {
	order, room, err := ws.keyed(traces)
	if err := errors.Join(err, resize(ws, &ws.highest, traces), resize(ws, &ws.cells, traces)); err != nil {
		return nil, err
	}
	highest := ws.highest
	for n := range highest {
		highest[n] = math.Inf(-1)
		order.ref[n] = uint32(n)
	}
	for i, n := range s.Trace {
		if x := score[i]; x > highest[n] {
			highest[n] = x
		}
	}
	rng := rand.New(rand.NewPCG(seed, 0))
	rng.Shuffle(traces, func(i, j int) { order.ref[i], order.ref[j] = order.ref[j], order.ref[i] })
	for i, n := range order.ref {
		order.key[i] = keyOf(highest[n])
	}
	sortKeys(order, room)
	rank := ws.cells
	for place, n := range order.ref {
		rank[n] = uint32(place)
	}
	return rank, nil
}

// covered counts what the traces ranked before keep cover.
func (c Cover) covered(s *Scores, rank []uint32, keep uint32, budget float64) Coverage {
	out := Coverage{Budget: budget, Traces: int64(keep)}
	// 1: there is one, 2: one is kept.
	calls, types := map[trace.Call]int{}, map[uint32]int{}
	for i, n := range s.Trace {
		mark := 1
		if rank[n] < keep {
			mark = 2
			out.Spans++
		}
		calls[c.Calls[i]] = max(calls[c.Calls[i]], mark)
		types[c.Types[n]] = max(types[c.Types[n]], mark)
	}
	out.AllCalls, out.AllTypes = len(calls), len(types)
	out.Calls, out.Types = marked(calls), marked(types)
	return out
}

func marked[K comparable](m map[K]int) (n int) {
	for _, mark := range m {
		n += mark - 1
	}
	return n
}
