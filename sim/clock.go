package sim

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
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

// MaxPending is how many events may be scheduled at once. A clock has place for 10^12
// events in all, which are days of computing.
const MaxPending = 1 << slotBits

// MaxTime is the last instant of virtual time, about 146 years: half of what fits,
// so that a time plus a delay never overflows.
const MaxTime = math.MaxInt64 / 2

// Clock is virtual time and the events on it. Time is integer nanoseconds since the
// start of the simulation. Events at one instant fire in the order in which they
// were scheduled, so a run is a function of its inputs alone. Not safe for
// concurrent use.
//
// It is a 4-ary heap of (time, sequence number) keys without pointers, so laid out that
// the children of a key share a cache line; handlers lie in a slab beside it. Cancelled
// events stay in the heap until they surface or are the majority, whichever is first, so
// that Cancel is O(1) and memory stays proportional to what is scheduled. Events that
// come in order anyway have a [Lane].
type Clock struct {
	now   int64
	seq   uint64
	fired uint64
	stop  bool

	heap  []key // from root on
	hole  bool  // at root: its event is being handled, and the next one scheduled goes there
	slots []slot
	free  uint32 // first free slot + 1
	live  int    // events scheduled and not cancelled
	dead  int    // cancelled ones in the heap
	lanes []*Lane
}

// root is where the heap begins in its slice: the children of i are the four keys from
// 4(i-2) on, 64 bytes at a multiple of 64.
const root = 3

// key is an event in order of time, then of scheduling. Its id is the sequence number
// and, below it, the slot, which cannot tell two events apart that the number does not.
type key struct {
	at int64
	id uint64
}

const slotBits = 24

func (k key) seq() uint64  { return k.id >> slotBits }
func (k key) slot() uint32 { return uint32(k.id & (MaxPending - 1)) }

// before is 1 if k comes before o and 0 if not, without a branch: which of two events is
// first is a coin toss that no processor foresees. Times are not negative.
func (k key) before(o key) uint64 {
	_, borrow := bits.Sub64(k.id, o.id, 0)
	_, borrow = bits.Sub64(uint64(k.at), uint64(o.at), borrow)
	return borrow
}

type slot struct {
	handler Handler // nil: cancelled; an event of a lane keeps its slot for as long as it is in line
	arg     uint64
	seq     uint64 // 0: free; otherwise of the event that lies here
	next    uint32 // free list
	lane    uint32 // 1-based number of the event's lane; 0: none
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
	k := c.schedule(d, h, arg, 0)
	c.push(k)
	return Timer{k.seq(), k.slot()}
}

func (c *Clock) schedule(d int64, h Handler, arg uint64, lane uint32) key {
	if d < 0 || d > MaxTime-c.now {
		panic(fmt.Sprintf("sim: an event %d ns after %d ns", d, c.now))
	}
	i := c.takeSlot()
	c.seq++
	s := &c.slots[i]
	s.handler, s.arg, s.seq, s.lane = h, arg, c.seq, lane
	c.live++
	return key{c.now + d, c.seq<<slotBits | uint64(i)}
}

// At schedules an event at time t, which must not lie in the past.
func (c *Clock) At(t int64, h Handler, arg uint64) Timer { return c.After(t-c.now, h, arg) }

// Cancel drops the event and reports whether it was still to come. Timers of fired
// and cancelled events, and the zero Timer, are harmless.
func (c *Clock) Cancel(t Timer) bool {
	if t.seq == 0 {
		return false
	}
	s := &c.slots[t.slot]
	if s.seq != t.seq || s.handler == nil {
		return false
	}
	c.live--
	if s.lane > 0 {
		s.handler = nil
		c.lanes[s.lane-1].cancelled()
		return true
	}
	c.freeSlot(t.slot)
	if c.dead++; len(c.heap) > 64 && c.dead > len(c.heap)/2 {
		c.compact()
	}
	return true
}

