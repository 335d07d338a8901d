package eval

import (
	"unsafe"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Arrays says where the arrays of an evaluation lie that grow with its spans or traces.
// This package does no I/O: who wants them in files hands in what makes them there. A nil
// Arrays is the heap. Its method is called by several goroutines.
type Arrays interface {
	// Bytes is n zeroed bytes at an address that 8 divides. They are valid for as long as
	// anything that was made with these Arrays is used.
	Bytes(n int) ([]byte, error)
}

// Plain is what arrays outside the heap may be of: numbers and structs of them, as the
// garbage collector does not look there.
type Plain interface {
	~bool | ~uint8 | ~uint32 | ~uint64 | ~float64 | trace.TraceID | place | bin | page | stop | keptSpan | MarkedSpan
}

// ArrayOf is n zeroed values that lie where a says. Appending more than n moves them to
// the heap.
func ArrayOf[T Plain](a Arrays, n int) ([]T, error) {
	var zero T
	if a == nil || n == 0 {
		s := make([]T, n)
		inHugePages(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), n*int(unsafe.Sizeof(zero))))
		return s, nil
	}
	b, err := a.Bytes(n * int(unsafe.Sizeof(zero)))
	if err != nil {
		return nil, err
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n), nil
}

// GrowArray is s with room for n more values, where a says. On the heap it grows as
// slices do, elsewhere at least twofold: what it left stays taken.
func GrowArray[T Plain](a Arrays, s []T, n int) ([]T, error) {
	const least = 1 << 10
	if len(s)+n <= cap(s) {
		return s, nil
	}
	if a == nil {
		return append(s, make([]T, n)...)[:len(s)], nil
	}
	more, err := ArrayOf[T](a, max(len(s)+n, 2*cap(s), least))
	if err != nil {
		return nil, err
	}
	copy(more, s)
	return more[:len(s)], nil
}
