package input

import (
	"io"
	"slices"
)

// Sequence reads the streams of an input in an order of the caller's, which an
// archive or a sorted folder need not have: labels before spans, training before
// test.
type Sequence struct {
	path   string
	rank   func(name string) int
	passes [][2]int // the ranks, from and to, that one pass over the input serves
	names  []string
	files  *Files
}

// NewSequence plans the fewest passes over the input at path that give its streams,
// which [List] named, in the order of rank. Equal ranks stay in the input's order; a
// negative rank leaves a stream out. Cost: an archive is unpacked once a pass.
func NewSequence(path string, names []string, rank func(name string) int) *Sequence {
	s := &Sequence{path: path, rank: rank}
	var ranks []int
	for _, n := range names {
		if r := rank(n); r >= 0 {
			s.names = append(s.names, n)
			ranks = append(ranks, r)
		}
	}
	slices.SortStableFunc(s.names, func(a, b string) int { return rank(a) - rank(b) })
	s.passes = passes(ranks)
	return s
}

// passes groups ranks, given in the input's order, so that those of one group are
// met in ascending order.
func passes(ranks []int) (out [][2]int) {
	distinct := slices.Compact(slices.Sorted(slices.Values(ranks)))
	for _, r := range distinct {
		if n := len(out); n > 0 && ascending(ranks, out[n-1][0], r) {
			out[n-1][1] = r
			continue
		}
		out = append(out, [2]int{r, r})
	}
	return out
}

func ascending(ranks []int, from, to int) bool {
	last := from
	for _, r := range ranks {
		if r < from || r > to {
			continue
		}
		if r < last {
			return false
		}
		last = r
	}
	return true
}

// Names lists the streams that Next will return, in order.
func (s *Sequence) Names() []string { return s.names }

// Next returns the next stream, which ends the one before it, or io.EOF.
func (s *Sequence) Next() (*File, error) {
	for len(s.passes) > 0 {
		if s.files == nil {
			files, err := Open(s.path)
			if err != nil {
				return nil, err
			}
			s.files = files
		}
		f, err := s.files.Next()
		if err == nil {
			if r := s.rank(f.Name); r >= s.passes[0][0] && r <= s.passes[0][1] {
				return f, nil
			}
			continue
		}
		if err != io.EOF {
			return nil, err
		}
		if err := s.endPass(); err != nil {
			return nil, err
		}
	}
	return nil, io.EOF
}

func (s *Sequence) endPass() error {
	s.passes = s.passes[1:]
	err := s.files.Close()
	s.files = nil
	return err
}

// Close ends the sequence.
func (s *Sequence) Close() error {
	s.passes = nil
	if s.files == nil {
		return nil
	}
	return s.files.Close()
}
