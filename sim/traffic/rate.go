// Package traffic says when requests arrive.
//
// Its opinion: a load is a rate over time and a pattern around it, and the two do
// not mix. The pattern is a renewal process that runs on operational time, where
// one request arrives a unit; a [Rate] stretches that time to seconds by the exact
// inverse of its integral. So a load that is 20 % higher has the same requests,
// closer together, and common random numbers survive the change.
//
//  1. a [Rate] is given by points, with straight lines or steps between them, once
//     or periodically; [ReadCounts] takes it from a recorded series;
//  2. an [Arrivals] process ([Renewal], [MMPP]) turns it into instants.
//
// Closed loads, users who wait for their answer and think, are the business of
// package sim, because they depend on what the system does.
package traffic

import (
	"fmt"
	"math"
	"sort"
	"time"
)

// maxPerSecond is the highest rate that integer nanoseconds can tell apart well.
const maxPerSecond = 1e8

// Point is the rate, in requests per second, at a time, in ns.
type Point struct {
	At        int64
	PerSecond float64
}

// Rate is a number of requests per second over time: linear between its points,
// constant before the first and behind the last. Two points at one time are a step.
// The zero Rate is no load.
type Rate struct {
	points []Point
	period int64
}

// NewRate takes points in order of time. Rates are finite, 0..1e8.
func NewRate(points ...Point) (Rate, error) {
	for i, p := range points {
		if !(p.PerSecond >= 0 && p.PerSecond <= maxPerSecond) {
			return Rate{}, fmt.Errorf("rate: point %d: %v requests per second: want 0..%g", i, p.PerSecond, maxPerSecond)
		}
		if p.At < 0 || i > 0 && p.At < points[i-1].At {
			return Rate{}, fmt.Errorf("rate: point %d: time %s: want points in order of time, from 0", i, time.Duration(p.At))
		}
	}
	return Rate{points: append([]Point(nil), points...)}, nil
}

// Constant is perSecond for ever. It panics on what NewRate refuses.
func Constant(perSecond float64) Rate {
	r, err := NewRate(Point{0, perSecond})
	if err != nil {
		panic(err)
	}
	return r
}

// Repeat makes the stretch from 0 to period the pattern of all time. It is an error
// when the period is not positive, ends before the last point or has no request.
func (r Rate) Repeat(period int64) (Rate, error) {
	if period <= 0 || len(r.points) > 0 && r.points[len(r.points)-1].At > period {
		return Rate{}, fmt.Errorf("rate: period %s: want one that is positive and holds every point", time.Duration(period))
	}
	r.period = period
	return r, nil
}

// Scale multiplies every rate by f, which must be finite and >= 0 (it panics).
func (r Rate) Scale(f float64) Rate {
	if !(f >= 0) || math.IsInf(f, 0) {
		panic(fmt.Sprintf("traffic: Scale(%v)", f))
	}
	scaled := Rate{period: r.period, points: append([]Point(nil), r.points...)}
	for i := range scaled.points {
		scaled.points[i].PerSecond *= f
	}
	return scaled
}

// At is the rate at time t, requests per second; at a step, the one behind it.
func (r Rate) At(t int64) float64 {
	seg := r.segment(t)
	return seg.start + float64(seg.slope*float64(seg.offset)/1e9)
}

// Between is the expected number of requests from one time to a later one.
func (r Rate) Between(from, to int64) float64 {
	sum := 0.0
	for from < to {
		seg := r.segment(from)
		d := min(seg.left, to-from)
		sum += area(seg.here(), seg.slope, float64(d)/1e9)
		from += d
	}
	return sum
}

// Max is the highest rate.
func (r Rate) Max() float64 {
	most := 0.0
	for _, p := range r.points {
		most = max(most, p.PerSecond)
	}
	return most
}

// segment is a stretch without a kink.
type segment struct {
	start  float64 // rate where it begins
	slope  float64 // per second, per second
	offset int64   // ns from there to the time asked for
	left   int64   // ns from the time asked for to its end
}

func (s segment) here() float64 { return s.start + float64(s.slope*float64(s.offset)/1e9) }

// forever is the length of the stretch behind the last point, and the end of time
// for loads: 73 years.
const forever = math.MaxInt64 / 4

func (r Rate) segment(t int64) segment {
	if len(r.points) == 0 {
		return segment{left: forever}
	}
	end := int64(math.MaxInt64)
	if r.period > 0 {
		t, end = t%r.period, r.period
	}
	i := sort.Search(len(r.points), func(i int) bool { return r.points[i].At > t }) // first behind t
	switch i {
	case 0:
		return segment{start: r.points[0].PerSecond, left: r.points[0].At - t}
	case len(r.points):
		p := r.points[i-1]
		return segment{start: p.PerSecond, offset: t - p.At, left: min(end-t, forever)}
	}
	a, b := r.points[i-1], r.points[i]
	return segment{
		start:  a.PerSecond,
		slope:  (b.PerSecond - a.PerSecond) / (float64(b.At-a.At) / 1e9),
		offset: t - a.At,
		left:   b.At - t,
	}
}

// area under a line that begins at rate and lasts d seconds.
func area(rate, slope, d float64) float64 { return d * (rate + float64(slope*d/2)) }

// after is the time at which amount more requests are expected than at t; ok is
// false when that never happens.
func (r Rate) after(t int64, amount float64) (at int64, ok bool) {
	idle := int64(0) // time in which nothing came, to notice a period without load
	for t < forever {
		seg := r.segment(t)
		rate, d := seg.here(), float64(seg.left)/1e9
		if whole := area(rate, seg.slope, d); whole < amount {
			amount -= whole
			t += seg.left
			if whole > 0 {
				idle = 0
			} else if idle += seg.left; idle >= forever || r.period > 0 && idle > 2*r.period {
				return 0, false
			}
			continue
		}
		// The root of area(rate, slope, x) = amount, in the form that does not cancel.
		x := 2 * amount / (rate + math.Sqrt(max(0, float64(rate*rate)+float64(2*seg.slope*amount))))
		return t + int64(math.Round(x*1e9)), true
	}
	return 0, false
}
