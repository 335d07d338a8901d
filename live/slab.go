package live

// slab hands out room for values by number, from 1, so that 0 can stand for none. It
// takes memory in blocks, which nothing moves, and uses again first what was given
// back last, which the cache still holds.
//
// Memory: that of the most values that were taken at a time, until release.
type slab[T any] struct {
	blocks []*[slabBlock]T
	free   []uint32
}

const slabBlock = 256

// take returns the number of a value that nobody has. It may hold what its last owner
// left in it.
func (s *slab[T]) take() uint32 {
	if len(s.free) == 0 {
		s.grow()
	}
	n := len(s.free) - 1
	no := s.free[n]
	s.free = s.free[:n]
	return no
}

func (s *slab[T]) grow() {
	from := uint32(len(s.blocks) * slabBlock)
	s.blocks = append(s.blocks, new([slabBlock]T))
	for k := uint32(slabBlock); k > 0; k-- { // the lowest number is on top
		s.free = append(s.free, from+k)
	}
}

// at is the value of a number that was taken.
func (s *slab[T]) at(no uint32) *T {
	no--
	return &s.blocks[no/slabBlock][no%slabBlock]
}

func (s *slab[T]) give(no uint32) { s.free = append(s.free, no) }
