//go:build e2e && unix

package e2e

import (
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
	wait(t, time.Minute, "the next one to hold for the cooldown", func() bool {
		for _, d := range next.status(t).Decisions {
			if d.Reason == "cooldown" {
				return true
			}
		}
		return false
	})
	wait(t, time.Minute, "the next one to lead", func() bool { return next.status(t).Leading })
	ended(t, ctx, slow)
	if n := scaleWrites(t, c, account, false); n != 1 {
		t.Errorf("the API server knows of %d writes, want 1", n)
	}
	if err := c.Ready(ctx, ns, "checkout", 5); err != nil {
		t.Error(err)
	}
}
