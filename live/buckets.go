package live

// minTime stands for "before everything". It leaves room to subtract a window.
const minTime = -1 << 62

// floorDiv is a/b rounded down; b > 0. Times before 1970 must not share bucket 0.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// buckets is a ring of counters by time, for windows too long to keep their spans.
// A late span goes to the bucket of its own time. Memory: the ring, whatever comes.
type buckets[T any] struct {
	width int64
	ring  []bucket[T]
	// The bucket that was asked for last, which most often is the one to be asked for
	// next, and where it begins: no division then.
	last  *bucket[T]
	begin int64
}

type bucket[T any] struct {
	no int64 // floorDiv(time, width)
	v  T
}

// newBuckets covers span ns in buckets of width ns, and one more, which is filling.
func newBuckets[T any](width, span int64) buckets[T] {
	b := buckets[T]{width: width, ring: make([]bucket[T], (span+width-1)/width+1)}
	for i := range b.ring {
		b.ring[i].no = minTime
	}
	return b
}

// at is the counter of time t, or nil when t is older than the ring covers.
func (b *buckets[T]) at(t int64) *T {
	if b.last != nil && uint64(t-b.begin) < uint64(b.width) {
		return &b.last.v
	}
	return b.find(t)
}

func (b *buckets[T]) find(t int64) *T {
	no := floorDiv(t, b.width)
	i := no % int64(len(b.ring))
	if i < 0 {
		i += int64(len(b.ring))
	}
	e := &b.ring[i]
	if e.no > no {
		return nil
	}
	if e.no < no {
		*e = bucket[T]{no: no}
	}
	b.last, b.begin = e, no*b.width
	return &e.v
}

// each visits the counters whose bucket lies after the one of from, up to the one
// of to, in no particular order of time but always the same one.
func (b *buckets[T]) each(from, to int64, visit func(*T)) {
	lo, hi := floorDiv(from, b.width), floorDiv(to, b.width)
	for i := range b.ring {
		if no := b.ring[i].no; no > lo && no <= hi {
			visit(&b.ring[i].v)
		}
	}
}

// copyFrom fills an empty ring with what another one of the same shape counted.
func (b *buckets[T]) copyFrom(from *buckets[T], convert func(T) T) {
	for _, e := range from.ring {
		if e.no != minTime {
			if at := b.at(e.no * from.width); at != nil {
				*at = convert(e.v)
			}
		}
	}
}
