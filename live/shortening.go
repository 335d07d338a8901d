package live

import (
	"slices"
	"strconv"
)

const (
	// leastTrend is how many breaches show whether they become shorter.
	leastTrend = 40
	// shortened is the part of the longest quarter that the newest must be below.
	shortened = 0.8
)

// name tells the group from others whose spans may ask for a change.
func (g *group) name() string {
	if g.call > 0 {
		return g.service.name + " " + strconv.Itoa(int(g.call))
	}
	return g.service.name
}

// shortening says whether the breaches [lo:hi] of a level become shorter: the median of
// the newest quarter is well below that of the longest quarter before. A queue that
// drains does that; one that grows, or stays, does not.
func (g *group) shortening(lo, hi, level int) (before, after int64, ok bool) {
	var durs []int64 // in order of their ends
	for i := lo; i < hi; i++ {
		if b := &g.breaches.entries[i].load; b.level >= int32(level) {
			durs = append(durs, b.dur)
		}
	}
	n := len(durs) / 4
	if len(durs) < leastTrend {
		return 0, 0, false
	}
	for quarter := range 4 {
		part := durs[len(durs)-(4-quarter)*n:][:n]
		slices.Sort(part)
		if after = part[n/2]; quarter < 3 {
			before = max(before, after)
		}
	}
	return before, after, float64(after) < float64(shortened*float64(before))
}
