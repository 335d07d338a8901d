package eval

// workspace is the memory of one summary, some 20 bytes a span, kept from column to
// column: a fresh one for each would double the peak while the garbage collector
// catches up. What was made in a workspace ends with the next use of it.
type workspace struct {
	key, key2 []uint64
	ref, ref2 []uint32
	cells     []uint32
}

// resize is a slice of length n, b if that is large enough. Its contents are
// whatever they were.
func resize[T any](b []T, n int) []T {
	if cap(b) < n {
		return make([]T, n)
	}
	return b[:n]
}
