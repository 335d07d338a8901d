//go:build !linux

package main

import (
	"os"
	"time"
)

// peakBytes is not known: systems count in different units, or not at all.
func peakBytes(*os.ProcessState) int64 { return 0 }

// cpuUsed is not known.
func cpuUsed() time.Duration { return 0 }
