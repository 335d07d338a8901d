//go:build e2e && unix

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// sampler is a "scale-eval live", or the processor form of it.
type sampler struct {
	*Proc
	otlp, admin string
	audit       string // file
}

// status is what the tests look at of /api/status.
type status struct {
	Ready     bool
	Mode      string
	Leading   bool
	Problems  []string
	Counters  counters
	Receiver  struct{ Spans, Sampled, Late, Future, Duplicate, Negative int64 }
	Decisions []decision

	Trained          struct{ Spans int }
	TrainingFailures int       `json:"training_failures"`
	SnapshotAt       time.Time `json:"snapshot_at"`
}

// counters are those of the pipeline, which a snapshot keeps.
type counters struct {
	Spans, Sampled, Acted, Failed int64
	Refused                       struct{ Negative, Future, Late, Duplicate int64 }
}

// holds says whether a cooldown held an action.
func (s status) holds() bool {
	return slices.ContainsFunc(s.Decisions, func(d decision) bool { return d.Reason == "cooldown" })
}

// decision is what the tests look at of a decision, on the page and in the audit log.
type decision struct {
	Outcome, Reason, Error string
	Target                 struct{ Kind, Namespace, Name string }
	From, To               int
	Explanation            string
	Why                    struct{ Rule string }
}

func startSampler(t *testing.T, name string, args ...string) *sampler {
	t.Helper()
	ports, err := Ports(2)
	if err != nil {
		t.Fatal(err)
	}
	return startSamplerAt(t, name, ports[0], ports[1], args...)
}

func startSamplerAt(t *testing.T, name, otlp, admin string, args ...string) *sampler {
	t.Helper()
	s := &sampler{otlp: otlp, admin: admin}
	s.Proc = start(t, name, all.program, append([]string{"live", "--listen", s.otlp, "--http=", "--admin", s.admin, "--service-attr", "service.name"}, args...)...)
	s.await(t)
	return s
}

func startProcessor(t *testing.T, name string, args ...string) *sampler {
	t.Helper()
	ports, err := Ports(1)
	if err != nil {
		t.Fatal(err)
	}
	s := &sampler{admin: ports[0], audit: all.run.Path(name + "-audit.jsonl")}
	s.Proc = start(t, name, all.program, append([]string{"live", "processor", "--admin", s.admin, "--audit", s.audit, "--service-attr", "service.name"}, args...)...)
	s.await(t)
	return s
}

func (s *sampler) await(t *testing.T) {
	t.Helper()
	if err := WaitHTTP(bounded(t, time.Minute), http.DefaultClient, "http://"+s.admin+"/readyz", nil, s.Proc); err != nil {
		t.Fatal(err)
	}
}

