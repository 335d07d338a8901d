//go:build e2e && unix

package e2e

import (
	"cmp"
	"context"
	"flag"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/scale-eval/scale-eval/live/loadgen"
)

var soak = flag.Duration("soak", 0, "`HOW LONG` TestSoak lasts (0: it is skipped)")

// What the sampler keeps to, on a machine that does nothing else.
const (
	latencyP99Max = 10 * time.Millisecond
	rssBytesMax   = 100e6
)

// TestSoak loads the sampler at 80 % of what it can for a long time: its memory must not
// grow or pass its bound, no acknowledged span may be lost, and exports are answered in
// time. Memory is compared between the middle and the end, not with the start, when
// buffers fill.
func TestSoak(t *testing.T) {
	if *soak <= 0 {
		t.Skip("a measurement: make soak DURATION=30m")
	}
	to := startSink(t)
	ports, err := Ports(2)
	if err != nil {
		t.Fatal(err)
	}
	s := &sampler{otlp: ports[0], admin: ports[1]}
	s.Proc = startEnv(t, onOneCore, "soak", all.program, "live", "--listen", s.otlp, "--http=", "--admin", s.admin, "--cold", "--forward", to.addr,
		"--state", all.run.Path("soak-state"), "--snapshot-every", "30s")
	s.await(t)
	defer apart(t, s.Proc)()
	warm := load(t, s.otlp, 1, 0, min(max(*soak/10, 10*time.Second), 2*time.Minute))
	can, most := sustained(warm)
	rate := 0.8 * can

	ctx, cancel := context.WithCancel(context.Background())
	var watch sync.WaitGroup
	var rss []int64
	var cpu []time.Duration // that it had needed when each second began
	watch.Go(func() {
		ticks := time.NewTicker(time.Second)
		defer ticks.Stop()
		for ctx.Err() == nil {
			if u, err := s.Usage(); err == nil {
				rss, cpu = append(rss, u.RSS), append(cpu, u.CPU)
			}
			select {
			case <-ctx.Done():
			case <-ticks.C:
			}
		}
	})
	before := usage(t, s.Proc)
	r := load(t, s.otlp, 2, rate, *soak)
	after := usage(t, s.Proc)
	cancel()
	watch.Wait()

	sent := warm.Spans + r.Spans
	wait(t, 10*time.Second, "the counts of the last tick", func() bool { return s.status(t).Receiver.Spans == sent }) // neither lost nor judged twice
	q := len(rss) / 4
	if q == 0 {
		t.Fatalf("%d readings of the memory: soak for longer", len(rss))
	}
	middle, end := median(rss[q:2*q]), median(rss[3*q:])
	t.Logf("%v at %.0f k spans/s (80 %% of %.0f k, what it did in the slowest 10 s of %v; %.0f k in the fastest): %d spans, %.2f CPU s a million, export latency p50 %v p99 %v max %v, %d tries told to come again, RSS %d MB in the second quarter, %d MB in the last, peak %d MB",
		r.Elapsed.Round(time.Second), rate/1e3, can/1e3, warm.Elapsed.Round(time.Second), most/1e3, r.Spans, (after.CPU-before.CPU).Seconds()/float64(r.Spans)*1e6, r.Latency(.5), r.Latency(.99), r.Latency(1), r.Refused,
		middle/1e6, end/1e6, after.RSSMax/1e6)
	steady, seconds := steadySeconds(r, cpu)
	t.Logf("of the %d seconds %d were steady: a span cost within 10 %% of the CPU time that it does in the median second, so that the machine was as fast as usual; p99 in these %v, max %v",
		len(r.Seconds), seconds, loadgen.Quantile(steady, .99), loadgen.Quantile(steady, 1))
	if end > middle+middle/10 {
		t.Errorf("memory grows: %d MB in the second quarter, %d MB in the last", middle/1e6, end/1e6)
	}
	if after.RSSMax > rssBytesMax {
		t.Errorf("peak RSS %d MB, want at most %d", after.RSSMax/1e6, int(rssBytesMax/1e6))
	}
	if p99 := r.Latency(.99); p99 > latencyP99Max {
		t.Errorf("export latency p99 %v, want at most %v: is the machine idle?", p99, latencyP99Max)
	}
	if err := s.Stop(); err != nil {
		t.Errorf("%v\n%s", err, s.Tail(10))
	}
}

// sustained is how many spans a second were acknowledged in the slowest and in the fastest
// ten seconds of a run: a machine with a host beneath is faster in some than in others, and
// what it can is what it can in any.
func sustained(r *loadgen.Result) (least, most float64) {
	const window = 10
	perExport := float64(r.Spans) / float64(max(1, r.Exports))
	for i := 0; i+window <= len(r.Seconds); i++ {
		n := 0
		for _, s := range r.Seconds[i : i+window] {
			n += len(s)
		}
		rate := float64(n) * perExport / window
		if i == 0 || rate < least {
			least = rate
		}
		most = max(most, rate)
	}
	return least, most
}

// steadySeconds is the latencies, sorted, of the seconds in which the machine was as
// fast as usual, and their number. What the kernel calls CPU time is longer on a virtual
// machine whose host gives it less, and at 80 % of full speed a queue grows as soon as
// that is a fifth less. The seconds after, when the queue shrinks, cost more a span that
// was due, too.
func steadySeconds(r *loadgen.Result, cpu []time.Duration) (steady []time.Duration, seconds int) {
	var cost []time.Duration
	for i := range min(len(r.Seconds), len(cpu)-1) {
		cost = append(cost, (cpu[i+1]-cpu[i])/time.Duration(max(1, len(r.Seconds[i]))))
	}
	if len(cost) == 0 {
		return nil, 0
	}
	usual := median(cost)
	for i, c := range cost {
		if c >= usual-usual/10 && c <= usual+usual/10 {
			steady, seconds = append(steady, r.Seconds[i]...), seconds+1
		}
	}
	slices.Sort(steady)
	return steady, seconds
}

func median[T cmp.Ordered](v []T) T {
	v = slices.Clone(v)
	slices.Sort(v)
	return v[len(v)/2]
}
