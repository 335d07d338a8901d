package twin

import (
	"math"
	"slices"

	"github.com/scale-eval/scale-eval/sim/random"
)

const (
	// enough is the number of spans from which on a lognormal may stand for them.
	enough = 50
	// maxPoints is the number of quantiles that an empirical distribution keeps.
	maxPoints = 4096
	// closeEnough is the Kolmogorov-Smirnov distance up to which a lognormal stands for
	// a sample.
	closeEnough = .05
)

// sample is self times, seconds; sorted by fit.
type sample struct {
	x    []float64
	dist fitted
}

func (s *sample) add(x float64) { s.x = append(s.x, x) }

// fitted is a distribution that was chosen for a sample, and how far candidates are
// from it.
type fitted struct {
	points         []float64 // quantiles, when empirical
	mu, sigma      float64   // of the logarithm, when lognormal
	lognormal      bool
	ksLogn, ksExpo float64
}

// fit sorts the sample and chooses.
func (s *sample) fit(preferLognormal bool) {
	slices.Sort(s.x)
	d := &s.dist
	mean := 0.0
	for _, x := range s.x {
		mean += x / float64(len(s.x))
	}
	d.mu, d.sigma = logMoments(s.x)
	d.ksLogn = ks(s.x, func(x float64) float64 { return normalCDF((math.Log(x) - d.mu) / d.sigma) })
	d.ksExpo = ks(s.x, func(x float64) float64 { return -math.Expm1(-x / mean) })
	d.lognormal = preferLognormal && len(s.x) >= enough && d.sigma > 0 && d.ksLogn <= closeEnough
	d.points = thin(s.x)
}

// random is the distribution, stretched by a factor.
func (d *fitted) random(factor float64) random.Dist {
	if d.lognormal {
		return random.Must(random.NewLognormalMedian(math.Exp(d.mu)*factor, d.sigma))
	}
	scaled := make([]float64, len(d.points))
	for i, x := range d.points {
		scaled[i] = x * factor
	}
	return random.Must(random.NewEmpirical(scaled))
}

// logMoments are the mean and standard deviation of the logarithm. Values below a
// nanosecond, the resolution of spans, count as one.
func logMoments(x []float64) (mean, sd float64) {
	sum, squares := 0.0, 0.0
	for _, v := range x {
		l := math.Log(max(v, 1e-9))
		sum += l
		squares += l * l
	}
	n := float64(len(x))
	mean = sum / n
	return mean, math.Sqrt(max(0, squares/n-mean*mean))
}

func normalCDF(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }

// ks is the Kolmogorov-Smirnov distance of a sorted sample from a distribution
// function, which is taken as 0 at and below 0.
func ks(sorted []float64, cdf func(float64) float64) (most float64) {
	n := float64(len(sorted))
	for i, x := range sorted {
		f := 0.0
		if x > 0 {
			f = cdf(x)
		}
		if math.IsNaN(f) {
			return 1 // a distribution without spread
		}
		most = max(most, f-float64(i)/n, float64(i+1)/n-f)
	}
	return most
}

// thin keeps at most maxPoints of a sorted sample, evenly in rank, ends included.
func thin(sorted []float64) []float64 {
	if len(sorted) <= maxPoints {
		return sorted
	}
	points := make([]float64, maxPoints)
	for i := range points {
		points[i] = sorted[i*(len(sorted)-1)/(maxPoints-1)]
	}
	return points
}

// fitSelfTimes fits every operation and the courses that are frequent enough.
func (m *Model) fitSelfTimes(preferLognormal bool) {
	for _, op := range m.ops {
		if op == nil {
			continue
		}
		op.self.fit(preferLognormal)
		for _, c := range op.courses {
			c.self.fit(preferLognormal)
		}
	}
}