// Step fires the next event and reports whether there was one.
func (c *Clock) Step() bool {
	if !c.drop() {
		return false
	}
	c.fire()
	return true
}

// fire is Step when drop has just said true.
func (c *Clock) fire() {
	k := c.heap[root]
	s := &c.slots[k.slot()]
	h, arg := s.handler, s.arg
	c.live--
	c.surfaced(k, s)
	c.now = k.at
	c.fired++
	h.Handle(arg)
}

// drop removes cancelled events from the top and reports whether a live one is there.
func (c *Clock) drop() bool {
	for c.close(); len(c.heap) > root; c.close() {
		k := c.heap[root]
		s := &c.slots[k.slot()]
		switch {
		case s.seq != k.seq():
			c.dead--
			c.hole = true
		case s.handler == nil:
			c.surfaced(k, s)
		default:
			return true
		}
	}
	return false
}

// surfaced takes the first key out of the heap, and frees its slot s. If it was a
// lane's, the next of the lane takes its place; otherwise there is a hole.
func (c *Clock) surfaced(k key, s *slot) {
	lane := s.lane
	c.freeSlot(k.slot())
	if lane > 0 {
		if next, ok := c.lanes[lane-1].next(); ok {
			c.down(root, next)
			return
		}
	}
	c.hole = true
}

// close fills the hole with the last key.
func (c *Clock) close() {
	if !c.hole {
		return
	}
	c.hole = false
	last := len(c.heap) - 1
	k := c.heap[last]
	c.heap = c.heap[:last]
	if last > root {
		c.down(root, k)
	}
}

// Next is the time of the next event; ok is false when there is none.
func (c *Clock) Next() (at int64, ok bool) {
	if !c.drop() {
		return 0, false
	}
	return c.heap[root].at, true
}

// Run fires every event up to and including time until, then sets the time to it.
// It ends early, without error and with the time of the last event, after Stop.
func (c *Clock) Run(until int64) error {
	c.stop = false
	instant, since := c.now, c.fired
	for !c.stop && c.drop() && c.heap[root].at <= until {
		c.fire()
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
		if len(c.slots) == MaxPending {
			panic(fmt.Sprintf("sim: more than %d events at once", MaxPending))
		}
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
}

// compact rebuilds the heap without the cancelled events. Those that stand for the
// rest of their lane stay.
func (c *Clock) compact() {
	c.close()
	kept := c.heap[:root]
	for _, k := range c.heap[root:] {
		if c.slots[k.slot()].seq == k.seq() {
			kept = append(kept, k)
		}
	}
	c.heap, c.dead = kept, 0
	for i := parent(len(kept) - 1); i >= root; i-- {
		c.down(i, kept[i])
	}
}

func parent(i int) int { return i/4 + 2 }

func (c *Clock) push(k key) {
	if c.hole { // the commonest case: an event has a successor
		c.hole = false
		c.down(root, k)
		return
	}
	if len(c.heap) == 0 {
		c.heap = append(c.heap, make([]key, root)...)
	}
	c.heap = append(c.heap, k)
	h, i := c.heap, len(c.heap)-1
	for i > root {
		p := parent(i)
		if k.before(h[p]) == 0 {
			break
		}
		h[i] = h[p]
		i = p
	}
	h[i] = k
}

// down puts k at i or below it.
func (c *Clock) down(i int, k key) {
	h := c.heap
	for {
		first := 4 * (i - 2)
		if first >= len(h) {
			break
		}
		least := first
		if first+4 <= len(h) { // the commonest case, without a loop
			c := (*[4]key)(h[first:])
			a := c[1].before(c[0])
			b := 2 + c[3].before(c[2])
			a += (b - a) & -c[b&3].before(c[a&3])
			least += int(a)
		} else {
			for j := first + 1; j < len(h); j++ {
				if h[j].before(h[least]) > 0 {
					least = j
				}
			}
		}
		if h[least].before(k) == 0 {
			break
		}
		h[i] = h[least]
		i = least
	}
	h[i] = k
}
