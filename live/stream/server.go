package stream

import (
	"cmp"
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/scale-eval/scale-eval/live/internal/raw"
	"github.com/scale-eval/scale-eval/live/stream/streampb"
)

// Register adds the SampledStream service to srv, which must be one of
// otlp.NewServer: messages go out as bytes.
func (h *Hub) Register(srv grpc.ServiceRegistrar) {
	streampb.RegisterSampledStreamServer(srv, service{hub: h})
}

type service struct {
	streampb.UnimplementedSampledStreamServer
	hub *Hub
}

func (s service) Spans(req *streampb.SpansRequest, out grpc.ServerStreamingServer[streampb.SampledSpans]) error {
	return s.hub.serve(req.GetSubscriber(), spansForm, out)
}

func (s service) TraceIDs(req *streampb.TraceIDsRequest, out grpc.ServerStreamingServer[streampb.SampledTraceIDs]) error {
	return s.hub.serve(req.GetSubscriber(), idsForm, out)
}

// serve sends until the peer leaves or the hub closes.
func (h *Hub) serve(name string, f form, out grpc.ServerStream) error {
	ctx := out.Context()
	s := h.subscribe(cmp.Or(name, addressOf(ctx)), f)
	if s == nil {
		return status.Errorf(codes.Unavailable, "%d subscribers are there: come again, or raise the limit", h.opt.MaxSubscribers)
	}
	defer h.leave(s)
	if err := out.SendMsg(&raw.Message{}); err != nil { // the subscription holds
		return err
	}
	for closing := false; ; {
		if err := s.send(out); err != nil {
			return err
		}
		if closing {
			return status.Error(codes.Unavailable, "the sampler is stopping")
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return status.FromContextError(ctx.Err()).Err()
		case <-h.done:
			closing = true // what came in between is sent first
		}
	}
}

// send sends all that waits. Blocking is for the peer's flow control to do.
func (s *subscriber) send(out grpc.ServerStream) error {
	for {
		// gRPC may hold on to what it was given, so each message has bytes of its own.
		msg, ok := s.take(nil)
		if !ok {
			msg, ok = s.takeGap()
		}
		if !ok {
			return nil
		}
		if err := out.SendMsg(&raw.Message{Data: msg}); err != nil {
			return err
		}
	}
}

func addressOf(ctx context.Context) string {
	if p, ok := peer.FromContext(ctx); ok {
		return p.Addr.String()
	}
	return "unknown"
}
