package eval

import (
	"syscall"
	"unsafe"
)

// hugeFrom is from how many bytes on an array is worth large pages.
const hugeFrom = 4 << 20

// inHugePages asks for b, which nothing was written to, to lie in pages of 2 MB where the
// system has some left. An array that is filled from end to end then takes a page fault
// each 2 MB instead of each 4 kB, and one that is looked up at random finds its addresses
// in the core's table of them. Refused, b is as good as before.
func inHugePages(b []byte) {
	const page = 2 << 20
	if len(b) < hugeFrom {
		return
	}
	skip := -uintptr(unsafe.Pointer(unsafe.SliceData(b))) % page
	b = b[skip:]
	_ = syscall.Madvise(b[:len(b)/page*page], syscall.MADV_HUGEPAGE)
}
