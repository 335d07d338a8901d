package otlp

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"

	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/secure"
)

// retryInfo is what err asks a sender to wait; 0: not to come again.
func retryInfo(err error) time.Duration {
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.RetryInfo); ok {
			return info.GetRetryDelay().AsDuration()
		}
	}
	return 0
}

// TestBackPressure holds the judge up: MaxPending exports wait, the next is told to
// come again, over gRPC and HTTP, and does, with nothing lost or judged twice.
func TestBackPressure(t *testing.T) {
	judge := &script{hold: make(chan struct{})}
	st := started(t, Options{Judge: judge, MaxPending: 2})
	client := clientOf(t, served(t, st, secure.Options{}))
	web := httptest.NewServer(st.Handler(1 << 20))
	defer web.Close()

	var wait sync.WaitGroup
	for i := range 2 {
		wait.Go(func() {
			if _, err := client.Export(t.Context(), export(fmt.Sprint("first-", i), "a")); err != nil {
				t.Error(err)
			}
		})
	}
	for st.Counters().Pending < 2 {
		time.Sleep(time.Millisecond) // gRPC has goroutines of its own: no virtual clock
	}
	again := export("again", "a")
	_, err := client.Export(t.Context(), again)
	if status.Code(err) != codes.Unavailable || retryInfo(err) != DefaultRetryDelay {
		t.Errorf("full: %v, RetryInfo %v", err, retryInfo(err))
	}
	res, _, err := post(t, web.URL+TracesPath, typeProto, "", marshalled(t, again))
	check(t, err)
	if res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") != "1" {
		t.Errorf("full: %s, Retry-After %q", res.Status, res.Header.Get("Retry-After"))
	}
	close(judge.hold)
	wait.Wait()
	for {
		if _, err = client.Export(t.Context(), again); status.Code(err) != codes.Unavailable {
			break // a place is given back just after its answer
		}
	}
	check(t, err)
	if c := st.Counters(); judge.seen() != 3 || c.Spans != 3 || c.Full < 2 {
		t.Errorf("%d spans judged; %+v", judge.seen(), c)
	}
}

func TestMemoryLimitSheds(t *testing.T) {
	var over atomic.Bool
	st := started(t, Options{Judge: &script{}, Overloaded: over.Load})
	client := clientOf(t, served(t, st, secure.Options{}))
	over.Store(true)
	if _, err := client.Export(t.Context(), export("s", "a")); status.Code(err) != codes.Unavailable || retryInfo(err) == 0 {
		t.Errorf("over the limit: %v", err)
	}
	over.Store(false)
	if _, err := client.Export(t.Context(), export("s", "a")); err != nil {
		t.Error(err)
	}
	if c := st.Counters(); c.Memory != 1 || c.Spans != 1 {
		t.Errorf("%+v", c)
	}
}

func TestMemoryLimitReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		heap, reads := int64(50), 0
		over := memoryLimit(100, func() int64 { reads++; return heap })
		if over() {
			t.Error("below the limit")
		}
		heap = 101
		if over() || reads != 1 {
			t.Errorf("a reading is good for %v; %d reads", heapAge, reads)
		}
		time.Sleep(heapAge)
		if !over() {
			t.Error("above the limit")
		}
	})
	if MemoryLimit(1 << 50)() {
		t.Error("this process has no PiB")
	}
}

// TestBytesInFlight: what waits is bounded in bytes; a single giant still gets in.
func TestBytesInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		judge := &script{hold: make(chan struct{})}
		st := NewStage(Options{Judge: judge, MaxBytes: 2000})
		var wait sync.WaitGroup
		wait.Go(func() {
			if _, err := st.Export(t.Context(), marshalled(t, export("giant", make([]string, 100)...))); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		_, err := st.Export(t.Context(), marshalled(t, export("s", "a")))
		if retryInfo(err) == 0 || st.Counters().Bytes != 1 {
			t.Errorf("beside a giant: %v", err)
		}
		close(judge.hold)
		wait.Wait()
		_, err = st.Export(t.Context(), marshalled(t, export("s", "a")))
		check(t, err)
		check(t, st.Drain(t.Context()))
		if c := st.Counters(); c.PendingBytes != 0 || c.Spans != 101 {
			t.Errorf("%+v", c)
		}
	})
}

