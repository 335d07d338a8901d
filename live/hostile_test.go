package live

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// everyRule has each way to count and respond, on everything.
func everyRule() RuleSet {
	step := &HorizontalResponse{Amount: Amount{Step, 1}}
	calm := &Calm{Below: 0.5, For: time.Minute, MinSpans: 5, Then: Response{Horizontal: step}}
	return RuleSet{Settings: DefaultSettings(), Rules: []RuleSpec{
		{Name: "count", When: Condition{Latency: time.Millisecond, Times: 2, Window: time.Minute}, Then: Response{Horizontal: step}, Calm: calm},
		{Name: "multiple", By: ByCall, When: Condition{Multiple: 2, Quantile: 0.5, MinBaseline: 5, Times: 2, Window: time.Minute}, Then: Response{Horizontal: &HorizontalResponse{MaxFactor: 3}}},
		{Name: "share", When: Condition{Latency: time.Millisecond, Errors: true, Share: 0.1, MinSpans: 2, Window: time.Minute}, Then: Response{Horizontal: step}, Blame: BlameSuppress},
		{Name: "slo", When: Condition{Latency: time.Millisecond, SLO: &SLO{0.99, []Burn{{time.Hour, 5 * time.Minute, 2}}}}, Then: Response{Horizontal: step}, Blame: BlameOff},
		{Name: "always", Spans: All, When: Condition{Always: true, Window: time.Minute}, Then: Response{Horizontal: &HorizontalResponse{Concurrency: 3}}},
		{Name: "auto", When: Condition{Latency: time.Millisecond, Times: 2, Window: time.Minute}, NotWhile: []string{"a"},
			Then: Response{Kind: Auto, Horizontal: step, Vertical: []ResourceAmount{{CPU, Amount{Percent, 50}, true, true}}}},
		{Name: "all", By: ByRule, When: Condition{Latency: time.Millisecond, Times: 2, Window: time.Minute},
			Then: Response{Target: Target{Kind: "deployment", Name: "x"}, Horizontal: step}},
	}}
}

// TestEverySpanIsCounted: admitted and refused add up, whatever comes.
func TestEverySpanIsCounted(t *testing.T) {
	p := newTestPipeline(t, Options{Rules: everyRule(), Orchestrator: NewLedger(nil, State{Replicas: 1})})
	now := 1000 * second
	tick(t, p, now)
	mk := func(id uint64, start, dur int64) *Span {
		s := span(id, "a", 0, 0)
		s.Start, s.Duration = start, dur
		return s
	}
	for name, c := range map[string]struct {
		s    *Span
		want error
	}{
		"fine":                 {mk(1, now-second, second), nil},
		"end before start":     {mk(2, now, -1), ErrNegative},
		"overflow":             {mk(3, math.MaxInt64, math.MaxInt64), ErrNegative},
		"most negative start":  {mk(4, math.MinInt64, 5), ErrNegative},
		"longest duration":     {mk(5, now, math.MaxInt64), ErrNegative},
		"future":               {mk(6, now+3600*second, second), ErrFuture},
		"late":                 {mk(7, now-7*3600*second, second), ErrLate},
		"before 1970":          {mk(8, -second, 0), nil}, // an hour's SLO window reaches that far
		"nothing known of it":  {&Span{Span: trace.Span{Start: now}}, nil},
		"zero trace id":        {&Span{Span: trace.Span{ID: 9, Start: now, Duration: 5e6}}, nil},
		"unknown kind":         {&Span{Span: trace.Span{ID: 9, TraceID: trace.TraceID{Lo: 9}, Start: now, Duration: 5e6}, SpanKind: 200}, nil},
		"its own parent":       {&Span{Span: trace.Span{ID: 10, ParentID: 10, TraceID: trace.TraceID{Lo: 10}, Start: now, Duration: 5e6}}, nil},
		"a mebibyte of a name": {&Span{Span: trace.Span{ID: 11, TraceID: trace.TraceID{Lo: 11}, Start: now, Service: strings.Repeat("s", 1<<20), Operation: strings.Repeat("o", 1<<20)}}, nil},
	} {
		if _, err := p.Span(c.s); err != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := p.Span(mk(1, now-second, second)); err != ErrDuplicate {
		t.Errorf("a copy: %v", err)
	}
	tick(t, p, now+15*second)
	tick(t, p, now+30*second)
	c := p.Counters()
	if c.Spans != 14 || c.Refused.Total() != 7 || c.Refused.Negative != 4 || c.Sampled != 7 || c.Clipped != 1 || c.Untraced != 2 {
		t.Errorf("%+v", c)
	}
}

// TestMemoryIsBounded: 10^6 distinct operations, each in a trace of its own, a tenth
// of them slow. What the pipeline holds must not grow with the stream.
func TestMemoryIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("a million spans; run without -short")
	}
	n := 1_000_000
	if raceEnabled {
		n = 200_000
	}
	set := everyRule()
	set.Settings.MaxCalls, set.Settings.MaxBufferedSpans = 500, 20_000
	p := newTestPipeline(t, Options{Rules: set, Orchestrator: NewLedger(nil, State{Replicas: 1})})
	held := make([]int64, 0, 4)
	for i := range n {
		s := span(uint64(i+1), fmt.Sprint("service-", i%1000), int64(i)*1e6, int64(i%10/9)*5e6)
		s.Operation = fmt.Sprint("/order/", i)
		if _, err := p.Span(s); err != nil {
			t.Fatal(i, err)
		}
		if i%15_000 == 14_999 {
			if _, err := p.Tick(context.Background(), int64(i)*1e6); err != nil {
				t.Fatal(err)
			}
		}
		if i%(n/4) == n/4-1 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			held = append(held, int64(m.HeapAlloc))
		}
	}
	c := p.Counters()
	if c.Calls != 501 || c.Overflow < int64(n)*9/10 || c.BufferedSpans > 20_000 || c.TracesEvicted == 0 {
		t.Errorf("%+v", c)
	}
	if held[3] > held[0]*3/2+(8<<20) || held[3] > 256<<20 {
		t.Errorf("heap after each quarter of the stream: %v", held)
	}
	t.Logf("heap after each quarter: %v", held)
}

