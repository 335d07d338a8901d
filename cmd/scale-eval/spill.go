package main

import "unsafe"

// spillFrom is from how many bytes on an array lies in a file.
const spillFrom = 1 << 16

// spillWindow is after how many spans of a pass what it has touched is let go.
const spillWindow = 1 << 18

// spill holds arrays in temporary files without a name, mapped into memory: the system
// reads and writes them and keeps of them what there is room for. The files are gone when
// nobody holds the spill any more; until then who uses an array must hold it too.
type spill struct{ maps []*mapped }

// spilled is a zeroed array of n numbers, or structs of them, that s holds.
func spilled[T any](s *spill, n int) ([]T, error) {
	var zero T
	size := n * int(unsafe.Sizeof(zero))
	if size < spillFrom {
		return make([]T, n), nil
	}
	m, err := newMapped(size)
	if err != nil {
		return nil, err
	}
	s.maps = append(s.maps, m)
	return unsafe.Slice((*T)(unsafe.Pointer(&m.mem[0])), n), nil
}

// forget lets the memory go and keeps what is in it: the next look reads it again.
func (s *spill) forget() {
	for _, m := range s.maps {
		m.forget()
	}
}

// passed lets the memory of all go now and then, in a pass that is at span i.
func passed(i int, all ...*spill) {
	if i%spillWindow != spillWindow-1 {
		return
	}
	for _, s := range all {
		s.forget()
	}
}
