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
// A late span goes to the bucket of its own time. Memory: the ring, whatever comes, and
// of that no more than what time has passed over.
type buckets[T any] struct {
	width int64
	n     int64                  // buckets of the ring; 0: there is none
	parts []*[ringPart]bucket[T] // nil: not needed yet
	// The bucket that was asked for last, which most often is the one to be asked for
	// next, and where it begins: no division then.
	last  *bucket[T]
	begin int64
}

const ringPart = 16

type bucket[T any] struct {
	no int64 // floorDiv(time, width); minTime: never filled
	v  T
}

// newBuckets covers span ns in buckets of width ns, and one more, which is filling.
func newBuckets[T any](width, span int64) buckets[T] {
	n := (span+width-1)/width + 1
	return buckets[T]{width: width, n: n, parts: make([]*[ringPart]bucket[T], (n+ringPart-1)/ringPart)}
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
	i := no % b.n
	if i < 0 {
		i += b.n
	}
	e := &b.part(i / ringPart)[i%ringPart]
	if e.no > no {
		return nil
	}
	if e.no < no {
		*e = bucket[T]{no: no}
	}
	b.last, b.begin = e, no*b.width
	return &e.v
}

func (b *buckets[T]) part(i int64) *[ringPart]bucket[T] {
	if b.parts[i] == nil {
		b.parts[i] = new([ringPart]bucket[T])
		for k := range b.parts[i] {
			b.parts[i][k].no = minTime
		}
	}
	return b.parts[i]
}

// filled visits the buckets that have been filled, in no particular order of time but
// always the same one.
func (b *buckets[T]) filled(yield func(*bucket[T]) bool) {
	for _, part := range b.parts {
		if part == nil {
			continue
		}
		for i := range part {
			if part[i].no != minTime && !yield(&part[i]) {
				return
			}
		}
	}
}

// each visits the counters whose bucket lies after the one of from, up to the one
// of to, in the order of filled.
func (b *buckets[T]) each(from, to int64, visit func(*T)) {
	lo, hi := floorDiv(from, b.width), floorDiv(to, b.width)
	for e := range b.filled {
		if e.no > lo && e.no <= hi {
			visit(&e.v)
		}
	}
}

// copyFrom fills an empty ring with what another one of the same shape counted.
func (b *buckets[T]) copyFrom(from *buckets[T], convert func(T) T) {
	for e := range from.filled {
		if at := b.at(e.no * from.width); at != nil {
			*at = convert(e.v)
		}
	}
}
