package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/live/secure"
)

const (
	listenCategory = "Listeners"
	trainCategory  = "Training"
	actCategory    = "Acting"
	stateCategory  = "State and operation"
)

func liveCommand() *cli.Command {
	return &cli.Command{
		Name:  "live",
		Usage: "sample, decide and scale in front of a real cluster",
		Description: `Spans come by OTLP, the model from Tempo, Jaeger, a dataset, a plan or a snapshot,
and actions go to Kubernetes or a webhook. Without --act everything is a dry run.

  scale-eval live --rules rules.yaml --train-from tempo=http://tempo:3200
  scale-eval live --plan plan --cold --backend kube --act --state /var/lib/scale-eval

It is ready (/readyz on --admin) when there is a model. SIGTERM answers what waits
and ends within --drain; SIGHUP, and a change of the file, loads the rules again,
and rules with errors leave the old ones in force. "live processor" takes the spans
of another process's stream instead of OTLP.`,
		Flags:        liveFlags(),
		OnUsageError: onUsageError,
		Action:       func(c *cli.Context) error { return runLive(c, false) },
		Subcommands: []*cli.Command{{
			Name:  "processor",
			Usage: "decide and scale on the sampled spans of another process",
			Description: `Follows the sampled-span stream of "scale-eval live" at --from, so that samplers
scale out behind a load balancer. Every span that comes counts as sampled.`,
			Flags: append(processorFlags(), &cli.StringFlag{Name: "from", Usage: "`HOST:PORT` of the sampler (required)"},
				&cli.StringFlag{Name: "from-ca", Usage: "`FILE` with the sampler's authorities (PEM)"},
				&cli.StringFlag{Name: "from-token-file", Usage: "`FILE` with the token that the sampler wants"}),
			OnUsageError: onUsageError,
			Action:       func(c *cli.Context) error { return runLive(c, true) },
		}},
	}
}

func liveFlags() []cli.Flag {
	flags := append(processorFlags(),
		&cli.StringFlag{Name: "listen", Value: "127.0.0.1:4317", Category: listenCategory, Usage: "`ADDRESS` of OTLP/gRPC and of the stream of sampled spans"},
		&cli.StringFlag{Name: "http", Value: "127.0.0.1:4318", Category: listenCategory, Usage: "`ADDRESS` of OTLP/HTTP (\"\": none)"},
		&cli.StringFlag{Name: "train-from", Category: trainCategory, Usage: "`SOURCE` tempo=URL, jaeger=URL, or a dataset's path"},
		&cli.DurationFlag{Name: "train-range", Value: time.Hour, Category: trainCategory, Usage: "`HOW FAR` back training spans may lie"},
		&cli.StringFlag{Name: "train-query", Category: trainCategory, Usage: "`QUERY` for them: TraceQL for tempo, services with commas for jaeger"},
		&cli.IntFlag{Name: "train-spans", Value: 50_000, Category: trainCategory, Usage: "`SPANS` to train on, the latest"},
		&cli.DurationFlag{Name: "train-every", Category: trainCategory, Usage: "train again so often (`0`: only at start)"},
		&cli.StringFlag{Name: "train-tenant", Category: trainCategory, Usage: "tempo: X-Scope-OrgID `TENANT`"},
		&cli.StringFlag{Name: "train-token-file", Category: trainCategory, Usage: "`FILE` with the bearer token that the source wants"},
		&cli.BoolFlag{Name: "cold", Category: trainCategory, Usage: "be ready without a trained model, and learn from live spans"},
		&cli.BoolFlag{Name: "learn", Value: true, Category: trainCategory, Usage: "go on learning, each span after it was scored"},
		&cli.StringFlag{Name: "forward", Category: listenCategory, Usage: "`HOST:PORT` (OTLP/gRPC, loopback or trusted network) that gets the sampled spans, too"},
		&cli.StringFlag{Name: "record", Category: stateCategory, Usage: "write what is judged to Parquet in `DIR`, for run and simulate"},
		&cli.Uint64Flag{Name: "seed", Value: 1, Category: samplerCategory, Usage: "`SEED` of the trees"},
	)
	return append(append(flags, samplerFlags()...), callFlags()...)
}

