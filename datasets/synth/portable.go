package synth

import "math"

// The functions here stand in for math.Exp and math.Log, whose last bit differs
// between machines. Accuracy is a few units in the last place. A float64()
// around a product forbids fusing it with the sum behind it.

const (
	ln2Hi = 6.93147180369123816490e-01 // ln 2 in 32 bits: k*ln2Hi is exact
	ln2Lo = 1.90821492927058770002e-10 // the rest of it
)

// exp is e^x for |x| <= 700; beyond that, the value at the bound.
//
// The polynomial is 1/k! to k = 13, enough for |r| <= ln(2)/2, split into even and
// odd powers, which a processor computes side by side.
func exp(x float64) float64 {
	x = min(max(x, -700), 700)
	k := math.Floor(float64(x*math.Log2E) + 0.5)
	r := x - float64(k*ln2Hi)
	r -= float64(k * ln2Lo)
	r2 := float64(r * r)
	even := poly6(r2, 1.0/479001600, 1.0/3628800, 1.0/40320, 1.0/720, 1.0/24, 1.0/2)
	odd := poly6(r2, 1.0/6227020800, 1.0/39916800, 1.0/362880, 1.0/5040, 1.0/120, 1.0/6)
	y := 1 + (r + (float64(r2*even) + float64(float64(r2*r)*odd)))
	return y * math.Float64frombits(uint64(int64(k)+1023)<<52)
}

// log is the natural logarithm of a positive, normal x.
//
// ln m = 2 artanh s with |s| <= 0.172, and its series 1/(2k+1) to s^23, split as
// in exp.
func log(x float64) float64 {
	bits := math.Float64bits(x)
	e := float64(int64(bits>>52) - 1023)
	m := math.Float64frombits(bits&(1<<52-1) | 1023<<52)
	if m > math.Sqrt2 {
		m /= 2
		e++
	}
	s := (m - 1) / (m + 1)
	s2 := float64(s * s)
	s4 := float64(s2 * s2)
	even := poly6(s4, 1.0/21, 1.0/17, 1.0/13, 1.0/9, 1.0/5, 1)
	odd := poly6(s4, 1.0/23, 1.0/19, 1.0/15, 1.0/11, 1.0/7, 1.0/3)
	y := even + float64(s2*odd)
	return float64(e*ln2Hi) + (float64(2*s*y) + float64(e*ln2Lo))
}

// poly6 is a x^5 + b x^4 + c x^3 + d x^2 + e x + f.
func poly6(x, a, b, c, d, e, f float64) float64 {
	y := float64(a*x) + b
	y = float64(y*x) + c
	y = float64(y*x) + d
	y = float64(y*x) + e
	return float64(y*x) + f
}
