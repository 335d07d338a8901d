package main

import (
	"bytes"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestLiveKilled: the process is killed right after an action, before any timed
// snapshot. The next one does not act again, although the trouble goes on and the
// last snapshot is taken away: the journal knows.
func TestLiveKilled(t *testing.T) {
	hook := &scaled{}
	srv := httptest.NewServer(hook)
	defer srv.Close()
	state := filepath.Join(t.TempDir(), "state")
	args := []string{"live", "--listen", "127.0.0.1:0", "--http", "", "--admin", "127.0.0.1:0", "--tick", "20ms", "--rules", rulesFile(t), "--cold", "--act",
		"--backend", "webhook=" + srv.URL, "--state", state, "--snapshot-every", "1h"}
	// testscript runs the test binary under the command's name.
	bin := filepath.Join(t.TempDir(), "scale-eval")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, bin); err != nil {
		t.Fatal(err)
	}
	start := func() (*liveRun, *exec.Cmd) {
		l := &liveRun{t: t, done: make(chan error, 1)}
		cmd := exec.Command(bin, args...)
		cmd.Stderr = &l.log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		go func() { l.done <- cmd.Wait() }()
		return l, cmd
	}
	l, cmd := start()
	defer cmd.Process.Kill()
	l.export(0, 5, 300*time.Millisecond)
	// The snapshot after the action is what a kill could beat; the journal is earlier.
	journal := filepath.Join(state, "acts.jsonl")
	var acted []byte
	l.wait("it acted", func() bool {
		if b, err := os.ReadFile(journal); err == nil && len(b) > 0 {
			acted = b
		}
		n, _ := hook.count()
		return n > 0
	})
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-l.done
	if n, _ := hook.count(); n != 1 {
		t.Fatalf("%d actions before the kill", n)
	}
	if b, err := os.ReadFile(journal); err == nil && len(b) > 0 {
		acted = b
	}
	if len(bytes.TrimSpace(acted)) > 0 { // seen before the snapshot emptied it
		os.Remove(filepath.Join(state, "live.json"))
		if err := os.WriteFile(journal, acted, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, cmd = start()
	defer cmd.Process.Kill()
	l.export(100, 5, 300*time.Millisecond)
	l.wait("the cooldown holds", func() bool { _, text := l.get("/api/status"); return strings.Contains(text, `"reason":"cooldown"`) })
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := <-l.done; err != nil {
		t.Log(l.log.String())
	}
	if n, _ := hook.count(); n != 1 {
		t.Errorf("%d actions, want the one before the kill", n)
	}
}
