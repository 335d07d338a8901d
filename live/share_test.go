package live

import (
	"context"
	"encoding/json"
	"testing"
	"time"
)

// TestSharedRulesDecideAsTheyWouldAlone: rules that differ in what they need and do,
// on one stream; the twin's rules each watch for themselves.
func TestSharedRulesDecideAsTheyWouldAlone(t *testing.T) {
	set := benchRules(true)
	set.Rules = set.Rules[:6]
	for i := range set.Rules {
		set.Rules[i].When.Times = 2 + 3*i
		set.Rules[i].Settle = time.Duration(i%2) * time.Second
	}
	set.Rules[5].When.Latency = 300 * time.Millisecond
	ctx := context.Background()
	shared := newTestPipeline(t, Options{Rules: set, Orchestrator: NewLedger(nil, State{Replicas: 1})})
	alone := newTestPipeline(t, Options{Rules: set, Orchestrator: NewLedger(nil, State{Replicas: 1})})
	followers := 0
	for _, r := range alone.rules {
		if s := r.(*specRule); s.leader != nil {
			followers++
			s.leader = nil
		}
		r.(*specRule).rules = 1
	}
	if followers != 4 {
		t.Fatalf("%d rules share, want 4", followers)
	}
	acted := 0
	for i, s := range benchSpans(60_000, 5) {
		s.Start *= 100 // 600 s
		s2 := s
		_, err := shared.Span(&s)
		if _, err2 := alone.Span(&s2); err != err2 {
			t.Fatal(i, err, err2)
		}
		if i%2000 != 1999 {
			continue
		}
		a, _ := shared.Tick(ctx, s.End())
		b, _ := alone.Tick(ctx, s.End())
		x, _ := json.Marshal(a)
		y, _ := json.Marshal(b)
		if string(x) != string(y) {
			t.Fatalf("tick %d:\n%.2000s\nalone:\n%.2000s", i, x, y)
		}
		acted += len(a)
	}
	if acted == 0 || shared.Counters() != alone.Counters() {
		t.Errorf("%d decisions; %+v, alone %+v", acted, shared.Counters(), alone.Counters())
	}
}
