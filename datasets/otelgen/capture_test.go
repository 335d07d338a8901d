package otelgen

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// server is a Capture that runs; wait returns what it returned.
type server struct {
	dial func(context.Context) (net.Conn, error)
	stop context.CancelFunc
	wait func() (Stats, error)
}

func start(t *testing.T, sink Sink, opt Options) *server {
	t.Helper()
	lis := bufconn.Listen(1 << 20)
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	var stats Stats
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		stats, err = Capture(ctx, lis, sink, opt)
	}()
	return &server{
		dial: func(ctx context.Context) (net.Conn, error) { return lis.DialContext(ctx) },
		stop: cancel,
		wait: func() (Stats, error) { <-done; return stats, err },
	}
}

func (s *server) client(t *testing.T) collectorpb.TraceServiceClient {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:bufconn", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return s.dial(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return collectorpb.NewTraceServiceClient(conn)
}

// export has one span for each id; id 0 makes a span that is not valid.
func export(ids ...uint64) *collectorpb.ExportTraceServiceRequest {
	scope := &tracepb.ScopeSpans{}
	for _, id := range ids {
		scope.Spans = append(scope.Spans, &tracepb.Span{
			TraceId: bytes.Repeat([]byte{1}, 16), SpanId: binary.BigEndian.AppendUint64(nil, id), Name: "op",
			StartTimeUnixNano: 100, EndTimeUnixNano: 200,
		})
	}
	return &collectorpb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{ScopeSpans: []*tracepb.ScopeSpans{scope}}}}
}

// wantRetry checks that err makes an OTLP sender come again: the code, and
// RetryInfo, without which ResourceExhausted is final.
func wantRetry(t *testing.T, err error, code codes.Code) {
	t.Helper()
	s := status.Convert(err)
	if s.Code() != code {
		t.Fatalf("got %v, want code %v", err, code)
	}
	for _, d := range s.Details() {
		if info, ok := d.(*errdetails.RetryInfo); ok && info.GetRetryDelay().AsDuration() > 0 {
			return
		}
	}
	t.Errorf("%v comes without RetryInfo", err)
}

