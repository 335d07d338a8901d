package sim

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"
)

// The models of this file have closed forms. Each is simulated in 30 replications,
// and every closed form must lie inside the Student-t interval of its estimate, at
// 95 % for all of them together (Bonferroni). Warm-up is deleted: what MSER-5 finds in
// a pilot run, and at least the time that each model names, ten relaxation times. The
// expected numbers are the textbook formulas in
// 40-digit arithmetic: Erlang B, C and A, Pollaczek-Khinchine, Jackson, mean-value
// analysis, Nelson and Tantawi (1988) for fork-join, Cobham (1954) for priorities,
// Eick, Massey and Whitt (1993) for Mt/M/inf.
//
// Plain go test bounds the work; `make theory` goes on until each half-width is at
// most 1 % of the value, or the budget of the experiment is used up, which it says. It
// has the inputs of the single queues for control variates, weighted with the state for
// M/M/c and M/M/c/K: at 99 % load the means of the inputs alone would take some 10^10
// events.
var full = flag.Float64("theory", 0, "simulate each model until every interval is within 1 %, or for this many million events")

const (
	replications = 30
	quickEvents  = 150_000 // an experiment
	wanted       = .01
)

// probe is one replication.
type probe struct {
	sys     *System
	n       float64
	sum     float64
	squares float64
	bounds  []float64 // thresholds, seconds
	within  []float64 // outcomes within each
	byKey   map[string]*[2]float64
	worked  float64                // core-ns in the warm-up
	samples map[float64][2]float64 // phase of the cycle -> sum and number of Present
	noise   *noise
}

// check compares an estimate with its closed form.
type check struct {
	name string
	want float64
	of   func(*probe) float64
}

// rare events come in bursts and have no Student interval until many were seen.
func (c *check) rare() bool { return c.want > 0 && c.want < 1e-3 }

type experiment struct {
	name     string
	topology func() *Topology
	observe  func(*probe) // nil: the sojourns of requests
	warm     float64      // seconds that are deleted at least
	step     float64      // seconds by which a replication grows
	within   []float64
	cycle    float64   // seconds; 0: none
	phases   []float64 // seconds in the cycle at which Present is sampled
	slow     bool      // too long for plain go test: 100 servers and more
	checks   []check
	controls []control            // with -theory: short runs are not normal enough for a regression
	own      map[string][]control // of a check, beside those
	weigh    func(*probe)         // begins to count what own needs; nil: nothing
}

func meanT(p *probe) float64      { return p.sum / p.n }
func throughput(p *probe) float64 { return p.n / p.sys.Stats(p.sys.services[0].spec.Name).Seconds() }
func stats(name string, f func(Stats) float64) func(*probe) float64 {
	return func(p *probe) float64 { return f(p.sys.Stats(name)) }
}
func share(seconds float64) func(*probe) float64 {
	return func(p *probe) float64 { return p.within[slices.Index(p.bounds, seconds)] / p.n }
}
func meanOf(key string) func(*probe) float64 {
	return func(p *probe) float64 { return p.byKey[key][0] / p.byKey[key][1] }
}
func present(phase float64) func(*probe) float64 {
	return func(p *probe) float64 { return p.samples[phase][0] / p.samples[phase][1] }
}
func waitProbability(s Stats) float64 { return 1 - float64(s.Prompt)/float64(s.Arrivals) }

func TestTheory(t *testing.T) {
	all := experiments()
	if *full == 0 {
		for i := range all {
			all[i] = all[i].plain()
		}
	}
	tests := together(all)
	for _, e := range all {
		t.Run(e.name, func(t *testing.T) {
			if e.slow && (testing.Short() || *full == 0) {
				t.Skip("long warm-up: make theory")
			}
			if raceEnabled && e.warm > 300 {
				t.Skip("long under the race detector")
			}
			e.run(t, tests)
		})
	}
}

// plain is e without controls.
func (e experiment) plain() experiment {
	e.controls, e.own, e.weigh = nil, nil, nil
	return e
}

// together is the number of intervals that shall hold together.
func together(all []experiment) (tests int) {
	for _, e := range all {
		tests += len(e.checks) + len(e.inputs())
	}
	return tests
}

func (e *experiment) run(t *testing.T, tests int) {
	warm := e.warm
	// A periodic model is not stationary: it has whole cycles. Under the race detector,
	// which is after other things, the time that the model names has to do.
	if e.cycle == 0 && !raceEnabled {
		warm = max(warm, e.pilot(t))
	}
	t.Logf("%.4g s of warm-up deleted", warm)
	probes := e.begin(t, replications, warm)
	budget := uint64(quickEvents)
	if *full > 0 {
		budget = uint64(*full * 1e6)
	}
	step := e.step
	for {
		fired := e.extend(t, probes, step)
		worst, widest := 0.0, ""
		for _, c := range e.checks {
			if r := e.result(c, probes, tests); !c.rare() && r.half/math.Abs(r.mean) > worst {
				worst, widest = r.half/math.Abs(r.mean), c.name
			}
		}
		if worst <= wanted || fired > budget {
			t.Logf("%.1f M events, largest half-width %.2g %%, of %s", float64(fired)/1e6, 100*worst, widest)
			if *full > 0 && worst > wanted {
				t.Logf("the budget of %g M events leaves %.2g %%; for 1 %% it takes some %.2g M", *full, 100*worst, float64(fired)/1e6*math.Pow(worst/wanted, 2))
			}
			break
		}
		step *= 1.5
	}
	for _, r := range e.results(probes, tests) {
		if *full > 0 {
			t.Log(r)
		}
		switch {
		case r.rare() && !(r.half < r.mean/2):
			t.Logf("%v: too rare to compare", r)
		case r.outside():
			t.Error(r)
		}
	}
}

