package live

import (
	"fmt"
	"math"
	"time"
)

// What counts as growth. Load must grow by a part and beyond chance: near
// saturation a few percent more requests multiply the time in the queue.
const (
	loadGrowth = 1.05
	loadZ      = 3.0 // standard deviations of a Poisson count
	selfGrowth = 1.2

	memoryFull = 0.85
	cpuFull    = 0.8
	throttled  = 0.25
	slotsFull  = 0.9
	// cpuIdle is the use below which more CPU cannot be what a service lacks.
	cpuIdle = 0.5

	leastArrivals = 30
	usageFresh    = int64(2 * time.Minute)
	// hotPause is how long a service must not be blamed before its load counts as a
	// reference again.
	hotPause = int64(5 * time.Minute)
)

// Bottleneck says why a service is slow, from its spans and, where given, from
// resource metrics (equation 5 of the paper): load-bound services want replicas,
// resource-bound ones want larger replicas.
type Bottleneck struct {
	Kind     Kind     `json:"kind"` // Horizontal, Vertical, or Auto: neither would help
	Resource Resource `json:"resource"`
	Because  string   `json:"because"`
	Measured bool     `json:"measured,omitempty"` // resource metrics said so, not spans alone
	// Growth of the arrival rate, of the requests in flight and of the self time, now
	// over reference; 0: unknown. Z is how many standard deviations the arrivals grew.
	Load     float64 `json:"load"`
	Z        float64 `json:"z"`
	InFlight float64 `json:"in_flight"`
	Self     float64 `json:"self"`
}

func (b *Bottleneck) String() string {
	return fmt.Sprintf("%s: %s (arrivals x%.2f, in flight x%.2f, self time x%.2f)", b.name(), b.Because, b.Load, b.InFlight, b.Self)
}

func (b *Bottleneck) name() string {
	switch b.Kind {
	case Horizontal:
		return "load-bound"
	case Vertical:
		return b.Resource.String() + "-bound"
	}
	return "not its own"
}

// loadRef is the load of a service before it was in trouble.
type loadRef struct {
	arrivals int64
	seconds  float64
	inFlight float64
	mean     float64 // ns in the service
}

// heat notes that the service is blamed at now. The reference load is taken when
// that begins and kept until it has been over for hotPause: a service that is slow
// for an hour must not become its own reference.
func (s *service) heat(now int64, window, lateness time.Duration) {
	if now-s.hotLast > hotPause {
		s.ref = s.reference(now-int64(window)-int64(lateness)-loadBucket, now)
	}
	s.hotLast = now
}

func (s *service) reference(to, now int64) loadRef {
	from := now - loadSpan
	if b := s.firstBucket(); b > from {
		from = b
	}
	if to <= from {
		return loadRef{}
	}
	c, seconds := s.between(from, to)
	if c.completions == 0 || seconds == 0 {
		return loadRef{}
	}
	return loadRef{c.arrivals, seconds, c.busy / 1e9 / seconds, c.busy / float64(c.completions)}
}

// firstBucket is the end of the oldest bucket that has anything: the service may
// have been seen for less than loadSpan, and the bucket it appeared in is partial.
func (s *service) firstBucket() int64 {
	first := int64(math.MaxInt64)
	for b := range s.load.filled {
		first = min(first, b.no)
	}
	if first == math.MaxInt64 {
		return first
	}
	return first * loadBucket
}

// bottleneck judges a service at now over the rule's window, which must have been
// heated. b may be nil.
func (s *service) bottleneck(now int64, window, lateness time.Duration, b *Blame) *Bottleneck {
	w := max(int64(window), loadBucket)
	c, seconds := s.between(now-int64(lateness)-w, now-int64(lateness))
	out := &Bottleneck{Kind: Horizontal}
	known := s.ref.arrivals >= leastArrivals && c.arrivals > 0 && c.completions > 0
	meanGrowth := 0.0
	if known {
		expected := float64(float64(s.ref.arrivals) / s.ref.seconds * seconds)
		out.Load = float64(c.arrivals) / expected
		out.Z = (float64(c.arrivals) - expected) / math.Sqrt(expected+float64(expected*seconds)/s.ref.seconds)
		out.InFlight = c.busy / 1e9 / seconds / s.ref.inFlight
		meanGrowth = c.busy / float64(c.completions) / s.ref.mean
	}
	out.Self = meanGrowth
	if b != nil && b.NormalNs > 0 && b.Service == s.name {
		out.Self = float64(b.SelfNs) / b.NormalNs
	}
	s.decide(out, known, b != nil && b.Waiting && meanGrowth < selfGrowth, now)
	return out
}

// decide is the table of equation 5. Metrics, where fresh, come first: they are
// direct evidence. Replicas that are missing are looked for when the target's state
// is known, see targetState.awaitReplicas.
func (s *service) decide(b *Bottleneck, known, waiting bool, now int64) {
	grew := known && b.Load >= loadGrowth && b.Z >= loadZ
	u := s.usage
	if u != nil && now-u.At > usageFresh {
		u = nil
	}
	set := func(k Kind, r Resource, format string, args ...any) {
		b.Kind, b.Resource, b.Because = k, r, fmt.Sprintf(format, args...)
	}
	measured := func(k Kind, r Resource, format string, args ...any) {
		set(k, r, format, args...)
		b.Measured = true
	}
	switch {
	case u != nil && u.Memory >= memoryFull:
		measured(Vertical, Memory, "memory at %.0f %% of its limit", 100*u.Memory)
	case grew && u != nil && u.CPU >= cpuFull:
		measured(Horizontal, CPU, "load grew and CPU is at %.0f %% of its limit", 100*u.CPU)
	case grew:
		set(Horizontal, CPU, "load grew")
	case u != nil && u.Throttled >= throttled:
		measured(Vertical, CPU, "CPU throttled %.0f %% of the time at the same load", 100*u.Throttled)
	case u != nil && u.Busy >= slotsFull && u.CPU < cpuFull:
		measured(Horizontal, CPU, "%.0f %% of its workers are busy, its CPU is not", 100*u.Busy)
	case !known:
		set(Horizontal, CPU, "no reference load yet")
	case waiting:
		set(Horizontal, CPU, "requests wait before the service starts them")
	case b.Self >= selfGrowth && u != nil && u.CPU > 0 && u.CPU < cpuIdle:
		measured(Auto, CPU, "self time grew, but CPU is at %.0f %% of its limit and its workers are not known to be busy", 100*u.CPU)
	case b.Self >= selfGrowth:
		set(Vertical, CPU, "self time grew at the same load")
	default:
		set(Auto, CPU, "neither its load nor its own time grew")
	}
}
