package experiment

import (
	"cmp"
	"math"
	"slices"

	"github.com/scale-eval/scale-eval/sim"
	"github.com/scale-eval/scale-eval/sim/cluster"
	"github.com/scale-eval/scale-eval/sim/experiment/measure"
)

// Measures are those of one run.
type Measures = measure.Measures

// reversal is how soon a change back counts as flapping, ns.
const reversal = 300e9

// judge counts the changes of a run: how many, which were right, which were taken back.
func judge(m *Measures, c *Case, changes []cluster.Change) {
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

// quantileOf is that of few values, by nearest rank; 0 without any.
func quantileOf(values []int64, p float64) int64 {
	if len(values) == 0 {
		return 0
	}
	slices.SortFunc(values, cmp.Compare[int64])
	return values[max(0, int(math.Ceil(p*float64(len(values))))-1)]
}
