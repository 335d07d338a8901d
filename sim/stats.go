package sim

import (
	"fmt"
	"math"
	"math/bits"
)

// total is an exact sum of products of non-negative integers: with float64 the
// identities that are checked on every path would hold only roughly.
type total struct{ hi, lo uint64 }

func (t *total) add(n, ns int64) {
	hi, lo := bits.Mul64(uint64(n), uint64(ns))
	var carry uint64
	t.lo, carry = bits.Add64(t.lo, lo, 0)
	t.hi, _ = bits.Add64(t.hi, hi, carry)
}

// seconds is the sum of ns as seconds.
func (t total) seconds() float64 {
	return (math.Ldexp(float64(t.hi), 64) + float64(t.lo)) / 1e9
}

// Stats counts what happened at one service since the last [System.ResetStats].
type Stats struct {
	Arrivals    uint64 // requests that reached the service
	Completions uint64
	Rejected    uint64 // the queue was full, or the pod on its way out
	Abandoned   uint64 // ran out of patience in the queue
	Failed      uint64 // an injected error, a failed call, a killed pod, a propagated time-out
	Unavailable uint64 // found no ready pod; not an arrival
	Begun       uint64 // got a thread
	Prompt      uint64 // of them, those who got it at once
	Present     int    // requests at the service now
	Waiting     int    // of them, those without a thread

	carried  int // Present at the reset
	from     int64
	last     int64
	presence total   // integral of Present
	queue    total   // integral of Waiting
	stays    total   // sum of the times that those who left were here
	waits    total   // sum of the times from arrival to thread
	asked    float64 // core-ns of work that came, since the start of time
	dropped  float64 // core-ns of it that nobody does any more
}

func (s *Stats) advance(now int64) {
	if d := now - s.last; d > 0 {
		s.presence.add(int64(s.Present), d)
		s.queue.add(int64(s.Waiting), d)
		s.last = now
	}
}

func (s *Stats) enter(now int64) {
	s.advance(now)
	s.Arrivals++
	s.Present++
}

func (s *Stats) leave(now, arrived int64, ok bool) {
	s.advance(now)
	s.Present--
	s.stays.add(1, now-max(arrived, s.from))
	if ok {
		s.Completions++
	}
}

func (s *Stats) wait(now int64, by int) {
	s.advance(now)
	s.Waiting += by
}

func (s *Stats) begin(waited int64) {
	s.waits.add(1, waited)
	s.Begun++
	if waited == 0 {
		s.Prompt++
	}
}

func (s *Stats) reset(now int64) {
	*s = Stats{Present: s.Present, Waiting: s.Waiting, carried: s.Present, from: now, last: now, asked: s.asked, dropped: s.dropped}
}

// Seconds is how long the statistics cover.
func (s Stats) Seconds() float64 { return float64(s.last-s.from) / 1e9 }

// MeanPresent is L, the time average of the requests at the service.
func (s Stats) MeanPresent() float64 { return s.presence.seconds() / s.Seconds() }

// MeanWaiting is Lq, the time average of those without a thread.
func (s Stats) MeanWaiting() float64 { return s.queue.seconds() / s.Seconds() }

// MeanStay is W, seconds from arrival to the end, of those who left.
func (s Stats) MeanStay() float64 {
	left := s.Arrivals + uint64(s.carried) - uint64(s.Present)
	return s.stays.seconds() / float64(left)
}

// MeanWait is Wq, seconds from arrival to a thread, of those who got one.
func (s Stats) MeanWait() float64 { return s.waits.seconds() / float64(s.Begun) }

// audit checks the identities that hold on every path, whatever the model: nobody
// is lost, and Little's law over the window, with the stays of those still present.
func (s *Stats) audit(present []*visit) error {
	left := s.Completions + s.Rejected + s.Abandoned + s.Failed
	if in := s.Arrivals + uint64(s.carried); in != left+uint64(s.Present) {
		return fmt.Errorf("%d requests came and %d left, but %d are present", in, left, s.Present)
	}
	if len(present) != s.Present {
		return fmt.Errorf("%d requests are present, but %d are counted", len(present), s.Present)
	}
	stays, waiting := s.stays, 0
	for _, v := range present {
		stays.add(1, s.last-max(v.arrived, s.from))
		if v.begun < 0 {
			waiting++
		}
	}
	if waiting != s.Waiting {
		return fmt.Errorf("%d requests wait, but %d are counted", waiting, s.Waiting)
	}
	if stays != s.presence {
		return fmt.Errorf("not L = λW: the integral of the requests present is %v s, their stays add up to %v s",
			s.presence.seconds(), stays.seconds())
	}
	return nil
}

// auditWork checks the utilisation law: the work that came is done, dropped or left.
// The tolerance is the rounding of departures to nanoseconds.
func (s *Stats) auditWork(done, left float64) error {
	if off := math.Abs(s.asked - done - s.dropped - left); off > 1e-6*s.asked+1e3 {
		return fmt.Errorf("%g core-ns of work came, but %g was done, %g dropped and %g is left", s.asked, done, s.dropped, left)
	}
	return nil
}
