package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/otlp"
	"github.com/scale-eval/scale-eval/live/secure"
	"github.com/scale-eval/scale-eval/live/stream/streampb"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// traces is n spans of one service, with ids from first on.
func traces(first, n int) *tracepb.TracesData {
	rs := &tracepb.ResourceSpans{
		Resource: &resourcepb.Resource{Attributes: []*commonpb.KeyValue{{Key: "service.name",
			Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: "shop"}}}}},
		ScopeSpans: []*tracepb.ScopeSpans{{Scope: &commonpb.InstrumentationScope{Name: "test"}}},
		SchemaUrl:  "https://opentelemetry.io/schemas/1.26.0",
	}
	for i := first; i < first+n; i++ {
		id := trace.SpanID(i + 1).Bytes()
		rs.ScopeSpans[0].Spans = append(rs.ScopeSpans[0].Spans, &tracepb.Span{
			TraceId: append(make([]byte, 8), id[:]...), SpanId: id[:], Name: fmt.Sprint("op-", i%7),
			StartTimeUnixNano: 1_700_000_000_000_000_000, EndTimeUnixNano: 1_700_000_000_001_000_000,
			Events: []*tracepb.Span_Event{{TimeUnixNano: 1_700_000_000_000_500_000, Name: "retry"}},
		})
	}
	return &tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{rs}}
}

func batch(t testing.TB, first, n int) *otlp.Batch {
	b := &otlp.Batch{}
	var err error
	b.Data, err = proto.Marshal(traces(first, n))
	check(t, err)
	for i := first; i < first+n; i++ {
		b.IDs = append(b.IDs, trace.TraceID{Lo: uint64(i + 1)})
	}
	return b
}

// keepAll judges every span worth keeping.
type keepAll struct {
	mu   sync.Mutex
	seen []trace.SpanID
}

func (k *keepAll) Span(s *live.Span) (trace.Decision, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen = append(k.seen, s.ID)
	s.Decision = trace.Decision{Keep: true}
	return s.Decision, nil
}

// serve is hub and a stage that feeds it, on addr.
func serve(t testing.TB, hub *Hub, st *otlp.Stage, addr string, o secure.Options) (string, *grpc.Server) {
	t.Helper()
	sec, err := secure.Load(o)
	check(t, err)
	lis, err := sec.Listen(addr)
	check(t, err)
	srv := otlp.NewServer(sec, st)
	hub.Register(srv)
	go srv.Serve(lis)
	t.Cleanup(srv.Stop)
	return lis.Addr().String(), srv
}

func stage(t testing.TB, judge otlp.Judge, outputs ...otlp.Output) *otlp.Stage {
	st := otlp.NewStage(otlp.Options{Judge: judge, Outputs: outputs})
	t.Cleanup(func() { check(t, st.Drain(context.Background())) })
	return st
}

func dial(t testing.TB, addr string) *grpc.ClientConn {
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

// TestSamplerAndProcessorApart is live mode in two processes: exports go to a sampler,
// its stream to a processor, and a plain gRPC client reads spans and ids beside it.
func TestSamplerAndProcessorApart(t *testing.T) {
	hub := NewHub(Options{})
	sampler := stage(t, &keepAll{}, hub)
	addr, _ := serve(t, hub, sampler, "127.0.0.1:0", secure.Options{})

	processor := &keepAll{}
	second := stage(t, processor)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	held, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- Follow(ctx, dial(t, addr), FollowOptions{Name: "processor", Connected: func() { close(held) }}, func(r Received) error {
			_, err := second.Export(ctx, r.Data)
			return err
		})
	}()
	<-held
	plain := streampb.NewSampledStreamClient(dial(t, addr))
	spans, err := plain.Spans(ctx, &streampb.SpansRequest{})
	check(t, err)
	first, err := spans.Recv()
	check(t, err)
	if !proto.Equal(first, &streampb.SampledSpans{}) {
		t.Errorf("first message %v, want an empty one", first)
	}
	ids, err := plain.TraceIDs(ctx, &streampb.TraceIDsRequest{Subscriber: strings.Repeat("x", 1000)})
	check(t, err)
	_, err = ids.Recv()
	check(t, err)
	if subs := hub.Subscribers(); len(subs) != 3 || subs[0].Name != "processor" || !strings.HasPrefix(subs[1].Name, "127.0.0.1:") || len(subs[2].Name) != 100 {
		t.Errorf("subscribers %+v", subs)
	}

	const n = 300
	want := &tracepb.TracesData{}
	for i := 0; i < n; i += 3 {
		td := traces(i, 3)
		want.ResourceSpans = append(want.ResourceSpans, td.ResourceSpans...)
		msg, err := proto.Marshal(td)
		check(t, err)
		_, err = sampler.Export(ctx, msg)
		check(t, err)
	}
	got := &tracepb.TracesData{}
	for len(got.ResourceSpans) < n/3 {
		m, err := spans.Recv()
		check(t, err)
		if m.MissedSpans != 0 {
			t.Fatalf("missed %d", m.MissedSpans)
		}
		got.ResourceSpans = append(got.ResourceSpans, m.ResourceSpans...)
	}
	if !proto.Equal(got, want) {
		t.Error("the stream is not what was sent, whole and in order")
	}
	for i := 0; i < n; {
		m, err := ids.Recv()
		check(t, err)
		for _, id := range m.TraceIds {
			if i++; trace.TraceIDFromBytes(id) != (trace.TraceID{Lo: uint64(i)}) {
				t.Fatalf("id %x where %d is due", id, i)
			}
		}
	}
	for second.Counters().Spans < n {
		time.Sleep(time.Millisecond) // gRPC has goroutines of its own: no virtual clock
	}
	for i, id := range processor.seen {
		if id != trace.SpanID(i+1) {
			t.Fatalf("the processor judged %v as span %d", id, i+1)
		}
	}
	cancel()
	if err := <-ended; err != context.Canceled {
		t.Errorf("Follow ended with %v", err)
	}
}

