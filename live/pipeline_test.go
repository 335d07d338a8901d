package live

import (
	"context"
	"encoding/json"
	"errors"
	"math"
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

func newTestPipeline(t testing.TB, o Options) *Pipeline {
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
	if lines := strings.Split(strings.TrimSpace(audit.String()), "\n"); len(lines) != 2 || !strings.Contains(lines[1], `"outcome":"acted"`) {
		t.Errorf("audit log:\n%s", audit.String())
	}
}

// TestRestartRemembersCooldowns: a second pipeline that was given the memory of the
// first holds where the first would have held; one that was not acts at once.
func TestRestartRemembersCooldowns(t *testing.T) {
	set := testRules()
	set.Settings.TraceWait = 0
	set.Default = Guard{CooldownUp: time.Hour, Limits: []RateLimit{{Direction: Up, Replicas: 9, Per: 2 * time.Hour}}}
	ledger := NewLedger(nil, State{Replicas: 3})
	act := func(p *Pipeline, from int64) Decision {
		tick(t, p, from)
		for i := range uint64(3) {
			if _, err := p.Span(span(uint64(from)+i+1, "cart", from+int64(i+1)*second, 900e6)); err != nil {
				t.Fatal(err)
			}
		}
		d := tick(t, p, from+15*second)
		if len(d) != 1 {
			t.Fatalf("%d decisions", len(d))
		}
		return d[0]
	}
	first := newTestPipeline(t, Options{Rules: set, Orchestrator: ledger})
	if d := act(first, 0); d.Outcome != Acted {
		t.Fatal(d)
	}
	b, err := json.Marshal(first.Memory())
	if err != nil {
		t.Fatal(err)
	}
	var memory []TargetMemory
	if err := json.Unmarshal(b, &memory); err != nil {
		t.Fatal(err)
	}
	second := newTestPipeline(t, Options{Rules: set, Orchestrator: ledger})
	second.Remember(memory)
	if d := act(second, 60e9); d.Reason != ReasonCooldown {
		t.Errorf("after a restart: %v", d.String())
	}
	forgetful := newTestPipeline(t, Options{Rules: set, Orchestrator: ledger})
	if d := act(forgetful, 60e9); d.Outcome != Acted {
		t.Errorf("without memory: %v", d.String())
	}
}

// TestTicksBackInTime are counted and change nothing.
func TestTicksBackInTime(t *testing.T) {
	p := newTestPipeline(t, Options{Rules: testRules(), Orchestrator: NewLedger(nil, State{})})
	tick(t, p, 100*second)
	tick(t, p, 50*second)
	if c := p.Counters(); c.Backward != 1 || p.now != 100*second {
		t.Errorf("%+v, now %d", c, p.now)
	}
}

// TestFanOutAndTee: each target goes to the first route that takes it; all of a tee
// are told whatever one says.
func TestFanOutAndTee(t *testing.T) {
	a, b := NewLedger(nil, State{Replicas: 1}), NewLedger(nil, State{Replicas: 1})
	f := FanOut{{Match: func(t Target) bool { return t.Kind == "deployment" }, To: a}, {Match: func(t Target) bool { return t.Kind == "vm" }, To: b}}
	ctx := context.Background()
	for _, target := range []Target{{Kind: "deployment", Name: "x"}, {Kind: "vm", Name: "y"}} {
		if err := f.Scale(ctx, Action{Target: target, To: 4}); err != nil {
			t.Fatal(err)
		}
	}
	if len(a.Targets()) != 1 || len(b.Targets()) != 1 || b.Targets()[0].Name != "y" {
		t.Errorf("%v %v", a.Targets(), b.Targets())
	}
	if err := f.Scale(ctx, Action{Target: Target{Kind: "lambda"}}); !errors.Is(err, ErrNoTarget) {
		t.Errorf("a target that no route takes: %v", err)
	}
	broken := NewLedger(failingWriter{}, State{})
	if err := (Tee{broken, b}).Scale(ctx, Action{Target: Target{Kind: "vm", Name: "z"}, To: 2}); err == nil {
		t.Error("the broken one's error is lost")
	}
	if s, _ := b.Current(ctx, Target{Kind: "vm", Name: "z"}); s.Replicas != 2 {
		t.Error("the second one was not told")
	}
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

// TestAuditErrorIsReported: decisions are made and returned all the same.
func TestAuditErrorIsReported(t *testing.T) {
	p := newTestPipeline(t, Options{Rules: testRules(), Orchestrator: NewLedger(nil, State{Replicas: 1}), Audit: failingWriter{}})
	tick(t, p, 0)
	for i := range uint64(3) {
		if _, err := p.Span(span(i+1, "cart", second, 900e6)); err != nil {
			t.Fatal(err)
		}
	}
	d, err := p.Tick(context.Background(), 20*second)
	if err == nil || len(d) != 1 || d[0].Outcome != Acted || p.Counters().AuditErrors != 1 {
		t.Errorf("%v, %v", d, err)
	}
}

// TestAmounts: expected values by hand. 10 % of ten is one, not two, though
// 1.1*10 is 11.000000000000002 in binary.
func TestAmounts(t *testing.T) {
	for _, c := range []struct {
		a    Amount
		from int64
		d    Direction
		want int64
	}{
		{Amount{Step, 2}, 3, Up, 5}, {Amount{Step, 5}, 3, Down, 0}, {Amount{Percent, 10}, 10, Up, 11}, {Amount{Percent, 10}, 3, Up, 4},
		{Amount{Percent, 10}, 10, Down, 9}, {Amount{Percent, 10}, 3, Down, 2}, {Amount{Percent, 100}, 3, Down, 0}, {Amount{Percent, 50}, 0, Up, 1},
		{Amount{Factor, 2.4}, 5, Up, 12}, {Amount{Factor, 2}, 5, Down, 2}, {Amount{Factor, 1}, 5, Up, 6}, {Amount{Absolute, 4}, 9, Up, 4}, {Amount{Absolute, 4}, 0, Down, 4},
		{Amount{Percent, 1e300}, 5, Up, math.MaxInt64 / 2}, {Amount{Step, 256 << 20}, 768 << 20, Up, 1 << 30}, {Amount{Percent, 50}, 1000, Up, 1500},
	} {
		if got := c.a.apply(c.from, c.d); got != c.want {
			t.Errorf("%v %v of %d: %d, want %d", c.d, c.a, c.from, got, c.want)
		}
	}
}