func (s *sampler) status(t *testing.T) status {
	t.Helper()
	var v status
	if err := json.Unmarshal(httpGet(t, "http://"+s.admin+"/api/status"), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// acted are the audit log's decisions that were carried out.
func (s *sampler) acted(t *testing.T) []decision {
	t.Helper()
	var out []decision
	f, err := os.Open(s.audit)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var d decision
		if err := json.Unmarshal(lines.Bytes(), &d); err != nil {
			t.Fatalf("%s: %v: %s", s.audit, err, lines.Text())
		}
		if d.Outcome == "acted" {
			out = append(out, d)
		}
	}
	if lines.Err() != nil {
		t.Fatal(lines.Err())
	}
	return out
}

// collector is a running Collector.
type collector struct {
	*Proc
	otlp, metrics string
}

// startCollector runs the documented configuration in front of samplers.
func startCollector(t *testing.T, name string, samplers ...string) *collector {
	t.Helper()
	ports, err := Ports(3)
	if err != nil {
		t.Fatal(err)
	}
	c := &collector{otlp: ports[0], metrics: "http://" + ports[2] + "/metrics"}
	env := []string{"LISTEN=" + ports[0], "HEALTH=" + ports[1], "METRICS_PORT=" + portOf(ports[2]), "SAMPLERS=[" + strings.Join(samplers, ",") + "]"}
	c.Proc = startEnv(t, env, name, peerPath(t, "otelcol"), "--config", collectorConfig())
	if err := WaitHTTP(bounded(t, time.Minute), http.DefaultClient, "http://"+ports[1]+"/", nil, c.Proc); err != nil {
		t.Fatal(err)
	}
	return c
}

func collectorConfig() string {
	return filepath.Join(all.builder.Repo, "live", "deploy", "collector", "collector.yaml")
}

func portOf(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }

// count is the sum of a Prometheus counter over its labels; 0 also when nothing was
// counted yet. Versions of the Collector differ in whether the name ends in _total.
func (c *collector) count(t *testing.T, name string) (sum int64) {
	t.Helper()
	for _, line := range strings.Split(string(httpGet(t, c.metrics)), "\n") {
		rest, ok := strings.CutPrefix(line, name)
		rest = strings.TrimPrefix(rest, "_total")
		if !ok || !strings.HasPrefix(rest, "{") && !strings.HasPrefix(rest, " ") {
			continue
		}
		v, err := strconv.ParseFloat(rest[strings.LastIndexByte(rest, ' ')+1:], 64)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		sum += int64(v)
	}
	return sum
}

func httpGet(t *testing.T, url string) []byte {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s: %v", url, resp.Status, err)
	}
	return b
}

// telemetrygen sends traces of one root and one child that both take d, in real time,
// until it has sent for so long.
func telemetrygen(t *testing.T, name, endpoint, service string, d, long time.Duration, spansPerS int) *Proc {
	t.Helper()
	return start(t, name, peerPath(t, "telemetrygen"), "traces", "--otlp-insecure", "--otlp-endpoint", endpoint, "--service", service,
		"--span-duration", d.String(), "--duration", long.String(), "--rate", strconv.Itoa(spansPerS))
}

// usual sends 1000 traces of two short spans: a number and not a time, so that the
// sampler has learnt as much on a machine that is slow.
func usual(t *testing.T, name, endpoint string) *Proc {
	t.Helper()
	return start(t, name, peerPath(t, "telemetrygen"), "traces", "--otlp-insecure", "--otlp-endpoint", endpoint, "--service", "checkout",
		"--span-duration", "5ms", "--traces", "1000", "--rate", "400")
}

// otelgen sends traces of 100 spans, each up to 100 ms, of 16 services.
func otelgen(t *testing.T, name, endpoint string, long time.Duration) *Proc {
	t.Helper()
	return start(t, name, peerPath(t, "otelgen"), "--otel-exporter-otlp-endpoint", endpoint, "--insecure", "--duration", strconv.Itoa(int(long.Seconds())),
		"--rate", "5", "--service-name", "shop", "traces", "multi", "--scenarios", "microservices", "--number-traces", "1000000", "--workers", "2")
}

func wait(t *testing.T, d time.Duration, what string, ok func() bool) {
	t.Helper()
	if err := Poll(bounded(t, d), what, func() (bool, error) { return ok(), nil }); err != nil {
		t.Fatal(err)
	}
}

func ended(t *testing.T, ctx context.Context, procs ...*Proc) {
	t.Helper()
	for _, p := range procs {
		if err := p.Wait(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// rulesFor writes rules that scale one deployment, once within the hour.
func rulesFor(t *testing.T, namespace string) string {
	t.Helper()
	path, err := all.run.Write("rules-"+namespace+".yaml", fmt.Sprintf(`version: 1
settings: {lateness: 2s, trace_wait: 2s}
targets:
  - {target: deployment/%s/checkout, services: [checkout], min: 1, max: 8, cooldown: {up: 1h}}
rules:
  - name: checkout-slow
    match: {service: checkout}
    when: {latency: 500ms, times: 20, within: 1m}
    then: {horizontal: {step: 3}}
`, namespace))
	if err != nil {
		t.Fatal(err)
	}
	return path
}