// TestStuckSubscriber: one subscriber does not read. The sampler does not notice, nor
// does its neighbour, and when the stuck one reads again, what it gets and what it is
// told that it missed is all there was.
func TestStuckSubscriber(t *testing.T) {
	hub := NewHub(Options{MaxBytes: 64 << 10})
	addr, _ := serve(t, hub, stage(t, &keepAll{}, hub), "127.0.0.1:0", secure.Options{})
	subscribed := func(name string) grpc.ServerStreamingClient[streampb.SampledSpans] {
		in, err := streampb.NewSampledStreamClient(dial(t, addr)).Spans(t.Context(), &streampb.SpansRequest{Subscriber: name})
		check(t, err)
		_, err = in.Recv() // it holds
		check(t, err)
		return in
	}
	stuck, well := subscribed("stuck"), subscribed("well")
	total := 0
	for total < 100 || hub.Subscribers()[0].Missed < 1000 {
		hub.Sampled(batch(t, total, 20))
		total += 20
		for n := 0; n < 20; {
			m, err := well.Recv()
			check(t, err)
			n += spansOf(m)
		}
	}
	subs := hub.Subscribers()
	if subs[0].Name != "stuck" || subs[0].Bytes > 64<<10 || subs[1].Missed != 0 || subs[1].Sent != int64(total) {
		t.Errorf("%+v of %d", subs, total)
	}
	next, told := 0, 0
	for next < total {
		m, err := stuck.Recv()
		check(t, err)
		told += int(m.MissedSpans)
		next += int(m.MissedSpans)
		for _, rs := range m.ResourceSpans {
			for _, s := range rs.ScopeSpans[0].Spans {
				if next++; trace.SpanIDFromBytes(s.SpanId) != trace.SpanID(next) {
					t.Fatalf("span %x where %d is due: the gap was told in the wrong place", s.SpanId, next)
				}
			}
		}
	}
	if told < 1000 || next != total {
		t.Errorf("told of %d missed, at %d of %d", told, next, total)
	}
}

func spansOf(m *streampb.SampledSpans) (n int) {
	for _, rs := range m.ResourceSpans {
		for _, scope := range rs.ScopeSpans {
			n += len(scope.Spans)
		}
	}
	return n
}

// TestGapsAddUp is the buffer alone, at random: messages and gaps, in order, are all
// that was offered, and never more bytes wait than allowed.
func TestGapsAddUp(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		hub := NewHub(Options{MaxBytes: 500 + rng.IntN(3000), MaxMessage: 1 + rng.IntN(2000)})
		s := hub.subscribe("s", spansForm)
		offered, next := 0, 0
		read := func() {
			msg, ok := s.take(nil)
			if !ok {
				if msg, ok = s.takeGap(); !ok {
					return
				}
			}
			var m streampb.SampledSpans
			check(t, proto.Unmarshal(msg, &m))
			missed, err := missedOf(msg)
			check(t, err)
			if missed != int64(m.MissedSpans) {
				t.Fatalf("missedOf %d, decoded %d", missed, m.MissedSpans)
			}
			next += int(missed)
			for _, rs := range m.ResourceSpans {
				for _, sp := range rs.ScopeSpans[0].Spans {
					if next++; trace.SpanIDFromBytes(sp.SpanId) != trace.SpanID(next) {
						t.Fatalf("span %x where %d is due", sp.SpanId, next)
					}
				}
			}
		}
		for range 100 {
			if rng.IntN(3) > 0 {
				n := 1 + rng.IntN(3)
				hub.Sampled(batch(t, offered, n))
				offered += n
			} else {
				read()
			}
			if s.bytes > hub.opt.MaxBytes && len(s.queue) > 1 {
				t.Fatalf("%d bytes wait", s.bytes)
			}
		}
		for range 101 {
			read()
		}
		if st := s.stats(); next != offered || st.Sent+st.Missed != int64(offered) || st.Bytes != 0 {
			t.Fatalf("offered %d, told of %d, %+v", offered, next, st)
		}
	}
}

