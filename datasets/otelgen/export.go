package otelgen

import (
	"context"
	"fmt"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// retryDelay is what a refused sender is asked to wait. Without it, senders do
// not retry ResourceExhausted but drop the spans.
const retryDelay = 200 * time.Millisecond

// serviceDesc is the trace service. It differs from the generated one in that a
// place is taken before the message is decoded, which multiplies its size.
var serviceDesc = grpc.ServiceDesc{
	ServiceName: collectorpb.TraceService_ServiceDesc.ServiceName,
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{
		MethodName: "Export",
		Handler: func(srv any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			return srv.(*receiver).handle(ctx, decode)
		},
	}},
	Metadata: collectorpb.TraceService_ServiceDesc.Metadata,
}

func (r *receiver) handle(ctx context.Context, decode func(any) error) (*collectorpb.ExportTraceServiceResponse, error) {
	select {
	case r.places <- struct{}{}:
		defer func() { <-r.places }()
	default:
		return nil, r.refuse(codes.ResourceExhausted, "%d exports are waiting for the sink", cap(r.places))
	}
	var req collectorpb.ExportTraceServiceRequest
	if err := decode(&req); err != nil {
		return nil, err
	}
	return r.export(ctx, &req)
}

// export waits for its turn and writes all of req. A sender that gives up while it
// waits gets nothing written; once writing, all is written.
func (r *receiver) export(ctx context.Context, req *collectorpb.ExportTraceServiceRequest) (*collectorpb.ExportTraceServiceResponse, error) {
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	if err := ctx.Err(); err != nil {
		return nil, status.FromContextError(err).Err()
	}
	if r.closed {
		return nil, r.refuse(codes.Unavailable, "the capture has ended")
	}
	bad := r.stats.Bad.Total
	for _, rs := range req.GetResourceSpans() {
		if err := r.write(rs); err != nil {
			r.finish(err)
			return nil, r.refuse(codes.Unavailable, "the sink failed: %v", err)
		}
	}
	r.stats.Exports++
	if r.opt.Progress != nil {
		r.opt.Progress(r.snapshot())
	}
	if r.opt.Limit > 0 && r.stats.Spans >= r.opt.Limit {
		r.finish(nil)
	}
	return r.answer(r.stats.Bad.Total - bad), nil
}

func (r *receiver) write(rs *tracepb.ResourceSpans) error {
	for span, bad := range r.convert.Spans(rs) {
		if bad != nil {
			r.stats.Bad.Add(bad)
			continue
		}
		if err := r.put(span); err != nil {
			return err
		}
	}
	return nil
}

// answer acknowledges, and says how many spans were rejected for good.
func (r *receiver) answer(rejected int64) *collectorpb.ExportTraceServiceResponse {
	res := &collectorpb.ExportTraceServiceResponse{}
	if rejected > 0 {
		msg := fmt.Sprintf("%d spans are not valid", rejected)
		if first := r.stats.Bad.First; len(first) > 0 {
			msg += ", such as " + first[len(first)-1].Error()
		}
		res.PartialSuccess = &collectorpb.ExportTracePartialSuccess{RejectedSpans: rejected, ErrorMessage: msg}
	}
	return res
}

// refuse counts and is an error that asks the sender to come again.
func (r *receiver) refuse(code codes.Code, format string, args ...any) error {
	r.mu.Lock()
	r.refused++
	r.mu.Unlock()
	s := status.Newf(code, format, args...)
	if d, err := s.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(retryDelay)}); err == nil {
		s = d
	}
	return s.Err()
}
