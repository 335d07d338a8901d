//go:build unix

package main

import (
	"fmt"
	"io"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// mapped is a file in memory.
type mapped struct {
	mem     []byte
	cleanup runtime.Cleanup
}

func newMapped(size int) (*mapped, error) {
	f, err := os.CreateTemp("", "scale-eval-spill-")
	if err != nil {
		return nil, noSpill(size, err)
	}
	defer f.Close() // the mapping stays
	if err := os.Remove(f.Name()); err != nil {
		return nil, err
	}
	// Written, not only made long: a full disk is an error here, and a crash later.
	if _, err := io.CopyN(f, zeros{}, int64(size)); err != nil {
		return nil, noSpill(size, err)
	}
	mem, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, noSpill(size, err)
	}
	m := &mapped{mem: mem}
	m.cleanup = runtime.AddCleanup(m, func(mem []byte) { _ = unix.Munmap(mem) }, mem)
	return m, nil
}

// zeros is without end.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

func noSpill(size int, err error) error {
	return fmt.Errorf("%.1f MB in a temporary file: %w: set TMPDIR to a folder with room", float64(size)/1e6, err)
}

// close removes the file now, not when nobody holds m any more.
func (m *mapped) close() {
	m.cleanup.Stop()
	_ = unix.Munmap(m.mem)
}

func (m *mapped) forget() { _ = unix.Madvise(m.mem, unix.MADV_DONTNEED) }
