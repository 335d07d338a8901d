package hst

import "math"

// FlagTable answers one question, whether a duration scores at least MinScore, for
// a [Line] in milliseconds as it was when the table was made. Durations fall in
// buckets 1.1 to 1.6 % wide, as in an HDR histogram, which say yes, no, or that a
// border of the answer lies within: only then the exact score is looked up, so no
// flag is ever wrong.
//
// Safe for concurrent use. Memory: 4 kB and a copy of the score table, 16 bytes a
// piece.
type FlagTable struct {
	buckets [flagBuckets]flagAnswer
	exact   lineTable
	min     float64
	ready   bool
}

type flagAnswer uint8

const (
	flagAmbiguous flagAnswer = iota
	flagNo
	flagYes
)

// A bucket is the exponent and the first flagBits bits of the mantissa of the
// number of nanoseconds; 63 exponents cover every int64 from 1 on.
const (
	flagBits    = 6
	flagShift   = 52 - flagBits
	flagFirst   = 1023 << flagBits // of 1 ns
	flagBuckets = 64 << flagBits
)

// FlagTable makes the table of l as it is. In the first window it flags nothing.
// Cost: some 50 µs.
func (l *Line) FlagTable(minScore float64) *FlagTable {
	f := &FlagTable{exact: l.table.clone(), min: minScore, ready: l.Ready()}
	for b := range f.buckets {
		f.buckets[b] = f.answer(uint64(b))
	}
	return f
}

// answer looks at every piece that a bucket touches. Division by 1e6 rounds, but
// keeps the order, so the ends of the bucket in ms bound its inside.
func (f *FlagTable) answer(b uint64) flagAnswer {
	low := math.Float64frombits((b + flagFirst) << flagShift)
	high := math.Float64frombits((b+flagFirst+1)<<flagShift - 1)
	last := orderKey(high / nsPerMS)
	i := f.exact.piece(orderKey(low / nsPerMS))
	yes := f.flags(f.exact.pieces[i].score)
	for ; f.exact.pieces[i].upper <= last; i++ {
		if f.flags(f.exact.pieces[i+1].score) != yes {
			return flagAmbiguous
		}
	}
	if yes {
		return flagYes
	}
	return flagNo
}

func (f *FlagTable) flags(score float64) bool { return f.ready && score >= f.min }

// Flag says whether a duration scores at least the table's MinScore, exactly as
// Line.Score(float64(ns)/1e6) would. Cost: 1.5 to 3 ns.
func (f *FlagTable) Flag(ns int64) bool {
	b := math.Float64bits(float64(ns))>>flagShift - flagFirst
	if b < flagBuckets {
		if a := f.buckets[b]; a != flagAmbiguous {
			return a == flagYes
		}
	}
	return f.flags(f.exact.score(float64(ns) / nsPerMS))
}
