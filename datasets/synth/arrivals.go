package synth

import "time"

// Epoch is the time at which every stream begins: 2024-11-11 00:00 UTC, ns.
const Epoch int64 = 1_731_283_200_000_000_000

// dayShape is the rate at each hour over the mean rate of the day: quiet at
// night, a plateau in working hours, a peak in the evening.
var dayShape = [24]float64{
	0.50, 0.36, 0.28, 0.25, 0.28, 0.36, 0.52, 0.76, 1.00, 1.16, 1.24, 1.28,
	1.28, 1.24, 1.20, 1.20, 1.24, 1.32, 1.46, 1.62, 1.70, 1.54, 1.24, 0.97,
}

// arrivals is a Poisson process whose rate follows dayShape.
type arrivals struct {
	perNS float64 // mean rate
	day   int64   // ns
	depth float64
	next  int64 // ns since the Unix epoch
}

func newArrivals(c *Config) arrivals {
	return arrivals{perNS: c.RequestsPerSecond / float64(time.Second), day: int64(c.Day), depth: c.DayDepth, next: Epoch}
}

// advance draws the arrival behind a.next. The rate is held from one arrival to
// the next, which is exact enough while a day has many.
func (a *arrivals) advance(r *rng) {
	a.next += int64(r.exponential() / (a.perNS * a.relativeRate(a.next)))
}

// relativeRate interpolates dayShape, damped by the depth.
func (a *arrivals) relativeRate(t int64) float64 {
	if a.depth == 0 {
		return 1
	}
	hour := float64(24 * (float64((t-Epoch)%a.day) / float64(a.day)))
	h := int(hour)
	from, to := dayShape[h%24], dayShape[(h+1)%24]
	rate := from + float64((to-from)*(hour-float64(h)))
	return 1 + float64(a.depth*(rate-1))
}
