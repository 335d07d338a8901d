package reports

import (
	"math"
	"sort"

	"gonum.org/v1/gonum/stat"
)

// kdeBins is the resolution of a density, and bandwidths never fall below one bin's
// width times two: detail finer than that cannot be seen.
const kdeBins = 512

// density is a Gaussian kernel density on an even grid over [lo, hi], the extremes of
// the data. Mass that the kernel would put outside is reflected at the ends, so the
// density is neither positive where no value was nor too low at the ends.
type density struct {
	lo, hi    float64
	bandwidth float64
	at        []float64 // kdeBins values, area 1; nil when all values are equal but for rounding
}

// newDensity smooths ascending finite values with Silverman's rule (1986, eq. 3.31),
// h = 0.9 min(sd, IQR/1.34) n^(-1/5); sd alone when the quartiles are tied. Values are
// spread linearly over the two nearest grid points before smoothing (Wand 1994): the
// cost is O(n + kdeBins²) whatever n is.
//
// It panics when sorted is empty.
func newDensity(sorted []float64) density {
	n := len(sorted)
	d := density{lo: sorted[0], hi: sorted[n-1]}
	step := (d.hi - d.lo) / (kdeBins - 1)
	if d.lo+step == d.lo || d.hi-step == d.hi {
		return d
	}
	d.bandwidth = math.Max(silverman(sorted), 2*step)
	d.at = smooth(binned(sorted, d.lo, step), d.bandwidth/step)
	for i := range d.at {
		d.at[i] /= float64(n) * step
	}
	return d
}

func silverman(sorted []float64) float64 {
	sd := stat.StdDev(sorted, nil)
	if len(sorted) < 2 {
		return 0
	}
	spread := sd
	if iqr := quantile(sorted, 0.75) - quantile(sorted, 0.25); iqr > 0 {
		spread = math.Min(sd, iqr/1.34)
	}
	return 0.9 * spread * math.Pow(float64(len(sorted)), -0.2)
}

// binned shares each value between the two grid points around it.
func binned(values []float64, lo, step float64) []float64 {
	bins := make([]float64, kdeBins)
	for _, v := range values {
		x := (v - lo) / step
		i := min(int(x), kdeBins-2)
		part := x - float64(i)
		bins[i] += 1 - part
		bins[i+1] += part
	}
	return bins
}

// smooth convolves bins with a Gaussian of standard deviation sigma, in bins, cut at
// four sigma, scaled to an area of 1 and reflected at both ends.
func smooth(bins []float64, sigma float64) []float64 {
	reach := int(math.Ceil(4 * sigma))
	kernel, sum := make([]float64, 2*reach+1), 0.0
	for k := range kernel {
		z := float64(k-reach) / sigma
		kernel[k] = math.Exp(-z * z / 2)
		sum += kernel[k]
	}
	out := make([]float64, len(bins))
	for i, mass := range bins {
		if mass == 0 {
			continue
		}
		for k, weight := range kernel {
			out[reflect(i+k-reach, len(bins))] += float64(mass * weight / sum)
		}
	}
	return out
}

// reflect folds an index back into [0, n): the mirrors lie half a bin outside the
// first and the last bin, so that no mass is lost or doubled.
func reflect(i, n int) int {
	i %= 2 * n
	if i < 0 {
		i += 2 * n
	}
	if i >= n {
		i = 2*n - 1 - i
	}
	return i
}

// quantile is the linearly interpolated quantile of ascending values (Hyndman and Fan
// 1996, type 7). It panics when sorted is empty.
func quantile(sorted []float64, p float64) float64 {
	x := p * float64(len(sorted)-1)
	i := int(x)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + float64((x-float64(i))*(sorted[i+1]-sorted[i]))
}

// outliers are the values beyond 1.5 interquartile ranges from the quartiles (Tukey
// 1977), thinned to one for each of slots even slots over [lo, hi]: a second dot in
// the same place shows nothing.
func outliers(sorted []float64, q1, q3, lo, hi float64, slots int) []float64 {
	reach := 1.5 * (q3 - q1)
	below := sort.SearchFloat64s(sorted, q1-reach)
	above := sort.Search(len(sorted), func(i int) bool { return sorted[i] > q3+reach })
	var out []float64
	last := -1
	for _, part := range [][]float64{sorted[:below], sorted[above:]} {
		for _, v := range part {
			if slot := int((v - lo) / (hi - lo) * float64(slots)); slot != last {
				out, last = append(out, v), slot
			}
		}
	}
	return out
}
