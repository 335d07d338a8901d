//go:build e2e && unix

package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestServerRestarts: the API server is killed before there is anything to do, and
// started again when there is. Spans are taken all the time; the action is tried while
// the server is away, and carried out once when it is back.
func TestServerRestarts(t *testing.T) {
	c := theCluster(t)
	ns, account := shop(t, c)
	s := startSampler(t, "restart-sampler", "--cold")
	p := startProcessor(t, "restart-processor", "--from", s.otlp, "--act", "--kubeconfig", account.Kubeconfig, "--namespace", ns,
		"--rules", rulesFor(t, ns), "--state", all.run.Path("restart-state"), "--act-timeout", "2s")
	ctx := bounded(t, 3*time.Minute)
	wait(t, 30*time.Second, "the processor to lead", func() bool { return p.status(t).Leading })
	ended(t, ctx, usual(t, "restart-usual", s.otlp))
	c.StopServer()
	t.Cleanup(func() { // also for the tests after this one
		if c.server.Ended() {
			if err := c.StartServer(bounded(t, time.Minute)); err != nil {
				t.Error(err)
			}
		}
	})
	slow := telemetrygen(t, "restart-slow", s.otlp, "checkout", 800*time.Millisecond, 30*time.Second, 50)
	wait(t, 20*time.Second, "an action that fails, or a lead that is lost", func() bool {
		v := p.status(t)
		return v.Counters.Failed > 0 || !v.Leading
	})
	before := s.status(t).Receiver.Spans
	wait(t, 10*time.Second, "spans while the server is away", func() bool { return s.status(t).Receiver.Spans > before })
	if err := c.StartServer(ctx); err != nil {
		t.Fatal(err)
	}
	if err := c.Ready(ctx, ns, "checkout", 5); err != nil {
		t.Fatal(err)
	}
	ended(t, ctx, slow)
	if acted := p.acted(t); len(acted) != 1 {
		t.Errorf("audit log: %+v, want one action", acted)
	}
	if n := scaleWrites(t, c, account, true); n != 1 {
		t.Errorf("the API server knows of %d writes, want 1", n)
	}
}

// TestProcessorKilled: the process that acts is killed right after its action, while a
// service goes on being slow. The next one with its state knows of the action, and the
// cooldown holds.
func TestProcessorKilled(t *testing.T) {
	t.Parallel() // it waits for the most part
	c := theCluster(t)
	ns, account := shop(t, c)
	s := startSampler(t, "killed-sampler", "--cold")
	args := []string{"--from", s.otlp, "--act", "--kubeconfig", account.Kubeconfig, "--namespace", ns,
		"--rules", rulesFor(t, ns), "--state", all.run.Path("killed-state"), "--snapshot-every", "1h"}
	p := startProcessor(t, "killed-first", args...)
	ctx := bounded(t, 3*time.Minute)
	ended(t, ctx, usual(t, "killed-usual", s.otlp))
	slow := telemetrygen(t, "killed-slow", s.otlp, "checkout", 800*time.Millisecond, 60*time.Second, 50)
	if err := c.Ready(ctx, ns, "checkout", 5); err != nil {
		t.Fatal(err)
	}
	p.Kill()
	// It takes over when the killed one's lease has run out.
	next := startProcessor(t, "killed-next", args...)
	wait(t, time.Minute, "the next one to hold for the cooldown", func() bool { return next.status(t).holds() })
	wait(t, time.Minute, "the next one to lead", func() bool { return next.status(t).Leading })
	ended(t, ctx, slow)
	if n := scaleWrites(t, c, account, false); n != 1 {
		t.Errorf("the API server knows of %d writes, want 1", n)
	}
	if err := c.Ready(ctx, ns, "checkout", 5); err != nil {
		t.Error(err)
	}
}