// processorFlags are those of both forms of live.
func processorFlags() []cli.Flag {
	return []cli.Flag{
		configFlag(),
		&cli.StringFlag{Name: "rules", Category: actCategory, Usage: "rule `FILE`; without rules it samples and streams only"},
		&cli.StringFlag{Name: "plan", Category: actCategory, Usage: "`DIR` with sampler.yaml, model.bin and rules.yaml, as simulate --save writes it"},
		&cli.BoolFlag{Name: "act", Category: actCategory, Usage: "carry actions out; without it everything is a dry run"},
		&cli.StringFlag{Name: "backend", Category: actCategory, Usage: "`WHERE` actions go: kube, webhook=URL, log, or signal (KEDA or an HPA scales, see --keda) (default: kube in a cluster or with --kubeconfig, else log)"},
		&cli.StringFlag{Name: "kubeconfig", Category: actCategory, EnvVars: []string{"KUBECONFIG"}, Usage: "`FILE` that says where the cluster is (default: the pod's own account)"},
		&cli.StringFlag{Name: "namespace", Category: actCategory, EnvVars: []string{"POD_NAMESPACE"}, Usage: "`NAMESPACE` of targets that name none, and of the lease (default: default)"},
		&cli.StringFlag{Name: "selector", Category: actCategory, Usage: "label `SELECTOR`: other workloads are never touched"},
		&cli.StringFlag{Name: "lease", Value: "scale-eval", Category: actCategory, Usage: "`NAME` of the Lease by which one of several replicas acts (\"\": no election)"},
		&cli.StringFlag{Name: "identity", Category: actCategory, EnvVars: []string{"POD_NAME"}, Usage: "`NAME` of this replica in the election (default: host and process)"},
		&cli.DurationFlag{Name: "tick", Value: time.Second, Category: actCategory, Usage: "decide so `OFTEN`"},
		&cli.DurationFlag{Name: "act-timeout", Value: 5 * time.Second, Category: actCategory, Usage: "`HOW LONG` the actions of one tick may take; the next tick waits meanwhile"},
		&cli.StringFlag{Name: "audit", Category: stateCategory, Usage: "`FILE` to which decisions are appended as JSON lines"},
		&cli.StringFlag{Name: "state", Category: stateCategory, Usage: "`DIR`, or URL of a bucket's folder, for snapshots; a restart continues from there (\"\": none)"},
		&cli.DurationFlag{Name: "snapshot-every", Value: time.Minute, Category: stateCategory, Usage: "`HOW OFTEN` a snapshot is written"},
		&cli.StringFlag{Name: "admin", Value: "127.0.0.1:8089", Category: listenCategory, Usage: "`ADDRESS` of the status page, /metrics, /healthz and /readyz (\"\": none)"},
		&cli.BoolFlag{Name: "admin-any", Category: listenCategory, Usage: "let --admin listen off loopback: it is read-only, and has no authentication"},
		&cli.StringFlag{Name: "tls-cert", Category: listenCategory, Usage: "`FILE` with the certificate of the listeners (PEM)"},
		&cli.StringFlag{Name: "tls-key", Category: listenCategory, Usage: "`FILE` with its key"},
		&cli.StringFlag{Name: "client-ca", Category: listenCategory, Usage: "`FILE` with the authorities of which every sender needs a certificate"},
		&cli.StringFlag{Name: "token-file", Category: listenCategory, Usage: "`FILE` of bearer tokens, one a line, of which every sender needs one"},
		&cli.BoolFlag{Name: "allow-insecure", Category: listenCategory, Usage: "listen off loopback without knowing who speaks: the network in front does"},
		&cli.StringFlag{Name: "keda", Category: listenCategory, Usage: "backend signal: `ADDRESS` of KEDA's external scaler (gRPC)"},
		&cli.StringFlag{Name: "external-metrics", Category: listenCategory, Usage: "backend signal: `ADDRESS` of external.metrics.k8s.io, for an APIService"},
		&cli.StringFlag{Name: "pprof", Category: listenCategory, Usage: "loopback `ADDRESS` of pprof (\"\": none)"},
		&cli.StringFlag{Name: "trace-to", Category: stateCategory, Usage: "`HOST:PORT` (OTLP/gRPC, loopback or trusted network) that gets spans about this process itself (\"\": none)"},
		&cli.DurationFlag{Name: "drain", Value: 10 * time.Second, Category: stateCategory, Usage: "`HOW LONG` the end may take after SIGTERM"},
		&cli.Int64Flag{Name: "memory-limit", Value: 512, Category: stateCategory, Usage: "`MIB` of heap above which exports are told to come again (0: none)"},
		&cli.StringFlag{Name: "service-attr", Category: inputCategory, Usage: "span `ATTRIBUTE` that holds the service name and wins over the resource's"},
		&cli.StringFlag{Name: "log-format", Value: "text", Category: stateCategory, Usage: "text or json"},
	}
}