func TestAllThatIsAcknowledgedIsInTheSink(t *testing.T) {
	const clients, exports, each = 4, 40, 5
	got := map[trace.SpanID]int{} // written by the sink alone, which has no lock
	s := start(t, func(sp *trace.Span) error { got[sp.ID]++; return nil }, Options{MaxPending: 2})
	var mu sync.Mutex
	acknowledged := map[trace.SpanID]bool{}
	var wg sync.WaitGroup
	for c := range clients {
		client := s.client(t)
		wg.Go(func() {
			for e := range exports {
				ids := make([]uint64, each)
				for i := range ids {
					ids[i] = 1 + uint64((c*exports+e)*each+i)
				}
				for { // as an OTLP sender does, but without its patience
					_, err := client.Export(t.Context(), export(ids...), grpc.UseCompressor(gzip.Name))
					if status.Code(err) == codes.ResourceExhausted {
						continue
					}
					if err != nil {
						t.Error(err)
					}
					break
				}
				mu.Lock()
				for _, id := range ids {
					acknowledged[trace.SpanID(id)] = true
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	s.stop()
	stats, err := s.wait()
	if err != nil {
		t.Fatal(err)
	}
	for id := range acknowledged {
		if got[id] != 1 {
			t.Errorf("span %v acknowledged, %d times in the sink", id, got[id])
		}
	}
	if want := int64(clients * exports); stats.Spans != want*each || stats.Exports != want || len(got) != clients*exports*each {
		t.Errorf("%+v, %d spans in the sink, want %d exports of %d", stats, len(got), want, each)
	}
}

func TestLimit(t *testing.T) {
	var progress []int64
	opt := Options{Limit: 10, Progress: func(s Stats) { progress = append(progress, s.Spans) }}
	spans := 0
	s := start(t, func(*trace.Span) error { spans++; return nil }, opt)
	client := s.client(t)
	for i := range uint64(3) {
		if _, err := client.Export(t.Context(), export(4*i+1, 4*i+2, 4*i+3, 4*i+4)); err != nil {
			t.Fatal(err)
		}
	}
	stats, err := s.wait() // without stop
	if err != nil || stats.Spans != 12 || spans != 12 || !slices.Equal(progress, []int64{4, 8, 12}) {
		t.Errorf("%+v, %v, %d spans, progress %v: want 12, the third export taken whole", stats, err, spans, progress)
	}
}

func TestNothingIsTakenBehindTheLimit(t *testing.T) {
	r := newReceiver("test", func(*trace.Span) error { return nil }, Options{Limit: 1}.withDefaults())
	if _, err := r.export(t.Context(), export(1)); err != nil {
		t.Fatal(err)
	}
	_, err := r.export(t.Context(), export(2))
	wantRetry(t, err, codes.Unavailable)
	if stats, _ := r.result(); stats.Spans != 1 || stats.Refused != 1 {
		t.Errorf("%+v, want 1 span and 1 refused export", stats)
	}
}

func TestSinkErrorIsNotAcknowledged(t *testing.T) {
	full := errors.New("disk full")
	n := 0
	s := start(t, func(*trace.Span) error {
		if n++; n == 3 {
			return full
		}
		return nil
	}, Options{})
	client := s.client(t)
	if _, err := client.Export(t.Context(), export(1)); err != nil {
		t.Fatal(err)
	}
	_, err := client.Export(t.Context(), export(2, 3, 4))
	wantRetry(t, err, codes.Unavailable)
	stats, err := s.wait()
	if !errors.Is(err, full) || stats.Exports != 1 {
		t.Errorf("%+v, %v: want 1 export and %v", stats, err, full)
	}
}

func TestBackPressureAndDrain(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	spans := 0
	s := start(t, func(*trace.Span) error {
		entered <- struct{}{}
		<-release
		spans++
		return nil
	}, Options{MaxPending: 1, Drain: time.Hour})
	client := s.client(t)
	first := make(chan error, 1)
	go func() {
		_, err := client.Export(t.Context(), export(1))
		first <- err
	}()
	<-entered
	_, err := client.Export(t.Context(), export(2))
	wantRetry(t, err, codes.ResourceExhausted)

	s.stop() // the export that is in the sink is still finished and acknowledged
	close(release)
	if err := <-first; err != nil {
		t.Errorf("the export in progress when the capture was stopped: %v", err)
	}
	stats, err := s.wait()
	if err != nil || spans != 1 || stats.Spans != 1 || stats.Refused != 1 {
		t.Errorf("%+v, %v, want 1 span and 1 refused export", stats, err)
	}
}

func TestDrainCutsOffWhoWaits(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	s := start(t, func(*trace.Span) error {
		close(entered)
		<-release
		return nil
	}, Options{Drain: time.Millisecond})
	client := s.client(t)
	first := make(chan error, 1)
	go func() {
		_, err := client.Export(t.Context(), export(1))
		first <- err
	}()
	<-entered
	s.stop()
	if err := <-first; status.Code(err) != codes.Unavailable {
		t.Errorf("cut off with %v, want Unavailable, which is sent again", err)
	}
	close(release)
	if _, err := s.wait(); err != nil {
		t.Error(err)
	}
}

func TestSenderThatGaveUpGetsNothingWritten(t *testing.T) {
	r := newReceiver("test", func(*trace.Span) error { t.Error("span written"); return nil }, Options{}.withDefaults())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 { // select picks at random
		if _, err := r.export(ctx, export(1)); status.Code(err) != codes.Canceled {
			t.Fatalf("got %v, want Canceled", err)
		}
	}
}

func TestInvalidSpansArePartialSuccess(t *testing.T) {
	var ids []trace.SpanID
	s := start(t, func(sp *trace.Span) error { ids = append(ids, sp.ID); return nil }, Options{})
	res, err := s.client(t).Export(t.Context(), export(1, 0, 2))
	if err != nil {
		t.Fatal(err)
	}
	p := res.GetPartialSuccess()
	if p.GetRejectedSpans() != 1 || !strings.Contains(p.GetErrorMessage(), "span_id: all zeros") {
		t.Errorf("partial success %v, want 1 span rejected for its id", p)
	}
	s.stop()
	stats, err := s.wait()
	if err != nil || stats.Bad.Total != 1 || stats.Bad.First[0].Row != 2 || !slices.Equal(ids, []trace.SpanID{1, 2}) {
		t.Errorf("%+v, %v, ids %v: want spans 1 and 2, and the second one bad", stats, err, ids)
	}
}

func TestTooLargeWhenDecompressed(t *testing.T) {
	s := start(t, func(*trace.Span) error { t.Error("span written"); return nil }, Options{MaxMessage: 1 << 16})
	client := s.client(t)
	req := export(1)
	req.ResourceSpans[0].SchemaUrl = strings.Repeat("a", 1<<20) // a kilobyte of gzip
	for _, compressor := range []string{gzip.Name, "zstd"} {
		_, err := client.Export(t.Context(), req, grpc.UseCompressor(compressor))
		if st := status.Convert(err); st.Code() != codes.ResourceExhausted || len(st.Details()) != 0 {
			t.Errorf("%s: got %v, want ResourceExhausted without RetryInfo: it would be too large again", compressor, err)
		}
	}
}

func TestCompressors(t *testing.T) {
	spans := 0
	s := start(t, func(*trace.Span) error { spans++; return nil }, Options{})
	client := s.client(t)
	for i, compressor := range []string{"identity", gzip.Name, "zstd"} {
		if _, err := client.Export(t.Context(), export(uint64(i+1)), grpc.UseCompressor(compressor)); err != nil {
			t.Errorf("%s: %v", compressor, err)
		}
	}
	s.stop()
	if _, err := s.wait(); err != nil || spans != 3 {
		t.Errorf("%d spans, %v, want 3", spans, err)
	}
}

func TestListenerError(t *testing.T) {
	lis := bufconn.Listen(1)
	lis.Close()
	if _, err := Capture(t.Context(), lis, func(*trace.Span) error { return nil }, Options{}); err == nil {
		t.Error("no error from a closed listener")
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	inner := bufconn.Listen(1)
	lis := newLimitListener(inner, 1)
	accepted := make(chan net.Conn)
	go func() {
		defer close(accepted)
		for {
			c, err := lis.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	go func() {
		for range 2 {
			if _, err := inner.Dial(); err != nil {
				return
			}
		}
	}()
	first := <-accepted
	select {
	case <-accepted:
		t.Fatal("a second connection while the first is open")
	default:
	}
	first.Close()
	first.Close() // gives its place back once
	second := <-accepted
	if len(lis.places) < 1 {
		t.Error("a place was given back twice")
	}
	lis.Close()
	second.Close()
	if c, ok := <-accepted; ok {
		t.Errorf("accepted %v from a closed listener", c)
	}
}
