package main

import (
	"fmt"
	"os"
)

// residentFiles is how many bytes of mapped files this process has in memory, its own
// code among them; false if that is not known.
func residentFiles() (int, bool) {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, false
	}
	var size, resident, shared int
	if _, err := fmt.Sscan(string(b), &size, &resident, &shared); err != nil {
		return 0, false
	}
	return shared * os.Getpagesize(), true
}
