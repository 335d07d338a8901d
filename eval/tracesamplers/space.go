package tracesamplers

// space gives keys (paths, calls) a dimension of a vector for as long as a vector
// that is kept has a value there. A dimension that is free again has the absent
// value in all kept vectors, so reusing it changes nothing.
type space struct {
	max  int // dimensions; every key beyond shares dimension 0
	slot map[uint64]int32
	key  []uint64 // of a dimension
	refs []int32
	free []int32
}

// newSpace has room for max dimensions besides the shared one.
func newSpace(max int) *space {
	return &space{max: max, slot: map[uint64]int32{}, key: make([]uint64, 1), refs: make([]int32, 1)}
}

// dims is the number of dimensions in use or free: every dimension is below.
func (s *space) dims() int { return len(s.key) }

// take is the dimension of key, with one reference more.
func (s *space) take(key uint64) int32 {
	if d, ok := s.slot[key]; ok {
		s.refs[d]++
		return d
	}
	d := int32(len(s.key))
	switch n := len(s.free); {
	case n > 0:
		d, s.free = s.free[n-1], s.free[:n-1]
	case len(s.key) > s.max:
		return 0
	default:
		s.key, s.refs = append(s.key, 0), append(s.refs, 0)
	}
	s.key[d], s.refs[d], s.slot[key] = key, 1, d
	return d
}

// release gives a reference back.
func (s *space) release(d int32) {
	if d == 0 {
		return
	}
	if s.refs[d]--; s.refs[d] == 0 {
		delete(s.slot, s.key[d])
		s.free = append(s.free, d)
	}
}
