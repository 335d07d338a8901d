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

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

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

// TestBetween: exports are judged between the steps of a function that takes many, one
// a step.
func TestBetween(t *testing.T) {
	judge := &script{}
	st := started(t, Options{Judge: judge})
	spans := 0
	judge.each = func(*live.Span) { spans++ }
	const exports = 20
	steps, most := 0, 0
	begun := make(chan bool)
	var wait sync.WaitGroup
	wait.Go(func() {
		check(t, st.Do(t.Context(), func() {
			close(begun)
			before := 0
			st.Between(func() bool {
				most, before = max(most, spans-before), spans
				steps++
				return spans < 2*exports // or for ever, if they had to wait
			})
		}))
	})
	<-begun
	for range exports {
		wait.Go(func() {
			if _, err := st.Export(t.Context(), marshalled(t, export("s", "a", "b"))); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if most != 2 || steps <= exports {
		t.Errorf("%d steps, at most %d spans between two of them, want 2", steps, most)
	}
}
