package eval

import "math"

// z95 is the 97.5 % quantile of the standard normal distribution.
const z95 = 1.959963984540054

// Wilson is the rate k/n with its 95 % score interval (Wilson 1927; Brown, Cai and
// DasGupta 2001, equation 4), for k successes of n independent trials. The bounds
// stay inside [0, 1] and have a width at k = 0 and k = n, where the textbook
// interval has none. Without trials everything is NaN. It panics unless 0 <= k <= n.
func Wilson(k, n int64) Rate {
	if k < 0 || k > n {
		panic("eval: Wilson wants 0 <= k <= n")
	}
	if n == 0 {
		return undefined()
	}
	lo, hi := wilson(float64(k)/float64(n), float64(n))
	return Rate{Value: Number(ratio(k, n)), Lo: Number(lo), Hi: Number(hi), Method: methodWilson}
}

func wilson(p, n float64) (lo, hi float64) {
	z2 := z95 * z95
	centre := (p + z2/(2*n)) / (1 + z2/n)
	variance := float64(p*(1-p))/n + z2/(4*n*n)
	half := z95 / (1 + z2/n) * math.Sqrt(variance)
	lo, hi = max(0, centre-half), min(1, centre+half)
	if p == 0 {
		lo = 0 // rounding leaves 1e-17
	}
	if p == 1 {
		hi = 1
	}
	return lo, hi
}

func undefined() Rate {
	nan := Number(math.NaN())
	return Rate{Value: nan, Lo: nan, Hi: nan}
}
