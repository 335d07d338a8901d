package otlp

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/secure"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// script is a Judge that keeps the spans whose operation is "slow", remembers all,
// and can be held up.
type script struct {
	mu    sync.Mutex
	names []string
	ids   map[trace.SpanID]int
	hold  chan struct{}      // nil: do not wait; else: wait for it to be closed
	each  func(s *live.Span) // nil: nothing
}

func (j *script) Span(s *live.Span) (trace.Decision, error) {
	if j.hold != nil {
		<-j.hold
	}
	if j.each != nil {
		j.each(s)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.names = append(j.names, s.Service+"::"+s.Operation)
	if j.ids == nil {
		j.ids = map[trace.SpanID]int{}
	}
	j.ids[s.ID]++
	s.Decision = trace.Decision{Keep: s.Operation == "slow"}
	return s.Decision, nil
}

func (j *script) seen() int { j.mu.Lock(); defer j.mu.Unlock(); return len(j.names) }

// keeper is an Output that keeps everything.
type keeper struct {
	mu      sync.Mutex
	batches []*Batch
}

func (k *keeper) Sampled(b *Batch) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.batches = append(k.batches, b)
}

// all is every span that was sampled, as one message.
func (k *keeper) all(t testing.TB) *tracepb.TracesData {
	k.mu.Lock()
	defer k.mu.Unlock()
	var td tracepb.TracesData
	for _, b := range k.batches {
		check(t, proto.UnmarshalOptions{Merge: true}.Unmarshal(b.Data, &td))
	}
	return &td
}

// started is a Stage that is drained when the test ends.
func started(t testing.TB, o Options) *Stage {
	st := NewStage(o)
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		st.Drain(ctx)
	})
	return st
}

// served is st over gRPC on loopback.
func served(t testing.TB, st *Stage, o secure.Options) (addr string) {
	t.Helper()
	sec, err := secure.Load(o)
	check(t, err)
	lis, err := sec.Listen("127.0.0.1:0")
	check(t, err)
	srv := NewServer(sec, st)
	go srv.Serve(lis)
	t.Cleanup(srv.Stop)
	return lis.Addr().String()
}

func dialled(t testing.TB, addr string) *grpc.ClientConn {
	t.Helper()
	c, err := secure.LoadClient(secure.ClientOptions{})
	check(t, err)
	opts, err := c.GRPC(addr)
	check(t, err)
	conn, err := grpc.NewClient(addr, opts...)
	check(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn
}

func clientOf(t testing.TB, addr string) collectorpb.TraceServiceClient {
	return collectorpb.NewTraceServiceClient(dialled(t, addr))
}

var ids atomic.Uint64

// export is a request of one service whose spans have these operations.
func export(service string, operations ...string) *collectorpb.ExportTraceServiceRequest {
	rs := &tracepb.ResourceSpans{
		Resource:   &resourcepb.Resource{Attributes: []*commonpb.KeyValue{text("service.name", service), text("host.name", "h1")}},
		ScopeSpans: []*tracepb.ScopeSpans{{Scope: &commonpb.InstrumentationScope{Name: "test", Version: "1"}}},
	}
	for _, name := range operations {
		n := ids.Add(1)
		id := trace.SpanID(n).Bytes()
		rs.ScopeSpans[0].Spans = append(rs.ScopeSpans[0].Spans, &tracepb.Span{
			TraceId: append(id[:], id[:]...), SpanId: id[:], Name: name, Kind: tracepb.Span_SPAN_KIND_SERVER,
			StartTimeUnixNano: uint64(time.Now().UnixNano()), EndTimeUnixNano: uint64(time.Now().UnixNano()) + n,
			Attributes: []*commonpb.KeyValue{text("http.route", fmt.Sprint("/", n))},
			Links:      []*tracepb.Span_Link{{TraceId: append(id[:], id[:]...), SpanId: id[:]}},
		})
	}
	return &collectorpb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{rs}}
}

func text(k, v string) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: k, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: v}}}
}

func marshalled(t testing.TB, m proto.Message) []byte {
	b, err := proto.Marshal(m)
	check(t, err)
	return b
}
