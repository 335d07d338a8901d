package otlp

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc/tap"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/secure"
)

// In here a fault comes while service s is slow. Every test asserts two things: spans
// that were acknowledged are counted once each, and the action is taken once.

// acts writes down what was done.
type acts struct {
	live.Ledger
	done []string
}

func (a *acts) Scale(ctx context.Context, x live.Action) error {
	a.done = append(a.done, fmt.Sprintf("%s %d->%d", x.Target.Name, x.From, x.To))
	return a.Ledger.Scale(ctx, x)
}

// controlled is a pipeline with one rule behind a stage. acts belongs to the stage's
// goroutine, or to the test after Drain.
type controlled struct {
	*Stage
	p    *live.Pipeline
	acts acts
	slow time.Duration // how long each span takes to judge
}

func (c *controlled) Span(s *live.Span) (trace.Decision, error) {
	if c.slow > 0 {
		time.Sleep(c.slow)
	}
	return c.p.Span(s)
}

func (c *controlled) Advance(now int64) { c.p.Advance(now) }

func control(t *testing.T, o Options) *controlled {
	c := &controlled{acts: acts{Ledger: *live.NewLedger(nil, live.State{Replicas: 3})}}
	set := live.DefaultSettings()
	set.TraceWait = 0 // traces are closed at once, however fast the machine is
	p, err := live.New(live.Options{Orchestrator: &c.acts, Rules: live.RuleSet{
		Settings: set,
		Default:  live.Guard{CooldownUp: 10 * time.Minute},
		Rules: []live.RuleSpec{{Name: "slow", When: live.Condition{Latency: 100 * time.Millisecond, Times: 3, Window: time.Minute},
			Then: live.Response{Horizontal: &live.HorizontalResponse{Amount: live.Amount{Mode: live.Step, Value: 2}}}}},
	}})
	check(t, err)
	c.p, o.Judge = p, c
	c.Stage = NewStage(o)
	return c
}

// tick ticks as if the clock were off by d.
func (c *controlled) tick(t *testing.T, d time.Duration) {
	check(t, c.Do(context.Background(), func() {
		_, err := c.p.Tick(context.Background(), time.Now().Add(d).UnixNano())
		check(t, err)
	}))
}

// want drains, and asserts how many spans were counted, by both counts, and what was
// done.
func (c *controlled) want(t *testing.T, spans int64, done ...string) {
	t.Helper()
	check(t, c.Drain(t.Context()))
	sc, pc := c.Counters(), c.p.Counters()
	if sc.Spans != spans || pc.Spans != spans {
		t.Errorf("%d spans were acknowledged; counted: %+v, and by the pipeline %+v", spans, sc, pc)
	}
	if fmt.Sprint(c.acts.done) != fmt.Sprint(done) {
		t.Errorf("actions %q, want %q", c.acts.done, done)
	}
}

// slowExport has n spans of 300 ms.
func slowExport(service string, n int) *collectorpb.ExportTraceServiceRequest {
	req := export(service, make([]string, n)...)
	for _, s := range req.ResourceSpans[0].ScopeSpans[0].Spans {
		s.Name, s.StartTimeUnixNano = "slow", s.EndTimeUnixNano-uint64(300*time.Millisecond)
	}
	return req
}

// TestOverload: senders offer ten times what the judge can do, for a virtual minute.
// They keep to OTLP's contract: what is refused is sent again after RetryInfo.
func TestOverload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const spansAnExport, maxPending = 10, 8
		perSpan, senders := time.Millisecond, 250 // 1 000 spans a second, and 10 000
		if raceEnabled {
			perSpan, senders = 10*perSpan, 40
		}
		capacity := int64(time.Minute / perSpan)
		c := control(t, Options{MaxPending: maxPending})
		c.slow = perSpan
		var offered, acked, tries, giving atomic.Int64
		var worst time.Duration
		var mu sync.Mutex
		deadline := time.Now().Add(time.Minute)
		sender := func() {
			for time.Now().Before(deadline) {
				msg := marshalled(t, slowExport("s", spansAnExport))
				offered.Add(spansAnExport)
				for {
					tries.Add(1)
					from := time.Now()
					err := admitted(c.Stage, func(ctx context.Context) error { _, err := c.Export(ctx, msg); return err })
					mu.Lock()
					worst = max(worst, time.Since(from))
					mu.Unlock()
					if err == nil {
						acked.Add(spansAnExport)
						break
					}
					if time.Now().After(deadline.Add(30 * time.Second)) {
						giving.Add(spansAnExport)
						break
					}
					time.Sleep(retryInfo(err))
				}
				time.Sleep(100 * time.Millisecond)
			}
		}
		var wait sync.WaitGroup
		for range senders { // each comes with 10 spans every 250 ms at least
			wait.Go(sender)
		}
		for range 90 {
			time.Sleep(time.Second)
			c.tick(t, 0)
		}
		wait.Wait()
		c.want(t, acked.Load(), "s 3->5")
		st := c.Counters()
		t.Logf("offered %d, acknowledged %d in %d tries, refused %d, longest answer %v", offered.Load(), acked.Load(), tries.Load(), st.Full, worst)
		if st.Duplicate != 0 {
			t.Errorf("%d spans were judged twice", st.Duplicate)
		}
		if acked.Load()+giving.Load() != offered.Load() || acked.Load() < capacity*8/10 || tries.Load()*spansAnExport < 9*capacity {
			t.Errorf("offered %d, acknowledged %d, given up by senders %d", offered.Load(), acked.Load(), giving.Load())
		}
		if limit := (maxPending + 1) * spansAnExport * perSpan; worst > limit {
			t.Errorf("an answer took %v; %d exports wait at most, %v", worst, maxPending, limit)
		}
	})
}

