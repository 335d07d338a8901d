package sim

// Lane is for events that are scheduled in the order in which they are to fire, such
// as the time-outs of one call, each as long as the other. Only the first of them is
// in the clock's heap, the others wait in line behind it. Most time-outs are
// cancelled, so the heap stays as small as what really happens next; when each event
// fires, and in which order, is the same as without a lane.
type Lane struct {
	clock  *Clock
	number uint32 // 1-based
	line   []key  // behind the first; line[read:] is still to come
	read   int
	dead   int   // upper bound of the cancelled ones in line
	last   int64 // time of the latest event so far
	inHeap bool
}

// NewLane makes a lane of the clock, for as long as the clock lives.
func (c *Clock) NewLane() *Lane {
	l := &Lane{clock: c, number: uint32(len(c.lanes) + 1)}
	c.lanes = append(c.lanes, l)
	return l
}

// After is [Clock.After]. An event before the latest one of the lane is scheduled
// outside of it.
func (l *Lane) After(d int64, h Handler, arg uint64) Timer {
	c := l.clock
	if c.now+d < l.last {
		return c.After(d, h, arg)
	}
	k := c.schedule(d, h, arg, l.number)
	l.last = k.at
	if l.inHeap {
		if l.read > leastRoom && l.read > len(l.line)/2 {
			l.makeRoom()
		}
		l.line = append(l.line, k)
	} else {
		l.inHeap = true
		c.push(k)
	}
	return Timer{k.seq(), k.slot()}
}

// next takes the first event in line that was not cancelled; ok is false when there
// is none, and the lane is then not in the heap any more.
func (l *Lane) next() (k key, ok bool) {
	for l.read < len(l.line) {
		k = l.line[l.read]
		l.read++
		if l.clock.slots[k.slot()].handler != nil {
			return k, true
		}
		l.clock.freeSlot(k.slot())
	}
	l.line, l.read, l.dead, l.inHeap = l.line[:0], 0, 0, false
	return key{}, false
}

// cancelled counts one more of them, and drops them from the line when they are the
// majority.
func (l *Lane) cancelled() {
	if l.dead++; l.dead > leastRoom && l.dead > (len(l.line)-l.read)/2 {
		l.makeRoom()
	}
}

// leastRoom is how many keys are not worth the work of making room.
const leastRoom = 64

// makeRoom drops what has left the line and what was cancelled in it.
func (l *Lane) makeRoom() {
	kept := l.line[:0]
	for _, k := range l.line[l.read:] {
		if l.clock.slots[k.slot()].handler != nil {
			kept = append(kept, k)
		} else {
			l.clock.freeSlot(k.slot())
		}
	}
	l.line, l.read, l.dead = kept, 0, 0
}
