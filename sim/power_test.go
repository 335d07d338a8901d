package sim

import (
	"math"
	"testing"
)

// byName is the experiment of that name.
func byName(t *testing.T, name string) *experiment {
	for _, e := range experiments() {
		if e.name == name {
			return &e
		}
	}
	t.Fatalf("no experiment %q", name)
	return nil
}

// Narrow intervals have to hold what they are said to hold. 100 times 12 stretches of
// M/M/1, each of some four relaxation times: at 95 % each, some five of 100 may miss, and
// 12 or more do so once in 200 times. Sojourns behind the 95th percentile and their
// controls are too few there to be near normal, which an interval wants.
func TestMartingalesHold(t *testing.T) {
	const systems, cases, length, held = 12, 100, 400., 89
	e := byName(t, "M/M/1")
	plain := e.plain()
	probes := e.begin(t, systems, e.warm)
	holds, narrower := map[string]int{}, map[string]float64{}
	names := []string{"C", "Wq", "W", "Lq", "L", "P(T<=p50)", "K of C", "K of Lq", "K of L", "K of P(T<=p50)", "U of C", "U of Lq", "U of L", "arrivals"}
	for range cases {
		for _, p := range probes {
			p.begin(e)
		}
		e.extend(t, probes, length)
		for _, r := range e.results(probes, 1) {
			if !r.outside() {
				holds[r.name]++
			}
			narrower[r.name] += plain.result(r.check, probes, 1).half / r.half / cases
		}
	}
	for _, name := range names {
		if holds[name] < held {
			t.Errorf("%s: %d of %d intervals hold it, want %d or more", name, holds[name], cases, held)
		}
	}
	if by := narrower["L"]; by < 2.5 {
		t.Errorf("the interval of L is narrower by %.2g only", by)
	}
}

// A simulator that is wrong by little is refused, by the checks that are named, and one
// that is right is not: narrow intervals are of use only then. Longer services are seen
// at the inputs alone.
func TestTheoryRefuses(t *testing.T) {
	tests := together(experiments())
	threads := func(t *Topology) { t.Services[0].Pod.Threads-- }
	places := func(t *Topology) { t.Services[0].Queue.Max++ }
	longer := func(t *Topology) {
		s := t.Services[0].Operations[0].Stages[0].CPU.(*counted)
		s.Dist = exp(s.Mean() * 1.01)
	}
	for _, c := range []struct {
		name, of string
		events   uint64
		wrong    func(*Topology)
		lost     int // one wait of so many is not counted
		refused  []string
	}{
		{name: "right", of: "M/M/10", events: 1e6},
		{name: "a thread too few", of: "M/M/10", events: 1e5, wrong: threads, refused: []string{"C", "L", "W", "Lq", "Wq"}},
		{name: "right and full", of: "M/M/10/15", events: 1e6},
		{name: "a place too many", of: "M/M/10/15", events: 3e5, wrong: places, refused: []string{"Pblock", "throughput", "L", "W", "Lq", "Wq"}},
		{name: "services 1 % longer", of: "M/M/10", events: 1e6, wrong: longer, refused: []string{"moment 1 of the service times"}},
		{name: "lost waits", of: "M/M/10", events: 3e5, lost: 10, refused: []string{"W"}},
		{name: "lost waits of M/G/1", of: "M/G/1 exponential", events: 3e5, lost: 10, refused: []string{"E[T²]"}},
		{name: "a thread of 100 too few", of: "M/M/100 at 95 %", events: 4e6, wrong: threads, refused: []string{"C", "L", "W", "Lq", "Wq"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := byName(t, c.of)
			if e.slow && *full == 0 {
				t.Skip("long warm-up: make theory")
			}
			if raceEnabled && c.events > 1e5 {
				t.Skip("long under the race detector")
			}
			right := e.topology
			e.topology = func() *Topology {
				t := right()
				if c.wrong != nil {
					c.wrong(t)
				}
				return t
			}
			probes := e.begin(t, replications, e.warm)
			if c.lost > 0 {
				for _, p := range probes {
					p.lose(c.lost)
				}
			}
			for e.extend(t, probes, e.step) < c.events {
			}
			outside := map[string]bool{}
			for _, r := range e.results(probes, tests) {
				if r.outside() {
					outside[r.name] = true
				}
				if len(c.refused) == 0 && r.outside() {
					t.Error(r)
				}
			}
			for _, name := range c.refused {
				if !outside[name] {
					t.Errorf("%s is not refused", name)
				}
			}
		})
	}
}

// lose takes the wait out of one sojourn of so many, but for that of a service time.
func (p *probe) lose(every int) {
	n := 0
	p.sys.OnRequest(func(o Outcome) {
		n++
		seconds := float64(o.End-o.Start) / 1e9
		if n%every == 0 {
			seconds = math.Min(seconds, p.service().Mean())
		}
		p.outcome(o.Client, seconds)
	})
}
