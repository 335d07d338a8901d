package sim

import (
	"errors"
	"fmt"
	"math"
)

// Handler receives events. What an event means is in arg, which only its owner
// reads: a kind, an index, whatever fits. Handlers are pointers to long-lived or
// recycled objects, so that scheduling an event allocates nothing.
type Handler interface {
	Handle(arg uint64)
}

// Timer names a scheduled event, for Cancel. The zero Timer names none.
type Timer struct {
	seq  uint64
	slot uint32
}

// ErrLivelock is returned by Run when virtual time stands still: MaxInstant events
// in a row at one instant, which only a model without any delay in a loop does.
var ErrLivelock = errors.New("virtual time stands still")

// MaxInstant is how many events at one instant Run takes for a livelock.
const MaxInstant = 3_000_000

// MaxTime is the last instant of virtual time, about 146 years: half of what fits,
// so that a time plus a delay never overflows.
const MaxTime = math.MaxInt64 / 2

// Clock is virtual time and the events on it. Time is integer nanoseconds since the
// start of the simulation. Events at one instant fire in the order in which they
// were scheduled, so a run is a function of its inputs alone. Not safe for
// concurrent use.
//
// It is a 4-ary heap of (time, sequence number) keys without pointers; handlers lie
// in a slab beside it. Cancelled events stay in the heap until they surface or are
// the majority, whichever is first, so that Cancel is O(1) and memory stays
// proportional to what is scheduled.
type Clock struct {
	now   int64
	seq   uint64
	fired uint64
	stop  bool

	heap  []key
	slots []slot
	free  uint32 // first free slot + 1
	live  int    // events scheduled and not cancelled
}

type key struct {
	at   int64
	seq  uint64
	slot uint32
}

func (k key) before(o key) bool { return k.at < o.at || k.at == o.at && k.seq < o.seq }

type slot struct {
	handler Handler
	arg     uint64
	seq     uint64 // 0: free; otherwise of the event that lies here
	next    uint32 // free list
}

// Now is the current virtual time, ns.
func (c *Clock) Now() int64 { return c.now }

// Fired is the number of events handled so far.
func (c *Clock) Fired() uint64 { return c.fired }

// Pending is the number of scheduled events.
func (c *Clock) Pending() int { return c.live }

// After schedules an event d nanoseconds from now. It panics if d is negative or
// beyond MaxTime: both are errors of the caller's arithmetic.
func (c *Clock) After(d int64, h Handler, arg uint64) Timer {
	if d < 0 || d > MaxTime-c.now {
		panic(fmt.Sprintf("sim: an event %d ns after %d ns", d, c.now))
	}
	s := c.takeSlot()
	c.seq++
	c.slots[s].handler, c.slots[s].arg, c.slots[s].seq = h, arg, c.seq
	c.live++
	c.push(key{c.now + d, c.seq, s})
	return Timer{c.seq, s}
}

// At schedules an event at time t, which must not lie in the past.
func (c *Clock) At(t int64, h Handler, arg uint64) Timer { return c.After(t-c.now, h, arg) }

// Cancel drops the event and reports whether it was still to come. Timers of fired
// and cancelled events, and the zero Timer, are harmless.
func (c *Clock) Cancel(t Timer) bool {
	if t.seq == 0 || c.slots[t.slot].seq != t.seq {
		return false
	}
	c.freeSlot(t.slot)
	if len(c.heap) > 64 && c.live < len(c.heap)/2 {
		c.compact()
	}
	return true
}

// Step fires the next event and reports whether there was one.
func (c *Clock) Step() bool {
	if !c.drop() {
		return false
	}
	k := c.heap[0]
	c.pop()
	s := &c.slots[k.slot]
	h, arg := s.handler, s.arg
	c.freeSlot(k.slot)
	c.now = k.at
	c.fired++
	h.Handle(arg)
	return true
}

// drop removes cancelled events from the top and reports whether a live one is there.
func (c *Clock) drop() bool {
	for len(c.heap) > 0 {
		if k := c.heap[0]; c.slots[k.slot].seq == k.seq {
			return true
		}
		c.pop()
	}
	return false
}

// Next is the time of the next event; ok is false when there is none.
func (c *Clock) Next() (at int64, ok bool) {
	if !c.drop() {
		return 0, false
	}
	return c.heap[0].at, true
}

// Run fires every event up to and including time until, then sets the time to it.
// It ends early, without error and with the time of the last event, after Stop.
func (c *Clock) Run(until int64) error {
	c.stop = false
	instant, since := c.now, c.fired
	for !c.stop && c.drop() && c.heap[0].at <= until {
		c.Step()
		if c.now != instant {
			instant, since = c.now, c.fired
		} else if c.fired-since > MaxInstant {
			return fmt.Errorf("at %d ns: %w after %d events; give the model a delay", c.now, ErrLivelock, MaxInstant)
		}
	}
	if !c.stop {
		c.now = max(c.now, until)
	}
	return nil
}

// Stop makes Run return after the current event.
func (c *Clock) Stop() { c.stop = true }

func (c *Clock) takeSlot() uint32 {
	if c.free == 0 {
		c.slots = append(c.slots, slot{})
		return uint32(len(c.slots) - 1)
	}
	s := c.free - 1
	c.free = c.slots[s].next
	return s
}

func (c *Clock) freeSlot(s uint32) {
	c.slots[s] = slot{next: c.free}
	c.free = s + 1
	c.live--
}

// compact rebuilds the heap without the cancelled events.
func (c *Clock) compact() {
	kept := c.heap[:0]
	for _, k := range c.heap {
		if c.slots[k.slot].seq == k.seq {
			kept = append(kept, k)
		}
	}
	c.heap = kept
	for i := (len(kept) - 2) / 4; i >= 0 && len(kept) > 1; i-- {
		c.down(i, kept[i])
	}
}

func (c *Clock) push(k key) {
	c.heap = append(c.heap, k)
	h, i := c.heap, len(c.heap)-1
	for i > 0 {
		parent := (i - 1) / 4
		if !k.before(h[parent]) {
			break
		}
		h[i] = h[parent]
		i = parent
	}
	h[i] = k
}

func (c *Clock) pop() {
	last := len(c.heap) - 1
	k := c.heap[last]
	c.heap = c.heap[:last]
	if last > 0 {
		c.down(0, k)
	}
}

// down puts k at i or below it.
func (c *Clock) down(i int, k key) {
	h := c.heap
	for {
		first := 4*i + 1
		if first >= len(h) {
			break
		}
		least := first
		for j := first + 1; j < min(first+4, len(h)); j++ {
			if h[j].before(h[least]) {
				least = j
			}
		}
		if !h[least].before(k) {
			break
		}
		h[i] = h[least]
		i = least
	}
	h[i] = k
}