// runLive checks the options before anything is opened.
func runLive(c *cli.Context, processor bool) error {
	if err := noArgs(c); err != nil {
		return err
	}
	if err := applyPlan(c); err != nil {
		return err
	}
	if err := applyConfig(c); err != nil {
		return err
	}
	if err := checkLive(c, processor); err != nil {
		return err
	}
	boundMemory(c.Int64("memory-limit"))
	p, err := newProcess(c, processor)
	if err != nil {
		return err
	}
	return p.run(c.Context)
}

// boundMemory trades some CPU for memory, where the environment does not say otherwise:
// most of the heap is the buffer of traces, which is cheap to collect, and by default as
// much garbage again would wait beside it. 30 leaves 8 MB for garbage beside the usual 26,
// and collecting takes 2 to 3 % of the CPU time. At mib MiB, above which the receiver
// sheds, the runtime collects before more grows; 0: no such limit.
func boundMemory(mib int64) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(30)
	}
	if os.Getenv("GOMEMLIMIT") == "" && mib > 0 {
		debug.SetMemoryLimit(mib << 20)
	}
}

// applyPlan takes the sampler's options of a plan; flags on the command line win.
func applyPlan(c *cli.Context) error {
	dir := c.String("plan")
	if dir == "" {
		return nil
	}
	if c.String("rules") != "" {
		return usagef("--rules contradicts --plan, which has rules; drop one of them")
	}
	if err := c.Set("rules", filepath.Join(dir, "rules.yaml")); err != nil {
		return err
	}
	config := filepath.Join(dir, "sampler.yaml")
	if _, err := os.Stat(config); errors.Is(err, os.ErrNotExist) || c.Command.Name == "processor" {
		return nil
	}
	if c.String("config") != "" {
		return usagef("--config contradicts --plan, which has a sampler.yaml; drop one of them")
	}
	return c.Set("config", config)
}

func checkLive(c *cli.Context, processor bool) error {
	if processor {
		if err := required(c, "from"); err != nil {
			return err
		}
		if err := required(c, "rules"); err != nil {
			return err
		}
	} else if err := checkSampling(c); err != nil {
		return err
	}
	for _, name := range []string{"tick", "act-timeout", "snapshot-every", "drain"} {
		if c.Duration(name) <= 0 {
			return usagef("--%s %v: want more than 0", name, c.Duration(name))
		}
	}
	if f := c.String("log-format"); f != "text" && f != "json" {
		return usagef("--log-format %q: want text or json", f)
	}
	for name, allowed := range map[string]bool{"admin": c.Bool("admin-any"), "pprof": false} {
		if addr := c.String(name); addr != "" && !allowed && !isLoopback(addr) {
			return usagef("--%s %s: want a loopback address such as 127.0.0.1:8089: it has no authentication", name, addr)
		}
	}
	if b := c.String("backend"); b != "" && b != "kube" && b != "log" && b != "signal" && !strings.HasPrefix(b, "webhook=") {
		return usagef("--backend %q: want kube, webhook=URL, log or signal", b)
	}
	if (c.String("keda") != "" || c.String("external-metrics") != "") != (c.String("backend") == "signal") {
		return usagef("--backend signal and its listeners, --keda or --external-metrics, come together")
	}
	return nil
}

func checkSampling(c *cli.Context) error {
	if err := checkSamplerFlags(c); err != nil {
		return err
	}
	if s := c.String("sampler"); s != adaptiveSampler && s != paperSampler {
		return usagef("--sampler %s: live needs one with snapshots: adaptive or paper", s)
	}
	if c.Int("train-spans") < 1 || c.Duration("train-range") <= 0 {
		return usagef("--train-spans %d, --train-range %v: want more than 0", c.Int("train-spans"), c.Duration("train-range"))
	}
	return nil
}

func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

func liveLog(c *cli.Context) *slog.Logger {
	if c.String("log-format") == "json" {
		return slog.New(slog.NewJSONHandler(c.App.ErrWriter, nil))
	}
	return slog.New(slog.NewTextHandler(c.App.ErrWriter, nil))
}

func listenerOptions(c *cli.Context) secure.Options {
	return secure.Options{CertFile: c.String("tls-cert"), KeyFile: c.String("tls-key"), ClientCAFile: c.String("client-ca"),
		TokenFile: c.String("token-file"), AllowInsecure: c.Bool("allow-insecure")}
}

// replicaName tells replicas on one host apart.
func replicaName(c *cli.Context) string {
	if id := c.String("identity"); id != "" {
		return id
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s-%d", host, os.Getpid())
}
