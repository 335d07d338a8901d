package tracesamplers

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// member is a vector of a cluster with the time it came.
type member struct {
	x  []float64
	at int64
}

// slowDen is the paper's definition without a fading sum: clusters keep all their
// members, and weight, centre and radius are computed from them each time.
type slowDen struct {
	d                  denStream // its options
	potential, outlier []*slowCluster
	now                int64
}

type slowCluster struct {
	members []member
	created int64
}

func (s *slowDen) moments(c *slowCluster, with []float64) (weight, radius float64, centre []float64) {
	all := c.members
	if with != nil {
		all = append(slices.Clone(all), member{with, s.now})
	}
	centre = make([]float64, len(all[0].x))
	for _, m := range all {
		f := math.Pow(2, -s.d.lambda*float64(s.now-m.at))
		weight += f
		for i, v := range m.x {
			centre[i] += f * v
		}
	}
	for i := range centre {
		centre[i] /= weight
	}
	for _, m := range all { // the weighted mean square distance to the centre
		for i, v := range m.x {
			radius += math.Pow(2, -s.d.lambda*float64(s.now-m.at)) * (v - centre[i]) * (v - centre[i]) / weight
		}
	}
	return weight, math.Sqrt(radius), centre
}

func (s *slowDen) weight(c *slowCluster) float64 { w, _, _ := s.moments(c, nil); return w }

func (s *slowDen) try(list []*slowCluster, x []float64) (index int, joined bool) {
	index, best := -1, math.Inf(1)
	for i, c := range list {
		_, _, centre := s.moments(c, nil)
		if d := cosine(centre, x); d < best-1e-12 {
			index, best = i, d
		}
	}
	if index < 0 {
		return index, false
	}
	if _, r, _ := s.moments(list[index], x); r > s.d.radius+1e-9 {
		return index, false
	}
	list[index].members = append(list[index].members, member{slices.Clone(x), s.now})
	return index, true
}

func (s *slowDen) add(x []float64) (joined bool, share float64) {
	s.now++
	i, joined := s.try(s.potential, x)
	if joined {
		total := 0.0
		for _, c := range s.potential {
			total += s.weight(c)
		}
		share = s.weight(s.potential[i]) / total
	} else if j, ok := s.try(s.outlier, x); ok {
		if c := s.outlier[j]; s.weight(c) > s.d.heavy {
			s.outlier = slices.Delete(s.outlier, j, j+1)
			s.potential = append(s.potential, c)
		}
	} else {
		s.outlier = append(s.outlier, &slowCluster{[]member{{slices.Clone(x), s.now}}, s.now})
	}
	if period := s.d.period(); s.now%period == 0 {
		s.potential = slices.DeleteFunc(s.potential, func(c *slowCluster) bool { return s.weight(c) < s.d.heavy })
		s.outlier = slices.DeleteFunc(s.outlier, func(c *slowCluster) bool {
			l, p := s.d.lambda, float64(period)
			return s.weight(c) < (math.Pow(2, -l*(float64(s.now-c.created)+p))-1)/(math.Pow(2, -l*p)-1)
		})
	}
	return joined, share
}

// Vectors come from a few sites, with noise, so that clusters grow, become potential,
// fade and are dropped.
func TestDenStreamEqualsDirectRecomputation(t *testing.T) {
	for seed := range uint64(5) {
		rng := rand.New(rand.NewPCG(seed, 0))
		d := denStream{radius: .5, lambda: .02, heavy: 3, most: 1000}
		slow := slowDen{d: d}
		dropped, most := 0, 0
		for i := range 400 {
			site, x := rng.IntN(4)+i/200, make([]float64, 6)
			for k := range x {
				x[k] = float64((site>>(k%3))&1) + float64(k)*.2 + .2*rng.NormFloat64()
			}
			v := d.add(x)
			joined, share := slow.add(x)
			if v.joined != joined || math.Abs(v.share-share) > 1e-9 {
				t.Fatalf("seed %d, vector %d: joined %v share %v, want %v %v", seed, i, v.joined, v.share, joined, share)
			}
			if len(d.potential) != len(slow.potential) || len(d.outlier) != len(slow.outlier) {
				t.Fatalf("seed %d, vector %d: %d and %d clusters, want %d and %d", seed, i,
					len(d.potential), len(d.outlier), len(slow.potential), len(slow.outlier))
			}
			for k, c := range d.potential {
				if w := slow.weight(slow.potential[k]); math.Abs(d.weightOf(c)-w) > 1e-9 {
					t.Fatalf("weight %v, of its members %v", d.weightOf(c), w)
				}
			}
			n := len(d.potential) + len(d.outlier)
			if most = max(most, n); n < most {
				dropped = most - n
			}
		}
		if len(d.potential) == 0 || dropped == 0 {
			t.Errorf("seed %d: %d potential clusters, %d dropped: the test tests nothing", seed, len(d.potential), dropped)
		}
	}
}

func TestDenStreamIsBounded(t *testing.T) {
	d := denStream{radius: .001, lambda: 1e-9, heavy: 2, most: 5}
	for i := range 100 {
		d.add([]float64{1, float64(i)})
	}
	if len(d.outlier) != 5 || d.outlier[4].sum[1] != 99 {
		t.Errorf("%d outlier clusters, want the bound of 5 and the newest among them", len(d.outlier))
	}
}

// A path's signs are its own: two traces whose weights are all in one path have equal
// or independent sketches, and each bit is a fair coin (four standard errors).
func TestSketch(t *testing.T) {
	m := NewTraceMesh(TraceMeshOptions{SketchBits: 64, Seed: 3})
	ones := 0
	for call := range 500 {
		span := Span{ID: 1, Call: 7, Duration: int64(call+1) * 1e6}
		m.project(&Trace{Spans: []Span{span}})
		same := slices.Clone(m.sketch)
		span.Duration = 1e9
		m.project(&Trace{Spans: []Span{span}})
		if !slices.Equal(same, m.sketch) {
			t.Fatal("the sketch of a single path depends on its duration")
		}
		span.Call = trace.Call(1000 + call)
		m.project(&Trace{Spans: []Span{span}})
		for _, bit := range m.sketch {
			ones += int(bit)
		}
	}
	if n := 500 * 64.; math.Abs(float64(ones)-n/2) > 4*math.Sqrt(n/4) {
		t.Errorf("%d of %v bits are 1", ones, n)
	}
}

func TestMagnitude(t *testing.T) {
	for ns, want := range map[int64]int64{-5: 0, 999: 0, 1000: 1, 99_999: 1, 100_000: 2, 9_999_999: 2, 1e7: 3, 1e9: 4, 1e11: 5, math.MaxInt64: 8} {
		if got := magnitude(ns); got != want {
			t.Errorf("%d ns: %d, want %d", ns, got, want)
		}
	}
}
