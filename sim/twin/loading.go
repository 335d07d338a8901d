package twin

import (
	"math"
	"sort"

	"github.com/scale-eval/scale-eval/sim"
	"github.com/scale-eval/scale-eval/sim/random"
)

// observation is one self time, for the factors that those of a trace share.
type observation struct {
	trace  int32
	op     *operation
	course *course
	self   float64
}

const (
	// tieable is the number of spans from which on a call may be tied to factors.
	tieable = 100
	// mostShared keeps factors from being one call alone, where maximum likelihood would
	// end when that call has many spans a trace (a Heywood case).
	mostShared = .9
	rounds     = 60
)

// fitLoadings fits, by expectation maximisation (Rubin and Thayer, Psychometrika 47,
// 1982), a few factors to the normal scores of the self times of each trace: a score is
// loadings·factors and a rest of its own, with loadings a call. A trace has only some of
// the calls, and some several times, which is no difficulty: given the loadings, its
// factors are normal with a precision that each span adds to.
func fitLoadings(seen []observation) {
	scores := make([]float64, len(seen))
	traces := int32(0)
	start := random.NewStream(1, "loadings")
	for i := range seen {
		o := &seen[i]
		scores[i] = score(o.course.self.x, o.self)
		if o.op.spans >= tieable && o.op.loadings == (vector{}) {
			for k := range o.op.loadings { // anything but alike, or the factors stay alike
				o.op.loadings[k] = .8*start.Uniform() - .2
			}
		}
		traces = max(traces, o.trace+1)
	}
	posterior := make([]gaussian, traces)
	for range rounds {
		expect(seen, scores, posterior)
		for i := range seen {
			o := &seen[i]
			o.op.add(scores[i], &posterior[o.trace])
		}
		for i := range seen {
			seen[i].op.maximise()
		}
	}
}

// gaussian is what is known of the factors of a trace.
type gaussian struct {
	mean   vector
	square matrix // expectation of the outer product with itself
}

// expect computes what the scores of each trace say of its factors.
func expect(seen []observation, scores []float64, posterior []gaussian) {
	for t := range posterior {
		posterior[t] = gaussian{square: identity()} // the precision, until it is inverted
	}
	for i := range seen {
		l, g := &seen[i].op.loadings, &posterior[seen[i].trace]
		rest := 1 - l.dot(l)
		for a := range l {
			g.mean[a] += l[a] * scores[i] / rest
			for b := range l {
				g.square[a][b] += l[a] * l[b] / rest
			}
		}
	}
	for t := range posterior {
		g := &posterior[t]
		covariance := g.square.inverse()
		g.mean = covariance.times(&g.mean)
		for a := range g.mean {
			for b := range g.mean {
				g.square[a][b] = covariance[a][b] + g.mean[a]*g.mean[b]
			}
		}
	}
}

// add takes one score into the sums of a round.
func (o *operation) add(score float64, g *gaussian) {
	for a := range g.mean {
		o.product[a] += score * g.mean[a]
		for b := range g.mean {
			o.square[a][b] += g.square[a][b]
		}
	}
}

// maximise regresses scores on factors. It takes the sums of a round once.
func (o *operation) maximise() {
	if o.square != (matrix{}) && o.loadings != (vector{}) {
		inverse := o.square.inverse()
		o.loadings = inverse.times(&o.product)
		if shared := o.loadings.dot(&o.loadings); shared > mostShared {
			for k := range o.loadings {
				o.loadings[k] *= math.Sqrt(mostShared / shared)
			}
		}
	}
	o.product, o.square = vector{}, matrix{}
}

type (
	vector [sim.Factors]float64
	matrix [sim.Factors]vector
)

func (v *vector) dot(w *vector) (sum float64) {
	for i := range v {
		sum += float64(v[i] * w[i])
	}
	return sum
}

func identity() (m matrix) {
	for i := range m {
		m[i][i] = 1
	}
	return m
}

func (m *matrix) times(v *vector) (w vector) {
	for i := range m {
		w[i] = m[i].dot(v)
	}
	return w
}

// inverse of a symmetric positive definite matrix, by Gauss and Jordan, which needs no
// pivoting there.
func (m matrix) inverse() matrix {
	inv := identity()
	for i := range m {
		pivot := m[i][i]
		for k := range m {
			m[i][k] /= pivot
			inv[i][k] /= pivot
		}
		for j := range m {
			if factor := m[j][i]; j != i {
				for k := range m {
					m[j][k] -= float64(factor * m[i][k])
					inv[j][k] -= float64(factor * inv[i][k])
				}
			}
		}
	}
	return inv
}

// score is the normal score of a value of a sorted sample, in the middle of its ties.
func score(sorted []float64, x float64) float64 {
	low := sort.SearchFloat64s(sorted, x)
	high := low + sort.Search(len(sorted)-low, func(i int) bool { return sorted[low+i] > x })
	p := float64(low+high) / 2 / float64(len(sorted))
	return -math.Sqrt2 * math.Erfcinv(2*p)
}
