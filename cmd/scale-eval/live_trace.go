package main

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/scale-eval/scale-eval/live"
)

// selfTracing makes spans of what a live process does: ticks, what an orchestrator was
// asked, snapshots and trainings. Exports make none: a process whose own spans come
// back to it would trace itself for ever.
type selfTracing struct {
	trace.Tracer
	provider *sdktrace.TracerProvider // nil: off
}

// newSelfTracing sends to addr, OTLP/gRPC without TLS; "": nowhere. An endpoint that is
// away loses spans, nothing else.
func newSelfTracing(ctx context.Context, addr, instance string) (*selfTracing, error) {
	if addr == "" {
		return &selfTracing{Tracer: noop.NewTracerProvider().Tracer("")}, nil
	}
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	exporter, err := otlptracegrpc.New(ctx, otlptracegrpc.WithGRPCConn(conn))
	if err != nil {
		return nil, err
	}
	p := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(resource.NewSchemaless(
		attribute.String("service.name", "scale-eval"), attribute.String("service.version", version), attribute.String("service.instance.id", instance))))
	return &selfTracing{p.Tracer("scale-eval"), p}, nil
}

// close sends what waits, until ctx ends.
func (s *selfTracing) close(ctx context.Context) error {
	if s == nil || s.provider == nil {
		return nil
	}
	return s.provider.Shutdown(ctx)
}

// during makes a span of f.
func (s *selfTracing) during(ctx context.Context, name string, f func(context.Context) error, about ...attribute.KeyValue) error {
	ctx, span := s.Start(ctx, name, trace.WithAttributes(about...))
	defer span.End()
	err := f(ctx)
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
	}
	return err
}

// aside asks an orchestrator while exports go on: an API server may be slow. Ticks,
// snapshots and reloads wait all the same, so that none sees half a tick.
type aside struct {
	p  *process
	to live.Orchestrator
}

func (a aside) Scale(ctx context.Context, act live.Action) error {
	return a.ask(ctx, "scale", act.Target, func(ctx context.Context) error { return a.to.Scale(ctx, act) })
}

func (a aside) Current(ctx context.Context, t live.Target) (s live.State, err error) {
	err = a.ask(ctx, "current", t, func(ctx context.Context) (err error) { s, err = a.to.Current(ctx, t); return err })
	return s, err
}

func (a aside) ask(ctx context.Context, name string, t live.Target, f func(context.Context) error) (err error) {
	a.p.stage.Meanwhile(func() { err = a.p.tracing.during(ctx, name, f, attribute.String("target", t.String())) })
	return err
}
