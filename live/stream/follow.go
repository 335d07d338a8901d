package stream

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/scale-eval/scale-eval/live/internal/raw"
	"github.com/scale-eval/scale-eval/live/stream/streampb"
)

// FollowOptions of Follow.
type FollowOptions struct {
	// Name is how the hub calls this subscriber. "": by its address.
	Name string
	// Connected is told that the subscription holds; nil: nobody.
	Connected func()
	// Lost is told why a subscription ended that will be tried again; nil: nobody.
	Lost func(error)
}

// Received is one message of a stream of spans.
type Received struct {
	Data   []byte // a TracesData message; valid during the call
	Missed int64  // spans that were missed just before these
}

// Follow subscribes to the spans of the hub behind conn and gives each message to
// take, one at a time. When the line breaks it comes back, after up to 10 s. It
// returns the error of take; that of ctx; or that of a hub which will never serve
// it, such as one that does not know its token.
func Follow(ctx context.Context, conn grpc.ClientConnInterface, o FollowOptions, take func(Received) error) error {
	backoff := firstBackoff
	for {
		held, err := o.once(ctx, conn, take)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		switch status.Code(err) {
		case codes.OK, codes.Unauthenticated, codes.PermissionDenied, codes.Unimplemented, codes.InvalidArgument:
			return err
		}
		if failed, ok := err.(takeError); ok {
			return failed.error
		}
		if o.Lost != nil {
			o.Lost(err)
		}
		if held {
			backoff = firstBackoff
		}
		select {
		case <-time.After(backoff - rand.N(backoff/2)): // not all followers at once
		case <-ctx.Done():
			return ctx.Err()
		}
		backoff = min(2*backoff, lastBackoff)
	}
}

const (
	firstBackoff = 100 * time.Millisecond
	lastBackoff  = 10 * time.Second
)

// takeError is an error of the function that takes, not of the line.
type takeError struct{ error }

// once is one subscription, until it ends; held says whether it held.
func (o *FollowOptions) once(ctx context.Context, conn grpc.ClientConnInterface, take func(Received) error) (held bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	in, err := conn.NewStream(ctx, &streampb.SampledStream_ServiceDesc.Streams[0], streampb.SampledStream_Spans_FullMethodName, grpc.ForceCodecV2(raw.Codec))
	if err != nil {
		return false, err
	}
	if err := in.SendMsg(&streampb.SpansRequest{Subscriber: o.Name}); err != nil {
		return false, err
	}
	if err := in.CloseSend(); err != nil {
		return false, err
	}
	var msg raw.Message
	defer msg.Free()
	for {
		if err := in.RecvMsg(&msg); err != nil {
			return held, status.Error(status.Code(err), status.Convert(err).Message())
		}
		if !held {
			held = true
			if o.Connected != nil {
				o.Connected()
			}
		}
		if len(msg.Data) == 0 {
			continue
		}
		missed, err := missedOf(msg.Data)
		if err != nil {
			return held, takeError{err}
		}
		if err := take(Received{msg.Data, missed}); err != nil {
			return held, takeError{err}
		}
	}
}

// missedOf finds field missed_spans.
func missedOf(b []byte) (missed int64, err error) {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return 0, fmt.Errorf("stream: not a SampledSpans message: %w", protowire.ParseError(n))
		}
		b = b[n:]
		if num == fieldMissed && typ == protowire.VarintType {
			v, _ := protowire.ConsumeVarint(b)
			missed = int64(v)
		}
		if n = protowire.ConsumeFieldValue(num, typ, b); n < 0 {
			return 0, fmt.Errorf("stream: not a SampledSpans message: %w", protowire.ParseError(n))
		}
		b = b[n:]
	}
	return missed, nil
}
