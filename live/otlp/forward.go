package otlp

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/scale-eval/scale-eval/live/internal/raw"
)

// ForwardOptions of a Forwarder.
type ForwardOptions struct {
	// MaxBytes is how much may wait to be sent; what does not fit is dropped, and
	// counted. Default 16 MiB.
	MaxBytes int
	// MaxRequest is how much is put into one request when more waits. Default 1 MiB.
	MaxRequest int
	// GiveUp is how long one request is tried before it is dropped, and counted.
	// Default 5 min.
	GiveUp time.Duration
	// Timeout is how long one try may take. Default 10 s.
	Timeout time.Duration
}

// Forwarder is an Output that exports sampled spans to another OTLP/gRPC endpoint,
// in order, one request at a time, with retries as OTLP wants them. It never blocks
// the sampler: while the endpoint is away, MaxBytes wait.
type Forwarder struct {
	opt    ForwardOptions
	invoke func(ctx context.Context, msg []byte) error
	mu     sync.Mutex
	queue  []*Batch
	bytes  int
	wake   chan struct{}

	sent, dropped, retries atomic.Int64
}

// ForwardStats counts spans, and tries after the first.
type ForwardStats struct {
	Sent    int64 `json:"sent"`
	Dropped int64 `json:"dropped"`
	Retries int64 `json:"retries"`
	Waiting int   `json:"waiting_bytes"` // gauge
}

// NewForwarder makes a Forwarder over conn. Nothing is sent before Run.
func NewForwarder(conn grpc.ClientConnInterface, o ForwardOptions) *Forwarder {
	if o.MaxBytes <= 0 {
		o.MaxBytes = 16 << 20
	}
	if o.MaxRequest <= 0 {
		o.MaxRequest = 1 << 20
	}
	if o.GiveUp <= 0 {
		o.GiveUp = 5 * time.Minute
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	f := &Forwarder{opt: o, wake: make(chan struct{}, 1)}
	f.invoke = func(ctx context.Context, msg []byte) error {
		var res raw.Message
		defer res.Free()
		return conn.Invoke(ctx, exportMethod, &raw.Message{Data: msg}, &res, grpc.ForceCodecV2(raw.Codec))
	}
	return f
}

// Sampled queues b.
func (f *Forwarder) Sampled(b *Batch) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.bytes+len(b.Data) > f.opt.MaxBytes {
		f.dropped.Add(int64(len(b.IDs)))
		return
	}
	f.queue, f.bytes = append(f.queue, b), f.bytes+len(b.Data)
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Stats is what happened so far.
func (f *Forwarder) Stats() ForwardStats {
	f.mu.Lock()
	waiting := f.bytes
	f.mu.Unlock()
	return ForwardStats{Sent: f.sent.Load(), Dropped: f.dropped.Load(), Retries: f.retries.Load(), Waiting: waiting}
}

// Run sends until stop is closed and nothing waits, or ctx ends. What waits then is
// counted as dropped.
func (f *Forwarder) Run(ctx context.Context, stop <-chan struct{}) {
	for ctx.Err() == nil {
		msg, spans := f.take()
		if spans > 0 {
			f.send(ctx, msg, spans)
			continue
		}
		select {
		case <-f.wake:
		case <-stop:
			if msg, spans = f.take(); spans == 0 {
				return
			}
			f.send(ctx, msg, spans)
		case <-ctx.Done():
		}
	}
	for _, spans := f.take(); spans > 0; _, spans = f.take() {
		f.dropped.Add(int64(spans))
	}
}

// take is the next request: TracesData messages one behind the other are one.
func (f *Forwarder) take() (msg []byte, spans int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, b := range f.queue {
		if n > 0 && len(msg)+len(b.Data) > f.opt.MaxRequest {
			break
		}
		msg, spans = append(msg, b.Data...), spans+len(b.IDs)
		n++
	}
	clear(f.queue[:n])
	f.queue = f.queue[n:]
	f.bytes -= len(msg)
	return msg, spans
}

// send tries until it is taken, refused for good, or GiveUp is over.
func (f *Forwarder) send(ctx context.Context, msg []byte, spans int) {
	deadline := time.Now().Add(f.opt.GiveUp)
	for backoff := firstBackoff; ; backoff = min(2*backoff, lastBackoff) {
		try, cancel := context.WithTimeout(ctx, f.opt.Timeout)
		err := f.invoke(try, msg)
		cancel()
		if err == nil {
			f.sent.Add(int64(spans))
			return
		}
		wait, again := retryAfter(err, backoff)
		if !again || ctx.Err() != nil || time.Now().Add(wait).After(deadline) {
			f.dropped.Add(int64(spans))
			return
		}
		f.retries.Add(1)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

const (
	firstBackoff = 200 * time.Millisecond
	lastBackoff  = 30 * time.Second
)

// retryAfter says, by OTLP's table of codes, whether to try again and when: as the
// server says, or after the back-off, of which up to a half is left out by chance so
// that senders do not come back in step.
func retryAfter(err error, backoff time.Duration) (wait time.Duration, again bool) {
	s := status.Convert(err)
	var told *errdetails.RetryInfo
	for _, d := range s.Details() {
		if info, ok := d.(*errdetails.RetryInfo); ok {
			told = info
		}
	}
	switch s.Code() {
	case codes.Canceled, codes.DeadlineExceeded, codes.Aborted, codes.OutOfRange, codes.Unavailable, codes.DataLoss:
	case codes.ResourceExhausted:
		if told == nil {
			return 0, false
		}
	default:
		return 0, false
	}
	if d := told.GetRetryDelay().AsDuration(); told != nil && d > 0 {
		return min(d, lastBackoff), true
	}
	return backoff - rand.N(backoff/2), true
}
