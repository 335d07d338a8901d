package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	walk "github.com/scale-eval/scale-eval/datasets/otlp"
	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/hst"
	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/otlp"
	"github.com/scale-eval/scale-eval/live/secure"
	"github.com/scale-eval/scale-eval/live/stream"
)

// What --judge of bench live names.
const (
	judgePipeline = "pipeline"
	judgeSampler  = "sampler"
	judgeNone     = "none"
)

var judges = []string{judgePipeline, judgeSampler, judgeNone}

// receiverEnd is what a receiver reports when it has ended.
type receiverEnd struct {
	Counters    otlp.Counters `json:"counters"`
	RSSBytesMax int64         `json:"rss_bytes_max"`
}

// benchReceiverCommand is the other process of bench live: it prints its address,
// serves until its input ends, and prints a receiverEnd.
func benchReceiverCommand() *cli.Command {
	return &cli.Command{
		Name:   "live-receiver",
		Usage:  "the receiver that bench live starts",
		Hidden: true,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "judge", Value: judgePipeline},
			&cli.IntFlag{Name: "cores", Value: 1},
			&cli.StringFlag{Name: "cpuprofile", Usage: "write a CPU profile to `FILE`", EnvVars: []string{"SCALE_EVAL_BENCH_CPUPROFILE"}},
		},
		OnUsageError: onUsageError,
		Action:       runBenchReceiver,
	}
}

func runBenchReceiver(c *cli.Context) error {
	runtime.GOMAXPROCS(max(1, c.Int("cores")))
	boundMemory(0)
	if file := c.String("cpuprofile"); file != "" {
		f, err := os.Create(file)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	judge, keys, tick, err := benchJudge(c.String("judge"))
	if err != nil {
		return err
	}
	sec, err := secure.Load(secure.Options{})
	if err != nil {
		return err
	}
	lis, err := sec.Listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	hub := stream.NewHub(stream.Options{})
	st := otlp.NewStage(otlp.Options{Judge: judge, Outputs: []otlp.Output{hub}, Wire: walk.Options{Attributes: keys}})
	srv := otlp.NewServer(sec, st)
	hub.Register(srv)
	go srv.Serve(lis) // ends with the process
	fmt.Fprintln(c.App.Writer, lis.Addr())

	ctx, cancel := context.WithCancel(c.Context)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, bufio.NewReader(c.App.Reader))
		cancel()
	}()
	for ticks := time.NewTicker(time.Second); ctx.Err() == nil; {
		select {
		case <-ctx.Done():
		case <-ticks.C:
			if err := st.Do(ctx, tick); err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
	bound, stop := context.WithTimeout(context.Background(), 5*time.Second)
	defer stop()
	if err := st.Drain(bound); err != nil {
		return err
	}
	hub.Close()
	srv.GracefulStop()
	return printJSON(c.App.Writer, receiverEnd{st.Counters(), peakRSS()})
}

// benchJudge is a judge, the attributes that it looks at, and what to do each second.
func benchJudge(name string) (judge otlp.Judge, attributes []string, tick func(), err error) {
	sampler, err := hst.NewAdaptive(hst.DefaultAdaptiveConfig(hst.Seed{}))
	if err != nil {
		return nil, nil, nil, err
	}
	tick = func() {}
	switch name {
	case judgeNone:
		return passAll{}, nil, tick, nil
	case judgeSampler:
		return otlp.NewSampler(sampler, trace.NewCalls(live.DefaultSettings().MaxCalls, nil), true), nil, tick, nil
	case judgePipeline:
	default:
		return nil, nil, nil, usagef("--judge %q: want one of %s", name, strings.Join(judges, ", "))
	}
	set := live.RuleSet{Settings: live.DefaultSettings(), Rules: []live.RuleSpec{{
		Name: "slow", When: live.Condition{Latency: 100 * time.Millisecond, Times: 50, Window: time.Minute},
		Then: live.Response{Horizontal: &live.HorizontalResponse{Amount: live.Amount{Mode: live.Step, Value: 1}}},
	}}}
	p, err := live.New(live.Options{Rules: set, Sampler: sampler, Learn: true, Orchestrator: live.NewLedger(nil, live.State{Replicas: 1})})
	if err != nil {
		return nil, nil, nil, err
	}
	// The orchestrator is in memory and there is no audit log: neither errs.
	tick = func() { _, _ = p.Tick(context.Background(), time.Now().UnixNano()) }
	return p, set.AttributeKeys(), tick, nil
}

// passAll finds every span ordinary.
type passAll struct{}

func (passAll) Span(*live.Span) (trace.Decision, error) { return trace.Decision{}, nil }

// peakRSS is the largest resident set of this process so far, in bytes, where the
// system says so in /proc; 0 elsewhere.
func peakRSS() int64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err != nil {
				return 0
			}
			return kb * 1024
		}
	}
	return 0
}
