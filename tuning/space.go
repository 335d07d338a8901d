package tuning

import (
	"fmt"
	"slices"
	"strings"
)

// ThresholdParam is the parameter that costs nothing: the least score that is kept.
const ThresholdParam = "min_score"

// Space is what a search goes through: parameters by name, ascending, and apart
// from them the thresholds that every model is read at.
type Space struct {
	Params []Param
	// Threshold is the parameter [ThresholdParam], nil if the space has none.
	Threshold *Param
}

// Point has one value a parameter of Space.Params, in that order.
type Point []string

// NewSpace takes parameters in any order. It errs when a name is there twice, and
// when the threshold has no levels.
func NewSpace(params []Param) (*Space, error) {
	s := &Space{}
	for _, p := range params {
		if p.Name != ThresholdParam {
			s.Params = append(s.Params, p)
			continue
		}
		if s.Threshold != nil {
			return nil, fmt.Errorf("parameter %s is there twice", p.Name)
		}
		if p.numbers == nil {
			return nil, fmt.Errorf("parameter %s: want numbers, as a list or a range with a step (0.4..0.6:0.01): all are read off one pass", p.Name)
		}
		s.Threshold = &p
	}
	slices.SortFunc(s.Params, func(a, b Param) int { return strings.Compare(a.Name, b.Name) })
	for i := 1; i < len(s.Params); i++ {
		if s.Params[i].Name == s.Params[i-1].Name {
			return nil, fmt.Errorf("parameter %s is there twice", s.Params[i].Name)
		}
	}
	if len(params) == 0 {
		return nil, fmt.Errorf("no parameters to search")
	}
	return s, nil
}

// ParseSpace is NewSpace of what ParseParam makes of each text.
func ParseSpace(texts []string) (*Space, error) {
	var params []Param
	for _, t := range texts {
		p, err := ParseParam(t)
		if err != nil {
			return nil, err
		}
		params = append(params, p)
	}
	return NewSpace(params)
}

// Names are the names of Params.
func (s *Space) Names() []string {
	names := make([]string, len(s.Params))
	for i, p := range s.Params {
		names[i] = p.Name
	}
	return names
}

// Thresholds are the levels that models are read at; one "" without a threshold
// parameter: the sampler's own decision.
func (s *Space) Thresholds() []string {
	if s.Threshold == nil {
		return []string{""}
	}
	return s.Threshold.Levels
}

// Models is the number of points, 0 when a parameter has no levels or when there are
// more than an int holds.
func (s *Space) Models() int {
	n := 1
	for _, p := range s.Params {
		if len(p.Levels) == 0 || n > (1<<62)/len(p.Levels) {
			return 0
		}
		n *= len(p.Levels)
	}
	return n
}

// Key is a point as text, "height=8 n_tree=12": equal for equal points.
func (s *Space) Key(p Point) string {
	var b strings.Builder
	for i, v := range p {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(s.Params[i].Name)
		b.WriteByte('=')
		b.WriteString(v)
	}
	return b.String()
}

// Compare orders points by the number of each value (categories by their place in
// the list), the first parameter first.
func (s *Space) Compare(a, b Point) int {
	for i, p := range s.Params {
		if a[i] == b[i] {
			continue
		}
		x, y := p.Number(a[i]), p.Number(b[i])
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return strings.Compare(a[i], b[i])
	}
	return 0
}
