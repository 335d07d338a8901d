package main

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
)

// releaseStartPages unmaps the pages of the program's own code and constants, and says
// of how many bytes they are; those that are needed again come back from the page cache
// at their first use. The start of the program touches most of it, since every package
// sets itself up: figures, storage of three clouds, the types of the whole Kubernetes API.
// A process that then serves for weeks uses a small part, and the rest would count as its
// resident memory.
//
// Pages that were written to are not among them: code and constants are mapped for reading.
func releaseStartPages() (int64, error) {
	path, err := os.Executable()
	if err != nil {
		return 0, err
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return 0, err
	}
	released := int64(0)
	for _, m := range readOnly(maps, path) {
		if _, _, no := syscall.Syscall(syscall.SYS_MADVISE, m.from, m.to-m.from, syscall.MADV_DONTNEED); no != 0 {
			return released, fmt.Errorf("madvise: %w", no)
		}
		released += int64(m.to - m.from)
	}
	return released, nil
}

// mapping is a range of addresses.
type mapping struct{ from, to uintptr }

// readOnly are the mappings of the file that cannot be written to, of a text as
// proc_pid_maps(5) describes it.
func readOnly(maps []byte, path string) (out []mapping) {
	for line := range bytes.Lines(maps) {
		var m mapping
		var may, offset, device, inode string
		if n, err := fmt.Sscanf(string(line), "%x-%x %s %s %s %s", &m.from, &m.to, &may, &offset, &device, &inode); n < 6 || err != nil {
			continue
		}
		name := bytes.TrimRight(line, "\n")
		if len(may) == 4 && may[0] == 'r' && may[1] == '-' && may[3] == 'p' && bytes.HasSuffix(name, []byte(" "+path)) {
			out = append(out, m)
		}
	}
	return out
}
