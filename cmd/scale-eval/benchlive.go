package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"
	"google.golang.org/grpc"

	"github.com/scale-eval/scale-eval/datasets/otlp"
	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/live/loadgen"
	"github.com/scale-eval/scale-eval/live/secure"
	"github.com/scale-eval/scale-eval/live/stream"
)

func benchLiveCommand() *cli.Command {
	def := loadgen.DefaultConfig()
	return &cli.Command{
		Name:  "live",
		Usage: "load live mode's receiver over OTLP/gRPC on loopback",
		Description: `A receiver of its own process takes exports from a load generator in this one: first
as fast as it acknowledges them, then, in a fresh process, at a share of that rate. An
acknowledgement means that every span was judged. A subscriber takes the sampled
spans. Spans per CPU-second are those of the receiver alone, and so is the memory;
wall times are those of a machine that the generator shares.`,
		Flags: []cli.Flag{
			outputFlag(),
			&cli.StringFlag{Name: "judge", Value: judgePipeline, Usage: "what judges spans: `JUDGE` pipeline (adaptive sampler, one rule, ticks), sampler (alone) or none (receive only)"},
			&cli.DurationFlag{Name: "duration", Value: 10 * time.Second, Usage: "`HOW LONG` each of the two loads lasts"},
			&cli.Float64Flag{Name: "load", Value: 0.8, Usage: "second load, as a `SHARE` of the first one's rate; 0: leave it out"},
			&cli.IntFlag{Name: "cores", Value: 1, Usage: "`CORES` of the receiver"},
			&cli.IntFlag{Name: "workers", Value: 4, Usage: "`EXPORTS` on the way at a time"},
			&cli.StringFlag{Name: "compress", Usage: "`COMPRESSION` of exports: gzip or zstd (default: none)"},
			&cli.IntFlag{Name: "traces", Value: def.Traces, Usage: "`TRACES` an export"},
			&cli.IntFlag{Name: "spans", Value: def.Spans, Usage: "`SPANS` a trace"},
			&cli.IntFlag{Name: "span-bytes", Value: def.SpanBytes, Usage: "`BYTES` a span on the wire"},
			&cli.Float64Flag{Name: "slow", Value: def.SlowShare, Usage: "`SHARE` of traces with one slow span"},
			&cli.Uint64Flag{Name: "seed", Value: def.Seed, Usage: "`SEED` of the load"},
		},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			asJSON, err := noArgsWantJSON(c)
			if err != nil {
				return err
			}
			return benchLive(c, asJSON)
		},
	}
}

// liveRow is one load.
type liveRow struct {
	Load           string  `json:"load"`
	Spans          int64   `json:"spans"` // acknowledged
	SpansPerS      float64 `json:"spans_per_s"`
	SpansPerCPUS   float64 `json:"spans_per_cpu_s"`
	CPUSPerMSpans  float64 `json:"cpu_s_per_million_spans"`
	RSSBytesMax    int64   `json:"rss_bytes_max"` // 0: not known on this system
	LatencyMSP50   float64 `json:"export_latency_ms_p50"`
	LatencyMSP99   float64 `json:"export_latency_ms_p99"`
	Refused        int64   `json:"refused_tries"`
	Sampled        int64   `json:"sampled"`
	Missed         int64   `json:"missed"` // by the subscriber
	DeliveredMSP50 float64 `json:"span_end_to_subscriber_ms_p50"`
	DeliveredMSP99 float64 `json:"span_end_to_subscriber_ms_p99"`
}

// liveBench is the JSON form.
type liveBench struct {
	CPUs     int            `json:"cpus"`
	Arch     string         `json:"arch"`
	Go       string         `json:"go"`
	Cores    int            `json:"receiver_cores"`
	Judge    string         `json:"judge"`
	Compress string         `json:"compress"`
	Shape    loadgen.Config `json:"shape"`
	Rows     []liveRow      `json:"rows"`
}

