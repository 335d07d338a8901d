package inject

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"
)

// The times of Track B, ns after the injection.
const (
	windowLen   = int64(180 * time.Second)
	guardEnd    = int64(420 * time.Second)
	guardEndCPU = int64(480 * time.Second) // cpu faults were seen to last longer
)

// Fault is one injection.
type Fault struct {
	Type   string // network_delay, cpu_contention, cpu_consumed, return, exception
	Target string // service
	At     int64  // ns since the Unix epoch
}

// Name identifies a fault in labels and reports, e.g.
// "network_delay adservice 2022-08-22T03:53:21Z".
func (f Fault) Name() string {
	return f.Type + " " + f.Target + " " + time.Unix(0, f.At).UTC().Format(time.RFC3339)
}

// shows says in which spans a fault type can be seen.
type shows struct {
	own, callers bool
	unknown      bool
}

func showsOf(faultType string) shows {
	switch {
	case faultType == "network_delay":
		return shows{callers: true}
	case strings.HasPrefix(faultType, "cpu_"):
		return shows{own: true, callers: true}
	case faultType == "return", faultType == "exception":
		return shows{}
	}
	return shows{unknown: true}
}

// fault is a Fault made ready for the inner loops.
type fault struct {
	Fault
	shows
	name     string
	guardEnd int64 // ns since the Unix epoch
}

// timeline is the faults in order of their time.
type timeline []fault

func newTimeline(faults []Fault) timeline {
	t := make(timeline, 0, len(faults))
	for _, f := range faults {
		end := guardEnd
		if strings.HasPrefix(f.Type, "cpu_") {
			end = guardEndCPU
		}
		t = append(t, fault{Fault: f, shows: showsOf(f.Type), name: f.Name(), guardEnd: f.At + end})
	}
	slices.SortStableFunc(t, func(a, b fault) int {
		if a.At != b.At {
			if a.At < b.At {
				return -1
			}
			return 1
		}
		return strings.Compare(a.name, b.name)
	})
	return t
}

// windows is the range [lo, hi) of faults whose window holds time ns. All windows
// are equally long, so they are neighbours.
func (t timeline) windows(ns int64) (lo, hi int) {
	hi = sort.Search(len(t), func(i int) bool { return t[i].At > ns })
	for lo = hi; lo > 0 && ns-t[lo-1].At < windowLen; lo-- {
	}
	return lo, hi
}

// guard is the latest fault whose guard band holds time ns, or -1.
func (t timeline) guard(ns int64) int {
	i := sort.Search(len(t), func(i int) bool { return t[i].At > ns }) - 1
	for ; i >= 0 && ns-t[i].At < guardEndCPU; i-- {
		if ns < t[i].guardEnd {
			return i
		}
	}
	return -1
}

// checkFault refuses what no fault list means.
func checkFault(f Fault) error {
	switch {
	case f.Target == "":
		return fmt.Errorf("fault %q has no target service", f.Type)
	case f.At < 0 || f.At > 1<<62: // the guard band must not overflow
		return fmt.Errorf("fault %q of %s at %d ns: want ns since 1970", f.Type, f.Target, f.At)
	}
	return nil
}
