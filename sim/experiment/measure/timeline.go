package measure

import (
	"cmp"
	"fmt"
	"slices"
)

// Timeline is the course of one run: a point every Step seconds of the measured time.
type Timeline struct {
	Case   string  `json:"case"`
	Policy string  `json:"policy"`
	Seed   uint64  `json:"seed"`
	From   int64   `json:"fault_from_s"`
	To     int64   `json:"fault_to_s"`
	SLO    float64 `json:"objective_ms"` // the strictest
	Step   int     `json:"step_s"`

	Load []float64 `json:"load"` // requests a second
	// P50 and P95 are of the requests that began then, in ms; 0: there were none, or
	// none was answered.
	P50      []float64       `json:"p50_ms"`
	P95      []float64       `json:"p95_ms"`
	Violated []bool          `json:"violated"`
	Services []ServiceLine   `json:"services"`
	Actions  []TimelineEvent `json:"actions"`
	Why      []Reason        `json:"why,omitempty"` // of a policy that explains itself
}

// Reason is why a policy acted.
type Reason struct {
	At      float64 `json:"at_s"` // of the measured time
	Service string  `json:"service"`
	Text    string  `json:"text"`
}

// ServiceLine is one target over time.
type ServiceLine struct {
	Service string    `json:"service"`
	Want    []int     `json:"want"`
	Ready   []int     `json:"ready"`
	Queue   []int     `json:"queue"`
	Demand  []float64 `json:"demand"` // of the oracle, a step of 60 s each
}

// TimelineEvent is one change.
type TimelineEvent struct {
	At       float64 `json:"at_s"` // of the measured time
	Service  string  `json:"service"`
	From     int     `json:"from"`
	To       int     `json:"to"`
	Vertical bool    `json:"vertical,omitempty"`
}

// Check is an error unless all series have a point for every step: a timeline of a file
// may be anything.
func (t *Timeline) Check() error {
	n := len(t.Load)
	if t.Step < 1 || t.Step > 1<<30 || n > 1<<24 {
		return fmt.Errorf("timeline of %q: %d points of %d s", t.Case, n, t.Step)
	}
	if len(t.P50) != n || len(t.P95) != n || len(t.Violated) != n {
		return fmt.Errorf("timeline of %q: %d points of load, %d and %d of latency, %d of violations", t.Case, n, len(t.P50), len(t.P95), len(t.Violated))
	}
	for _, s := range t.Services {
		if len(s.Want) != n || len(s.Ready) != n || len(s.Queue) != n {
			return fmt.Errorf("timeline of %q: %d points, but %d, %d and %d of service %q", t.Case, n, len(s.Want), len(s.Ready), len(s.Queue), s.Service)
		}
	}
	return nil
}

// Coarse is a copy of at most n points, n > 0. What is bad stays in sight: a point has
// the mean load and median of its seconds, their highest 95th percentile and queue,
// their lowest number of ready replicas, and is violated when any of them is.
func (t *Timeline) Coarse(n int) *Timeline {
	k := (len(t.Load) + n - 1) / n
	if k <= 1 {
		return t
	}
	c := *t
	c.Step = t.Step * k
	c.Load, c.P50, c.P95 = bins(t.Load, k, mean), bins(t.P50, k, meanAnswered), bins(t.P95, k, slices.Max[[]float64])
	c.Violated = bins(t.Violated, k, func(v []bool) bool { return slices.Contains(v, true) })
	c.Services = nil
	for _, s := range t.Services {
		s.Want, s.Ready, s.Queue = bins(s.Want, k, slices.Max[[]int]), bins(s.Ready, k, slices.Min[[]int]), bins(s.Queue, k, slices.Max[[]int])
		c.Services = append(c.Services, s)
	}
	return &c
}

// bins reduces k values at a time; the last bin may hold fewer.
func bins[T any](values []T, k int, reduce func([]T) T) (reduced []T) {
	for bin := range slices.Chunk(values, k) {
		reduced = append(reduced, reduce(bin))
	}
	return reduced
}

func mean(values []float64) (m float64) {
	for _, v := range values {
		m += v / float64(len(values))
	}
	return m
}

// meanAnswered leaves out the seconds of which nothing is known.
func meanAnswered(values []float64) float64 {
	known := slices.DeleteFunc(slices.Clone(values), func(v float64) bool { return v == 0 })
	return mean(known)
}

// Typical is the seed whose timelines stand for all of a case: the one in the middle
// by the violated seconds of the reference, so that all policies can be shown on the
// same requests. Of an even number it is the lower one; 0: there are no runs.
func Typical(runs []*Measures, c, reference string) uint64 {
	var of []*Measures
	for _, m := range runs {
		if m.Case == c && m.Policy == reference {
			of = append(of, m)
		}
	}
	if len(of) == 0 {
		return 0
	}
	slices.SortFunc(of, func(a, b *Measures) int {
		return cmp.Or(cmp.Compare(a.ViolatedSeconds, b.ViolatedSeconds), cmp.Compare(a.Seed, b.Seed))
	})
	return of[(len(of)-1)/2].Seed
}
