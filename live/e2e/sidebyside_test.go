//go:build e2e && unix

package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip" // what the Collector sends by default

	"github.com/scale-eval/scale-eval/live/loadgen"
)

var (
	sideBySide = flag.Duration("sidebyside", 0, "`HOW LONG` each load of TestSideBySide lasts (0: it is skipped)")
	tableFile  = flag.String("table", "", "write the table of TestSideBySide to `FILE` (Markdown)")
)

// system is one that samples: a program of its own that takes OTLP/gRPC and sends what
// it keeps to a sink.
type system struct {
	name  string
	start func(t *testing.T, name, sink string) (otlp string, p *Proc)
	// holds is how long it keeps spans before it decides.
	holds time.Duration
}

// measured is what one system did.
type measured struct {
	name           string
	full, part     *loadgen.Result
	cpuPerM        float64 // seconds a million spans, at full speed, the decisions included
	rssMax         int64
	delayed        []time.Duration // from a span's end to the sink, at part of full speed
	sinkSpans, all int64
}

// onOneCore leaves the other one of two to the generator and the sink, as apart does.
// Nothing sets a limit to memory.
var onOneCore = []string{"GOMAXPROCS=1"}

// apart gives p a CPU of its own until the end that it returns.
func apart(t *testing.T, p *Proc) (end func()) {
	t.Helper()
	restore, err := Apart(p)
	if err != nil {
		t.Fatal(err)
	}
	procs := runtime.GOMAXPROCS(max(1, runtime.NumCPU()-1)) // as many as there are CPUs for it: more would take turns on them, which costs more
	return func() {
		runtime.GOMAXPROCS(procs)
		if err := restore(); err != nil {
			t.Error(err)
		}
	}
}

func systems() []system {
	return []system{
		{"scale-eval live, adaptive", startOurs, 0},
		{"Collector, tail_sampling (latency, waits 5 s)", collectorWith(`
  tail_sampling:
    decision_wait: 5s
    num_traces: 1000000
    policies: [{name: slow, type: latency, latency: {threshold_ms: 40}}]
`, "tail_sampling"), 5 * time.Second},
		{"Collector, probabilistic_sampler (1 %)", collectorWith(`
  probabilistic_sampler: {sampling_percentage: 1}
`, "probabilistic_sampler"), 0},
	}
}

func startOurs(t *testing.T, name, sink string) (string, *Proc) {
	ports, err := Ports(2)
	if err != nil {
		t.Fatal(err)
	}
	p := startEnv(t, onOneCore, name, all.program, "live", "--listen", ports[0], "--http=", "--admin", ports[1], "--cold", "--forward", sink)
	if err := WaitHTTP(bounded(t, time.Minute), http.DefaultClient, "http://"+ports[1]+"/readyz", nil, p); err != nil {
		t.Fatal(err)
	}
	return ports[0], p
}

// collectorWith is a Collector with one sampling processor. The batch after it is what
// its documentation advises.
func collectorWith(processors, sampler string) func(*testing.T, string, string) (string, *Proc) {
	return func(t *testing.T, name, sink string) (string, *Proc) {
		ports, err := Ports(2)
		if err != nil {
			t.Fatal(err)
		}
		config, err := all.run.Write(name+".yaml", fmt.Sprintf(`receivers: {otlp: {protocols: {grpc: {endpoint: %q}}}}
processors:
  batch: {timeout: 50ms}%sexporters: {otlp: {endpoint: %q, tls: {insecure: true}, compression: none}}
extensions: {health_check: {endpoint: %q}}
service:
  extensions: [health_check]
  telemetry: {logs: {level: warn}, metrics: {level: none}}
  pipelines: {traces: {receivers: [otlp], processors: [%s, batch], exporters: [otlp]}}
`, ports[0], processors, sink, ports[1], sampler))
		if err != nil {
			t.Fatal(err)
		}
		p := startEnv(t, onOneCore, name, peerPath(t, "otelcol"), "--config", config)
		if err := WaitHTTP(bounded(t, time.Minute), http.DefaultClient, "http://"+ports[1]+"/", nil, p); err != nil {
			t.Fatal(err)
		}
		return ports[0], p
	}
}

// sink takes what was sampled, and when.
type sink struct {
	collectorpb.UnimplementedTraceServiceServer
	addr   string
	mu     sync.Mutex
	spans  int64
	delays []time.Duration
}

func (s *sink) Export(_ context.Context, req *collectorpb.ExportTraceServiceRequest) (*collectorpb.ExportTraceServiceResponse, error) {
	now := time.Now().UnixNano()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, rs := range req.ResourceSpans {
		for _, ss := range rs.ScopeSpans {
			s.spans += int64(len(ss.Spans))
			for _, span := range ss.Spans {
				s.delays = append(s.delays, time.Duration(now-int64(span.EndTimeUnixNano)))
			}
		}
	}
	return &collectorpb.ExportTraceServiceResponse{}, nil
}

// take gives what came since the last call.
func (s *sink) take() (int64, []time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, d := s.spans, s.delays
	s.spans, s.delays = 0, nil
	slices.Sort(d)
	return n, d
}

func startSink(t *testing.T) *sink {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, srv := &sink{addr: lis.Addr().String()}, grpc.NewServer(grpc.MaxRecvMsgSize(64<<20))
	collectorpb.RegisterTraceServiceServer(srv, s)
	go srv.Serve(lis)
	t.Cleanup(srv.Stop)
	return s
}

