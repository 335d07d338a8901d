package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/hst"
	"github.com/scale-eval/scale-eval/live/ops"
)

const cartRules = `version: 1
settings: {lateness: 1s, trace_wait: 1s}
targets:
  - {target: deployment/shop/cart, services: [cart], max: 9, cooldown: {up: 1h}}
rules:
  - name: cart-slow
    match: {service: cart}
    when: {latency: 100ms, times: 3, within: 1m}
    spans: all
    then: {horizontal: {step: 2}}
`

// scaled is a webhook that is told of actions.
type scaled struct {
	mu     sync.Mutex
	bodies []string
	dry    int
}

func (s *scaled) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		fmt.Fprint(w, `{"replicas": 3, "ready": 3}`)
		return
	}
	b, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Header.Get("X-Scale-Eval-Dry-Run") != "" {
		s.dry++
		return
	}
	s.bodies = append(s.bodies, string(b))
}

func (s *scaled) count() (acts, dry int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.bodies), s.dry
}

// logBuffer is standard error that can be read while it is written.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}
func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// liveRun is a "scale-eval live" inside the test.
type liveRun struct {
	t      *testing.T
	log    logBuffer
	cancel context.CancelFunc
	done   chan error
}

func startLive(t *testing.T, args ...string) *liveRun {
	t.Helper()
	l := &liveRun{t: t, done: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	all := append([]string{"scale-eval", "live", "--listen", "127.0.0.1:0", "--http", "", "--admin", "127.0.0.1:0", "--tick", "20ms"}, args...)
	go func() { l.done <- run(ctx, all, strings.NewReader(""), io.Discard, &l.log) }()
	t.Cleanup(func() { cancel() })
	return l
}

// address is what the log says it listens on for something.
func (l *liveRun) address(what string) string {
	re := regexp.MustCompile(`for="?` + what + `[^\n]*address=(\S+)`)
	var found []string
	l.wait("it listens for "+what, func() bool { found = re.FindStringSubmatch(l.log.String()); return found != nil })
	return found[1]
}

func (l *liveRun) wait(what string, ok func() bool) {
	l.t.Helper()
	// Real sockets and processes: there is no virtual clock to wait on.
	poll, end := time.NewTicker(5*time.Millisecond), time.After(30*time.Second)
	defer poll.Stop()
	for !ok() {
		select {
		case err := <-l.done:
			l.t.Fatalf("waiting until %s: it ended: %v\n%s", what, err, l.log.String())
		case <-end:
			l.t.Fatalf("waited in vain until %s\n%s", what, l.log.String())
		case <-poll.C:
		}
	}
}

func (l *liveRun) stop() {
	l.t.Helper()
	l.cancel()
	if err := <-l.done; err != nil {
		l.t.Errorf("it ended with %v\n%s", err, l.log.String())
	}
}

func (l *liveRun) get(path string) (int, string) {
	l.t.Helper()
	r, err := http.Get("http://" + l.address("status") + path)
	if err != nil {
		l.t.Fatal(err)
	}
	defer r.Body.Close()
	b, _ := io.ReadAll(r.Body)
	return r.StatusCode, string(b)
}

// export sends n spans of the cart service, each of the duration, and returns when
// they are acknowledged.
func (l *liveRun) export(first, n int, d time.Duration) {
	l.t.Helper()
	conn, err := grpc.NewClient(l.address("OTLP/gRPC"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		l.t.Fatal(err)
	}
	defer conn.Close()
	end := time.Now()
	var spans []*tracepb.Span
	for i := first; i < first+n; i++ {
		id := fmt.Appendf(nil, "%016d", i)
		spans = append(spans, &tracepb.Span{TraceId: id, SpanId: id[8:], Name: "checkout", Kind: tracepb.Span_SPAN_KIND_SERVER,
			StartTimeUnixNano: uint64(end.Add(-d).UnixNano()), EndTimeUnixNano: uint64(end.UnixNano())})
	}
	_, err = collectorpb.NewTraceServiceClient(conn).Export(context.Background(), &collectorpb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource:   &resourcepb.Resource{Attributes: []*commonpb.KeyValue{{Key: "service.name", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: "cart"}}}}},
		ScopeSpans: []*tracepb.ScopeSpans{{Spans: spans}},
	}}})
	if err != nil {
		l.t.Fatal(err)
	}
}

func rulesFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(path, []byte(cartRules), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestLive: spans in by gRPC, an action out, once; it is in the audit log, on the
// status page's data and in the metrics; a restart from the snapshot knows of it.
func TestLive(t *testing.T) {
	hook := &scaled{}
	srv := httptest.NewServer(hook)
	defer srv.Close()
	dir := t.TempDir()
	args := []string{"--rules", rulesFile(t), "--cold", "--act", "--backend", "webhook=" + srv.URL, "--state", filepath.Join(dir, "state"), "--audit", filepath.Join(dir, "audit.jsonl")}
	l := startLive(t, args...)
	l.export(0, 5, 300*time.Millisecond)
	l.wait("it acted", func() bool { n, _ := hook.count(); return n > 0 })
	if code, text := l.get("/readyz"); code != 200 {
		t.Errorf("/readyz: %d %s", code, text)
	}
	if code, text := l.get("/healthz"); code != 200 {
		t.Errorf("/healthz: %d %s", code, text)
	}
	l.wait("the metrics have the action", func() bool {
		_, text := l.get("/metrics")
		return strings.Contains(text, `scale_eval_decisions_total{outcome="acted"} 1`) && strings.Contains(text, "scale_eval_acting 1")
	})
	_, text := l.get("/api/status")
	var view struct {
		Mode     string
		Actions  []struct{ Outcome string }
		Receiver struct{ Spans int }
	}
	if err := json.Unmarshal([]byte(text), &view); err != nil || view.Mode != "acting" || view.Receiver.Spans != 5 || len(view.Actions) != 1 || view.Actions[0].Outcome != "acted" {
		t.Errorf("%v: %s", err, text)
	}
	l.stop()
	var body struct{ From, To int }
	if err := json.Unmarshal([]byte(hook.bodies[0]), &body); err != nil || body.From != 3 || body.To != 5 {
		t.Errorf("action %s: want 3 -> 5; %v", hook.bodies[0], err)
	}
	audit, err := os.ReadFile(filepath.Join(dir, "audit.jsonl"))
	if err != nil || !strings.Contains(string(audit), `"outcome":"acted"`) {
		t.Errorf("audit log %q, %v", audit, err)
	}
	// The same trouble again: the cooldown of an hour holds in the new process.
	l = startLive(t, args...)
	l.export(100, 5, 300*time.Millisecond)
	l.wait("the cooldown holds it", func() bool { _, text := l.get("/api/status"); return strings.Contains(text, `"reason":"cooldown"`) })
	if _, text := l.get("/api/status"); !strings.Contains(text, `"model":"restored"`) {
		t.Errorf("%s", text)
	}
	l.stop()
	if n, _ := hook.count(); n != 1 {
		t.Errorf("%d actions, want 1", n)
	}
}

// TestLiveRestartKeepsWindows: half of the spans that a rule wants come before a
// restart, the other half after it. A snapshot that does not fit is said and left.
func TestLiveRestartKeepsWindows(t *testing.T) {
	hook := &scaled{}
	srv := httptest.NewServer(hook)
	defer srv.Close()
	state := filepath.Join(t.TempDir(), "state")
	args := []string{"--rules", rulesFile(t), "--cold", "--act", "--backend", "webhook=" + srv.URL, "--state", state}
	l := startLive(t, args...)
	l.export(0, 2, 300*time.Millisecond)
	l.stop()
	if n, _ := hook.count(); n != 0 {
		t.Fatalf("%d actions on two spans", n)
	}
	l = startLive(t, args...)
	l.export(100, 1, 300*time.Millisecond)
	l.wait("it acted", func() bool { n, _ := hook.count(); return n > 0 })
	l.stop()
	store := &ops.Store{Path: filepath.Join(state, "live.json")}
	st, err := store.Load()
	if err != nil {
		t.Fatal(err)
	}
	st.Pipeline[9] ^= 1
	if err := store.Save(st); err != nil {
		t.Fatal(err)
	}
	l = startLive(t, args...)
	l.wait("it says so", func() bool { return strings.Contains(l.log.String(), "begin anew") })
	l.stop()
}

// TestLiveIsDryByDefault: without --act nothing is changed.
func TestLiveIsDryByDefault(t *testing.T) {
	hook := &scaled{}
	srv := httptest.NewServer(hook)
	defer srv.Close()
	l := startLive(t, "--rules", rulesFile(t), "--cold", "--backend", "webhook="+srv.URL)
	l.export(0, 5, 300*time.Millisecond)
	l.wait("it would have acted", func() bool { _, dry := hook.count(); return dry > 0 })
	l.stop()
	if n, _ := hook.count(); n != 0 {
		t.Errorf("%d actions in a dry run", n)
	}
}

// TestLiveReload: rules with errors leave the old ones in force, and good ones are
// taken on SIGHUP.
func TestLiveReload(t *testing.T) {
	hook := &scaled{}
	srv := httptest.NewServer(hook)
	defer srv.Close()
	path := rulesFile(t)
	l := startLive(t, "--rules", path, "--cold", "--act", "--backend", "webhook="+srv.URL)
	l.address("status")
	if err := os.WriteFile(path, []byte("version: 1\nrules: [{name: x, when: {latency: soon}}]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	hup := func() {
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	hup()
	l.wait("the errors are told", func() bool { return strings.Contains(l.log.String(), "the old ones stay in force") })
	if !strings.Contains(l.log.String(), "rules.yaml:2") {
		t.Errorf("the log does not say where:\n%s", l.log.String())
	}
	l.export(0, 5, 300*time.Millisecond)
	l.wait("the old rules decide", func() bool { return strings.Contains(l.log.String(), "rule cart-slow") })
	if err := os.WriteFile(path, []byte(strings.Replace(cartRules, "cart-slow", "cart-slower", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	hup()
	l.wait("good rules are taken", func() bool { return strings.Contains(l.log.String(), "rules loaded") })
	l.export(100, 5, 300*time.Millisecond)
	l.wait("the cooldown holds the new rules", func() bool {
		_, text := l.get("/api/status")
		return strings.Contains(text, `"reason":"cooldown"`) && strings.Contains(text, "cart-slower") && strings.Contains(text, `"spans":10`)
	})
	l.stop()
	if n, _ := hook.count(); n != 1 {
		t.Errorf("%d actions, want the one of the old rules", n)
	}
}

// TestLiveTrains: Tempo is down at start, and then goes down in the middle of an answer:
// not ready, spans are taken, and nothing is decided; when it is up the model comes, and
// the action that is due is taken, once.
func TestLiveTrains(t *testing.T) {
	hook := &scaled{}
	webhook := httptest.NewServer(hook)
	defer webhook.Close()
	var state atomic.Value
	state.Store("starting")
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch state.Load() {
		case "starting":
			http.Error(w, "starting", http.StatusServiceUnavailable)
			return
		case "breaks":
			fmt.Fprint(w, `{"traces":[{"traceID":`)
			w.(http.Flusher).Flush()
			state.Store("up")
			panic(http.ErrAbortHandler)
		}
		var rows []string
		start := time.Now().Add(-time.Minute).Truncate(time.Minute).UnixNano()
		for i := range 900 {
			var spans []string
			for k := range 3 {
				spans = append(spans, fmt.Sprintf(`{"spanID":"%x","name":"checkout","startTimeUnixNano":"%d","durationNanos":"%d","attributes":[{"key":"service.name","value":{"stringValue":"cart"}}]}`, i*3+k+1, start-int64(i)*1e9, 1_000_000+i*1000))
			}
			rows = append(rows, fmt.Sprintf(`{"traceID":"%x","startTimeUnixNano":"%d","spanSets":[{"matched":3,"spans":[%s]}]}`, i+1, start-int64(i)*1e9, strings.Join(spans, ",")))
		}
		fmt.Fprintf(w, `{"traces":[%s]}`, strings.Join(rows, ","))
	}))
	defer srv.Close()
	l := startLive(t, "--rules", rulesFile(t), "--train-from", "tempo="+srv.URL, "--act", "--backend", "webhook="+webhook.URL)
	l.export(0, 5, 300*time.Millisecond)
	if code, text := l.get("/readyz"); code != 503 || !strings.Contains(text, "not trained") {
		t.Errorf("/readyz before training: %d %s", code, text)
	}
	state.Store("breaks")
	l.wait("it is ready", func() bool { code, _ := l.get("/readyz"); return code == 200 })
	l.export(100, 5, 300*time.Millisecond)
	l.wait("the cooldown holds what comes after the action", func() bool {
		_, text := l.get("/api/status")
		return strings.Contains(text, `"reason":"cooldown"`) && strings.Contains(text, `"spans":10`)
	})
	if !strings.Contains(l.log.String(), "msg=trained") || strings.Contains(l.log.String(), "msg=decision") && strings.Index(l.log.String(), "msg=decision") < strings.Index(l.log.String(), "msg=trained") {
		t.Errorf("want a training, and no decision before it:\n%s", l.log.String())
	}
	l.stop()
	if n, _ := hook.count(); n != 1 {
		t.Errorf("%d actions, want 1", n)
	}
}

// TestLiveProcessor: sampler and processor apart.
func TestLiveProcessor(t *testing.T) {
	hook := &scaled{}
	srv := httptest.NewServer(hook)
	defer srv.Close()
	sampler := startLive(t, "--cold", "--keep", "score=0", "--window_size", "2")
	addr := sampler.address("OTLP/gRPC")
	p := &liveRun{t: t, done: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	defer cancel()
	args := []string{"scale-eval", "live", "processor", "--from", addr, "--rules", rulesFile(t), "--admin", "127.0.0.1:0", "--tick", "20ms", "--act", "--backend", "webhook=" + srv.URL}
	go func() { p.done <- run(ctx, args, strings.NewReader(""), io.Discard, &p.log) }()
	p.wait("it follows", func() bool { return strings.Contains(p.log.String(), "msg=following") })
	sampler.export(0, 50, 300*time.Millisecond)
	p.wait("it acted", func() bool { n, _ := hook.count(); return n == 1 })
	p.stop()
	sampler.stop()
}

// TestLiveUsage: mistakes end it with exit code 2 before anything is opened.
func TestLiveUsage(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want string
	}{
		{nil, "no model"},
		{[]string{"--cold", "--listen", "0.0.0.0:4317"}, "127.0.0.1"},
		{[]string{"--cold", "--admin", ":8089"}, "--admin"},
		{[]string{"--cold", "--pprof", "0.0.0.0:6060"}, "--pprof"},
		{[]string{"--cold", "--sampler", "hashed"}, "snapshots"},
		{[]string{"--cold", "--backend", "nomad"}, "--backend"},
		{[]string{"--cold", "--tick", "0s"}, "--tick"},
		{[]string{"--train-from", "tempo=nowhere"}, "url"},
		{[]string{"--cold", "--rules", "/nonexistent.yaml"}, "nonexistent"},
		{[]string{"processor"}, "--from"},
	} {
		var stderr strings.Builder
		err := run(t.Context(), append([]string{"scale-eval", "live"}, tc.args...), strings.NewReader(""), io.Discard, &stderr)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q: %v, want %q", tc.args, err, tc.want)
		}
	}
}

// TestLivePlan: a plan's rules, sampler options and model are taken as they are.
func TestLivePlan(t *testing.T) {
	dir := t.TempDir()
	calls := trace.NewCalls(10, nil)
	cfg := hst.DefaultSamplerConfig(hst.NewSeed(1))
	cfg.Calls, cfg.WindowSize = calls, 50
	s, err := hst.NewSampler(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		s.Learn(&trace.Span{Call: calls.Of("cart", "checkout"), Duration: int64(1+i%7) * 1e6})
	}
	model, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"rules.yaml": cartRules, "sampler.yaml": "sampler: paper\nwindow_size: 50\n", "model.bin": string(model)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	l := startLive(t, "--plan", dir)
	l.export(0, 5, 300*time.Millisecond)
	l.wait("the plan's rules decide", func() bool { return strings.Contains(l.log.String(), "rule cart-slow") })
	if _, text := l.get("/api/status"); !strings.Contains(text, `"model":"from the plan"`) || !strings.Contains(text, `"warm_up":0`) {
		t.Error(text)
	}
	l.stop()
}
