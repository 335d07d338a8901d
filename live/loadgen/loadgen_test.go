package loadgen

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/otlp"
	"github.com/scale-eval/scale-eval/live/secure"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestShape decodes exports with the reference decoder and holds them to their
// Config, at every size of span around where lengths get longer.
func TestShape(t *testing.T) {
	for size := minSpanBytes; size < 420; size++ {
		c := Config{Traces: 3, Spans: 5, SpanBytes: size, Services: 2, SlowShare: 0.5, SlowBy: 100, Seed: 9}
		checkShape(t, c, 1)
	}
	checkShape(t, DefaultConfig(), 20)
	checkShape(t, Config{Traces: 1, Spans: 1, SpanBytes: 10_000, Services: 1, SlowBy: 1}, 3)
}

func checkShape(t *testing.T, c Config, exports int) {
	t.Helper()
	g, err := New(c)
	check(t, err)
	seen := map[string]bool{}
	for n := range exports {
		now := int64(1_700_000_000_000_000_000 + n)
		var td tracepb.TracesData
		check(t, proto.Unmarshal(g.Next(now), &td))
		if len(td.ResourceSpans) != c.Services {
			t.Fatalf("%d services", len(td.ResourceSpans))
		}
		perTrace, roots := map[string]int{}, map[string]string{}
		var all []*tracepb.Span
		for _, rs := range td.ResourceSpans {
			all = append(all, rs.ScopeSpans[0].Spans...)
		}
		for _, s := range all {
			perTrace[string(s.TraceId)]++
			if seen[string(s.SpanId)] || proto.Size(s) != c.SpanBytes || int64(s.EndTimeUnixNano) != now || s.StartTimeUnixNano >= s.EndTimeUnixNano {
				t.Fatalf("span %v of %d bytes (id seen: %v)", s, proto.Size(s), seen[string(s.SpanId)])
			}
			seen[string(s.SpanId)] = true
			if len(s.ParentSpanId) == 0 {
				roots[string(s.TraceId)] = string(s.SpanId)
			}
		}
		for _, s := range all {
			if len(s.ParentSpanId) > 0 && roots[string(s.TraceId)] != string(s.ParentSpanId) {
				t.Fatalf("span %v is no child of its root", s)
			}
		}
		if len(perTrace) != c.Traces || len(all) != g.Spans() || len(roots) != c.Traces {
			t.Fatalf("%d traces, %d spans, %d roots", len(perTrace), len(all), len(roots))
		}
	}
}

// judge keeps nothing and counts slow spans.
type judge struct {
	mu          sync.Mutex
	spans, slow int
}

func (j *judge) Span(s *live.Span) (trace.Decision, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.spans++
	if s.Duration > 40*int64(time.Millisecond) { // of medians up to 10 ms, times e^±1
		j.slow++
	}
	return trace.Decision{}, nil
}

func receiver(t testing.TB, j otlp.Judge, o otlp.Options) (*otlp.Stage, []grpc.ClientConnInterface) {
	o.Judge = j
	st := otlp.NewStage(o)
	sec, err := secure.Load(secure.Options{})
	check(t, err)
	lis, err := sec.Listen("127.0.0.1:0")
	check(t, err)
	srv := otlp.NewServer(sec, st)
	go srv.Serve(lis)
	client, err := secure.LoadClient(secure.ClientOptions{})
	check(t, err)
	opts, err := client.GRPC(lis.Addr().String())
	check(t, err)
	conn, err := grpc.NewClient(lis.Addr().String(), opts...)
	check(t, err)
	t.Cleanup(func() { conn.Close(); srv.Stop(); check(t, st.Drain(context.Background())) })
	return st, []grpc.ClientConnInterface{conn}
}

// TestRun sends at a rate and as fast as can be: what was acknowledged is what the
// receiver judged, and the rate is kept.
func TestRun(t *testing.T) {
	j := &judge{}
	st, conns := receiver(t, j, otlp.Options{})
	slow := DefaultConfig()
	slow.SlowShare = 1
	res, err := Run(t.Context(), Options{Config: slow, Conns: conns, Workers: 2, Rate: 10_000, Duration: 500 * time.Millisecond})
	check(t, err)
	if c := st.Counters(); res.Spans != 5000 || res.Exports != 25 || c.Spans != 5000 || res.Failed != 0 || j.slow < 400 {
		t.Errorf("%+v; %+v; %d slow", res, c, j.slow)
	}
	if len(res.Latencies) != 25 || res.Latency(0) > res.Latency(0.5) || res.Latency(0.5) > res.Latency(1) || res.Latency(0) <= 0 {
		t.Errorf("latencies %v", res.Latencies)
	}
	if len(res.Seconds) != 1 || !slices.Equal(res.Seconds[0], res.Latencies) {
		t.Errorf("latencies by the second %v, want them all in the first", res.Seconds)
	}
	res, err = Run(t.Context(), Options{Config: DefaultConfig(), Conns: conns, Workers: 4, Duration: 200 * time.Millisecond})
	check(t, err)
	if c := st.Counters(); res.Spans == 0 || c.Spans != 5000+res.Spans || res.Failed != 0 {
		t.Errorf("%d acknowledged; %+v", res.Spans, c)
	}
}

// TestRunComesAgain: refused exports are sent again until they are taken.
func TestRunComesAgain(t *testing.T) {
	st, conns := receiver(t, &judge{}, otlp.Options{MaxPending: 1, RetryDelay: time.Millisecond})
	res, err := Run(t.Context(), Options{Config: DefaultConfig(), Conns: conns, Workers: 16, Duration: 300 * time.Millisecond})
	check(t, err)
	if c := st.Counters(); res.Refused == 0 || res.Failed != 0 || c.Spans != res.Spans {
		t.Errorf("refused %d, failed %d, %d acknowledged: %+v", res.Refused, res.Failed, res.Spans, c)
	}
}

func TestOptions(t *testing.T) {
	for _, c := range []Config{{}, {Traces: 1, Spans: 1, SpanBytes: 10, Services: 1, SlowBy: 1}, {Traces: 1, Spans: 2, SpanBytes: 188, Services: 3, SlowBy: 1}} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v: no error", c)
		}
	}
	if _, err := Run(t.Context(), Options{Config: DefaultConfig()}); err == nil {
		t.Error("no connection: no error")
	}
	if _, again := retry(errors.New("x")); again {
		t.Error("an error without a word of coming again")
	}
}

func BenchmarkNext(b *testing.B) {
	g, err := New(DefaultConfig())
	check(b, err)
	for b.Loop() {
		g.Next(1_700_000_000_000_000_000)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*g.Spans()), "ns/span")
}
