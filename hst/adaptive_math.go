package hst

import "math"

// Logarithms and exponentials with the same bits on every machine, which math.Log
// and math.Exp do not promise: they are assembly on some. And fast: ln takes some
// 3 ns.

const (
	lnBits  = 7
	lnCells = 1 << lnBits
)

// lnTable holds, for the middle c of each cell of the mantissa's range [1, 2), ln c
// and 1/c.
var lnTable = func() (t [lnCells]struct{ ln, inverse float64 }) {
	for i := range t {
		c := 1 + (float64(i)+0.5)/lnCells
		t[i].ln, t[i].inverse = lnSeries(c), 1/c
	}
	return t
}()

// lnSeries is ln c = 2 atanh((c-1)/(c+1)) for c in [1, 2], by its power series.
func lnSeries(c float64) float64 {
	y := (c - 1) / (c + 1)
	y2, term, sum := float64(y*y), y, 0.0
	for k := 1; k < 60; k += 2 {
		sum += term / float64(k)
		term = float64(term * y2)
	}
	return 2 * sum
}

// ln is the natural logarithm of a normal x > 0, within 3e-13.
func ln(x float64) float64 {
	b := math.Float64bits(x)
	e := float64(int(b>>52) - 1023)
	m := math.Float64frombits(b&(1<<52-1) | 1023<<52)
	t := &lnTable[b>>(52-lnBits)&(lnCells-1)]
	r := float64(m*t.inverse) - 1 // |r| <= 2^-8
	// ln(1+r) to the fourth power of r: what is left out is below 2^-40/5. Added in
	// pairs, so that no term waits for all others.
	r2 := float64(r * r)
	p := float64(r2*(0.5-float64(r*(1.0/3)))) + float64(float64(r2*r2)*0.25)
	return (float64(e*math.Ln2) + t.ln) + (r - p)
}

// exp is e^x, to 13 digits; 0 below -700, +Inf above 700.
func exp(x float64) float64 {
	switch {
	case x < -700:
		return 0
	case x > 700:
		return math.Inf(1)
	}
	k := math.Floor(float64(x*math.Log2E) + 0.5)
	r := x - float64(k*math.Ln2) // |r| <= 0.35
	sum := 0.0
	for _, f := range inverseFactorials {
		sum = f + float64(r*sum)
	}
	return sum * math.Float64frombits(uint64(int64(k)+1023)<<52)
}

// inverseFactorials are 1/12! to 1/0!.
var inverseFactorials = [...]float64{
	1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
	1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 1.0 / 2, 1, 1,
}
