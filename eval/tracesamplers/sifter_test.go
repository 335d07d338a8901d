package tracesamplers

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// The gradient by differences: a step of learn moves every weight by the learning
// rate times the slope of the loss.
func TestCBOWGradient(t *testing.T) {
	const rate, h = 1e-3, 1e-5
	rng := rand.New(rand.NewPCG(1, 0))
	m := newCBOW(3, rate, rng)
	m.grow(6)
	for s := range m.out {
		for d := range m.out[s] {
			m.out[s][d], m.in[s][d] = rng.NormFloat64(), rng.NormFloat64()
		}
	}
	path := [pathLength]int32{2, 0, 3, 5, 2} // 2 is there twice
	var slopes []float64
	each := func(f func(w *float64)) {
		for s := range m.out {
			for d := range m.dims {
				f(&m.in[s][d])
				f(&m.out[s][d])
			}
		}
	}
	var before []float64
	each(func(w *float64) {
		old := *w
		*w = old + h
		up := m.loss(path)
		*w = old - h
		slopes = append(slopes, (up-m.loss(path))/(2*h))
		*w = old
		before = append(before, old)
	})
	m.learn(path)
	i := 0
	each(func(w *float64) {
		if got, want := (before[i]-*w)/rate, slopes[i]; math.Abs(got-want) > 1e-6 {
			t.Fatalf("weight %d: slope %v, by differences %v", i, got, want)
		}
		i++
	})
}

// A root with a child, which has two leaves: every call is the middle of some path.
func TestSifterPaths(t *testing.T) {
	f := NewSifter(SifterOptions{})
	f.list(&Trace{Spans: []Span{{ID: 1, Call: 10}, {ID: 2, Parent: 1, Call: 11}, {ID: 3, Parent: 2, Call: 12}, {ID: 4, Parent: 2, Call: 13}}})
	const a, b, c, d = 2, 3, 4, 5 // symbols in order of first sight
	want := [][pathLength]int32{
		{0, 0, a, b, c}, {0, a, b, c, 0}, {a, b, c, 0, 0},
		{0, 0, a, b, d}, {0, a, b, d, 0}, {a, b, d, 0, 0},
	}
	order := map[int32]int32{f.symbol[10]: a, f.symbol[11]: b, f.symbol[12]: c, f.symbol[13]: d, padding: padding}
	for i := range f.paths {
		for j := range f.paths[i] {
			f.paths[i][j] = order[f.paths[i][j]]
		}
	}
	if !slices.Equal(f.paths, want) {
		t.Errorf("paths %v, want %v", f.paths, want)
	}
	f.list(&Trace{Spans: []Span{{ID: 1, Call: 10}}})
	if len(f.paths) != 1 || f.paths[0][middle] != f.symbol[10] {
		t.Errorf("paths of one span %v", f.paths)
	}
}

func TestSifterLearnsTheCommonCase(t *testing.T) {
	f := NewSifter(SifterOptions{Rate: .1})
	common := &Trace{Spans: []Span{{ID: 1, Call: 1}, {ID: 2, Parent: 1, Call: 2}, {ID: 3, Parent: 2, Call: 3}}}
	f.Observe(common)
	first := f.losses[0]
	for range 500 {
		f.Observe(common)
	}
	if last := f.losses[len(f.losses)-1]; last > first/5 {
		t.Errorf("loss %v at first, %v after 500 equal traces", first, last)
	}
}

// budget * k * (L - min) / sum(L_i - min), over a window of 3.
func TestSifterWeigh(t *testing.T) {
	f := NewSifter(SifterOptions{Window: 3, Budget: .1})
	for _, c := range []struct{ loss, want float64 }{
		{2, .1}, {2, .1}, {5, .3 * 3 / 3}, {3, .3 * 1 / 4}, {3, 0},
	} {
		if got := f.weigh(c.loss); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("loss %v: %v, want %v", c.loss, got, c.want)
		}
	}
}
