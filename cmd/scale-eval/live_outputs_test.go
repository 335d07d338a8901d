package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	coordinationv1 "k8s.io/api/coordination/v1"

	"github.com/scale-eval/scale-eval/live/keda/kedapb"
)

// nextHop is an OTLP endpoint that samplers forward to.
type nextHop struct {
	collectorpb.UnimplementedTraceServiceServer
	mu    sync.Mutex
	spans []string // service::operation
}

func (n *nextHop) Export(_ context.Context, req *collectorpb.ExportTraceServiceRequest) (*collectorpb.ExportTraceServiceResponse, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, rs := range req.ResourceSpans {
		for _, ss := range rs.ScopeSpans {
			for _, s := range ss.Spans {
				n.spans = append(n.spans, serviceName(rs)+"::"+s.Name)
			}
		}
	}
	return &collectorpb.ExportTraceServiceResponse{}, nil
}

func serviceName(rs *tracepb.ResourceSpans) string {
	for _, a := range rs.Resource.Attributes {
		if a.Key == "service.name" {
			return a.Value.GetStringValue()
		}
	}
	return ""
}

func (n *nextHop) seen() []string { n.mu.Lock(); defer n.mu.Unlock(); return n.spans }

// TestLiveForwards: sampled spans go on to another endpoint with their resource, also
// one that is away when they are sampled; SIGTERM sends what waits.
func TestLiveForwards(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := lis.Addr().String()
	lis.Close() // the endpoint is away
	l := startLive(t, "--cold", "--keep", "score=0", "--window_size", "2", "--forward", addr)
	l.export(0, 50, 3*time.Millisecond)
	if lis, err = net.Listen("tcp", addr); err != nil {
		t.Skipf("the port was taken meanwhile: %v", err)
	}
	hop, srv := &nextHop{}, grpc.NewServer()
	collectorpb.RegisterTraceServiceServer(srv, hop)
	go srv.Serve(lis)
	defer srv.Stop()
	l.stop()
	got := hop.seen()
	if len(got) != 48 { // the first two are the model's warm-up
		t.Errorf("%d spans were forwarded, want 48", len(got))
	}
	for _, name := range got {
		if name != "cart::checkout" {
			t.Fatalf("%s was forwarded, cart::checkout was sent", name)
		}
	}
}

// TestLiveTracesItself: with --trace-to there are spans of ticks, of what was asked of
// the orchestrator and of snapshots, all of them sent by the end.
func TestLiveTracesItself(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	hop, srv := &nextHop{}, grpc.NewServer()
	collectorpb.RegisterTraceServiceServer(srv, hop)
	go srv.Serve(lis)
	defer srv.Stop()
	hook := &scaled{}
	api := httptest.NewServer(hook)
	defer api.Close()
	l := startLive(t, "--rules", rulesFile(t), "--cold", "--act", "--backend", "webhook="+api.URL, "--state", t.TempDir(), "--trace-to", lis.Addr().String())
	l.export(0, 5, 300*time.Millisecond)
	l.wait("it acted", func() bool { n, _ := hook.count(); return n == 1 })
	l.stop()
	seen := map[string]int{}
	for _, name := range hop.seen() {
		seen[name]++
	}
	if seen["scale-eval::scale"] != 1 || seen["scale-eval::tick"] == 0 || seen["scale-eval::current"] == 0 || seen["scale-eval::snapshot"] == 0 {
		t.Errorf("spans about the process: %v", seen)
	}
}

// TestLiveRecords: what came in is a dataset after the end.
func TestLiveRecords(t *testing.T) {
	dir := t.TempDir()
	l := startLive(t, "--cold", "--record", dir)
	l.export(0, 7, 3*time.Millisecond)
	l.export(100, 5, 5*time.Millisecond)
	l.stop()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 2 {
		t.Fatalf("%q, %v: want a file of spans and one of scores", files, err)
	}
	var out strings.Builder
	if err := run(t.Context(), []string{"scale-eval", "datasets", "info", filepath.Join(dir, "spans-00001.parquet")}, strings.NewReader(""), &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "12 (12 roots)") || !strings.Contains(out.String(), "min 3ms") || !strings.Contains(out.String(), "max 5ms") {
		t.Errorf("want 12 spans of 3 and 5 ms:\n%s", out.String())
	}
}

// TestLiveSignals: with --backend signal nothing is written to the API server; KEDA and
// an autoscaler that ask are told how many replicas there should be.
func TestLiveSignals(t *testing.T) {
	api := &apiServer{replicas: 3, version: 1, objects: map[string]*coordinationv1.Lease{}}
	srv := httptest.NewServer(api)
	defer srv.Close()
	l := startLive(t, "--rules", rulesFile(t), "--cold", "--act", "--backend", "signal", "--kubeconfig", kubeconfigFile(t, srv.URL), "--namespace", "shop",
		"--keda", "127.0.0.1:0", "--external-metrics", "127.0.0.1:0")
	conn, err := grpc.NewClient(l.address("KEDA"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	scaler := kedapb.NewExternalScalerClient(conn)
	ref := &kedapb.ScaledObjectRef{Namespace: "shop", ScalerMetadata: map[string]string{"name": "cart"}}
	keda := func() int64 {
		r, err := scaler.GetMetrics(t.Context(), &kedapb.GetMetricsRequest{ScaledObjectRef: ref, MetricName: "s0-scale-eval-replicas"})
		if err != nil {
			t.Fatal(err)
		}
		return r.MetricValues[0].MetricValue
	}
	hpa := func() string {
		r, err := http.Get("http://" + l.address("external metrics") + "/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/scale-eval-replicas?labelSelector=name%3Dcart")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		b, _ := io.ReadAll(r.Body)
		return string(b)
	}
	if n, text := keda(), hpa(); n != 3 || !strings.Contains(text, `"value":"3"`) {
		t.Errorf("before: KEDA %d, external metrics %s, want the 3 that there are", n, text)
	}
	l.export(0, 5, 300*time.Millisecond)
	l.wait("KEDA is told 5", func() bool { return keda() == 5 })
	if text := hpa(); !strings.Contains(text, `"value":"5"`) {
		t.Errorf("external metrics %s, want 5", text)
	}
	l.stop()
	api.mu.Lock()
	defer api.mu.Unlock()
	if api.asked != 0 || api.replicas != 3 {
		t.Errorf("%d writes were tried, %d replicas: a signal writes nothing", api.asked, api.replicas)
	}
}
