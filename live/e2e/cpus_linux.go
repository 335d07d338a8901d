package e2e

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Apart leaves the last of this machine's CPUs to p alone, and the others to this
// process, until restore: what a generator needs is then not taken from what it
// measures. On a machine with one CPU it does nothing.
func Apart(p *Proc) (restore func() error, err error) {
	var all, last, others unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return nil, fmt.Errorf("e2e: the CPUs of this process: %w", err)
	}
	if all.Count() < 2 {
		return func() error { return nil }, nil
	}
	for cpu, left := 0, all.Count(); left > 0; cpu++ {
		if !all.IsSet(cpu) {
			continue
		}
		if left--; left == 0 {
			last.Set(cpu)
		} else {
			others.Set(cpu)
		}
	}
	restore = func() error { return confine(os.Getpid(), &all) }
	if err := errors.Join(confine(p.cmd.Process.Pid, &last), confine(os.Getpid(), &others)); err != nil {
		return nil, errors.Join(err, restore())
	}
	return restore, nil
}

// confine sets the CPUs of every thread of a process. One that starts later has those
// of the thread that starts it, so that it is enough to look until none is new.
func confine(pid int, cpus *unix.CPUSet) error {
	set := map[int]bool{}
	for again := true; again; {
		again = false
		threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
		if err != nil {
			return fmt.Errorf("e2e: the threads of process %d: %w", pid, err)
		}
		for _, thread := range threads {
			id, err := strconv.Atoi(thread.Name())
			if err != nil || set[id] {
				continue
			}
			set[id], again = true, true
			if err := unix.SchedSetaffinity(id, cpus); err != nil && !errors.Is(err, unix.ESRCH) { // it has ended
				return fmt.Errorf("e2e: the CPUs of thread %d of process %d: %w", id, pid, err)
			}
		}
	}
	return nil
}
