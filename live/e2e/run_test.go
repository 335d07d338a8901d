//go:build linux

package e2e

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// holder is set for a process of TestKilled, which starts one of its own and waits.
const holder = "SCALE_EVAL_E2E_HOLD"

func init() {
	base := os.Getenv(holder)
	if base == "" {
		return
	}
	r, err := NewRun(base)
	if err == nil {
		_, err = r.Start("sleep", "sleep", "300")
	}
	fmt.Println(r.Dir, err)
	select {}
}

func entries(t *testing.T, dir string) []os.DirEntry {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func poll(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := Poll(ctx, what, func() (bool, error) { return ok(), nil }); err != nil {
		t.Fatal(err)
	}
}

// gone waits until no process of the run in dir is left.
func gone(t *testing.T, dir string) {
	t.Helper()
	poll(t, "no process to be left", func() bool { return len(marked(dir)) == 0 })
}

// TestRunClose: Close ends what runs and removes the folder.
func TestRunClose(t *testing.T) {
	base := t.TempDir()
	r, err := NewRun(base)
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.Start("sh", "sh", "-c", "echo ready; exec sleep 300")
	if err != nil {
		t.Fatal(err)
	}
	poll(t, "the process to be ready", func() bool { return p.Output() == "ready\n" })
	if u, err := p.Usage(); err != nil || u.RSSMax == 0 || u.RSS > u.RSSMax {
		t.Errorf("usage %+v, %v", u, err)
	}
	if got := r.Processes(); len(got) != 1 {
		t.Errorf("processes %v, want one", got)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if !p.Ended() {
		t.Error("the process has not ended")
	}
	if list := entries(t, base); len(list) > 0 {
		t.Errorf("left in the folder: %v", list)
	}
	if _, err := r.Start("sh", "sh"); err == nil {
		t.Error("a closed run starts processes")
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// TestKilled: a run that is killed leaves no process, and the next run its folder not.
func TestKilled(t *testing.T) {
	base := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), holder+"="+base)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	var dir, problem string
	if _, err := fmt.Fscanln(bufio.NewReader(out), &dir, &problem); err != nil || problem != "<nil>" {
		t.Fatal(dir, problem, err)
	}
	if len(marked(dir)) != 1 {
		t.Fatalf("processes %v, want the sleep", marked(dir))
	}
	other, err := NewRun(base) // beside one that goes on
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("the folder of a run that goes on: %v", err)
	}
	if err := other.Close(); err != nil {
		t.Error(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	gone(t, dir)
	next, err := NewRun(base)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder of the killed run: %v", err)
	}
	if err := next.Close(); err != nil {
		t.Error(err)
	}
	if list := entries(t, base); len(list) > 0 {
		t.Errorf("left in the folder: %v", list)
	}
}

// TestPins: every peer has its module and sums.
func TestPins(t *testing.T) {
	for name, p := range peers {
		for _, file := range []string{"go.mod", "go.sum"} {
			if _, err := os.Stat(filepath.Join("peers", p.module, file)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestApart: a process gets a CPU that no thread of this one may use, and restore gives
// it back. The kernel says which CPUs a thread may use.
func TestApart(t *testing.T) {
	if runtime.NumCPU() < 2 {
		t.Skip("one CPU")
	}
	r, err := NewRun(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p, err := r.Start("sleep", "sleep", "300")
	if err != nil {
		t.Fatal(err)
	}
	allowed := func(pid int) (cpus unix.CPUSet) {
		if err := unix.SchedGetaffinity(pid, &cpus); err != nil {
			t.Fatal(err)
		}
		return cpus
	}
	before := allowed(0)
	restore, err := Apart(p)
	if err != nil {
		t.Fatal(err)
	}
	theirs, ours := allowed(p.cmd.Process.Pid), allowed(0)
	for cpu := range 1024 {
		if theirs.IsSet(cpu) && ours.IsSet(cpu) {
			t.Errorf("both may use CPU %d", cpu)
		}
	}
	if theirs.Count() != 1 || ours.Count() != before.Count()-1 {
		t.Errorf("%d and %d CPUs of %d, want 1 and the others", theirs.Count(), ours.Count(), before.Count())
	}
	if err := restore(); err != nil {
		t.Fatal(err)
	}
	if allowed(0) != before {
		t.Error("the CPUs are not as they were")
	}
}
