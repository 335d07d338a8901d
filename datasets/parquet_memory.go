package datasets

import (
	"sync"

	"github.com/apache/arrow/go/v17/arrow/memory"
)

// columnMemory is the memory of columns that were read from Parquet: what a released
// batch leaves is what the next one is decoded into, neither cleared nor left to the
// garbage collector, which comes the later the larger the heap is, while each batch
// touches fresh memory.
//
// Whoever keeps a batch beyond its Release must retain it.
var columnMemory = &batchMemory{}

// batchMemory is an Arrow allocator of what columns of up to BatchRows rows take. What it
// gives is not cleared.
type batchMemory struct{ free [3]sync.Pool }

var _ memory.Allocator = (*batchMemory)(nil)

// batchSizes are those of a full batch of each width.
var batchSizes = [3]int{4 * BatchRows, 8 * BatchRows, 16 * BatchRows}

// Allocate is size bytes. A column that fills less than half of its room has its own: a
// batch of few rows may be kept, with many like it.
func (m *batchMemory) Allocate(size int) []byte {
	for i, full := range batchSizes {
		if size <= full && size > full/2 {
			if b, ok := m.free[i].Get().(*[]byte); ok {
				return (*b)[:size]
			}
			return make([]byte, size, full)
		}
	}
	return make([]byte, size)
}

// Reallocate is for the interface: nothing here grows.
func (m *batchMemory) Reallocate(size int, b []byte) []byte {
	if size <= cap(b) {
		return b[:size]
	}
	grown := m.Allocate(size)
	copy(grown, b)
	m.Free(b)
	return grown
}

// Free takes b back.
func (m *batchMemory) Free(b []byte) {
	for i, full := range batchSizes {
		if cap(b) == full {
			b = b[:full]
			m.free[i].Put(&b)
		}
	}
}
