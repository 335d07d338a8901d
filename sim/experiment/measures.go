package experiment

import (
	"cmp"
	"math"
	"slices"

	"github.com/scale-eval/scale-eval/sim"
	"github.com/scale-eval/scale-eval/sim/cluster"
)

// Measures of one run. Times are seconds; -1: it never happened.
type Measures struct {
	Case   string `json:"case"`
	Policy string `json:"policy"`
	Seed   uint64 `json:"seed"`

	Requests int64 `json:"requests"` // begun in the measured time
	// ViolatedSeconds are those in which too many of the requests that began in them
	// missed an objective; ViolatedRequests are these requests, percent of all.
	ViolatedSeconds  float64 `json:"violated_s"`
	ViolatedRequests float64 `json:"violated_percent"`
	P50              float64 `json:"p50_ms"` // of answered requests
	P95              float64 `json:"p95_ms"`
	P99              float64 `json:"p99_ms"`

	// From the start of the fault: to the first reason to act that the policy saw, its
	// first change, the replicas of that being ready, the end of the last violation.
	Detect  float64 `json:"detect_s"`
	Decide  float64 `json:"decide_s"`
	Ready   float64 `json:"ready_s"`
	Recover float64 `json:"recover_s"`

	PodSeconds  float64 `json:"pod_s"`
	CoreSeconds float64 `json:"core_s"`
	OverSeconds float64 `json:"over_pod_s"` // beyond the oracle's demand
	Actions     int     `json:"actions"`
	Reversals   int     `json:"reversals"` // within 300 s, of one service
	Right       int     `json:"right"`     // changes upwards that the oracle accepts
	Wrong       int     `json:"wrong"`     // the others
	Missed      int     `json:"missed"`    // 1: a remedy exists and none was tried

	Elasticity sim.Elasticity `json:"elasticity"` // of the services with a demand
	PeakQueue  int            `json:"peak_queue"`
}

// reversal is how soon a change back counts as flapping, ns.
const reversal = 300e9

// judge counts the changes of a run: how many, which were right, which were taken back.
func (m *Measures) judge(c *Case, changes []cluster.Change) {
	type done struct {
		at int64
		up bool
	}
	last := map[string]done{}
	from, _ := c.fault()
	for _, ch := range changes {
		m.Actions++
		up := ch.To > ch.From || ch.To == ch.From && larger(ch.After, ch.Before)
		if l, ok := last[ch.Service]; ok && l.up != up && ch.At-l.at <= reversal {
			m.Reversals++
		}
		last[ch.Service] = done{ch.At, up}
		if !up {
			continue // what is given back is judged by its cost and by violations
		}
		kind := Horizontal
		if ch.Vertical() {
			kind = Vertical
		}
		if c.helps(ch.Service, kind) {
			m.Right++
		} else {
			m.Wrong++
		}
		if m.Decide < 0 && ch.At >= from {
			m.Decide = seconds(ch.At - from)
		}
	}
	if len(c.Remedies) > 0 && m.Right == 0 {
		m.Missed = 1
	}
}

func larger(a, b sim.Resources) bool {
	return a.CPULimit > b.CPULimit || a.CPURequest > b.CPURequest ||
		a.MemoryLimitMiB > b.MemoryLimitMiB || a.MemoryRequestMiB > b.MemoryRequestMiB
}

func seconds(ns int64) float64 { return float64(ns) / 1e9 }

// histogram counts latencies in buckets that grow by 1 %, from 10 µs to 10^6 s.
type histogram struct {
	counts [2560]int64
	n      int64
}

const histogramBase = 1e4 // ns

var histogramGrowth = math.Log(1.01)

func (h *histogram) add(ns int64) {
	i := 0
	if ns > histogramBase {
		i = min(len(h.counts)-1, 1+int(math.Log(float64(ns)/histogramBase)/histogramGrowth))
	}
	h.counts[i]++
	h.n++
}

// quantile is in ms, exact to 1 %; 0 without counts.
func (h *histogram) quantile(p float64) float64 {
	rank, sum := int64(math.Ceil(p*float64(h.n))), int64(0)
	for i, n := range h.counts {
		if sum += n; sum >= rank && n > 0 {
			return histogramBase / 1e6 * math.Exp(float64(histogramGrowth*(float64(i)-.5)))
		}
	}
	return 0
}

// quantileOf is that of few values, by nearest rank; 0 without any.
func quantileOf(values []int64, p float64) int64 {
	if len(values) == 0 {
		return 0
	}
	slices.SortFunc(values, cmp.Compare[int64])
	return values[max(0, int(math.Ceil(p*float64(len(values))))-1)]
}
