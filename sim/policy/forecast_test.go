package policy

import (
	"math"
	"testing"
)

func serving(n int32, perSecond float64) *Workload {
	w := &Workload{Replicas: n, Current: n}
	for range n {
		w.Pods = append(w.Pods, Pod{Ready: true, Metrics: []Sample{{Name: "requests", Milli: int64(1000 * perSecond / float64(n))}}})
	}
	return w
}

// On a ramp of one request a second and step a trend settles: the forecast is four
// steps ahead of the load, and the margin is small.
func TestForecastIsAheadOfARamp(t *testing.T) {
	f := NewHoltWintersLike(1, 1000, 1)
	got := int32(0)
	for i := range 300 {
		got = f.Decide(0, serving(10, 100+float64(i))).Replicas
	}
	if got < 403 || got > 406 {
		t.Errorf("%d pods when the load is 399 and grows by 1 a step, want 403..406", got)
	}
}

// With a season it provides for the peak before it comes; without it cannot.
func TestForecastLearnsASeason(t *testing.T) {
	load := func(i int) float64 { return 100 + 80*math.Sin(2*math.Pi*float64(i)/40) }
	seasonal, plain := NewHoltWintersLike(1, 1000, 1), NewHoltWintersLike(1, 1000, 1)
	seasonal.Season = 40
	short := [2]float64{} // of pods, summed over steps
	for i := range 800 {
		for k, f := range []*HoltWintersLike{seasonal, plain} {
			n := f.Decide(0, serving(10, load(i))).Replicas
			if i > 600 {
				short[k] += max(0, load(i+4)-float64(n))
			}
		}
	}
	if short[0] > short[1]/5 || short[1] == 0 {
		t.Errorf("short of the load four steps ahead by %v with a season, by %v without", short[0], short[1])
	}
}

func TestForecastKeepsItsBounds(t *testing.T) {
	f := NewHoltWintersLike(2, 50, 10)
	if d := f.Decide(0, &Workload{Replicas: 7}); d.Replicas != 7 {
		t.Errorf("without metrics: %d", d.Replicas)
	}
	for _, load := range []float64{0, 1e6, 0, 1e9} {
		if n := f.Decide(0, serving(3, load)).Replicas; n < 2 || n > 50 {
			t.Errorf("%d replicas at %v", n, load)
		}
	}
}