func benchLive(c *cli.Context, asJSON bool) error {
	shape := loadgen.DefaultConfig()
	shape.Traces, shape.Spans, shape.SpanBytes = c.Int("traces"), c.Int("spans"), c.Int("span-bytes")
	shape.Services, shape.SlowShare, shape.Seed = min(shape.Services, shape.Spans), c.Float64("slow"), c.Uint64("seed")
	b := liveBench{runtime.NumCPU(), runtime.GOOS + "/" + runtime.GOARCH, runtime.Version(), c.Int("cores"), c.String("judge"), c.String("compress"), shape, nil}
	if err := shape.Validate(); err != nil {
		return usageError{err}
	}
	switch {
	case !slices.Contains(judges, b.Judge):
		return usagef("--judge %q: want one of %s", b.Judge, strings.Join(judges, ", "))
	case !slices.Contains([]string{"", "gzip", "zstd"}, b.Compress):
		return usagef("--compress %q: want gzip or zstd", b.Compress)
	case b.Cores < 1 || c.Int("workers") < 1 || c.Duration("duration") <= 0 || c.Float64("load") < 0 || c.Float64("load") > 1:
		return usagef("want at least one core and worker, a duration, and a load of 0 to 1")
	}
	full, err := b.load(c, "as fast as it goes", 0)
	if err != nil {
		return err
	}
	b.Rows = append(b.Rows, full)
	if share := c.Float64("load"); share > 0 {
		row, err := b.load(c, fmt.Sprintf("%.0f %% of that", 100*share), share*full.SpansPerS)
		if err != nil {
			return err
		}
		b.Rows = append(b.Rows, row)
	}
	if asJSON {
		return printJSON(c.App.Writer, b)
	}
	return b.print(c.App.Writer)
}

func (b *liveBench) print(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "load\tspans/s\tspans/CPU-s\tCPU s/M spans\tpeak RSS, MB\texport p50/p99, ms\trefused\tsampled\tspan end to subscriber p50/p99, ms\t")
	for _, r := range b.Rows {
		fmt.Fprintf(tw, "%s\t%.0f\t%.0f\t%.2f\t%.1f\t%.2f/%.2f\t%d\t%d\t%.1f/%.1f\t\n", r.Load, r.SpansPerS, r.SpansPerCPUS, r.CPUSPerMSpans,
			float64(r.RSSBytesMax)/1e6, r.LatencyMSP50, r.LatencyMSP99, r.Refused, r.Sampled, r.DeliveredMSP50, r.DeliveredMSP99)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%d traces x %d spans of %d bytes an export, judge %s, compression %s, receiver on %d of %d cores, %s, %s\n",
		b.Shape.Traces, b.Shape.Spans, b.Shape.SpanBytes, b.Judge, cmp.Or(b.Compress, "none"), b.Cores, b.CPUs, b.Arch, b.Go)
	return err
}