// TestAbandoned: a sender that gave up in the queue comes again, so its first export
// must not be judged.
func TestAbandoned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		judge := &script{hold: make(chan struct{})}
		st := NewStage(Options{Judge: judge})
		msg := marshalled(t, export("s", "a"))
		var wait sync.WaitGroup
		wait.Go(func() {
			_, err := st.Export(t.Context(), marshalled(t, export("first", "a")))
			check(t, err)
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := st.Export(ctx, msg); err != context.DeadlineExceeded {
			t.Errorf("got %v", err)
		}
		wait.Go(func() {
			_, err := st.Export(t.Context(), msg)
			check(t, err)
		})
		synctest.Wait()
		close(judge.hold)
		wait.Wait()
		check(t, st.Drain(t.Context()))
		if c := st.Counters(); judge.seen() != 2 || c.Spans != 2 || c.Abandoned != 1 {
			t.Errorf("%d judged, %+v", judge.seen(), c)
		}
	})
}

// TestDrain: what is in flight is answered, what comes is sent away, and a judge
// that hangs does not hold the end up: its export was not acknowledged.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		judge := &script{each: func(*live.Span) { time.Sleep(time.Second) }}
		st := NewStage(Options{Judge: judge})
		var acked, refused atomic.Int64
		var wait sync.WaitGroup
		for range 5 {
			wait.Go(func() {
				switch _, err := st.Export(context.Background(), marshalled(t, export("s", "a"))); {
				case err == nil:
					acked.Add(1)
				case retryInfo(err) > 0:
					refused.Add(1)
				}
			})
		}
		time.Sleep(500 * time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		start := time.Now()
		err := st.Drain(ctx)
		if d := time.Since(start); err != context.DeadlineExceeded || d > 4*time.Second {
			t.Errorf("drained in %v: %v", d, err)
		}
		wait.Wait()
		if acked.Load() != int64(judge.seen()) || acked.Load()+refused.Load() != 5 || refused.Load() == 0 {
			t.Errorf("%d acknowledged, %d refused, %d judged", acked.Load(), refused.Load(), judge.seen())
		}
		if _, err := st.Export(t.Context(), nil); retryInfo(err) == 0 {
			t.Errorf("after the end: %v", err)
		}
		if err := st.Do(t.Context(), func() { t.Error("ran") }); err == nil {
			t.Error("Do after the end: no error")
		}
		check(t, st.Drain(t.Context()))
	})
}

func TestDoRunsBetweenExports(t *testing.T) {
	judge := &script{}
	st := started(t, Options{Judge: judge})
	var wait sync.WaitGroup
	busy := false // the race detector watches it
	judge.each = func(*live.Span) { busy = !busy }
	for range 20 {
		wait.Go(func() { st.Export(t.Context(), marshalled(t, export("s", "a", "b"))) })
		wait.Go(func() { check(t, st.Do(t.Context(), func() { busy = !busy })) })
	}
	wait.Wait()
	if busy != false {
		t.Error("60 flips are none")
	}
}

// TestMeanwhile: exports are judged while a function waits for others, and one after
// the other still; the next function waits.
func TestMeanwhile(t *testing.T) {
	judge := &script{}
	st := started(t, Options{Judge: judge})
	var wait sync.WaitGroup
	busy := 0 // the race detector watches it
	judge.each = func(*live.Span) { busy++ }
	asked, answered := make(chan bool), make(chan bool)
	wait.Go(func() {
		check(t, st.Do(t.Context(), func() {
			before := busy
			st.Meanwhile(func() { close(asked); <-answered })
			if busy != before+40 {
				t.Errorf("%d spans were judged meanwhile, want 40", busy-before)
			}
			busy = -1
		}))
	})
	<-asked
	wait.Go(func() {
		check(t, st.Do(t.Context(), func() {
			if busy != -1 {
				t.Errorf("%d: the second function ran within the first", busy)
			}
		}))
	})
	var senders sync.WaitGroup
	for range 20 {
		senders.Go(func() {
			if _, err := st.Export(t.Context(), marshalled(t, export("s", "a", "b"))); err != nil {
				t.Error(err)
			}
		})
	}
	senders.Wait() // they would wait for ever
	close(answered)
	wait.Wait()
}