// TestFollowComesBack restarts the sampler under a follower.
func TestFollowComesBack(t *testing.T) {
	hub := NewHub(Options{})
	addr, srv := serve(t, hub, stage(t, &keepAll{}), "127.0.0.1:0", secure.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	held, lost, got := make(chan struct{}, 10), make(chan error, 100), make(chan int, 10)
	ended := make(chan error, 1)
	go func() {
		ended <- Follow(ctx, dial(t, addr), FollowOptions{
			Connected: func() { held <- struct{}{} },
			Lost:      func(err error) { lost <- err },
		}, func(r Received) error {
			var m streampb.SampledSpans
			if err := proto.Unmarshal(r.Data, &m); err != nil {
				return err
			}
			got <- spansOf(&m)
			return nil
		})
	}()
	<-held
	hub.Sampled(batch(t, 0, 2))
	hub.Close() // what waits is sent first
	if n := <-got; n != 2 {
		t.Errorf("%d spans before the end", n)
	}
	if err := <-lost; status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "stopping") {
		t.Errorf("lost: %v", err)
	}
	srv.Stop()
	again := NewHub(Options{})
	serve(t, again, stage(t, &keepAll{}), addr, secure.Options{})
	<-held
	again.Sampled(batch(t, 0, 3))
	if n := <-got; n != 3 {
		t.Errorf("%d spans after the restart", n)
	}
	cancel()
	if err := <-ended; err != context.Canceled {
		t.Errorf("ended with %v", err)
	}
}

func TestFollowGivesUp(t *testing.T) {
	tokens := filepath.Join(t.TempDir(), "tokens")
	check(t, os.WriteFile(tokens, []byte("0123456789abcdef"), 0o600))
	hub := NewHub(Options{})
	addr, _ := serve(t, hub, stage(t, &keepAll{}), "127.0.0.1:0", secure.Options{TokenFile: tokens})
	if err := Follow(t.Context(), dial(t, addr), FollowOptions{}, nil); status.Code(err) != codes.Unauthenticated {
		t.Errorf("without a token: %v", err)
	}
	addr, _ = serve(t, hub, stage(t, &keepAll{}), "127.0.0.1:0", secure.Options{})
	full := errors.New("no room")
	err := Follow(t.Context(), dial(t, addr), FollowOptions{Connected: func() { hub.Sampled(batch(t, 0, 1)) }}, func(Received) error { return full })
	if err != full {
		t.Errorf("a taker that fails: %v", err)
	}
}

func TestTooManySubscribers(t *testing.T) {
	hub := NewHub(Options{MaxSubscribers: 1})
	addr, _ := serve(t, hub, stage(t, &keepAll{}), "127.0.0.1:0", secure.Options{})
	client := streampb.NewSampledStreamClient(dial(t, addr))
	ctx, cancel := context.WithCancel(t.Context())
	one, err := client.Spans(ctx, &streampb.SpansRequest{})
	check(t, err)
	_, err = one.Recv()
	check(t, err)
	two, err := client.Spans(t.Context(), &streampb.SpansRequest{})
	check(t, err)
	if _, err = two.Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("second: %v", err)
	}
	cancel()
	if _, err = one.Recv(); err == nil || err == io.EOF {
		t.Errorf("after leaving: %v", err)
	}
	for len(hub.Subscribers()) > 0 {
		time.Sleep(time.Millisecond)
	}
}

// The messages of the stream are TracesData for whoever does not know them.
func TestReadsAsTracesData(t *testing.T) {
	hub := NewHub(Options{MaxBytes: 1})
	s := hub.subscribe("s", spansForm)
	hub.Sampled(batch(t, 0, 1))
	hub.Sampled(batch(t, 1, 5)) // missed
	_, ok := s.take(nil)
	hub.Sampled(batch(t, 6, 2))
	msg, ok2 := s.take(nil)
	var td tracepb.TracesData
	check(t, proto.Unmarshal(msg, &td))
	td.ProtoReflect().SetUnknown(nil)
	if !ok || !ok2 || !proto.Equal(&td, traces(6, 2)) {
		t.Errorf("read %v", &td)
	}
	if missed, err := missedOf(msg); err != nil || missed != 5 {
		t.Errorf("missed %d, %v", missed, err)
	}
}

func FuzzMissedOf(f *testing.F) {
	f.Add([]byte{0xc0, 0x3e, 5})
	f.Fuzz(func(t *testing.T, b []byte) {
		missed, err := missedOf(b)
		var m streampb.SampledSpans
		if proto.Unmarshal(b, &m) == nil && (err != nil || missed != int64(m.MissedSpans)) {
			t.Fatalf("%d, %v; decoded %d", missed, err, m.MissedSpans)
		}
	})
}
