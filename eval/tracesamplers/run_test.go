package tracesamplers

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/eval"
	"github.com/scale-eval/scale-eval/eval/baselines"
)

// source yields copies into one reused span, as real sources do, and scribbles over
// it afterwards.
func source(spans []trace.Span) trace.Source {
	return func(yield func(*trace.Span, error) bool) {
		var s trace.Span
		for _, s = range spans {
			if !yield(&s, nil) {
				return
			}
			s = trace.Span{Operation: "scribbled"}
		}
	}
}

// counter scores a trace by its number of spans and writes down what it saw.
type counter struct{ saw [][]trace.SpanID }

func (c *counter) Observe(t *Trace) trace.Decision {
	var ids []trace.SpanID
	for _, s := range t.Spans {
		ids = append(ids, s.ID)
	}
	c.saw = append(c.saw, ids)
	return trace.Decision{Score: float64(len(ids)), Keep: len(ids) > 2}
}

func TestRunGivesEverySpanItsTracesDecision(t *testing.T) {
	const s = 1_000_000_000
	spans := []trace.Span{
		{TraceID: trace.TraceID{Lo: 1}, ID: 1, Start: 0, Label: trace.Normal},
		{TraceID: trace.TraceID{Lo: 2}, ID: 2, Start: 1 * s, Label: trace.Anomalous},
		{TraceID: trace.TraceID{Lo: 1}, ID: 3, Start: 2 * s},
		{ID: 4, Start: 3 * s}, // no trace id: a trace of its own
		{ID: 5, Start: 3 * s},
		{TraceID: trace.TraceID{Lo: 1}, ID: 6, Start: 9 * s},
		{TraceID: trace.TraceID{Lo: 2}, ID: 7, Start: 10 * s}, // closes 1, opened at 0
		{TraceID: trace.TraceID{Lo: 1}, ID: 8, Start: 4 * s},  // late
		{TraceID: trace.TraceID{Lo: 3}, ID: 9, Start: 11 * s}, // closes 2
	}
	c := &counter{}
	o, err := Run(context.Background(), source(spans), []Entrant{{"counter", c}}, Options{Wait: 10 * s})
	if err != nil {
		t.Fatal(err)
	}
	if want := [][]trace.SpanID{{1, 3, 6}, {2, 7}, {4}, {5}, {9}}; !reflect.DeepEqual(c.saw, want) {
		t.Errorf("traces %v, want %v", c.saw, want)
	}
	col := o.Scores.Columns[0]
	if want := []float64{3, 2, 3, 1, 1, 3, 2, 3, 1}; !slices.Equal(col.Score, want) {
		t.Errorf("scores %v, want %v", col.Score, want)
	}
	if want := []uint32{0, 1, 0, 2, 3, 0, 1, 0, 4}; !slices.Equal(o.Scores.Trace, want) {
		t.Errorf("trace numbers %v, want %v", o.Scores.Trace, want)
	}
	if want := (Stats{Traces: 5, Late: 1}); o.Stats != want {
		t.Errorf("%+v, want %+v", o.Stats, want)
	}
	if !col.Keep[7] || col.Keep[1] || o.Scores.Labels[1] != trace.Anomalous {
		t.Errorf("keep %v labels %v", col.Keep, o.Scores.Labels)
	}
}

