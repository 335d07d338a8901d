package experiment

import (
	"math"
	"math/bits"
	"sort"
	"sync"
)

// histogram counts latencies in buckets that grow by 1 %, from 10 µs to 10^6 s.
type histogram struct {
	counts  [histogramBuckets]int64
	n       int64
	buckets *buckets
}

const (
	histogramBuckets = 2560
	histogramBase    = 1e4 // ns
)

var histogramGrowth = math.Log(1.01)

func newHistogram() histogram { return histogram{buckets: latencyBuckets()} }

func (h *histogram) add(ns int64) {
	h.counts[h.buckets.of(ns)]++
	h.n++
}

// quantile is in ms, exact to 1 %; 0 without counts.
func (h *histogram) quantile(p float64) float64 {
	rank, sum := int64(math.Ceil(p*float64(h.n))), int64(0)
	for i, n := range h.counts {
		if sum += n; sum >= rank && n > 0 {
			return histogramBase / 1e6 * math.Exp(float64(histogramGrowth*(float64(i)-.5)))
		}
	}
	return 0
}

// bucketOf is the definition: bucket 0 ends at the base, the last one has no end.
func bucketOf(ns int64) int {
	if ns <= histogramBase {
		return 0
	}
	return min(histogramBuckets-1, 1+int(math.Log(float64(ns)/histogramBase)/histogramGrowth))
}

// buckets finds buckets without a logarithm: a table says where to begin, by the
// exponent and the first six bits behind the leading one, and the next bound is at most
// a few buckets on.
type buckets struct {
	ends  [histogramBuckets]int64 // the first latency behind the bucket
	begin [64 << cellBits]int16
}

const cellBits = 6

var latencyBuckets = sync.OnceValue(func() *buckets {
	b := &buckets{}
	for i := range b.ends {
		from := int(histogramBase * math.Exp(float64(histogramGrowth*float64(i-1))))
		b.ends[i] = int64(from + sort.Search(from, func(d int) bool { return bucketOf(int64(from+d)) > i }))
	}
	b.ends[histogramBuckets-1] = math.MaxInt64
	for cell := range b.begin {
		b.begin[cell] = int16(bucketOf(cellBegin(cell)))
	}
	return b
})

// cellOf is the cell of a latency >= 0.
func cellOf(ns int64) int {
	e := bits.Len64(uint64(ns) | 1<<cellBits)
	return e<<cellBits | int(ns>>(e-1-cellBits))&(1<<cellBits-1)
}

// cellBegin is the least latency of a cell.
func cellBegin(cell int) int64 {
	e, behind := cell>>cellBits, int64(cell&(1<<cellBits-1))
	if e <= cellBits {
		return 0 // of no latency
	}
	return (1<<cellBits | behind) << (e - 1 - cellBits)
}

func (b *buckets) of(ns int64) int {
	i := int(b.begin[cellOf(ns)])
	for ns >= b.ends[i] && i < histogramBuckets-1 {
		i++
	}
	return i
}
