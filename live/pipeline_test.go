package live

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

const second = int64(time.Second)

func testRules() RuleSet {
	return RuleSet{
		Settings: DefaultSettings(),
		Rules: []RuleSpec{{
			Name: "slow",
			When: Condition{Latency: 500 * time.Millisecond, Times: 3, Window: time.Minute},
			Then: Response{Horizontal: &HorizontalResponse{Amount: Amount{Step, 2}}},
		}},
	}
}

func span(id uint64, service string, end, dur int64) *Span {
	s := &Span{SpanKind: KindServer}
	s.TraceID, s.ID = trace.TraceID{Lo: id}, trace.SpanID(id)
	s.Service, s.Operation, s.Start, s.Duration = service, "op", end-dur, dur
	return s
}

func newTestPipeline(t *testing.T, o Options) *Pipeline {
	t.Helper()
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func tick(t *testing.T, p *Pipeline, at int64) []Decision {
	t.Helper()
	d, err := p.Tick(context.Background(), at)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestThreeSlowSpansScaleTheirService(t *testing.T) {
	ledger := NewLedger(nil, State{Replicas: 3})
	var audit strings.Builder
	p := newTestPipeline(t, Options{Rules: testRules(), Orchestrator: ledger, Audit: &audit})
	tick(t, p, 0)
	for i := range uint64(3) {
		if _, err := p.Span(span(i+1, "cart", int64(i+1)*second, 900*second/1000)); err != nil {
			t.Fatal(err)
		}
	}
	if d := tick(t, p, 10*second); len(d) != 1 || d[0].Reason != ReasonPending {
		t.Fatalf("decisions while traces are open: %v", d)
	}
	d := tick(t, p, 15*second)
	if len(d) != 1 || d[0].Outcome != Acted || d[0].From != 3 || d[0].To != 5 || d[0].Why.Blame.Votes != 3 {
		t.Fatalf("decisions %+v", d)
	}
	if s, _ := ledger.Current(context.Background(), Target{Kind: "service", Name: "cart"}); s.Replicas != 5 {
		t.Errorf("%d replicas", s.Replicas)
	}
	t.Log(d[0].String())
	t.Log(audit.String())
}
