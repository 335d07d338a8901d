package eval

import (
	"math"
	"math/bits"
	"slices"
)

// timer sums and counts the times of one entrant. Percentiles come from a
// histogram of every timed span: below 2^subBits ns it is exact, above it is within
// 1/64.
type timer struct {
	total, n int64
	count    []int64
}

// loading sums the waits for spans.
type loading struct{ total, spans, waits int64 }

// add counts a wait for n spans.
func (l *loading) add(ns int64, n int) {
	l.total += max(ns, 0)
	l.spans += int64(n)
	l.waits++
}

// mean is a span's, each wait having had the cost of a clock in it.
func (l *loading) mean(cost float64) Number {
	if l.spans == 0 {
		return Number(math.NaN())
	}
	return Number(max(0, float64(l.total)-float64(cost*float64(l.waits))) / float64(l.spans))
}

const subBits = 6

func newTimer() timer { return timer{count: make([]int64, (64-subBits+1)<<subBits)} }

func (t *timer) add(ns int64) {
	ns = max(ns, 0)
	t.total += ns
	t.n++
	t.count[bucketOf(ns)]++
}

// bucketOf is linear below 2^subBits and keeps the leading subBits bits after the
// first one above.
func bucketOf(ns int64) int {
	shift := max(bits.Len64(uint64(ns))-subBits-1, 0)
	return shift<<subBits + int(ns>>shift)
}

// middleOf is the middle of a bucket, ns.
func middleOf(bucket int) float64 {
	shift := max(bucket>>subBits-1, 0)
	low := int64(bucket-shift<<subBits) << shift
	return float64(low) + float64(int64(1)<<shift-1)/2
}

func (t *timer) mean(cost float64) Number {
	if t.n == 0 {
		return Number(math.NaN())
	}
	return Number(max(0, float64(t.total)/float64(t.n)-cost))
}

func (t *timer) percentile(q, cost float64) Number {
	rank := max(1, int64(math.Ceil(float64(q*float64(t.n)))))
	for b, c := range t.count {
		if rank -= c; rank <= 0 && t.n > 0 {
			return Number(max(0, middleOf(b)-cost))
		}
	}
	return Number(math.NaN())
}

// clockCost is the time between two readings of a clock with nothing between, ns:
// what each measured interval contains beside the work. The median of many.
func clockCost(clock func() int64) float64 {
	const readings = 1001
	d := make([]int64, readings)
	for i := range d {
		before := clock()
		d[i] = clock() - before
	}
	slices.Sort(d)
	return float64(d[readings/2])
}
