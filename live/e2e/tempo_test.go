//go:build e2e && unix

package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/scale-eval/scale-eval/live/internal/raw"
)

// tempoServer is a Tempo that keeps what it gets in a folder.
type tempoServer struct {
	*Proc
	url, otlp string
	restart   func()
}

func startTempo(t *testing.T, name string) *tempoServer {
	t.Helper()
	ports, err := Ports(3)
	if err != nil {
		t.Fatal(err)
	}
	config, err := all.run.Write(name+".yaml", fmt.Sprintf(`
server: {http_listen_address: 127.0.0.1, http_listen_port: %s, grpc_listen_address: 127.0.0.1, grpc_listen_port: %s, log_level: warn, graceful_shutdown_timeout: 2s}
distributor:
  receivers: {otlp: {protocols: {grpc: {endpoint: %q}}}}
  ring: {instance_addr: 127.0.0.1, kvstore: {store: inmemory}}
ingester:
  trace_idle_period: 1s
  flush_check_period: 1s
  lifecycler: {address: 127.0.0.1, min_ready_duration: 1s, final_sleep: 0s, ring: {kvstore: {store: inmemory}, replication_factor: 1}}
compactor: {ring: {instance_addr: 127.0.0.1, kvstore: {store: inmemory}}}
metrics_generator: {ring: {instance_addr: 127.0.0.1, kvstore: {store: inmemory}}}
storage: {trace: {backend: local, wal: {path: %q}, local: {path: %q}}}
usage_report: {reporting_enabled: false}
`, portOf(ports[0]), portOf(ports[1]), ports[2], all.run.Path(name+"-wal"), all.run.Path(name+"-blocks")))
	if err != nil {
		t.Fatal(err)
	}
	program := peerPath(t, "tempo")
	s := &tempoServer{url: "http://" + ports[0], otlp: ports[2]}
	s.restart = func() {
		s.Proc = start(t, name, program, "-config.file="+config)
		if err := WaitHTTP(bounded(t, 2*time.Minute), http.DefaultClient, s.url+"/ready", nil, s.Proc); err != nil {
			t.Fatal(err)
		}
	}
	s.restart()
	return s
}

// TestTempo: the model comes from a real Tempo, which is down when the sampler starts.
// Until it is there the sampler takes spans and is not ready; then it is trained on every
// span that Tempo had.
func TestTempo(t *testing.T) {
	t.Parallel() // it waits for the most part
	tempo := startTempo(t, "tempo")
	begun := time.Now()
	// Tempo searches by when spans ended, which must be within two minutes of when they
	// came; the client leaves out the last 40 s, which may not be complete.
	g, conn, sent := generator(t, 3), dialled(t, tempo.otlp), 0
	ended := time.Now().Add(-80 * time.Second)
	for range 20 {
		msg, reply := raw.Message{Data: g.Next(ended.UnixNano())}, raw.Message{}
		if err := conn.Invoke(bounded(t, time.Minute), "/opentelemetry.proto.collector.trace.v1.TraceService/Export", &msg, &reply, grpc.ForceCodecV2(raw.Codec)); err != nil {
			t.Fatal(err)
		}
		reply.Free()
		sent += g.Spans()
	}
	query := tempo.url + "/api/search?limit=1&q=" + url.QueryEscape("{}") + fmt.Sprintf("&start=%d&end=%d", ended.Unix()-60, ended.Unix()+60)
	wait(t, time.Minute, "the spans to be searchable", func() bool { return len(httpGet(t, query)) > 100 })
	if err := tempo.Stop(); err != nil {
		t.Logf("Tempo at SIGTERM: %v", err)
	}

	ports, err := Ports(2)
	if err != nil {
		t.Fatal(err)
	}
	s := &sampler{otlp: ports[0], admin: ports[1]}
	s.Proc = start(t, "tempo-sampler", all.program, "live", "--listen", s.otlp, "--http=", "--admin", s.admin, "--train-from", "tempo="+tempo.url, "--train-range", "10m")
	if err := WaitHTTP(bounded(t, time.Minute), http.DefaultClient, "http://"+s.admin+"/healthz", nil, s.Proc); err != nil {
		t.Fatal(err)
	}
	live := send(t, s.otlp, generator(t, 4), 5)
	wait(t, time.Minute, "a training that fails", func() bool { return s.status(t).TrainingFailures > 0 })
	if v := s.status(t); v.Ready || v.Receiver.Spans != live {
		t.Errorf("ready %v without a model, %d spans of %d", v.Ready, v.Receiver.Spans, live)
	}
	t.Logf("a training failed at %.1f s", time.Since(begun).Seconds())
	tempo.restart()
	s.await(t)
	t.Logf("trained at %.1f s", time.Since(begun).Seconds())
	if v := s.status(t); v.Trained.Spans != sent || v.Receiver.Spans != live {
		t.Errorf("trained on %d of %d spans; %d live ones of %d", v.Trained.Spans, sent, v.Receiver.Spans, live)
	}
}
