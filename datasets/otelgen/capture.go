package otelgen

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip" // senders compress with it by default

	"github.com/scale-eval/scale-eval/datasets/otlp"
	_ "github.com/scale-eval/scale-eval/datasets/otlp/grpczstd" // others compress with it
	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Defaults and bounds. A sender can make the server hold maxConnections x
// maxStreams messages of MaxMessage bytes, 256 MiB by default, and MaxPending of
// them decoded.
const (
	DefaultMaxMessage = 4 << 20 // gRPC's own and the Collector's default
	DefaultMaxPending = 8
	DefaultDrain      = 5 * time.Second

	maxConnections = 16
	maxStreams     = 4 // of a connection
)

// Sink takes the captured spans, one at a time, never two at once. The span is
// valid during the call; its strings stay valid. An error ends the capture.
type Sink func(*trace.Span) error

// Options of a Capture. The zero value captures until the context ends.
type Options struct {
	// Limit ends the capture when at least so many spans are in the sink. The
	// export that crosses it is taken whole: a sender cannot be told to keep half.
	// 0: no limit.
	Limit int64
	// ServiceAttr is the span attribute that names the service; see otlp.Options.
	ServiceAttr string
	// MaxMessage is the largest export in bytes, decompressed. A larger one is
	// refused for good. Default DefaultMaxMessage.
	MaxMessage int
	// MaxPending is how many exports may wait for their turn; more are told to come
	// again. Default DefaultMaxPending.
	MaxPending int
	// Drain is how long, at the end, exports that wait may take to finish before
	// they are cut off, not acknowledged. Default DefaultDrain.
	Drain time.Duration
	// Progress is called after each export that was taken, in turn with the sink.
	Progress func(Stats)
}

// Stats is what a Capture did.
type Stats struct {
	Spans   int64     // handed to the sink and acknowledged, unless the sink failed
	Exports int64     // acknowledged
	Refused int64     // exports told to come again
	Bad     trace.Bad // spans rejected; Row counts the spans of the capture
	Tally   otlp.Tally
}

// Capture serves OTLP/gRPC on lis, which it closes, and hands every span to sink.
// It returns when Limit is reached or ctx ends, both of which are not errors, or
// when the sink or the listener fails. When it returns, the sink is not called
// any more: a sink that never returns keeps Capture from returning.
func Capture(ctx context.Context, lis net.Listener, sink Sink, opt Options) (Stats, error) {
	opt = opt.withDefaults()
	r := newReceiver(lis.Addr().String(), sink, opt)
	srv := grpc.NewServer(
		grpc.MaxRecvMsgSize(opt.MaxMessage),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.WaitForHandlers(true),
	)
	srv.RegisterService(&serviceDesc, r)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(newLimitListener(lis, maxConnections)) }()

	var serveErr error
	select {
	case <-ctx.Done():
	case <-r.done:
	case serveErr = <-served:
	}
	cut := time.AfterFunc(opt.Drain, srv.Stop)
	srv.GracefulStop()
	cut.Stop()
	stats, err := r.result()
	return stats, errors.Join(err, serveErr)
}

func (o Options) withDefaults() Options {
	if o.MaxMessage <= 0 {
		o.MaxMessage = DefaultMaxMessage
	}
	if o.MaxPending <= 0 {
		o.MaxPending = DefaultMaxPending
	}
	if o.Drain <= 0 {
		o.Drain = DefaultDrain
	}
	return o
}

// receiver is the state of a Capture. Whoever holds turn owns the fields below it.
type receiver struct {
	opt    Options
	places chan struct{} // held by an export from before it is decoded to its answer
	done   chan struct{} // closed when no more spans are wanted
	turn   chan struct{}

	sink    Sink
	convert *otlp.Converter
	stats   Stats
	err     error
	closed  bool // done

	mu      sync.Mutex
	refused int64
}

func newReceiver(name string, sink Sink, opt Options) *receiver {
	return &receiver{
		opt:     opt,
		places:  make(chan struct{}, opt.MaxPending),
		done:    make(chan struct{}),
		turn:    make(chan struct{}, 1),
		sink:    sink,
		convert: otlp.NewConverter(name, otlp.Options{ServiceAttr: opt.ServiceAttr}),
	}
}

// result is called when the server has stopped.
func (r *receiver) result() (Stats, error) {
	r.turn <- struct{}{}
	defer func() { <-r.turn }()
	return r.snapshot(), r.err
}

func (r *receiver) snapshot() Stats {
	s := r.stats
	s.Tally = r.convert.Tally()
	r.mu.Lock()
	s.Refused = r.refused
	r.mu.Unlock()
	return s
}

// finish ends the capture: it needs the turn.
func (r *receiver) finish(err error) {
	if !r.closed {
		r.closed, r.err = true, err
		close(r.done)
	}
}

// put hands one span to the sink.
func (r *receiver) put(s *trace.Span) error {
	if err := r.sink(s); err != nil {
		return fmt.Errorf("after %d spans: %w", r.stats.Spans, err)
	}
	r.stats.Spans++
	return nil
}
