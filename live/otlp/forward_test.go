package otlp

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/live/secure"
)

// batchOf is a batch of one service with these operations.
func batchOf(t testing.TB, service string, operations ...string) *Batch {
	return &Batch{Data: marshalled(t, export(service, operations...)), IDs: make([]trace.TraceID, len(operations))}
}

// TestForwardRetries goes through OTLP's table: what passes is tried again until it
// is taken, after the server's delay if it says one, and what does not is dropped.
func TestForwardRetries(t *testing.T) {
	info := func(code codes.Code) error {
		s, err := status.New(code, "busy").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(3 * time.Second)})
		check(t, err)
		return s.Err()
	}
	for _, c := range []struct {
		name     string
		answers  []error // nil at the end: taken
		sent     int64
		min, max time.Duration
	}{
		{"at once", nil, 2, 0, 0},
		{"unavailable", []error{status.Error(codes.Unavailable, "")}, 2, firstBackoff / 2, firstBackoff},
		{"told when", []error{info(codes.ResourceExhausted), info(codes.Unavailable)}, 2, 6 * time.Second, 6 * time.Second},
		{"exhausted, not told", []error{status.Error(codes.ResourceExhausted, "too large")}, 0, 0, 0},
		{"invalid", []error{status.Error(codes.InvalidArgument, "")}, 0, 0, 0},
		{"down for long", downFor(100), 0, 4 * time.Minute, 5 * time.Minute},
		{"back after a minute", downFor(8), 2, 20 * time.Second, 2 * time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := NewForwarder(nil, ForwardOptions{})
			n := 0
			f.invoke = func(context.Context, []byte) error {
				n++
				if n <= len(c.answers) {
					return c.answers[n-1]
				}
				return nil
			}
			f.Sampled(batchOf(t, "s", "a", "b"))
			stop := make(chan struct{})
			close(stop)
			start := time.Now()
			f.Run(t.Context(), stop)
			d := time.Since(start)
			if s := f.Stats(); s.Sent != c.sent || s.Dropped != 2-c.sent || s.Waiting != 0 || d < c.min || d > c.max {
				t.Errorf("%s: %+v after %v in %d tries", c.name, s, d, n)
			}
		})
	}
}

func downFor(tries int) (out []error) {
	for range tries {
		out = append(out, status.Error(codes.Unavailable, "no route"))
	}
	return out
}

// A peer that is stuck costs MaxBytes and what is dropped is counted; the sampler
// never waits. At the end what still waits is counted, too.
func TestForwardBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewForwarder(nil, ForwardOptions{MaxBytes: 1000})
		f.invoke = func(ctx context.Context, _ []byte) error { <-ctx.Done(); return ctx.Err() }
		ctx, cancel := context.WithCancel(t.Context())
		var wait sync.WaitGroup
		wait.Go(func() { f.Run(ctx, nil) })
		for range 100 {
			f.Sampled(batchOf(t, "s", "a"))
		}
		if s := f.Stats(); s.Waiting > 1000 || s.Dropped == 0 {
			t.Errorf("%+v", s)
		}
		cancel()
		wait.Wait()
		if s := f.Stats(); s.Dropped != 100 || s.Waiting != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestForwardChain puts two stages in a row, as a sampler inside a pipeline of
// Collectors: the second gets what the first kept.
func TestForwardChain(t *testing.T) {
	last := &script{}
	second := started(t, Options{Judge: last})
	f := NewForwarder(dialled(t, served(t, second, secure.Options{})), ForwardOptions{})
	first := started(t, Options{Judge: &script{}, Outputs: []Output{f}})
	for range 10 {
		_, err := first.Export(t.Context(), marshalled(t, export("s", "a", "slow", "b", "slow")))
		check(t, err)
	}
	stop := make(chan struct{})
	close(stop)
	f.Run(t.Context(), stop)
	if s, c := f.Stats(), second.Counters(); s.Sent != 20 || c.Sampled != 20 || c.Exports == 0 {
		t.Errorf("%+v, %+v", s, c)
	}
}