// TestOverload: senders offer ten times what the judge can do, for a virtual minute.
// They keep to OTLP's contract: what is refused is sent again after RetryInfo.
// Nothing acknowledged is lost or judged twice, and what waits stays bounded.
func TestOverload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const perSpan, spansAnExport, maxPending = time.Millisecond, 10, 8 // 1 000 spans a second
		judge := &script{each: func(*live.Span) { time.Sleep(perSpan) }}
		st := NewStage(Options{Judge: judge, MaxPending: maxPending})
		var offered, acked, tries, giving atomic.Int64
		var worst time.Duration
		var mu sync.Mutex
		deadline := time.Now().Add(time.Minute)
		sender := func() {
			for time.Now().Before(deadline) {
				ops := make([]string, spansAnExport)
				msg := marshalled(t, export("s", ops...))
				offered.Add(spansAnExport)
				for {
					tries.Add(1)
					from := time.Now()
					err := admitted(st, func(ctx context.Context) error { _, err := st.Export(ctx, msg); return err })
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
		for range 250 { // each comes with 10 spans every 250 ms at least: 10 000 a second
			wait.Go(sender)
		}
		wait.Wait()
		check(t, st.Drain(t.Context()))
		c := st.Counters()
		t.Logf("offered %d, acknowledged %d in %d tries, refused %d, longest answer %v", offered.Load(), acked.Load(), tries.Load(), c.Full, worst)
		if c.Spans != acked.Load() || int64(judge.seen()) != acked.Load() || len(judge.ids) != judge.seen() {
			t.Errorf("acknowledged %d, counted %d, judged %d, of these %d different", acked.Load(), c.Spans, judge.seen(), len(judge.ids))
		}
		if acked.Load()+giving.Load() != offered.Load() || acked.Load() < 50_000 || tries.Load()*spansAnExport < 9*60_000 {
			t.Errorf("offered %d, acknowledged %d, given up by senders %d", offered.Load(), acked.Load(), giving.Load())
		}
		if limit := maxPending * spansAnExport * perSpan; worst > limit {
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
	p, err := live.New(live.Options{Rules: live.RuleSet{Settings: live.DefaultSettings()}})
	check(t, err)
	st := started(t, Options{Judge: p})
	addr := served(t, st, secure.Options{})
	const exports = 50
	for range exports {
		req := export("s", "a", "b")
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
	}
	c, pc := st.Counters(), p.Counters()
	if c.Spans-c.Duplicate != 2*exports || pc.Sampled != 2*exports {
		t.Errorf("%d spans sent: %+v", 2*exports, c)
	}
}

// TestNames: a million operation names must not be a million of anything.
func TestNames(t *testing.T) {
	n := 1_000_000
	if raceEnabled {
		n = 100_000
	}
	set := live.DefaultSettings()
	p, err := live.New(live.Options{Rules: live.RuleSet{Settings: set}})
	check(t, err)
	st := started(t, Options{Judge: p})
	for from := 0; from < n; from += 1000 {
		req := export("s")
		for i := range 1000 {
			req.ResourceSpans[0].ScopeSpans[0].Spans = append(req.ResourceSpans[0].ScopeSpans[0].Spans,
				export("s", fmt.Sprint("op-", from+i)).ResourceSpans[0].ScopeSpans[0].Spans...)
		}
		_, err := st.Export(t.Context(), marshalled(t, req))
		check(t, err)
	}
	check(t, st.Do(t.Context(), func() {
		c := p.Counters()
		if c.Spans != int64(n) || c.Calls > set.MaxCalls+1 || c.BufferedSpans > set.MaxBufferedSpans || c.Overflow < int64(n-set.MaxCalls-1) {
			t.Errorf("%+v", c)
		}
	}))
	if c := st.Counters(); c.Spans != int64(n) {
		t.Errorf("%+v", c)
	}
}

// TestClockJump: the clock goes an hour ahead and comes back. Spans are counted, as
// future or late where they are so, and none is lost.
func TestClockJump(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, err := live.New(live.Options{Rules: live.RuleSet{Settings: live.DefaultSettings()}})
		check(t, err)
		st := NewStage(Options{Judge: p})
		tick := func(d time.Duration) {
			check(t, st.Do(t.Context(), func() { _, err = p.Tick(t.Context(), time.Now().Add(d).UnixNano()) }))
			check(t, err)
		}
		send := func() {
			a, err := st.Export(t.Context(), marshalled(t, export("s", "a", "b")))
			check(t, err)
			if a.Spans != 2 {
				t.Errorf("%+v", a)
			}
		}
		tick(0)
		send()
		tick(time.Hour)
		send() // now these ended an hour ago
		tick(0)
		send()
		time.Sleep(2 * time.Hour) // the true time catches up
		tick(0)
		send()
		check(t, st.Drain(t.Context()))
		if c := st.Counters(); c.Spans != 8 || c.Sampled < 4 || c.Spans != c.Sampled+c.Late+c.Future {
			t.Errorf("%+v", c)
		}
	})
}
