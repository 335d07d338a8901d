package tracesamplers

import (
	"math"
	"math/rand/v2"
)

// cbow predicts the middle symbol of a path from the others: the mean of their
// vectors, then a softmax over all symbols (Mikolov, Chen, Corrado and Dean 2013,
// continuous bag of words, here with the full softmax).
type cbow struct {
	dims     int
	rate     float64
	rng      *rand.Rand
	in, out  [][]float64 // a symbol
	hidden   []float64
	gradient []float64
	p        []float64
}

func newCBOW(dims int, rate float64, rng *rand.Rand) *cbow {
	m := &cbow{dims: dims, rate: rate, rng: rng, hidden: make([]float64, dims), gradient: make([]float64, dims)}
	m.grow(int(firstSymbol))
	return m
}

// grow makes symbols 0..n-1 known. Input vectors start small and random, output
// vectors at 0: a new symbol is as likely as if nothing were known.
func (m *cbow) grow(n int) {
	for len(m.in) < n {
		v := make([]float64, m.dims)
		for d := range v {
			v[d] = (m.rng.Float64() - .5) / float64(m.dims)
		}
		m.in, m.out = append(m.in, v), append(m.out, make([]float64, m.dims))
	}
}

// loss is -ln of the probability of the middle symbol, nats.
func (m *cbow) loss(path [pathLength]int32) float64 {
	m.predict(path)
	return -math.Log(max(m.p[path[middle]], math.SmallestNonzeroFloat64))
}

// predict fills hidden and p.
func (m *cbow) predict(path [pathLength]int32) {
	clear(m.hidden)
	for i, s := range path {
		if i == middle {
			continue
		}
		for d, x := range m.in[s] {
			m.hidden[d] += x / (pathLength - 1)
		}
	}
	m.p = resize(m.p, len(m.out))
	top := math.Inf(-1)
	for s, w := range m.out {
		m.p[s] = dot(w, m.hidden)
		top = max(top, m.p[s])
	}
	sum := 0.0
	for s, x := range m.p {
		m.p[s] = math.Exp(x - top)
		sum += m.p[s]
	}
	for s := range m.p {
		m.p[s] /= sum
	}
}

// learn is a step of gradient descent on the loss of one path.
func (m *cbow) learn(path [pathLength]int32) {
	m.predict(path)
	clear(m.gradient)
	for s, w := range m.out {
		slope := m.p[s] // of the loss by the symbol's logit
		if int32(s) == path[middle] {
			slope--
		}
		for d := range w {
			m.gradient[d] += float64(slope * w[d])
			w[d] -= float64(m.rate * float64(slope*m.hidden[d]))
		}
	}
	for i, s := range path {
		if i == middle {
			continue
		}
		for d := range m.in[s] {
			m.in[s][d] -= float64(m.rate*m.gradient[d]) / (pathLength - 1)
		}
	}
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += float64(a[i] * b[i])
	}
	return sum
}
