package input

// Strings interns names: equal bytes give the same string, allocated once. The
// zero value is ready. Memory grows with the distinct names.
type Strings struct {
	known map[string]string
	last  string
}

// Get is b as a string. Cost: a comparison when b equals the argument before,
// else a hash.
func (s *Strings) Get(b []byte) string {
	if string(b) == s.last {
		return s.last
	}
	v, ok := s.known[string(b)]
	if !ok {
		if s.known == nil {
			s.known = map[string]string{}
		}
		v = string(b)
		s.known[v] = v
	}
	s.last = v
	return v
}
