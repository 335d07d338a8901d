package eval

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// several is a scripted sampler that says how many spans it was asked of at a time.
type several struct {
	scripted
	most int
}

func (s *several) SampleAll(spans []*trace.Span, out []trace.Decision) {
	s.most = max(s.most, len(spans))
	for i, span := range spans {
		out[i] = s.Sample(span)
	}
}

// A run that asks of several spans at a time comes to what one by one comes to, timed or
// not, and asks so only of a frozen sampler that is alone, of steady spans.
func TestRunInBatches(t *testing.T) {
	durations := make([]int64, 1000)
	for i := range durations {
		durations[i] = int64(i * i % 997)
	}
	now := int64(0)
	clock := func() int64 { now++; return now }
	for _, test := range []struct {
		name    string
		change  func(*Plan)
		batches bool
	}{
		{"steady", func(p *Plan) { p.Steady = 64 }, true},
		{"a few are steady", func(p *Plan) { p.Steady = 7 }, true},
		{"timed", func(p *Plan) { p.Steady, p.Clock = 64, clock }, false}, // of few spans all are, alone
		{"only the last is steady", func(*Plan) {}, false},
		{"learning", func(p *Plan) { p.Steady, p.Mode = 64, ScoreThenLearn }, false},
		{"beside another", func(p *Plan) {
			p.Steady = 64
			p.Entrants = append(p.Entrants, Entrant{Name: "b", Sampler: &scripted{}})
		}, false},
	} {
		run := func(s trace.Sampler, change func(*Plan)) *Outcome {
			p := Plan{TrainSpans: 100, TestSpans: 900, Entrants: []Entrant{entrant(s, CutAt(500))}}
			change(&p)
			p.Whole = steady(spansOf(durations...), max(p.Steady, 1))
			return runOrFail(t, p)
		}
		s := &several{}
		got, want := run(s, test.change), run(&scripted{}, func(p *Plan) { test.change(p); p.Steady = 0 })
		if !reflect.DeepEqual(got.Scores, want.Scores) || got.Counts.Test != 900 || fmt.Sprint(got.Thresholds) != fmt.Sprint(want.Thresholds) {
			t.Errorf("%s: %d test spans, other scores than one by one", test.name, got.Counts.Test)
		}
		if batches := s.most > 1; batches != test.batches {
			t.Errorf("%s: asked of %d spans at a time", test.name, s.most)
		}
	}
}

// steady yields spans of which so many stay as they are, and no more.
func steady(spans []trace.Span, n int) trace.Source {
	return func(yield func(*trace.Span, error) bool) {
		ring := make([]trace.Span, n)
		for i, s := range spans {
			ring[i%n] = s
			if !yield(&ring[i%n], nil) {
				return
			}
		}
	}
}
