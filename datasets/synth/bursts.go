package synth

// minBurstCycle is how much longer than its window a burst's cycle must be, so
// that a slow time is the exception at any call.
const minBurstCycle = 4

// bursts makes one call slow for a window in each cycle. The window is as long as
// it takes for the wanted share of all spans to fall into it, so it is shorter at
// frequent calls. What happens in a cycle depends on the seed and its number only.
type bursts struct {
	seed     uint64
	cycle    int64     // ns
	calls    []int32   // candidates; empty: no bursts
	windows  []float64 // ns, by candidate
	min, max float64   // factor

	number   int64 // of the cycle that the fields below describe; -1: none
	call     int32
	from, to int64 // ns since the Unix epoch
	factor   float64
}

// newBursts makes share of all spans slow, in expectation.
func newBursts(c *Config, s *system, share float64) bursts {
	b := bursts{seed: c.Seed, cycle: int64(c.BurstEvery), min: c.FactorMin, max: c.FactorMax, number: -1}
	if share <= 0 {
		return b
	}
	byCall, total := s.visits()
	candidates := dependencies(s)
	most := candidates[0]
	for _, i := range candidates {
		if byCall[i] > byCall[most] {
			most = i
		}
		if byCall[i] >= minBurstCycle*share*total {
			b.calls = append(b.calls, i)
		}
	}
	if len(b.calls) == 0 {
		b.calls = []int32{most}
	}
	for _, i := range b.calls {
		b.windows = append(b.windows, float64(b.cycle)*min(1, share*total/byCall[i]))
	}
	return b
}

// dependencies is the calls that others make, or all when none does.
func dependencies(s *system) []int32 {
	isRoot := make([]bool, len(s.calls))
	for _, i := range s.roots {
		isRoot[i] = true
	}
	var all, called []int32
	for i := range s.calls {
		all = append(all, int32(i))
		if !isRoot[i] {
			called = append(called, int32(i))
		}
	}
	if len(called) == 0 {
		return all
	}
	return called
}

// slow is the factor of a span of call that starts at t, 0 outside of bursts.
func (b *bursts) slow(call int32, t int64) float64 {
	if len(b.calls) == 0 {
		return 0
	}
	if n := (t - Epoch) / b.cycle; n != b.number {
		b.draw(n)
	}
	if call == b.call && t >= b.from && t < b.to {
		return b.factor
	}
	return 0
}

func (b *bursts) draw(n int64) {
	r := newRNG(b.seed^mix(uint64(n)), streamBursts)
	i := r.intn(len(b.calls))
	b.number, b.call = n, b.calls[i]
	b.from = Epoch + n*b.cycle + int64((float64(b.cycle)-b.windows[i])*r.float())
	b.to = b.from + int64(b.windows[i])
	b.factor = r.between(b.min, b.max)
}