// The twin keeps no queue: for every arriving span it looks at all open traces.
func slowGather(spans []trace.Span, o Options) (traces [][]trace.SpanID, stats Stats) {
	type open struct {
		since, order int64
		ids          []trace.SpanID
	}
	state, gone := map[trace.TraceID]*open{}, map[trace.TraceID]bool{}
	clock, held := int64(math.MinInt64), 0
	oldest := func() (id trace.TraceID, found *open) {
		for k, t := range state {
			if found == nil || t.order < found.order {
				id, found = k, t
			}
		}
		return id, found
	}
	closeOldest := func() {
		id, t := oldest()
		traces = append(traces, t.ids)
		stats.Traces++
		held -= len(t.ids)
		gone[id] = true
		delete(state, id)
	}
	for i, s := range spans {
		clock = max(clock, s.Start)
		for {
			if _, t := oldest(); t == nil || t.since+o.Wait > clock {
				break
			}
			closeOldest()
		}
		if gone[s.TraceID] {
			stats.Late++
			continue
		}
		if state[s.TraceID] == nil {
			state[s.TraceID] = &open{since: clock, order: int64(i)}
		}
		state[s.TraceID].ids = append(state[s.TraceID].ids, s.ID)
		for held++; held > o.MaxSpans; {
			stats.Overflowed++
			closeOldest()
		}
	}
	for len(state) > 0 {
		closeOldest()
	}
	return traces, stats
}

func TestGatherEqualsSlowTwin(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 0))
	for range 300 {
		spans := make([]trace.Span, 1+rng.IntN(80))
		for i := range spans {
			spans[i] = trace.Span{TraceID: trace.TraceID{Hi: 1, Lo: uint64(rng.IntN(12))}, ID: trace.SpanID(i + 1),
				Start: int64(i*10 + rng.IntN(60)), Duration: rng.Int64N(50)}
		}
		o := Options{Wait: 1 + rng.Int64N(200), MaxSpans: 1 + rng.IntN(30)}
		want, stats := slowGather(spans, o)
		c := &counter{}
		got, err := Run(context.Background(), source(spans), []Entrant{{"counter", c}}, o)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(c.saw, want) || got.Stats != stats {
			t.Fatalf("wait %d, %d spans at most: %v %+v, want %v %+v", o.Wait, o.MaxSpans, c.saw, got.Stats, want, stats)
		}
	}
}

// Columns of a run of span samplers and of this one may stand side by side: labels
// and trace numbers are equal.
func TestRunAlignsWithSpanSamplers(t *testing.T) {
	spans := workload(3, 400, 0)
	spans = append(spans, trace.Span{ID: 77}, trace.Span{ID: 78}) // without trace id
	const train = 301
	o, err := Run(context.Background(), source(spans), []Entrant{{"latency", Latency{}}}, Options{Train: train})
	if err != nil {
		t.Fatal(err)
	}
	r, err := eval.Run(context.Background(), eval.Plan{Train: source(spans[:train]), Test: source(spans[train:]),
		Entrants: []eval.Entrant{{Name: "static", Sampler: baselines.Static{ThresholdMS: 1}}}})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(o.Scores.Trace, r.Scores.Trace) || !slices.Equal(o.Scores.Labels, r.Scores.Labels) {
		t.Error("rows do not align with those of eval.Run")
	}
	if len(o.Types) != int(slices.Max(o.Scores.Trace))+1 || len(o.Calls) != len(spans)-train {
		t.Errorf("%d types, %d calls", len(o.Types), len(o.Calls))
	}
}

type broken struct{}

func (broken) Observe(*Trace) trace.Decision { return trace.Decision{Score: math.NaN()} }

func TestRunErrors(t *testing.T) {
	bad := errors.New("disk on fire")
	failing := func(yield func(*trace.Span, error) bool) {
		_ = yield(&trace.Span{ID: 1}, nil) && yield(nil, bad)
	}
	if _, err := Run(context.Background(), failing, nil, Options{}); !errors.Is(err, bad) || !strings.Contains(err.Error(), "after 1 spans") {
		t.Errorf("source error: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Run(ctx, source(workload(1, 10, 0)), nil, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := Run(context.Background(), source(workload(1, 10, 0)), []Entrant{{"broken", broken{}}}, Options{}); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("NaN: %v", err)
	}
	if _, err := Run(context.Background(), source(nil), nil, Options{Wait: -1}); err == nil {
		t.Error("negative wait: no error")
	}
}
