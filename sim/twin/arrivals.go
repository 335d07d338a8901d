package twin

import (
	"math"
	"slices"

	"github.com/scale-eval/scale-eval/sim/random"
	"github.com/scale-eval/scale-eval/sim/traffic"
)

// Arrivals describes the arrival of traces.
type Arrivals struct {
	Number    int     `json:"number"`
	Seconds   float64 `json:"seconds"`    // recorded, without the breaks
	Breaks    int     `json:"breaks"`     // stretches in which nothing was recorded
	PerSecond float64 `json:"per_second"` // within the recorded stretches
	// GapSCV is the squared coefficient of variation of the time between arrivals: 1 in
	// a Poisson process, 0 when they are evenly spaced.
	GapSCV float64 `json:"gap_scv"`
	// Dispersion is variance over mean of the number in ten mean gaps and in a hundred:
	// 1 in a Poisson process. Larger in the longer window: bursts that a renewal process
	// does not have, or a load that changes.
	Dispersion10  float64 `json:"dispersion_10_gaps"`
	Dispersion100 float64 `json:"dispersion_100_gaps"`
	Process       string  `json:"process"` // what was chosen
}

// minBreak is the shortest pause that may be a break in the recording, ns; it is one
// when it is also a hundred times the mean gap.
const minBreak = 10e9

func fitArrivals(f *forest) Arrivals {
	var at []int64
	for i := range f.spans {
		if f.spans[i].up == isRoot {
			at = append(at, f.spans[i].start)
		}
	}
	slices.Sort(at)
	a := Arrivals{Number: len(at), Process: "poisson"}
	limit := breakAt(at)
	sum, squares, n := 0.0, 0.0, 0.0
	var d10, d100 counts
	stretch := 0
	mean := meanGap(at, limit)
	for i := 1; i <= len(at); i++ {
		if i < len(at) && at[i]-at[i-1] <= limit {
			gap := float64(at[i]-at[i-1]) / 1e9
			sum, squares, n = sum+gap, squares+gap*gap, n+1
			continue
		}
		d10.add(at[stretch:i], 10*mean)
		d100.add(at[stretch:i], 100*mean)
		stretch = i
		if i < len(at) {
			a.Breaks++
		}
	}
	if n < 2 || sum == 0 {
		a.PerSecond, a.GapSCV = 1, 1 // nothing is known
		return a
	}
	a.Seconds, a.PerSecond = sum, n/sum
	a.GapSCV = max(0, squares/n/(sum/n*sum/n)-1)
	a.Dispersion10, a.Dispersion100 = d10.dispersion(), d100.dispersion()
	a.Process = processOf(a.GapSCV)
	return a
}

// breakAt is the pause above which nothing was recorded, ns. The mean gap depends on
// it, so it is found by going round until nothing changes.
func breakAt(at []int64) int64 {
	limit := int64(math.MaxInt64)
	for range 20 {
		next := int64(max(minBreak, min(100*meanGap(at, limit), math.MaxInt64/4)))
		if next >= limit {
			break
		}
		limit = next
	}
	return limit
}

// meanGap is the mean of the gaps up to a limit, ns.
func meanGap(at []int64, limit int64) float64 {
	sum, n := 0.0, 0.0
	for i := 1; i < len(at); i++ {
		if gap := at[i] - at[i-1]; gap <= limit {
			sum += float64(gap)
			n++
		}
	}
	if n == 0 {
		return 0
	}
	return sum / n
}

// counts is the number of arrivals in windows.
type counts struct{ n, sum, squares float64 }

// add counts a stretch in whole windows, ns.
func (c *counts) add(at []int64, window float64) {
	if len(at) < 2 || !(window >= 1) {
		return
	}
	whole := int(float64(at[len(at)-1]-at[0]) / window)
	i := 0
	for w := range whole {
		end, n := at[0]+int64(float64(w+1)*window), 0.0
		for ; i < len(at) && at[i] < end; i++ {
			n++
		}
		c.n, c.sum, c.squares = c.n+1, c.sum+n, c.squares+n*n
	}
}

// dispersion is 0 when there were too few windows to say.
func (c *counts) dispersion() float64 {
	if c.n < 5 || c.sum == 0 {
		return 0
	}
	mean := c.sum / c.n
	return (c.squares/c.n - mean*mean) / mean
}

// processOf names the renewal process for a squared coefficient of variation.
func processOf(scv float64) string {
	switch {
	case scv < .7:
		return "erlang"
	case scv <= 1.4:
		return "poisson"
	}
	return "hyperexponential"
}

// process makes the arrivals of one simulation.
func (a *Arrivals) process(load float64) traffic.Arrivals {
	gap := random.Dist(random.Exponential(1))
	switch a.Process {
	case "erlang":
		gap = random.Must(random.NewErlang(int(math.Round(min(1000, 1/max(a.GapSCV, 1e-3)))), 1))
	case "hyperexponential":
		gap = random.Must(random.NewHyperExponential(1, a.GapSCV))
	}
	return &traffic.Renewal{Gap: gap, Rate: traffic.Constant(a.PerSecond * load)}
}
