package hst

import (
	"context"
	"errors"
	"testing"
)

// A clock that ticks once a reading makes every pass last one tick.
func TestBenchTable(t *testing.T) {
	var now int64
	const spans = 1000
	rows, err := BenchTable(t.Context(), BenchOptions{Now: func() int64 { now++; return now }, Spans: spans, Passes: 2})
	if err != nil {
		t.Fatal(err)
	}
	if want := 2 * 3 * 5; len(rows) != want {
		t.Fatalf("%d rows, want %d", len(rows), want)
	}
	for _, r := range rows {
		ticks := r.NSPerSpan * spans
		if r.Path == BenchForestLearnScore {
			ticks = r.NSPerSpan * (spans / 16)
		}
		if ticks != 1 {
			t.Errorf("%+v: want one tick a pass", r)
		}
		if (r.Path == BenchLineScore || r.Path == BenchLineLearnScore) && r.AllocsPerSpan > 0.01 {
			t.Errorf("%+v: want no allocations", r)
		}
		if r.RiverNSPerSpan != 0 && r.Window != 250 {
			t.Errorf("%+v: River was measured at window 250", r)
		}
	}
}

func TestBenchTableRefuses(t *testing.T) {
	clock := func() int64 { return 0 }
	for _, o := range []BenchOptions{{}, {Now: clock, Spans: -1}, {Now: clock, Passes: -1}, {Now: clock, Spans: 1 << 30}} {
		if _, err := BenchTable(t.Context(), o); err == nil {
			t.Errorf("Spans %d, Passes %d: want an error", o.Spans, o.Passes)
		}
	}
}

func TestBenchTableStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := BenchTable(ctx, BenchOptions{Now: func() int64 { return 0 }, Spans: 100}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}