// TestGiantTrace: one trace with more spans than fit costs a bounded time and is
// counted; a chain is the deepest tree there is.
func TestGiantTrace(t *testing.T) {
	p := newTestPipeline(t, Options{Rules: testRules(), Orchestrator: NewLedger(nil, State{Replicas: 1})})
	tick(t, p, 0)
	for i := range uint64(10_000) {
		s := span(i+1, fmt.Sprint("s", i%50), second, 900e6)
		s.TraceID, s.ParentID = trace.TraceID{Lo: 1}, trace.SpanID(i)
		if _, err := p.Span(s); err != nil {
			t.Fatal(err)
		}
	}
	if d := tick(t, p, 15*second); len(d) == 0 {
		t.Error("no decisions")
	}
	if c := p.Counters(); c.SpansUnbuffered != 10_000-4096 || c.TracesClosed != 1 {
		t.Errorf("%+v", c)
	}
}

// FuzzSpans reads spans and ticks from bytes: nothing may panic, every span is
// counted, and no decision is without a reason.
func FuzzSpans(f *testing.F) {
	seed := make([]byte, 0, 600)
	for i := range 30 {
		seed = append(seed, byte(i), byte(i%4), byte(i*7), byte(i%6), 200, byte(i), 9, 1, 0, 0, 0, 0, 0, 0, 0, byte(i), 3, 0, 255, 7)
	}
	f.Add(seed)
	f.Add([]byte(strings.Repeat("\xff", 200)))
	f.Fuzz(func(t *testing.T, in []byte) {
		p, err := New(Options{Rules: everyRule(), Orchestrator: NewLedger(nil, State{Replicas: 2, Resources: []ResourceState{{Resource: CPU, Request: 100, Limit: 200}}})})
		if err != nil {
			t.Fatal(err)
		}
		now, given, refused := int64(0), int64(0), int64(0)
		for ; len(in) >= 20; in = in[20:] {
			s := fuzzSpan(in[:20], now)
			given++
			if _, err := p.Span(s); err != nil {
				refused++
			}
			if in[0]%8 == 0 {
				now += int64(in[1]) * second
				decisions, err := p.Tick(context.Background(), now)
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range decisions {
					if d.Outcome == Held && d.Reason == noHold || d.Why.Rule == "" || d.String() == "" || d.Direction != Hold && d.From == d.To && len(d.Changes) == 0 {
						t.Fatalf("%+v", d)
					}
				}
			}
		}
		if c := p.Counters(); c.Spans != given || c.Refused.Total() != refused {
			t.Fatalf("%d spans, %d refused: %+v", given, refused, c)
		}
	})
}

// fuzzSpan makes a span near now of most bytes, and a wild one of some.
func fuzzSpan(b []byte, now int64) *Span {
	s := &Span{SpanKind: SpanKind(b[1] % 8), Status: Status(b[2] % 4)}
	s.TraceID, s.ID, s.ParentID = trace.TraceID{Lo: uint64(b[3] % 8)}, trace.SpanID(b[4]%16), trace.SpanID(b[5]%16)
	s.Service, s.Operation = string(rune('a'+b[6]%4)), string(rune('a'+b[7]%3))
	s.Duration = int64(binary.LittleEndian.Uint32(b[8:12])) >> (b[12] % 32)
	s.Start = now - int64(binary.LittleEndian.Uint32(b[13:17]))
	if b[17]%16 == 15 {
		s.Start, s.Duration = int64(binary.LittleEndian.Uint64(b[0:8])), int64(binary.LittleEndian.Uint64(b[8:16]))
	}
	if b[18]%4 == 0 {
		s.Attributes = []Attribute{{"peer.service", s.Service + "-peer"}}
	}
	return s
}
