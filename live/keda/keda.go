// Package keda is KEDA's external scaler over a signal: KEDA owns the scaling, and
// scale-eval says how many replicas it wants.
//
// The trigger's metadata names the target, {target: deployment/shop/cart}, or a
// deployment of the ScaledObject's namespace, {name: cart}. The metric is the number
// of replicas with a target size of 1, so that KEDA's autoscaler arrives at just that
// number. Without telemetry the target stays active and the number does not fall; see
// package signal. When this process is away, KEDA's fallback does not step in: run
// two replicas.
package keda

import (
	"context"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/keda/kedapb"
	"github.com/scale-eval/scale-eval/live/signal"
)

// Register adds the scaler to a server. poll is how often a stream of IsActive looks
// for a change.
func Register(srv grpc.ServiceRegistrar, s *signal.Signal, poll time.Duration) {
	kedapb.RegisterExternalScalerServer(srv, &server{signal: s, poll: poll})
}

type server struct {
	kedapb.UnimplementedExternalScalerServer
	signal *signal.Signal
	poll   time.Duration
}

// targetOf is the target that a trigger's metadata names.
func targetOf(ref *kedapb.ScaledObjectRef) (live.Target, error) {
	meta := ref.GetScalerMetadata()
	t := live.Target{Kind: "deployment", Namespace: ref.GetNamespace(), Name: meta["name"]}
	if text := meta["target"]; text != "" {
		parts := strings.Split(text, "/")
		if len(parts) < 2 || len(parts) > 3 {
			return t, status.Errorf(codes.InvalidArgument, "target %q: want kind/name or kind/namespace/name", text)
		}
		t.Kind, t.Name = parts[0], parts[len(parts)-1]
		if len(parts) == 3 {
			t.Namespace = parts[1]
		}
	}
	if t.Name == "" {
		return t, status.Error(codes.InvalidArgument, "the trigger's metadata names no target: want target: kind/namespace/name, or name")
	}
	return t, nil
}

func (s *server) value(ctx context.Context, ref *kedapb.ScaledObjectRef) (int, error) {
	t, err := targetOf(ref)
	if err != nil {
		return 0, err
	}
	n, _, err := s.signal.Value(ctx, t)
	if err != nil {
		return 0, status.Error(codes.Unavailable, err.Error())
	}
	return n, nil
}

// IsActive says whether any replica is wanted.
func (s *server) IsActive(ctx context.Context, ref *kedapb.ScaledObjectRef) (*kedapb.IsActiveResponse, error) {
	n, err := s.value(ctx, ref)
	if err != nil {
		return nil, err
	}
	return &kedapb.IsActiveResponse{Result: n > 0}, nil
}

// StreamIsActive sends the state at once, and again when it changes.
func (s *server) StreamIsActive(ref *kedapb.ScaledObjectRef, out grpc.ServerStreamingServer[kedapb.IsActiveResponse]) error {
	tick := time.NewTicker(s.poll)
	defer tick.Stop()
	for first, last := true, false; ; {
		r, err := s.IsActive(out.Context(), ref)
		if err != nil && (first || status.Code(err) == codes.InvalidArgument) {
			return err
		}
		if err == nil && (first || r.Result != last) {
			if err := out.Send(r); err != nil {
				return err
			}
			first, last = false, r.Result
		}
		select {
		case <-out.Context().Done():
			return out.Context().Err()
		case <-tick.C:
		}
	}
}

// GetMetricSpec is one metric with a target of 1: a replica a unit.
func (s *server) GetMetricSpec(_ context.Context, ref *kedapb.ScaledObjectRef) (*kedapb.GetMetricSpecResponse, error) {
	if _, err := targetOf(ref); err != nil {
		return nil, err
	}
	return &kedapb.GetMetricSpecResponse{MetricSpecs: []*kedapb.MetricSpec{{MetricName: signal.Metric, TargetSize: 1, TargetSizeFloat: 1}}}, nil
}

// GetMetrics is the number of replicas. KEDA's own prefix of the name, sN-, is taken.
func (s *server) GetMetrics(ctx context.Context, req *kedapb.GetMetricsRequest) (*kedapb.GetMetricsResponse, error) {
	if !strings.HasSuffix(req.GetMetricName(), signal.Metric) {
		return nil, status.Errorf(codes.NotFound, "no metric %q; the only one is %s", req.GetMetricName(), signal.Metric)
	}
	n, err := s.value(ctx, req.GetScaledObjectRef())
	if err != nil {
		return nil, err
	}
	return &kedapb.GetMetricsResponse{MetricValues: []*kedapb.MetricValue{{MetricName: req.GetMetricName(), MetricValue: int64(n), MetricValueFloat: float64(n)}}}, nil
}