// TestLeaderSuspended: of two processors the one that leads is stopped right after its
// action, while a service goes on being slow, and goes on when the other one leads. Its
// lease is lost, and it learns that; the action was taken once.
func TestLeaderSuspended(t *testing.T) {
	t.Parallel() // it waits for the most part
	c := theCluster(t)
	ns, account := shop(t, c)
	s := startSampler(t, "suspended-sampler", "--cold")
	begin := func(name string) *sampler {
		return startProcessor(t, "suspended-"+name, "--from", s.otlp, "--act", "--kubeconfig", account.Kubeconfig, "--namespace", ns,
			"--rules", rulesFor(t, ns), "--identity", name)
	}
	a := begin("a")
	wait(t, 30*time.Second, "a to lead", func() bool { return a.status(t).Leading })
	b := begin("b")
	ctx := bounded(t, 3*time.Minute)
	ended(t, ctx, usual(t, "suspended-usual", s.otlp))
	slow := telemetrygen(t, "suspended-slow", s.otlp, "checkout", 800*time.Millisecond, 45*time.Second, 50)
	if err := c.Ready(ctx, ns, "checkout", 5); err != nil {
		t.Fatal(err)
	}
	if err := a.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	wait(t, time.Minute, "b to lead", func() bool { return b.status(t).Leading })
	if err := a.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	wait(t, time.Minute, "a to know that it does not", func() bool { return !a.status(t).Leading })
	wait(t, time.Minute, "b to hold for the cooldown of a's action", func() bool { return b.status(t).holds() })
	ended(t, ctx, slow)
	if n := scaleWrites(t, c, account, false); n != 1 {
		t.Errorf("the API server knows of %d writes, want 1", n)
	}
	if err := c.Ready(ctx, ns, "checkout", 5); err != nil {
		t.Error(err)
	}
}

// TestSamplerKilled: the sampler is killed while the Collector has spans for it, and
// starts again from its snapshot. The Collector connects again, and every span that it
// took is counted once: those before the kill by the snapshot, the others by the new
// process. What the processor does with the slow ones is done once.
func TestSamplerKilled(t *testing.T) {
	t.Parallel() // it waits for the most part
	c := theCluster(t)
	ns, account := shop(t, c)
	args := []string{"--cold", "--state", all.run.Path("sampler-state"), "--snapshot-every", "500ms"}
	s := startSampler(t, "sampler-first", args...)
	p := startProcessor(t, "sampler-processor", "--from", s.otlp, "--act", "--kubeconfig", account.Kubeconfig, "--namespace", ns, "--rules", rulesFor(t, ns))
	wait(t, 30*time.Second, "the processor to lead", func() bool { return p.status(t).Leading })
	col := startCollector(t, "sampler-collector", s.otlp)
	ctx := bounded(t, 3*time.Minute)
	ended(t, ctx, usual(t, "sampler-usual", col.otlp))
	ended(t, ctx, telemetrygen(t, "sampler-slow", col.otlp, "checkout", 800*time.Millisecond, 3*time.Second, 50))
	taken := func() int64 { return col.count(t, "otelcol_receiver_accepted_spans") }
	judged := time.Time{}
	wait(t, 30*time.Second, "every span to be judged and in a snapshot", func() bool {
		v := s.status(t)
		if judged.IsZero() && v.Counters.Spans == taken() {
			judged = time.Now()
		}
		return !judged.IsZero() && v.SnapshotAt.After(judged)
	})
	if err := c.Ready(ctx, ns, "checkout", 5); err != nil {
		t.Fatal(err)
	}
	before := taken()
	s.Kill()
	// telemetrygen is rid of these, and the Collector cannot be.
	ended(t, ctx, telemetrygen(t, "sampler-away", col.otlp, "checkout", 800*time.Millisecond, 3*time.Second, 50))
	s = startSamplerAt(t, "sampler-next", s.otlp, s.admin, args...)
	if got := taken(); got < before+100 || s.status(t).Counters.Spans < before {
		t.Errorf("%d spans before the kill, %d after it; the snapshot has %d", before, got-before, s.status(t).Counters.Spans)
	}
	wait(t, time.Minute, "the spans that came while it was away", func() bool { return s.status(t).Counters.Spans >= taken() })
	v := s.status(t)
	if v.Counters.Spans != taken() || v.Counters.Refused.Duplicate != 0 {
		t.Errorf("the Collector took %d spans; %+v", taken(), v.Counters)
	}
	if lost := col.count(t, "otelcol_exporter_send_failed_spans"); lost != 0 {
		t.Errorf("the Collector gave up %d spans", lost)
	}
	wait(t, 30*time.Second, "the processor to follow again", func() bool { return strings.Count(p.Output(), "msg=following") == 2 })
	had := p.status(t).Counters.Spans
	ended(t, ctx, telemetrygen(t, "sampler-still", col.otlp, "checkout", 800*time.Millisecond, 3*time.Second, 50))
	wait(t, 30*time.Second, "the processor to get spans, and hold", func() bool {
		v := p.status(t)
		return v.Counters.Spans > had && v.holds()
	})
	if n := scaleWrites(t, c, account, false); n != 1 {
		t.Errorf("the API server knows of %d writes, want 1", n)
	}
}
