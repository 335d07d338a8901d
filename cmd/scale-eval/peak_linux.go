package main

import (
	"os"
	"syscall"
	"time"
)

// peakBytes is the most memory that a process held.
func peakBytes(p *os.ProcessState) int64 {
	u, ok := p.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	return u.Maxrss * 1024 // Linux counts in KiB
}

// cpuUsed is the CPU time of this process and of those it waited for.
func cpuUsed() (used time.Duration) {
	for _, of := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(of, &u) == nil {
			used += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
	}
	return used
}
