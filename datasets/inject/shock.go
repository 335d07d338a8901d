package inject

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// The two random streams of a seed. Which spans are shocked must not change when
// the factors do, so that runs of different strength differ in nothing else.
const (
	streamChoice uint64 = iota + 1
	streamFactor
)

// TrackA is Filter and then Apply: the labelled source of a raw one whose kept
// spans plan was made for.
func TrackA(src trace.Source, plan Plan) trace.Source {
	return Apply(Filter(src, plan.MaxDuration), plan)
}

// Apply labels a filtered source: shocked spans Anomalous with the shock's Kind,
// all others Normal, whatever label they had. Durations of shocked spans are
// rounded to the nanosecond. The yielded span is a copy: src is not modified.
// Every walk draws the same.
//
// It ends with an error when src has fewer or more spans than the plan (then the
// draw was not uniform), and when a shocked span would end after the year 2262.
//
// Cost: one copy of a span and one random number a test span; O(1) memory.
func Apply(src trace.Source, plan Plan) trace.Source { return ApplyFrom(src, plan, 0) }

// ApplyFrom is Apply to a source that begins behind the first from spans: it labels and
// shocks the rest as Apply to the whole would. Cost beside Apply's: the random numbers
// of the spans before.
func ApplyFrom(src trace.Source, plan Plan, from int64) trace.Source {
	return func(yield func(*trace.Span, error) bool) {
		a := newApplier(plan)
		for a.row < from {
			a.pass()
		}
		for s, err := range src {
			if err == nil {
				err = a.next(s)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(&a.out, nil) {
				return
			}
		}
		if want := plan.TrainSpans + plan.TestSpans; a.row != want {
			yield(nil, fmt.Errorf("inject: the source ended after %d spans, the plan was made for %d: count it again", a.row, want))
		}
	}
}

type applier struct {
	plan   Plan
	kind   string
	choice *rand.Rand
	factor *rand.Rand
	one    float64
	row    int64 // spans seen
	left   int64 // shocks still to place
	out    trace.Span
}

func newApplier(p Plan) *applier {
	a := &applier{
		plan: p, kind: p.Shock.Kind(), left: p.Shocks,
		choice: rand.New(rand.NewPCG(p.Seed, streamChoice)),
		factor: rand.New(rand.NewPCG(p.Seed, streamFactor)),
	}
	if p.Shock.OneFactor {
		a.one = a.draw()
	}
	return a
}

// next puts the labelled copy of s into a.out.
func (a *applier) next(s *trace.Span) error {
	if total := a.plan.TrainSpans + a.plan.TestSpans; a.row >= total {
		return fmt.Errorf("inject: the source has more than the %d spans that the plan was made for: count it again", total)
	}
	a.out = *s
	a.out.Label, a.out.Kind = trace.Normal, ""
	if !a.chosen() {
		return nil
	}
	return a.shock()
}

// chosen says whether the next span is shocked.
func (a *applier) chosen() bool {
	test, remaining := a.row >= a.plan.TrainSpans, a.plan.TrainSpans+a.plan.TestSpans-a.row
	a.row++
	// Algorithm S: of the remaining spans, left are to be chosen.
	if !test || a.left == 0 || a.choice.Int64N(remaining) >= a.left {
		return false
	}
	a.left--
	return true
}

// pass draws for a span that is not there.
func (a *applier) pass() {
	if a.chosen() && !a.plan.Shock.OneFactor {
		a.draw()
	}
}

func (a *applier) shock() error {
	f := a.one
	if !a.plan.Shock.OneFactor {
		f = a.draw()
	}
	s := &a.out
	// The sum of two int64 may overflow; that of their float64 values may not.
	d := math.Round((float64(s.Duration) + float64(a.plan.Shock.Bump)) * f)
	if d >= math.MaxInt64 || int64(d) > math.MaxInt64-max(s.Start, 0) {
		return fmt.Errorf("inject: span %s of trace %s: (%d ns + Bump %d ns) x %v ends beyond 64-bit ns: lower Shock.FactorHi or Shock.Bump, or set MaxDuration",
			s.ID, s.TraceID, s.Duration, a.plan.Shock.Bump, f)
	}
	s.Duration = int64(d)
	s.Label, s.Kind = trace.Anomalous, a.kind
	return nil
}

func (a *applier) draw() float64 {
	lo, hi := a.plan.Shock.FactorLo, a.plan.Shock.FactorHi
	return lo + float64((hi-lo)*a.factor.Float64())
}
