package baselines

import (
	"math"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// fewSpans is the number of spans below which a call's own scale is not trusted:
// the standard error of a scale of n spans is about 1/sqrt(2n), 22 % at 10.
const fewSpans = 10

// leastScale is a floor under scales, in units of ln(duration): 1 %. Without it a
// call of constant duration, or one of a coarse clock, would flag every other tick.
const leastScale = .01

// moments are a location and a variance of ln(duration).
type moments struct {
	n              int64
	mean, variance float64
}

// add moves the location towards x by the first rate, 0..1, and the variance by the
// second, or by 1/n while that is more. With rates of 0 it is Welford's update: the
// exact mean and variance of all.
func (m *moments) add(x, location, scale float64) {
	m.n++
	first := 1 / float64(m.n)
	before := x - m.mean
	m.mean += float64(max(location, first) * before)
	m.variance += float64(max(scale, first) * (float64(before*(x-m.mean)) - m.variance))
}

func (m *moments) z(x, scale float64) float64 { return (x - m.mean) / max(scale, leastScale) }

func (m *moments) scale() float64 { return math.Sqrt(max(m.variance, 0)) }

// logMoments holds the moments of each call, of all spans, and the variance within
// calls.
type logMoments struct {
	location, scale float64 // rates, see moments.add
	calls           []moments
	all             moments
	within          moments // of the distances from the call's location
}

// z is how many scales the duration of s lies above its call's location. Calls of
// few spans borrow the scale within calls; calls of none are judged by all spans. ok
// is false before there are fewSpans spans in all.
func (l *logMoments) z(s *trace.Span) (z float64, ok bool) {
	if l.all.n < fewSpans {
		return 0, false
	}
	x := logOf(s)
	if int(s.Call) >= len(l.calls) || l.calls[s.Call].n == 0 {
		return l.all.z(x, l.all.scale()), true
	}
	m := &l.calls[s.Call]
	if m.n < fewSpans {
		return m.z(x, l.within.scale()), true
	}
	return m.z(x, m.scale()), true
}

func (l *logMoments) learn(s *trace.Span) {
	for int(s.Call) >= len(l.calls) {
		l.calls = append(l.calls, moments{})
	}
	x, m := logOf(s), &l.calls[s.Call]
	if m.n > 0 {
		l.within.add(x-m.mean, l.location, l.scale)
	}
	m.add(x, l.location, l.scale)
	l.all.add(x, l.location, l.scale)
}

// logOf is ln(duration in ns); durations below 1 ns count as 1 ns.
func logOf(s *trace.Span) float64 { return math.Log(float64(max(s.Duration, 1))) }
