package twin

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Options of a fit. The zero value is the default.
type Options struct {
	// MaxCourses is the number of courses an operation may have; rarer ones are left
	// out, and counted. 0: 400.
	MaxCourses int
	// Lognormal replaces an empirical distribution of self times where the two differ
	// by at most 0.05 (Kolmogorov-Smirnov): fewer numbers, smoother tails.
	Lognormal bool
	// Independent leaves out the factors that the self times of a trace share.
	Independent bool
}

// Model is what was learned from traces.
type Model struct {
	Report Report

	calls *trace.Calls
	ops   []*operation // by call, nil where no span has it
	roots []root
}

// root is a call that begins traces.
type root struct {
	call   trace.Call
	number int
}

// operation is what is known of one call.
type operation struct {
	courses  []*course
	spans    int
	self     sample // of all courses
	rest     int    // spans of courses that were left out
	loadings vector // of its self times on what those of a trace share

	product vector // sums of one round of fitLoadings
	square  matrix
}

// course is one sequence of stages of an operation.
type course struct {
	stages [][]child
	spans  int
	self   sample
}

// ErrNoTraces is returned by Fit when no span is the root of a trace.
var ErrNoTraces = errors.New("no root span: nothing to fit a topology to")

// Fit learns a model from a recording. The error is [ErrNoTraces].
func Fit(r *Recording, opt Options) (*Model, error) {
	m := &Model{calls: r.calls, Report: Report{Spans: len(r.spans)}}
	f := newForest(r.spans)
	seen := m.learn(f, cmp.Or(opt.MaxCourses, 400))
	if len(m.roots) == 0 {
		return nil, ErrNoTraces
	}
	m.Report.Arrivals = fitArrivals(f)
	m.fitSelfTimes(opt.Lognormal)
	if !opt.Independent {
		fitLoadings(seen)
	}
	m.report()
	return m, nil
}

// learn sorts the spans below roots into courses, and returns their self times in the
// order of the traces.
func (m *Model) learn(f *forest, maxCourses int) (seen []observation) {
	m.ops = make([]*operation, m.calls.Len())
	async := f.unawaited()
	byStages := make([]map[string]*course, m.calls.Len())
	roots := map[trace.Call]int{}
	connected := f.connected()
	number := int32(-1) // of the trace
	for i := range f.spans {
		s := &f.spans[i]
		if i == 0 || s.trace != f.spans[i-1].trace {
			number++
		}
		if s.up == isRoot {
			roots[s.call]++
			m.Report.Traces++
		}
		if !connected[i] {
			m.Report.Orphans++
			continue
		}
		stages, explained := f.stagesOf(int32(i), async)
		op := m.ops[s.call]
		if op == nil {
			op = &operation{}
			m.ops[s.call], byStages[s.call] = op, map[string]*course{}
		}
		key := keyOf(stages)
		c := byStages[s.call][key]
		if c == nil {
			c = &course{stages: stages}
			byStages[s.call][key] = c
			op.courses = append(op.courses, c)
		}
		self := float64(max(0, s.end-s.start-explained)) / 1e9
		c.spans++
		op.spans++
		c.self.add(self)
		op.self.add(self)
		seen = append(seen, observation{number, op, c, self})
	}
	for _, op := range m.ops {
		if op != nil {
			op.prune(maxCourses)
		}
	}
	for call, n := range roots {
		m.roots = append(m.roots, root{call, n})
	}
	slices.SortFunc(m.roots, func(a, b root) int { return cmp.Compare(a.call, b.call) })
	return seen
}

// connected says of each span whether a root is above it.
func (f *forest) connected() []bool {
	known := make([]bool, len(f.spans))
	var todo []int32
	for i := range f.spans {
		if f.spans[i].up == isRoot {
			todo = append(todo, int32(i))
		}
	}
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = append(todo[:len(todo)-1], f.children[i]...)
		known[i] = true
	}
	return known
}

// keyOf tells sequences of stages apart.
func keyOf(stages [][]child) string {
	var b []byte
	for _, st := range stages {
		for _, c := range st {
			kind := byte('s')
			if c.async {
				kind = 'a'
			}
			b = append(fmt.Appendf(b, "%d", c.call), kind)
		}
		b = append(b, '|')
	}
	return string(b)
}

// prune keeps the most frequent courses; equally frequent ones in the order in which
// they were seen.
func (o *operation) prune(most int) {
	slices.SortStableFunc(o.courses, func(a, b *course) int { return cmp.Compare(b.spans, a.spans) })
	if len(o.courses) > most {
		for _, c := range o.courses[most:] {
			o.rest += c.spans
		}
		o.courses = o.courses[:most]
	}
}
