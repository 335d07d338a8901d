package main

import (
	"bytes"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// smallDisk mounts a disk of the size, which a test can fill.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("mounting a small disk: %v; run as root", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// TestLiveDiskFull: the disk of the state and of the audit log is full. Spans are
// taken and the action is carried out all the same; it is told; and the next process,
// which finds the old snapshot, knows of the action.
func TestLiveDiskFull(t *testing.T) {
	hook := &scaled{}
	srv := httptest.NewServer(hook)
	defer srv.Close()
	dir := smallDisk(t, "1m")
	state := filepath.Join(dir, "state")
	args := []string{"--rules", rulesFile(t), "--cold", "--act", "--backend", "webhook=" + srv.URL, "--state", state, "--snapshot-every", "20ms",
		"--audit", filepath.Join(dir, "audit.jsonl")}
	l := startLive(t, args...)
	l.wait("there is a snapshot", func() bool { _, err := os.Stat(filepath.Join(state, "live.json")); return err == nil })
	ballast := filepath.Join(dir, "ballast")
	l.wait("the disk is full", func() bool {
		f, err := os.OpenFile(ballast, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return errors.Is(err, syscall.ENOSPC)
		}
		defer f.Close()
		_, err = f.Write(bytes.Repeat([]byte{1}, 1<<20))
		return errors.Is(err, syscall.ENOSPC) && strings.Contains(l.log.String(), "no space left")
	})
	l.export(0, 5, 300*time.Millisecond)
	l.wait("it acted", func() bool { n, _ := hook.count(); return n > 0 })
	l.wait("it tells", func() bool {
		_, text := l.get("/api/status")
		return strings.Contains(text, "audit log: ") && !strings.Contains(text, `"snapshot_failures":0`) && strings.Contains(text, `"spans":5`)
	})
	l.stop() // the last snapshot fails, too
	if !strings.Contains(l.log.String(), "the last one is kept") {
		t.Errorf("log:\n%s", l.log.String())
	}
	l = startLive(t, args...)
	l.export(100, 5, 300*time.Millisecond)
	l.wait("the cooldown holds", func() bool { _, text := l.get("/api/status"); return strings.Contains(text, `"reason":"cooldown"`) })
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	l.wait("there is room again", func() bool { _, text := l.get("/api/status"); return !strings.Contains(text, "problems") })
	l.stop()
	if n, _ := hook.count(); n != 1 {
		t.Errorf("%d actions, want the one on the full disk", n)
	}
}
