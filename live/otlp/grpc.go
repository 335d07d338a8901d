package otlp

import (
	"context"
	"sync"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip" // senders compress with it by default
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"

	_ "github.com/scale-eval/scale-eval/datasets/otlp/grpczstd" // others with zstd
	"github.com/scale-eval/scale-eval/live/internal/raw"
	"github.com/scale-eval/scale-eval/live/secure"
)

const exportMethod = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

// serviceDesc is the trace service. It differs from the generated one in that the
// request stays as bytes.
var serviceDesc = grpc.ServiceDesc{
	ServiceName: collectorpb.TraceService_ServiceDesc.ServiceName,
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{
		MethodName: "Export",
		Handler: func(srv any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			return srv.(*Stage).handle(ctx, decode)
		},
	}},
	Metadata: collectorpb.TraceService_ServiceDesc.Metadata,
}

// NewServer is a gRPC server with the trace service of st, behind a listener of
// sec. More services can be registered on it, such as the hub of live/stream.
func NewServer(sec *secure.Server, st *Stage, more ...grpc.ServerOption) *grpc.Server {
	opts := append(sec.GRPC(st.Admit), grpc.ForceServerCodecV2(raw.Codec), grpc.WaitForHandlers(true))
	srv := grpc.NewServer(append(opts, more...)...)
	srv.RegisterService(&serviceDesc, st)
	return srv
}

// Admit takes a place for an export, before any of its message is read, and gives
// it back when the call has ended. Other methods pass.
func (st *Stage) Admit(ctx context.Context, info *tap.Info) (context.Context, error) {
	if info.FullMethodName != exportMethod {
		return ctx, nil
	}
	release, err := st.place()
	if err != nil {
		return nil, err.GRPCStatus().Err()
	}
	context.AfterFunc(ctx, release)
	return ctx, nil
}

// place takes one of MaxPending places; release gives it back, once.
func (st *Stage) place() (release func(), refused *Refusal) {
	select {
	case <-st.draining:
		return nil, st.refuse(ReasonDraining)
	default:
	}
	if st.opt.Overloaded != nil && st.opt.Overloaded() {
		return nil, st.refuse(ReasonMemory)
	}
	select {
	case st.places <- struct{}{}:
		return sync.OnceFunc(func() { <-st.places }), nil
	default:
		return nil, st.refuse(ReasonFull)
	}
}

func (st *Stage) handle(ctx context.Context, decode func(any) error) (*collectorpb.ExportTraceServiceResponse, error) {
	var msg raw.Message
	if err := decode(&msg); err != nil {
		return nil, err
	}
	defer msg.Free()
	a, err := st.Export(ctx, msg.Data)
	if err != nil {
		return nil, grpcError(err)
	}
	return a.response(), nil
}

func grpcError(err error) error {
	if r, ok := err.(*Refusal); ok {
		return r.GRPCStatus().Err()
	}
	if s := status.FromContextError(err); s.Code() != codes.Unknown {
		return s.Err()
	}
	return status.Error(codes.Unavailable, err.Error())
}

// response says what was rejected for good.
func (a Answer) response() *collectorpb.ExportTraceServiceResponse {
	res := &collectorpb.ExportTraceServiceResponse{}
	if a.Rejected > 0 {
		res.PartialSuccess = &collectorpb.ExportTracePartialSuccess{RejectedSpans: int64(a.Rejected), ErrorMessage: a.Reason}
	}
	return res
}