// admitted runs f as a gRPC call that Admit lets in.
func admitted(st *Stage, f func(context.Context) error) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel() // gives the place back
	ctx, err := st.Admit(ctx, &tap.Info{FullMethodName: exportMethod})
	if err != nil {
		return err
	}
	return f(ctx)
}

// TestReconnects: connections break under their senders, which send what was not
// acknowledged again. The pipeline notices copies.
func TestReconnects(t *testing.T) {
	c := control(t, Options{})
	addr := served(t, c.Stage, secure.Options{})
	const exports = 50
	for i := range exports {
		req := slowExport("s", 2)
		for try := 0; ; try++ {
			conn := dialled(t, addr)
			ctx, cancel := context.WithCancel(t.Context())
			if try == 0 { // the line goes down while the export is on its way
				go func() { conn.Close(); cancel() }()
			}
			_, err := collectorpb.NewTraceServiceClient(conn).Export(ctx, req)
			conn.Close()
			cancel()
			if err == nil {
				break
			}
		}
		c.tick(t, time.Duration(i)*100*time.Millisecond)
	}
	c.tick(t, 15*time.Second)       // their traces are closed
	twice := c.Counters().Duplicate // their first acknowledgement did not arrive
	c.want(t, 2*exports+twice, "s 3->5")
	if k := c.p.Counters(); k.Spans-k.Refused.Total() != 2*exports {
		t.Errorf("%d spans sent; %+v", 2*exports, k)
	}
}

// TestNames: a million operation names must not be a million of anything.
func TestNames(t *testing.T) {
	n := 1_000_000
	if raceEnabled {
		n = 30_000
	}
	c := control(t, Options{})
	for from := 0; from < n; from += 1000 {
		req := export("s", make([]string, 1000)...)
		if from%100_000 == 0 {
			req = slowExport("s", 1000)
		}
		for i, s := range req.ResourceSpans[0].ScopeSpans[0].Spans {
			s.Name = fmt.Sprint("op-", from+i)
		}
		_, err := c.Export(t.Context(), marshalled(t, req))
		check(t, err)
		if from%10_000 == 0 {
			c.tick(t, 0)
		}
	}
	c.want(t, int64(n), "s 3->5")
	set := live.DefaultSettings()
	if pc := c.p.Counters(); pc.Calls > set.MaxCalls+1 || pc.BufferedSpans > set.MaxBufferedSpans || pc.Overflow < int64(n-set.MaxCalls-1) {
		t.Errorf("%+v", pc)
	}
}

// TestClockJump: the clock goes three hours ahead and comes back. Spans are counted, as
// future or late where they are so. Time does not run backwards for the pipeline, so
// until the true time has caught up its spans are late, and nothing is done on them.
func TestClockJump(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := control(t, Options{})
		var sent int64
		at := func(d time.Duration) {
			c.tick(t, d)
			a, err := c.Export(t.Context(), marshalled(t, slowExport("s", 5)))
			check(t, err)
			if sent += 5; a.Spans != 5 {
				t.Errorf("%+v", a)
			}
			c.tick(t, d+time.Second)
		}
		at(0)
		at(3 * time.Hour) // these ended three hours ago
		at(0)
		if len(c.acts.done) != 1 {
			t.Errorf("actions %q around the jump, want the one before it", c.acts.done)
		}
		time.Sleep(6 * time.Hour) // the true time catches up, and it is slow again
		at(0)
		c.want(t, sent, "s 3->5", "s 5->7")
		if k := c.p.Counters(); k.Refused.Late != 10 || k.Refused.Total() != 10 {
			t.Errorf("%+v: want 10 late spans of 20", k)
		}
	})
}

// TestHostileSenders: half of the exports are cut, or have a bit that fell over. What
// is refused counts nothing; whatever is acknowledged adds up, and the good half acts
// once.
func TestHostileSenders(t *testing.T) {
	c := control(t, Options{})
	rng := rand.New(rand.NewPCG(1, 2))
	var acked, good int64
	for i := range 2000 {
		msg := marshalled(t, slowExport("s", 3))
		switch at := rng.IntN(len(msg)); i % 4 {
		case 0:
			msg = msg[:at]
		case 1:
			msg[at] ^= 1 << rng.IntN(8)
		default:
			good += 3
		}
		if a, err := c.Export(t.Context(), msg); err == nil {
			acked += int64(a.Spans)
		} else if i%4 > 1 {
			t.Fatal(err)
		}
		if i%100 == 99 {
			c.tick(t, time.Duration(i)*10*time.Millisecond)
		}
	}
	check(t, c.Drain(t.Context()))
	first := 0
	for _, done := range c.acts.done {
		if done == "s 3->5" { // a bit in a name makes another service, of its own
			first++
		}
	}
	if k := c.Counters(); first != 1 || k.Spans != acked || acked < good || k.Malformed == 0 {
		t.Errorf("%d spans acknowledged, %d of good exports; %+v; actions %q", acked, good, k, c.acts.done)
	}
}
