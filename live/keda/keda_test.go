package keda_test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/keda"
	"github.com/scale-eval/scale-eval/live/keda/kedapb"
	"github.com/scale-eval/scale-eval/live/signal"
)

type has struct{ n atomic.Int64 }

func (h *has) Current(_ context.Context, t live.Target) (live.State, error) {
	if t != cart {
		return live.State{}, errors.New("unknown")
	}
	return live.State{Replicas: int(h.n.Load())}, nil
}
func (h *has) Scale(context.Context, live.Action) error { panic("a signal writes nothing") }

var cart = live.Target{Kind: "deployment", Namespace: "shop", Name: "cart"}

// TestScaler is what KEDA does with a scaler, over a real connection.
func TestScaler(t *testing.T) {
	h := &has{}
	h.n.Store(3)
	sig := signal.New(h)
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := grpc.NewServer()
	keda.Register(srv, sig, time.Millisecond)
	go srv.Serve(lis)
	defer srv.Stop()
	conn, err := grpc.NewClient(lis.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c := kedapb.NewExternalScalerClient(conn)
	ref := &kedapb.ScaledObjectRef{Name: "so", Namespace: "shop", ScalerMetadata: map[string]string{"name": "cart"}}
	spec, err := c.GetMetricSpec(t.Context(), ref)
	if err != nil || len(spec.MetricSpecs) != 1 || spec.MetricSpecs[0].TargetSizeFloat != 1 {
		t.Fatalf("%v, %v", spec, err)
	}
	value := func() float64 {
		t.Helper()
		m, err := c.GetMetrics(t.Context(), &kedapb.GetMetricsRequest{ScaledObjectRef: ref, MetricName: "s0-" + spec.MetricSpecs[0].MetricName})
		if err != nil || len(m.MetricValues) != 1 {
			t.Fatalf("%v, %v", m, err)
		}
		return m.MetricValues[0].MetricValueFloat
	}
	if v := value(); v != 3 {
		t.Errorf("at start %v replicas are wanted, want the 3 that there are", v)
	}
	if err := sig.Scale(t.Context(), live.Action{Target: cart, To: 5}); err != nil {
		t.Fatal(err)
	}
	if v := value(); v != 5 {
		t.Errorf("%v replicas, want 5", v)
	}
	stream, err := c.StreamIsActive(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		to   int
		want bool
	}{{5, true}, {0, false}, {1, true}} {
		if err := sig.Scale(t.Context(), live.Action{Target: cart, To: step.to}); err != nil {
			t.Fatal(err)
		}
		if r, err := stream.Recv(); err != nil || r.Result != step.want {
			t.Errorf("with %d wanted the stream says %v, %v", step.to, r, err)
		}
	}
	sig.SetSilent(true) // 3 run, 1 was wanted
	if v := value(); v != 3 {
		t.Errorf("silent: %v replicas, want the 3 that there are", v)
	}
	for name, bad := range map[string]*kedapb.ScaledObjectRef{
		"nobody": {}, "shape": {ScalerMetadata: map[string]string{"target": "cart"}}, "too long": {ScalerMetadata: map[string]string{"target": "a/b/c/d"}},
	} {
		if _, err := c.IsActive(t.Context(), bad); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.IsActive(t.Context(), &kedapb.ScaledObjectRef{ScalerMetadata: map[string]string{"target": "statefulset/shop/db"}}); status.Code(err) != codes.Unavailable {
		t.Errorf("what the cluster does not know: %v", err)
	}
	if _, err := c.GetMetrics(t.Context(), &kedapb.GetMetricsRequest{ScaledObjectRef: ref, MetricName: "cpu"}); status.Code(err) != codes.NotFound {
		t.Errorf("another metric: %v", err)
	}
}