// result is an estimate and the half-width of its interval.
type result struct {
	check
	mean, half float64
}

func (r result) outside() bool { return math.Abs(r.mean-r.want) > r.half }

func (r result) String() string {
	if r.want == 0 {
		return fmt.Sprintf("%s: %.2g ± %.2g, want 0", r.name, r.mean, r.half)
	}
	return fmt.Sprintf("%s: %.6g ± %.2g (%.2g %%), want %.6g", r.name, r.mean, r.half, 100*r.half/math.Abs(r.mean), r.want)
}

func (e *experiment) result(c check, probes []*probe, tests int) result {
	mean, half := c.interval(probes, slices.Concat(e.controls, e.own[c.name]), tests)
	return result{c, mean, half}
}

// results are those of the checks, and those of the controls, which are inputs: without
// them a wrong input would be taken out like noise.
func (e *experiment) results(probes []*probe, tests int) (results []result) {
	for _, c := range e.checks {
		results = append(results, e.result(c, probes, tests))
	}
	for _, c := range e.inputs() {
		mean, half := c.interval(probes, nil, tests)
		results = append(results, result{c, mean, half})
	}
	return results
}

// inputs are checks of what the controls suppose.
func (e *experiment) inputs() (checks []check) {
	known := map[string]bool{}
	for _, c := range slices.Concat(append([][]control{e.controls}, slices.Collect(maps.Values(e.own))...)...) {
		if !known[c.name] {
			known[c.name] = true
			checks = append(checks, check(c))
		}
	}
	slices.SortFunc(checks, func(a, b check) int { return strings.Compare(a.name, b.name) })
	return checks
}

// extend runs all replications on and says how many events they are now.
func (e *experiment) extend(t *testing.T, probes []*probe, step float64) (fired uint64) {
	atOnce(t, len(probes), func(i int) error { return probes[i].extend(e, step) })
	for _, p := range probes {
		fired += p.sys.clock.Fired()
	}
	return fired
}

// begin makes replications and runs their warm-up.
func (e *experiment) begin(t *testing.T, n int, warm float64) []*probe {
	probes := make([]*probe, n)
	for i := range probes {
		probes[i] = &probe{sys: build(t, e.topology(), uint64(i+1))}
	}
	atOnce(t, n, func(i int) error { return probes[i].sys.Run(ns(warm)) })
	for _, p := range probes {
		p.begin(e)
	}
	return probes
}

// atOnce does n things, as many at a time as there are cores.
func atOnce(t *testing.T, n int, do func(i int) error) {
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range n {
		g.Go(func() error { return do(i) })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

// begin begins to measure, anew.
func (p *probe) begin(e *experiment) {
	*p = probe{sys: p.sys, bounds: e.within, within: make([]float64, len(e.within)), byKey: map[string]*[2]float64{}, samples: map[float64][2]float64{}}
	p.sys.ResetStats()
	if ready := p.sys.services[0].ready; len(ready) > 0 {
		p.worked = ready[0].cpu.workedUntil()
	}
	if c := p.service(); c != nil {
		*c = counted{Dist: c.Dist}
	}
	if e.weigh != nil {
		e.weigh(p)
	}
	if e.observe != nil {
		e.observe(p)
		return
	}
	p.sys.OnRequest(func(o Outcome) {
		if o.OK {
			p.outcome(o.Client, float64(o.End-o.Start)/1e9)
		}
	})
}

// outcome counts one observation, in seconds.
func (p *probe) outcome(key string, seconds float64) {
	p.n++
	p.sum += seconds
	p.squares += seconds * seconds
	for i, w := range p.bounds {
		if seconds <= w {
			p.within[i]++
		}
	}
	of := p.byKey[key]
	if of == nil {
		of = &[2]float64{}
		p.byKey[key] = of
	}
	of[0] += seconds
	of[1]++
}

// extend runs the replication on and checks what must hold on every path.
func (p *probe) extend(e *experiment, step float64) error {
	until := float64(p.sys.Now())/1e9 + step
	if e.cycle > 0 {
		until = e.cycle * math.Ceil(until/e.cycle-1e-6)
		for from := math.Round(float64(p.sys.Now()) / 1e9 / e.cycle); from*e.cycle < until-1; from++ {
			for _, phase := range e.phases {
				if err := p.sys.Run(ns(from*e.cycle + phase)); err != nil {
					return err
				}
				s := p.samples[phase]
				p.samples[phase] = [2]float64{s[0] + float64(p.sys.services[0].stats.Present), s[1] + 1}
			}
		}
	}
	return errors.Join(p.sys.Run(ns(until)), p.sys.Audit())
}
