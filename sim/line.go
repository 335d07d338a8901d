package sim

// ring is a FIFO queue from whose middle an element can be taken in O(1): every
// element has a ticket, and a hole is skipped when its turn comes. Its capacity is a
// power of two and grows as needed.
type ring[T comparable] struct {
	buf        []T
	head, tail uint64 // tickets; head is the next to leave
	n          int
}

func (r *ring[T]) push(x T) (ticket uint64) {
	if r.tail-r.head == uint64(len(r.buf)) {
		r.grow()
	}
	ticket = r.tail
	r.buf[ticket&uint64(len(r.buf)-1)] = x
	r.tail++
	r.n++
	return ticket
}

// pop takes the oldest element, or the zero T.
func (r *ring[T]) pop() (x T) {
	var none T
	for r.n > 0 {
		i := r.head & uint64(len(r.buf)-1)
		x, r.buf[i] = r.buf[i], none
		r.head++
		if x != none {
			r.n--
			return x
		}
	}
	r.head = r.tail // only holes are left
	return none
}

// remove makes a hole. The ticket must be that of an element that is in the ring.
func (r *ring[T]) remove(ticket uint64) {
	var none T
	r.buf[ticket&uint64(len(r.buf)-1)] = none
	r.n--
}

func (r *ring[T]) grow() {
	buf := make([]T, max(16, 2*len(r.buf)))
	for t := r.head; t < r.tail; t++ {
		buf[t&uint64(len(buf)-1)] = r.buf[t&uint64(len(r.buf)-1)]
	}
	r.buf = buf
}

// Priorities is the number of priority classes of a queue.
const Priorities = 4

// line is a queue of visits: FIFO within a priority, the higher number first.
type line struct {
	rings [Priorities]ring[*visit]
	n     int
}

func (l *line) push(v *visit) {
	v.ticket = l.rings[v.priority].push(v)
	l.n++
}

func (l *line) pop() *visit {
	if l.n == 0 {
		return nil
	}
	l.n--
	for p := Priorities - 1; p > 0; p-- {
		if l.rings[p].n > 0 {
			return l.rings[p].pop()
		}
	}
	return l.rings[0].pop()
}

func (l *line) remove(v *visit) {
	l.rings[v.priority].remove(v.ticket)
	l.n--
}
