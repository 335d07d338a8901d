package hst

import "sync/atomic"

// blockLen is how many observations are converted and scored at once: the scratch
// of a worker stays in the first cache level.
const blockLen = 512

// column is a column of values in either form.
type column struct {
	xs []float64 // in the feature's unit
	ns []int64   // in ns, of a feature in ms
}

func (c column) len() int { return max(len(c.xs), len(c.ns)) }

// blocks is a worker's scratch memory.
type blocks struct{ in, out [blockLen]float64 }

// load is values [from, to) of c, at most blockLen, and as much room for scores.
func (b *blocks) load(c column, from, to int) (xs, scores []float64) {
	scores = b.out[:to-from]
	if c.ns == nil {
		return c.xs[from:to], scores
	}
	xs = b.in[:to-from]
	for i, ns := range c.ns[from:to] {
		xs[i] = float64(ns) / nsPerMS
	}
	return xs, scores
}

// sink takes scores in any order; calls for different observations may come from
// different goroutines at once.
type sink interface {
	write(at int, scores []float64)
}

type scoreSink []float64

func (s scoreSink) write(at int, scores []float64) { copy(s[at:], scores) }

// flagSink keeps one bit an observation. Workers share words where their parts
// meet, so bits are gathered and set with one atomic operation a word.
type flagSink struct {
	words []uint64
	min   float64
}

func (s *flagSink) write(at int, scores []float64) {
	for len(scores) > 0 {
		shift := at % 64
		n := min(len(scores), 64-shift)
		var word uint64
		for i, score := range scores[:n] {
			if score >= s.min {
				word |= 1 << (shift + i)
			}
		}
		if word != 0 {
			atomic.OrUint64(&s.words[at/64], word)
		}
		at, scores = at+n, scores[n:]
	}
}

// writeNS flags durations [from, to) of a column by a table.
func (s *flagSink) writeNS(f *FlagTable, ns []int64, from, to int) {
	for from < to {
		shift := from % 64
		n := min(to-from, 64-shift)
		var word uint64
		for i, d := range ns[from : from+n] {
			if f.Flag(d) {
				word |= 1 << (shift + i)
			}
		}
		if word != 0 {
			atomic.OrUint64(&s.words[from/64], word)
		}
		from += n
	}
}
