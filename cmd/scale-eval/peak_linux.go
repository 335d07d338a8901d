package main

import (
	"os"
	"syscall"
)

// peakBytes is the most memory that a process held.
func peakBytes(p *os.ProcessState) int64 {
	u, ok := p.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	return u.Maxrss * 1024 // Linux counts in KiB
}
