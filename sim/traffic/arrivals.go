package traffic

import (
	"fmt"
	"math"

	"github.com/scale-eval/scale-eval/sim/random"
)

// Arrivals is a point process.
type Arrivals interface {
	// Next is the time of the first arrival behind the previous one, which was at
	// time after (or the start of the load), ns. It may be equal to after. ok is
	// false when there are no more.
	Next(after int64, s *random.Stream) (at int64, ok bool)
}

// Renewal arrives with independent gaps on operational time.
type Renewal struct {
	// Gap has mean 1. Exponential(1) makes a Poisson process, Constant(1) a
	// deterministic one.
	Gap  random.Dist
	Rate Rate
}

// Poisson is the Poisson process of a rate, homogeneous or not.
func Poisson(r Rate) Arrivals { return &Renewal{random.Exponential(1), r} }

// Deterministic has exactly one arrival each time the integral of the rate grows by
// one: recorded counts are replayed exactly, evenly spread in their bins.
func Deterministic(r Rate) Arrivals { return &Renewal{random.Constant(1), r} }

// Next implements [Arrivals].
func (p *Renewal) Next(after int64, s *random.Stream) (int64, bool) {
	return p.Rate.after(after, p.Gap.Sample(s))
}

// State of an MMPP: a rate and how long it lasts.
type State struct {
	PerSecond float64
	Sojourn   random.Dist // seconds; Exponential makes the process Markov-modulated
}

// MMPP is a Poisson process whose rate goes through its states in turn, over and
// over: with two states, the usual model of bursts.
type MMPP struct {
	states []State
	now    int
	until  int64 // the state ends
	begun  bool
}

// NewMMPP begins in the first state. It wants a state with a rate, and sojourns with
// a mean above zero.
func NewMMPP(states ...State) (*MMPP, error) {
	most := 0.0
	for i, st := range states {
		if !(st.PerSecond >= 0 && st.PerSecond <= maxPerSecond) {
			return nil, fmt.Errorf("mmpp: state %d: %v requests per second: want 0..%g", i, st.PerSecond, maxPerSecond)
		}
		if st.Sojourn == nil || !(st.Sojourn.Mean() > 0) {
			return nil, fmt.Errorf("mmpp: state %d: no sojourn: want a distribution with a positive mean", i)
		}
		most = max(most, st.PerSecond)
	}
	if most == 0 {
		return nil, fmt.Errorf("mmpp: no state with a rate: want one or more")
	}
	return &MMPP{states: states}, nil
}

// Next implements [Arrivals].
func (m *MMPP) Next(after int64, s *random.Stream) (int64, bool) {
	if !m.begun {
		m.begun, m.until = true, after+m.sojourn(s)
	}
	for after < forever {
		// A draw cut off by the end of the state is drawn afresh: it has no memory.
		gap := s.Exp() / m.states[m.now].PerSecond * 1e9
		if gap < float64(m.until-after) {
			return after + int64(math.Round(gap)), true
		}
		after = m.until
		m.now = (m.now + 1) % len(m.states)
		m.until += m.sojourn(s)
	}
	return 0, false
}

// sojourn is at least 1 ns, so that time passes, and ends with time itself.
func (m *MMPP) sojourn(s *random.Stream) int64 {
	return 1 + int64(min(forever, m.states[m.now].Sojourn.Sample(s)*1e9))
}