// load is one row: a fresh receiver, loaded at rate (0: as fast as it goes).
func (b *liveBench) load(c *cli.Context, name string, rate float64) (row liveRow, err error) {
	r, err := startReceiver(c.Context, b.Judge, b.Cores)
	if err != nil {
		return row, err
	}
	defer func() { err = errors.Join(err, r.kill()) }()
	client, err := secure.LoadClient(secure.ClientOptions{})
	if err != nil {
		return row, err
	}
	opts, err := client.GRPC(r.addr)
	if err != nil {
		return row, err
	}
	conn, err := grpc.NewClient(r.addr, opts...)
	if err != nil {
		return row, err
	}
	defer conn.Close()
	sink := follow(c.Context, conn)
	defer sink.cancel()
	o := loadgen.Options{Config: b.Shape, Conns: []grpc.ClientConnInterface{conn}, Workers: c.Int("workers"), Rate: rate, Duration: c.Duration("duration")}
	if b.Compress != "" {
		o.Call = append(o.Call, grpc.UseCompressor(b.Compress))
	}
	res, err := loadgen.Run(c.Context, o)
	if err != nil {
		return row, err
	}
	if res.Failed > 0 || res.Spans == 0 {
		return row, fmt.Errorf("bench live: %d exports failed, %d spans were acknowledged: %w", res.Failed, res.Spans, cmp.Or(res.Err, c.Context.Err()))
	}
	end, err := r.stop()
	if err != nil {
		return row, err
	}
	if end.Counters.Spans != res.Spans {
		return row, fmt.Errorf("bench live: %d spans were acknowledged, %d judged", res.Spans, end.Counters.Spans)
	}
	sink.wait()
	return liveRow{
		Load: name, Spans: res.Spans, SpansPerS: float64(res.Spans) / res.Elapsed.Seconds(),
		SpansPerCPUS: float64(res.Spans) / r.cpu().Seconds(), CPUSPerMSpans: r.cpu().Seconds() / float64(res.Spans) * 1e6,
		RSSBytesMax: end.RSSBytesMax, LatencyMSP50: ms(res.Latency(.5)), LatencyMSP99: ms(res.Latency(.99)),
		Refused: res.Refused, Sampled: end.Counters.Sampled, Missed: sink.missed,
		DeliveredMSP50: ms(sink.quantile(.5)), DeliveredMSP99: ms(sink.quantile(.99)),
	}, nil
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

// benchSink is a subscriber that looks how old sampled spans are when they come.
type benchSink struct {
	cancel context.CancelFunc
	done   chan struct{}
	once   sync.Once
	ages   []time.Duration
	missed int64
}

// follow subscribes; it returns when the subscription holds or cannot be had.
func follow(ctx context.Context, conn grpc.ClientConnInterface) *benchSink {
	s := &benchSink{done: make(chan struct{})}
	ctx, s.cancel = context.WithCancel(ctx)
	held := make(chan struct{})
	ready := func() { s.once.Do(func() { close(held) }) }
	wire := otlp.NewWire(otlp.Options{})
	go func() {
		defer close(s.done)
		defer ready()
		// Its end is the receiver's, which the load reports.
		o := stream.FollowOptions{Name: "bench", Connected: ready, Lost: func(error) { s.cancel() }}
		_ = stream.Follow(ctx, conn, o, func(r stream.Received) error {
			s.missed += r.Missed
			return otlp.EachResourceSpans(r.Data, func(rs []byte) error { return s.age(wire, rs, time.Now().UnixNano()) })
		})
	}()
	<-held
	return s
}

func (s *benchSink) age(wire *otlp.Wire, rs []byte, now int64) error {
	if err := wire.Reset(rs); err != nil {
		return err
	}
	var span trace.Span
	var meta otlp.Meta
	for {
		switch err := wire.Next(&span, &meta); err {
		case nil:
			s.ages = append(s.ages, time.Duration(now-span.End()))
		case io.EOF:
			return nil
		default:
			return err
		}
	}
}

// wait is until the stream has ended, and with it the writing of the fields.
func (s *benchSink) wait() {
	<-s.done
	slices.Sort(s.ages)
}

func (s *benchSink) quantile(q float64) time.Duration {
	if len(s.ages) == 0 {
		return 0
	}
	return s.ages[min(len(s.ages)-1, int(q*float64(len(s.ages))))]
}

// benchReceiver is the receiver's process.
type benchReceiver struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	out    *bufio.Reader
	addr   string
	waited bool
}

// startReceiver runs this program again, as "bench live-receiver".
func startReceiver(ctx context.Context, judge string, cores int) (*benchReceiver, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "bench", "live-receiver", "--judge", judge, "--cores", fmt.Sprint(cores))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r := &benchReceiver{cmd: cmd, stdin: stdin, out: bufio.NewReader(stdout)}
	line, err := r.out.ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("bench live: the receiver did not start: %w", err), r.kill())
	}
	r.addr = strings.TrimSpace(line)
	return r, nil
}

// stop ends the process and returns what it reports.
func (r *benchReceiver) stop() (end receiverEnd, err error) {
	if err := r.stdin.Close(); err != nil {
		return end, err
	}
	if err := json.NewDecoder(r.out).Decode(&end); err != nil {
		return end, fmt.Errorf("bench live: the receiver's report: %w", err)
	}
	r.waited = true
	return end, r.cmd.Wait()
}

// kill ends a process that was not stopped.
func (r *benchReceiver) kill() error {
	if r.waited {
		return nil
	}
	r.waited = true
	err := r.cmd.Process.Kill()
	_ = r.cmd.Wait() // it was killed: that is its error
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// cpu is what the ended process used.
func (r *benchReceiver) cpu() time.Duration {
	return r.cmd.ProcessState.UserTime() + r.cmd.ProcessState.SystemTime()
}
