package policy

import (
	"fmt"
	"math"
)

// HoltWintersLike scales ahead of the load: it forecasts the request rate by
// exponential smoothing with a trend and, if asked, an additive season, adds a
// multiple of its own error, and provides for the most within its horizon. It is
// like the proactive autoscalers of the literature, and none of them in particular.
//
// The rate is what the pods complete, so under overload it sees the capacity, not
// the demand: as blind as any autoscaler that measures throughput.
type HoltWintersLike struct {
	Min, Max   int32
	PerReplica float64 // requests a second that a pod shall serve, > 0
	Horizon    int     // decisions ahead: the start of a pod; default 4 (a minute)
	Season     int     // decisions in a season; 0: none
	Quantile   float64 // standard errors on top; default 1.645 (95 %)

	// Smoothing of level, trend and season, 0..1; default 0.5, 0.1, 0.3.
	Alpha, Beta, Gamma float64

	level, trend float64
	seasons      []float64
	n            int
	squares      float64 // mean squared error of one step, smoothed
}

var _ Autoscaler = (*HoltWintersLike)(nil)

// NewHoltWintersLike has the defaults, without a season.
func NewHoltWintersLike(min, max int32, perReplica float64) *HoltWintersLike {
	return &HoltWintersLike{
		Min: min, Max: max, PerReplica: perReplica, Horizon: 4, Quantile: 1.645,
		Alpha: .5, Beta: .1, Gamma: .3,
	}
}

// Period implements [Autoscaler].
func (f *HoltWintersLike) Period() int64 { return 15 * second }

// Decide implements [Autoscaler].
func (f *HoltWintersLike) Decide(_ int64, w *Workload) Decision {
	rate, seen := 0.0, false
	for i := range w.Pods {
		if s, ok := find(w.Pods[i].Metrics, "requests"); ok {
			rate += float64(s.Milli) / 1000
			seen = true
		}
	}
	if !seen {
		return Decision{Replicas: w.Replicas, Reason: "no metrics"}
	}
	f.learn(rate)
	peak := 0.0
	for k := 1; k <= f.Horizon; k++ {
		// The error of k steps grows about as the square root of k.
		peak = max(peak, f.ahead(k)+float64(f.Quantile*math.Sqrt(f.squares*float64(k))))
	}
	n := math.Ceil(peak / f.PerReplica)
	return Decision{
		Replicas: int32(min(float64(f.Max), max(float64(f.Min), n))),
		Reason:   fmt.Sprintf("forecast %.4g requests a second", peak),
	}
}

// ahead forecasts k steps from the last observation.
func (f *HoltWintersLike) ahead(k int) float64 {
	x := f.level + float64(float64(k)*f.trend)
	if f.Season > 0 && f.n >= f.Season {
		x += f.seasons[(f.n+k-1)%f.Season]
	}
	return max(0, x)
}

func (f *HoltWintersLike) learn(x float64) {
	if f.n == 0 {
		f.level = x
		f.seasons = make([]float64, f.Season)
	} else {
		e := x - f.ahead(1)
		f.squares += .1 * (e*e - f.squares)
	}
	known := f.Season > 0 && f.n >= f.Season
	season := 0.0
	if known {
		season = f.seasons[f.n%f.Season]
	}
	before := f.level
	f.level = float64(f.Alpha*(x-season)) + float64((1-f.Alpha)*(f.level+f.trend))
	f.trend += f.Beta * (f.level - before - f.trend)
	switch {
	case known:
		f.seasons[f.n%f.Season] = float64(f.Gamma*(x-f.level)) + float64((1-f.Gamma)*season)
	case f.Season > 0:
		f.seasons[f.n] = x
		if f.n == f.Season-1 {
			f.begin()
		}
	}
	f.n++
}

// begin splits the first season into its mean and what each step adds to it: a level
// that had followed the season would leave nothing to learn.
func (f *HoltWintersLike) begin() {
	mean := 0.0
	for _, x := range f.seasons {
		mean += x / float64(f.Season)
	}
	for i := range f.seasons {
		f.seasons[i] -= mean
	}
	f.level, f.trend = mean, 0
}
