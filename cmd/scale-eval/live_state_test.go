//go:build unix

package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/scale-eval/scale-eval/objects/objecttest"
)

// State in a bucket is that of a folder: who starts anew, anywhere, knows what was done,
// from the snapshot and, where none was written since, from the list of actions alone.
func TestLiveStateInBucket(t *testing.T) {
	for name, noSnapshots := range map[string]bool{"snapshot": false, "actions alone": true} {
		t.Run(name, func(t *testing.T) {
			tmp := t.TempDir()
			t.Setenv("TMPDIR", tmp)
			server, hook := objecttest.Start(t), &scaled{}
			srv := httptest.NewServer(hook)
			defer srv.Close()
			args := []string{"--rules", rulesFile(t), "--cold", "--act", "--backend", "webhook=" + srv.URL, "--act-timeout", "2s", "--state", server.URL("bucket", "state")}
			if noSnapshots {
				server.Faults.Fail(objecttest.Unavailable, 1000, http.MethodPut, stateFile)
			}
			l := startLive(t, args...)
			l.export(0, 5, 300*time.Millisecond)
			l.wait("it acted", func() bool { n, _ := hook.count(); return n > 0 })
			l.stop()
			if whole := server.Get("state/" + stateFile); (whole == nil) != noSnapshots {
				t.Fatalf("the snapshot has %d bytes, in the bucket are %v", len(whole), server.Keys())
			}
			if listed := strings.Contains(string(server.Get("state/"+actsFile)), `"cart"`); listed != noSnapshots {
				t.Errorf("the list of actions is %q", server.Get("state/"+actsFile))
			}
			if noSnapshots && !strings.Contains(l.log.String(), "no snapshot") {
				t.Errorf("that there is no snapshot is not said:\n%s", l.log.String())
			}

			l = startLive(t, args...) // with a copy of its own
			l.export(100, 5, 300*time.Millisecond)
			l.wait("the cooldown holds it", func() bool { _, text := l.get("/api/status"); return strings.Contains(text, `"reason":"cooldown"`) })
			l.stop()
			if n, _ := hook.count(); n != 1 {
				t.Errorf("%d actions, want one", n)
			}
			if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
				t.Errorf("%v is left behind, %v", left, err)
			}
		})
	}
}

// A bucket that fails holds no action back, and is told.
func TestLiveStateFails(t *testing.T) {
	server, hook := objecttest.Start(t), &scaled{}
	srv := httptest.NewServer(hook)
	defer srv.Close()
	server.Faults.Fail(objecttest.Unavailable, 1000, http.MethodPut, "state/")
	l := startLive(t, "--rules", rulesFile(t), "--cold", "--act", "--backend", "webhook="+srv.URL, "--act-timeout", "1s", "--state", server.URL("bucket", "state"))
	l.export(0, 5, 300*time.Millisecond)
	l.wait("it acted", func() bool { n, _ := hook.count(); return n > 0 })
	l.wait("it says so", func() bool {
		_, text := l.get("/api/status")
		return strings.Contains(text, "could not be written to --state")
	})
	l.stop()
	refuse(t, exitFailure, "there is no bucket", "live", "--rules", rulesFile(t), "--cold", "--listen", "127.0.0.1:0", "--state", server.URL("other", "state"))
}