func load(t *testing.T, addr string, seed uint64, rate float64, d time.Duration) *loadgen.Result {
	t.Helper()
	o := loadgen.Options{Config: loadgen.DefaultConfig(), Workers: 4, Rate: rate, Duration: d}
	o.Seed = seed
	o.Conns = append(o.Conns, dialled(t, addr))
	defer debug.SetGCPercent(debug.SetGCPercent(1000)) // some 40 collections a second of its small heap would be seen in the latencies
	r, err := loadgen.Run(bounded(t, d+time.Minute), o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Failed > 0 {
		t.Errorf("%d exports were lost: %v", r.Failed, r.Err)
	}
	return r
}

func usage(t *testing.T, p *Proc) Usage {
	t.Helper()
	u, err := p.Usage()
	if err != nil {
		t.Fatalf("%v\n%s", err, p.Tail(20))
	}
	return u
}

// measure loads one system, after a warm-up, as fast as it acknowledges, and then at 80
// % of that.
func (s *system) measure(t *testing.T, d time.Duration) measured {
	const share = 0.8
	to := startSink(t)
	name := strings.NewReplacer(" ", "-", ",", "", "(", "", ")", "", "%", "").Replace(s.name)
	addr, p := s.start(t, name, to.addr)
	defer apart(t, p)()
	load(t, addr, 1, 0, 2*time.Second)
	settle := func() { time.Sleep(s.holds + 2*time.Second) } // what it holds is decided and sent
	settle()
	m := measured{name: s.name}
	to.take()
	before := usage(t, p)
	m.full = load(t, addr, 2, 0, d)
	settle()
	m.cpuPerM = (usage(t, p).CPU - before.CPU).Seconds() / float64(m.full.Spans) * 1e6
	m.sinkSpans, _ = to.take()
	m.all = m.full.Spans
	m.part = load(t, addr, 3, share*float64(m.full.Spans)/m.full.Elapsed.Seconds(), d)
	settle()
	_, m.delayed = to.take()
	m.rssMax = usage(t, p).RSSMax
	if err := p.Stop(); err != nil {
		t.Errorf("%s: %v\n%s", s.name, err, p.Tail(10))
	}
	return m
}

// least is how many times the spans a CPU-second of the tail sampler ours must take.
const least = 2

// TestSideBySide is a measurement: the same load, on this machine, one system after the
// other. It fails when something breaks, and when ours costs more than it may: the ratio
// is that of CPU times of one run, which other work on the machine hardly moves.
func TestSideBySide(t *testing.T) {
	if *sideBySide <= 0 {
		t.Skip("a measurement: make sidebyside")
	}
	var b strings.Builder
	c := loadgen.DefaultConfig()
	fmt.Fprintf(&b, "%d CPUs, %s/%s, %s; each system on a core of its own, generator and sink in one process on the other; %v a load; %d traces of %d spans an export, %d bytes a span, %g %% of the traces with one slow span.\n\n",
		runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), *sideBySide, c.Traces, c.Spans, c.SpanBytes, 100*c.SlowShare)
	b.WriteString("| system | spans/s | CPU s a million spans | peak RSS, MB | kept | export p50 / p99, ms, at 80 % | span end -> sink p50 / p99, ms, at 80 % |\n|---|---|---|---|---|---|---|\n")
	var cost []float64
	for _, s := range systems() {
		m := s.measure(t, *sideBySide)
		cost = append(cost, m.cpuPerM)
		ms := func(d time.Duration) float64 { return float64(d) / 1e6 }
		at := func(q float64) float64 {
			if len(m.delayed) == 0 {
				return 0
			}
			return ms(m.delayed[min(len(m.delayed)-1, int(q*float64(len(m.delayed))))])
		}
		fmt.Fprintf(&b, "| %s | %.0f k | %.2f | %.0f | %.2f %% | %.1f / %.1f | %.0f / %.0f |\n", m.name, float64(m.full.Spans)/m.full.Elapsed.Seconds()/1e3, m.cpuPerM,
			float64(m.rssMax)/1e6, 100*float64(m.sinkSpans)/float64(m.all), ms(m.part.Latency(.5)), ms(m.part.Latency(.99)), at(.5), at(.99))
	}
	fmt.Fprintf(&b, "\nFor a CPU-second ours takes %.1f times the spans of the tail sampler, and %.1f times those of the probabilistic one.\n", cost[1]/cost[0], cost[2]/cost[0])
	b.WriteString("Kept are spans: the tail sampler keeps the whole trace of a slow one, ours the slow span. ")
	b.WriteString("The latencies are those that a sender sees on a machine which it shares with the generator; ours answers when every span was judged, the Collector when it has queued them.\n")
	t.Log("\n" + b.String())
	if cost[1] < least*cost[0] {
		t.Errorf("%.2f CPU s a million spans, the tail sampler %.2f: want at most 1/%d of that", cost[0], cost[1], least)
	}
	if *tableFile != "" {
		head := "# Live mode beside the Collector's samplers\n\nWritten by `make sidebyside`.\n\n"
		if err := errors.Join(os.MkdirAll(filepath.Dir(*tableFile), 0o755), os.WriteFile(*tableFile, []byte(head+b.String()), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}
