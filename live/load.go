package live

import (
	"fmt"
	"math"
	"time"
)

// Load is what is asked of a service and what it does, by Little's law:
// InFlight = Arrivals x HeldNs.
//
// A saturated service completes what it can, not what is asked of it, and the time
// in it is mostly that of its queue. Sizing by completions would keep it as it is,
// and by the time spent would pay for the queue for good. So the rate is that of
// requests by when they started, over a stretch of which all have ended by now; and
// the time is the one measured or the one before trouble, whichever is shorter. When
// it is saturated, its replicas carry Served of Arrivals, and their number must grow
// by that ratio at least, whatever a request costs.
//
// A span is sent when it ends, so a service that is stuck hides its arrivals: they are
// known once they have ended, and when none end, nothing is known and the answer is
// held. Rules on the latency of callers, which time out, see what this cannot.
type Load struct {
	Arrivals  float64 `json:"arrivals"` // requests a second that start
	Served    float64 `json:"served"`   // requests a second that end without an error
	MeanNs    float64 `json:"mean_ns"`  // time of those in the service, waiting included
	HeldNs    float64 `json:"held_ns"`  // the same without trouble
	InFlight  float64 `json:"in_flight"`
	Saturated bool    `json:"saturated,omitempty"`
}

func (l *Load) String() string {
	s := fmt.Sprintf("%.3g/s x %v = %.3g in flight", l.Arrivals, time.Duration(l.HeldNs).Round(time.Microsecond), l.InFlight)
	if l.HeldNs < l.MeanNs {
		s += fmt.Sprintf(", without waiting (they take %v)", time.Duration(l.MeanNs).Round(time.Microsecond))
	}
	if l.Saturated {
		s += fmt.Sprintf(", of which only %.3g/s are served", l.Served)
	}
	return s
}

// What a jump of the load is: larger than chance, looked for at every bucket of the
// window, and large enough to matter.
const (
	jumpZ      = 4.0
	jumpGrowth = 1.1
	// afterJump is how many buckets after a jump say what the load is now.
	afterJump = 2
)

// load is the load of a service at now. Arrivals are those of the last window of
// which all have ended; what is served is counted from since. nil: it is not known,
// for the reason that is said.
func (p *Pipeline) load(s *service, since, now int64, window time.Duration) (*Load, string) {
	edge := floorDiv(now, loadBucket) // the bucket that is filling
	n := max(int64(window)/loadBucket, 1)
	counts := s.counts(edge-n, edge)
	lag := endsWithin(counts)
	if lag < 0 {
		return nil, "no request was served in the window: its concurrency is unknown"
	}
	arrivals := s.counts(edge-lag-n, edge-lag)
	jump := lastJump(arrivals)
	if jump > 0 && len(arrivals)-jump < afterJump {
		return nil, fmt.Sprintf("its load has just changed: waiting for %v of the new one", time.Duration(afterJump*loadBucket))
	}
	in := total(arrivals[jump:])
	seconds := float64(int64(len(arrivals)-jump)*loadBucket) / 1e9
	from := max(edge-n+int64(jump), -floorDiv(-since, loadBucket))
	out := total(s.counts(from, edge))
	if in.arrivals == 0 || out.served == 0 {
		return nil, "no request was served since its load or its replicas changed: its concurrency is unknown"
	}
	l := &Load{Arrivals: float64(in.arrivals) / seconds, MeanNs: out.time / float64(out.served)}
	l.Served = float64(out.served) / (float64((edge-from)*loadBucket) / 1e9)
	l.HeldNs = l.MeanNs
	if normal := p.normalTime(s); normal > 0 {
		l.HeldNs = min(l.MeanNs, normal)
		short := float64(l.Arrivals-l.Served) * float64((edge-from)*loadBucket) / 1e9
		l.Saturated = l.MeanNs >= float64(selfGrowth*normal) && l.Arrivals >= float64(loadGrowth*l.Served) && short >= float64(loadZ*math.Sqrt(float64(out.served)))
	}
	l.InFlight = float64(l.Arrivals * l.HeldNs / 1e9)
	return l, ""
}

// counts are the buckets [from, to), those that were never filled as zero.
func (s *service) counts(from, to int64) []loadCount {
	out := make([]loadCount, max(to-from, 0))
	for b := range s.load.filled {
		if b.no >= from && b.no < to {
			out[b.no-from] = b.v
		}
	}
	return out
}

func total(counts []loadCount) (sum loadCount) {
	for i := range counts {
		c := &counts[i]
		sum.arrivals += c.arrivals
		sum.served += c.served
		sum.time += c.time
		sum.squares += c.squares
	}
	return sum
}

// endsWithin is in how many buckets nearly all requests have ended that start now:
// the mean of the last ones that were served and two standard deviations. -1: none
// were served. Less than a twentieth of a bucket is not worth waiting for.
func endsWithin(counts []loadCount) int64 {
	last := total(counts[max(0, len(counts)-afterJump):])
	if last.served == 0 {
		last = total(counts)
	}
	if last.served == 0 {
		return -1
	}
	mean := last.time / float64(last.served)
	d := mean + float64(2*math.Sqrt(max(0, last.squares/float64(last.served)-float64(mean*mean))))
	if d < float64(loadBucket)/20 {
		return 0
	}
	return min(int64(d)/loadBucket+1, loadSpan/loadBucket/2)
}

// lastJump is the index of the first bucket after the clearest jump of the arrivals;
// 0: they are of one rate as far as chance goes.
func lastJump(counts []loadCount) int {
	best, at := jumpZ, 0
	all := float64(total(counts).arrivals)
	before := 0.0
	for i := 1; i < len(counts); i++ {
		before += float64(counts[i-1].arrivals)
		n, m := float64(i), float64(len(counts)-i)
		x, y := before/n, (all-before)/m
		if max(x, y) < float64(jumpGrowth*min(x, y)) {
			continue
		}
		// Both rates are Poisson; under one common rate their difference has this deviation.
		if z := math.Abs(x-y) / math.Sqrt(all/(n+m)*(1/n+1/m)); z > best {
			best, at = z, i
		}
	}
	return at
}

// normalTime is the mean time of a request in the service without trouble, ns: that
// of its calls, which an alarm of their trend keeps as they were. 0: not known.
func (p *Pipeline) normalTime(s *service) float64 {
	var rate, known, sum float64
	for _, call := range s.entries {
		t := &p.stats[call].trend
		rate += t.rate
		if t.ticks > trendWarmUp {
			known += t.rate
			sum += float64(t.rate * t.mean)
		}
	}
	if known == 0 || known < rate/2 {
		return 0
	}
	return sum / known
}
