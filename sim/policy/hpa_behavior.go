package policy

import "math"

// Behavior is spec.behavior: how fast an HPA may change its mind.
type Behavior struct{ Up, Down Rules }

// Rules of one direction.
type Rules struct {
	Window    int64  // stabilisation, ns
	Select    Select // among the policies
	Policies  []RatePolicy
	Tolerance *float64 // nil: that of the HPA
}

// Select says which policy counts.
type Select uint8

const (
	MaxChange Select = iota
	MinChange
	Disabled
)

// RatePolicy allows a change in a period: a number of pods, or a percentage of what
// there was when the period began.
type RatePolicy struct {
	Pods, Percent int32 // one of them
	Period        int64 // ns
}

// DefaultBehavior is what the API server fills in when a behavior is given without
// rules: up by 4 pods or 100 % in 15 s without delay, down by 100 % in 15 s after 300 s.
func DefaultBehavior() *Behavior {
	return &Behavior{
		Up:   Rules{Policies: []RatePolicy{{Pods: 4, Period: 15 * second}, {Percent: 100, Period: 15 * second}}},
		Down: Rules{Window: 300 * second, Policies: []RatePolicy{{Percent: 100, Period: 15 * second}}},
	}
}

type recommendation struct {
	replicas int32
	at       int64
}

// change is a number of pods added or removed at a time.
type change struct {
	pods int32
	at   int64
}

// normalize applies the limits of an HPA without behavior: the highest
// recommendation of the window, min and max, and at most double (or four).
func (h *HPA) normalize(now int64, current, proposal int32) int32 {
	best, oldest, cutoff := proposal, -1, now-h.DownscaleWindow
	for i, r := range h.recommendations {
		if r.at < cutoff {
			oldest = i
		} else {
			best = max(best, r.replicas)
		}
	}
	h.record(oldest, recommendation{proposal, now})
	return max(h.Min, min(best, h.Max, max(2*current, 4)))
}

// record replaces a recommendation that no window holds any more, as the controller
// does, so that the list stays as long as the window.
func (h *HPA) record(old int, r recommendation) {
	if old >= 0 {
		h.recommendations[old] = r
		return
	}
	h.recommendations = append(h.recommendations, r)
}

// stabilize moves from the current size only as far as every recommendation of the
// up window (the lowest) or the down window (the highest) agrees.
func (h *HPA) stabilize(now int64, current, proposal int32) int32 {
	up, down, oldest := proposal, proposal, -1
	upCutoff, downCutoff := now-h.Behavior.Up.Window, now-h.Behavior.Down.Window
	for i, r := range h.recommendations {
		if r.at > upCutoff {
			up = min(up, r.replicas)
		}
		if r.at > downCutoff {
			down = max(down, r.replicas)
		}
		if r.at < upCutoff && r.at < downCutoff {
			oldest = i
		}
	}
	h.record(oldest, recommendation{proposal, now})
	return min(max(current, up), down)
}

// limit applies the rate policies, min and max.
func (h *HPA) limit(now int64, current, wanted int32) int32 {
	switch {
	case wanted > current:
		most := max(current, h.rate(now, current, &h.Behavior.Up, true))
		return min(wanted, most, h.Max)
	case wanted < current:
		least := min(current, h.rate(now, current, &h.Behavior.Down, false))
		return max(wanted, least, h.Min)
	}
	return wanted
}

// rate is the furthest size that the policies of a direction allow.
func (h *HPA) rate(now int64, current int32, r *Rules, up bool) int32 {
	if r.Select == Disabled {
		return current
	}
	highest := up == (r.Select == MaxChange) // the largest change up is the highest size
	result := int32(math.MaxInt32)
	if highest {
		result = math.MinInt32
	}
	for _, p := range r.Policies {
		base := current - during(h.added, now-p.Period) + during(h.removed, now-p.Period)
		size := p.apply(base, up)
		if highest {
			result = max(result, size)
		} else {
			result = min(result, size)
		}
	}
	return result
}

func (p *RatePolicy) apply(base int32, up bool) int32 {
	switch {
	case p.Pods > 0 && up:
		return base + p.Pods
	case p.Pods > 0:
		return base - p.Pods
	case up: // rounded up, or one pod could never grow
		return ceil(float64(base) * (1 + float64(p.Percent)/100))
	}
	return int32(float64(base) * (1 - float64(p.Percent)/100))
}

// during sums the changes behind a time.
func during(changes []change, cutoff int64) (pods int32) {
	for _, c := range changes {
		if c.at > cutoff {
			pods += c.pods
		}
	}
	return pods
}

func longest(r *Rules) int64 {
	period := int64(0)
	for _, p := range r.Policies {
		period = max(period, p.Period)
	}
	return period
}

// remember adds a change, in the place of the last one that is older than the cutoff.
func remember(changes []change, c change, cutoff int64) []change {
	old := -1
	for i := range changes {
		if changes[i].at < cutoff {
			old = i
		}
	}
	if old >= 0 {
		changes[old] = c
		return changes
	}
	return append(changes, c)
}
