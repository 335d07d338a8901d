package stream

import (
	"context"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/secure"
	"github.com/scale-eval/scale-eval/live/stream/streampb"
)

// counting counts what is done.
type counting struct {
	live.Ledger
	done int
}

func (c *counting) Scale(ctx context.Context, a live.Action) error {
	c.done++
	return c.Ledger.Scale(ctx, a)
}

// TestStuckSubscriberHoldsNothingUp: while a subscriber does not read and misses spans,
// each that was acknowledged is counted, and the action on them is taken, once.
func TestStuckSubscriberHoldsNothingUp(t *testing.T) {
	set := live.DefaultSettings()
	set.TraceWait = 0
	done := &counting{Ledger: *live.NewLedger(nil, live.State{Replicas: 3})}
	p, err := live.New(live.Options{Orchestrator: done, Rules: live.RuleSet{
		Settings: set, Default: live.Guard{CooldownUp: time.Hour},
		Rules: []live.RuleSpec{{Name: "slow", When: live.Condition{Latency: 100 * time.Millisecond, Times: 3, Window: time.Minute},
			Then: live.Response{Horizontal: &live.HorizontalResponse{Amount: live.Amount{Mode: live.Step, Value: 2}}}}},
	}})
	check(t, err)
	hub := NewHub(Options{MaxBytes: 16 << 10})
	st := stage(t, p, hub)
	addr, _ := serve(t, hub, st, "127.0.0.1:0", secure.Options{})
	in, err := streampb.NewSampledStreamClient(dial(t, addr)).Spans(t.Context(), &streampb.SpansRequest{Subscriber: "stuck"})
	check(t, err)
	_, err = in.Recv() // it holds, and nothing is read after this
	check(t, err)
	total := 0
	for ; hub.Subscribers()[0].Missed < 1000; total += 20 {
		td := traces(total, 20)
		for _, s := range td.ResourceSpans[0].ScopeSpans[0].Spans {
			s.EndTimeUnixNano = uint64(time.Now().UnixNano())
			s.StartTimeUnixNano = s.EndTimeUnixNano - uint64(300*time.Millisecond)
		}
		msg, err := proto.Marshal(td)
		check(t, err)
		a, err := st.Export(t.Context(), msg)
		check(t, err)
		if a.Spans != 20 {
			t.Fatalf("%+v", a)
		}
		check(t, st.Do(t.Context(), func() {
			_, err = p.Tick(t.Context(), time.Now().UnixNano())
		}))
		check(t, err)
	}
	check(t, st.Do(t.Context(), func() {
		if c := p.Counters(); c.Spans != int64(total) || c.Refused.Total() != 0 || done.done != 1 {
			t.Errorf("%d spans were acknowledged, %d actions, want 1; %+v", total, done.done, c)
		}
	}))
}
