//go:build unix

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Proc is a process of a Run.
type Proc struct {
	Name string
	cmd  *exec.Cmd
	out  string
	done chan struct{} // closed: it has ended
	err  error         // after done
	// patience is how long it has to end by itself.
	patience time.Duration
}

// Start starts a program with its output in Dir/name.log.
func (r *Run) Start(name, path string, args ...string) (*Proc, error) {
	return r.StartEnv(nil, name, path, args...)
}

// StartEnv is Start with more environment, KEY=VALUE each.
func (r *Run) StartEnv(env []string, name, path string, args ...string) (*Proc, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, errors.New("e2e: the run is over")
	}
	p := &Proc{Name: name, out: r.Path(name + ".log"), done: make(chan struct{}), patience: 10 * time.Second}
	log, err := os.OpenFile(p.out, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	p.cmd = exec.Command(path, args...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = r.Dir, log, log
	p.cmd.Env = append(append(os.Environ(), marker+"="+r.Dir), env...)
	guard(p.cmd)
	if err := <-started(p.cmd); err != nil {
		log.Close()
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	r.procs = append(r.procs, p)
	go func() {
		p.err = p.cmd.Wait()
		log.Close()
		close(p.done)
	}()
	return p, nil
}

var starter struct {
	sync.Once
	todo chan func()
}

// started starts c on a thread that never ends: the kernel takes the end of the thread
// that started a process for the end of its parent.
func started(c *exec.Cmd) <-chan error {
	starter.Do(func() {
		starter.todo = make(chan func())
		go func() {
			runtime.LockOSThread()
			for f := range starter.todo {
				f()
			}
		}()
	})
	done := make(chan error, 1)
	starter.todo <- func() { done <- c.Start() }
	return done
}

// Signal sends s, unless the process has ended.
func (p *Proc) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Kill ends the process at once, and waits for its end.
func (p *Proc) Kill() {
	_ = p.cmd.Process.Kill() // it fails when there is nothing left to do
	<-p.done
}

// Stop asks the process to end, kills it when it does not within its time, and gives
// what Wait gave.
func (p *Proc) Stop() error {
	_ = p.Signal(syscall.SIGTERM) // it fails when there is nothing left to do
	t := time.NewTimer(p.patience)
	defer t.Stop()
	select {
	case <-p.done:
	case <-t.C:
		p.Kill()
		return fmt.Errorf("e2e: %s did not end within %v", p.Name, p.patience)
	}
	return p.err
}

// Wait waits for the end of a process that ends by itself.
func (p *Proc) Wait(ctx context.Context) error {
	select {
	case <-p.done:
		if p.err != nil {
			return fmt.Errorf("%s: %w\n%s", p.Name, p.err, p.Tail(20))
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", p.Name, ctx.Err())
	}
}

// Ended says whether it has.
func (p *Proc) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Output is all that it wrote.
func (p *Proc) Output() string {
	b, err := os.ReadFile(p.out)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// Tail is the last n lines of the output.
func (p *Proc) Tail(n int) string {
	lines := strings.Split(strings.TrimSpace(p.Output()), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// Usage is what a process has used.
type Usage struct {
	CPU    time.Duration // user and system
	RSS    int64         // bytes now
	RSSMax int64         // the most so far
}

// clockTick is the unit of CPU time in /proc; Linux has had this one everywhere.
const clockTick = 10 * time.Millisecond

// Usage reads /proc: it works while the process runs, on Linux.
func (p *Proc) Usage() (Usage, error) {
	dir := filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid))
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return Usage{}, err
	}
	// The second field is the name in brackets, and may hold anything.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 13 {
		return Usage{}, fmt.Errorf("%s/stat: %d fields", dir, len(fields))
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	u := Usage{CPU: time.Duration(user+system) * clockTick}
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err := errors.Join(err, err1, err2); err != nil {
		return Usage{}, err
	}
	for _, line := range strings.Split(string(status), "\n") {
		key, value, _ := strings.Cut(line, ":")
		kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(value, " kB")), 10, 64)
		if err != nil {
			continue
		}
		switch key {
		case "VmRSS":
			u.RSS = kb << 10
		case "VmHWM":
			u.RSSMax = kb << 10
		}
	}
	return u, nil
}
