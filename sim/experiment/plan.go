package experiment

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/scale-eval/scale-eval/sim"
	"github.com/scale-eval/scale-eval/sim/experiment/measure"
)

// Plan is what to run: every case under every policy with every seed.
type Plan struct {
	Cases    []*Case
	Policies []Policy
	Seeds    int    // First..First+Seeds-1
	First    uint64 // seed; 0: 1
	Workers  int    // runs at a time; 0: one a core
	// Calibrations by case name, as far as they are known; the others are measured.
	Calibrations map[string]*Calibration
	// Done says which runs there are already. nil: none.
	Done func(c, policy string, seed uint64) bool
	// Calibrated and Finished get each result as it comes, from one goroutine at a
	// time. An error ends the plan. nil: not.
	Calibrated func(*Calibration) error
	Finished   func(*Measures) error
}

// Jobs is how many runs a plan is.
func (p *Plan) Jobs() int { return len(p.Cases) * len(p.Policies) * p.Seeds }

// SeedList are the seeds that the plan plays.
func (p *Plan) SeedList() []uint64 {
	seeds := make([]uint64, p.Seeds)
	for i := range seeds {
		seeds[i] = max(1, p.First) + uint64(i)
	}
	return seeds
}

// Names are what the plan plays.
func (p *Plan) Names() measure.Plan {
	names := measure.Plan{Seeds: p.Seeds}
	for _, c := range p.Cases {
		names.Cases = append(names.Cases, c.Name)
	}
	for _, policy := range p.Policies {
		names.Policies = append(names.Policies, policy.Name)
	}
	return names
}

// job is one run, or several that may turn out to be the same one: under each of its
// policies that does nothing in it.
type job struct {
	c        *Case
	cal      *Calibration
	policies []Policy
	seed     uint64
	draws    *draws
}

// draws are those of a case and a seed, for as long as a job needs them.
type draws struct {
	tapes *sim.Tapes
	jobs  atomic.Int32 // to come
}

func (d *draws) done() {
	if d.jobs.Add(-1) == 0 {
		d.tapes = nil
	}
}

// Execute runs what is not done yet, seeds first: an interrupted plan has all
// policies on the same seeds. Policies that do nothing in a run share it, because each
// would be the same to the byte; the runs of a case and a seed share what they draw. The
// order of results depends on the machine, the results do not. Memory: the draws of the
// cases and seeds at hand, 100 MB for a case of 6.7 M requests.
func (p *Plan) Execute(ctx context.Context) error {
	if p.Calibrations == nil {
		p.Calibrations = map[string]*Calibration{}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if err := p.calibrate(ctx, cancel); err != nil {
		return err
	}
	jobs, err := p.jobs()
	if err != nil {
		return err
	}
	var mu sync.Mutex
	finished := func(m *Measures) error {
		if p.Finished == nil {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		return p.Finished(m)
	}
	q := newQueue(jobs)
	return p.parallel(ctx, cancel, p.workers(), func(int) error {
		for j := q.next(); j != nil; j = q.next() {
			more, err := j.guarded(ctx, finished)
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				q.giveUp()
				return err
			}
			q.done(more)
		}
		return nil
	})
}

// guarded turns a panic of a simulation into an error that names the run.
func (j *job) guarded(ctx context.Context, finished func(*Measures) error) (more []job, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s, policy %s, seed %d: %v", j.c.Name, j.policies[0].Name, j.seed, r)
		}
	}()
	return j.run(ctx, finished)
}

// run plays the first policy and asks the others on the way. Those that would have done
// nothing have the same result; each of the rest needs a run of its own, to come.
func (j *job) run(ctx context.Context, finished func(*Measures) error) (more []job, err error) {
	defer j.draws.done()
	acted := make([]bool, len(j.policies))
	o := Options{asked: j.policies[1:], acted: func(i int) { acted[1+i] = true }, tapes: j.draws.tapes}
	m, _, err := Run(ctx, j.c, j.cal, j.policies[0], j.seed, o)
	if err != nil {
		return nil, err
	}
	for i, policy := range j.policies {
		if acted[i] {
			more = append(more, job{c: j.c, cal: j.cal, policies: []Policy{policy}, seed: j.seed, draws: j.draws})
			continue
		}
		one := *m
		one.Policy = policy.Name
		if err := finished(&one); err != nil {
			return nil, err
		}
	}
	j.draws.jobs.Add(int32(len(more)))
	return more, nil
}

// jobs are the runs that are not done yet, those of long cases first, so that no core
// is left with one when the others are finished.
func (p *Plan) jobs() (jobs []job, err error) {
	cases := slices.Clone(p.Cases)
	slices.SortStableFunc(cases, func(a, b *Case) int { return cmp.Compare(b.Length, a.Length) })
	idle := make([][]bool, len(cases)) // by case and policy
	for i, c := range cases {
		idle[i] = make([]bool, len(p.Policies))
		for k, policy := range p.Policies {
			if p.allDone(c, policy) {
				continue
			}
			if idle[i][k], err = c.idle(p.Calibrations[c.Name], policy); err != nil {
				return nil, err
			}
		}
	}
	for _, seed := range p.SeedList() {
		for i, c := range cases {
			jobs = append(jobs, p.jobsOf(c, idle[i], seed)...)
		}
	}
	return jobs, nil
}

// allDone says whether there is nothing left to run of a policy in a case.
func (p *Plan) allDone(c *Case, policy Policy) bool {
	return p.Done != nil && !slices.ContainsFunc(p.SeedList(), func(seed uint64) bool { return !p.Done(c.Name, policy.Name, seed) })
}

// jobsOf are those of a case and a seed. Policies that can be asked ride along with
// those that have nothing to act on, if there are any.
func (p *Plan) jobsOf(c *Case, idle []bool, seed uint64) (jobs []job) {
	add := func(policies ...Policy) {
		jobs = append(jobs, job{c: c, cal: p.Calibrations[c.Name], policies: policies, seed: seed})
	}
	var quiet, asked []Policy
	for k, policy := range p.Policies {
		switch {
		case p.Done != nil && p.Done(c.Name, policy.Name, seed):
		case idle[k]:
			quiet = append(quiet, policy)
		case policy.Asks:
			asked = append(asked, policy)
		default:
			add(policy)
		}
	}
	if len(quiet) > 0 {
		add(append(quiet, asked...)...)
	} else {
		for _, policy := range asked {
			add(policy)
		}
	}
	shared := &draws{tapes: sim.NewTapes()}
	shared.jobs.Store(int32(len(jobs)))
	for i := range jobs {
		jobs[i].draws = shared
	}
	return jobs
}

func (p *Plan) calibrate(ctx context.Context, cancel context.CancelCauseFunc) error {
	var missing []*Case
	for _, c := range p.Cases {
		if p.Calibrations[c.Name] == nil {
			missing = append(missing, c)
		}
	}
	var mu sync.Mutex
	return p.parallel(ctx, cancel, len(missing), func(i int) error {
		cal, err := missing[i].Calibrate(ctx)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		p.Calibrations[missing[i].Name] = cal
		if p.Calibrated == nil {
			return nil
		}
		return p.Calibrated(cal)
	})
}

func (p *Plan) workers() int {
	if p.Workers > 0 {
		return p.Workers
	}
	return runtime.GOMAXPROCS(0)
}

// parallel does n things on the workers, until the first error.
func (p *Plan) parallel(ctx context.Context, cancel context.CancelCauseFunc, n int, do func(int) error) error {
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(p.workers(), n) {
		wg.Go(func() {
			for i := range next {
				if err := guarded(do, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}

// guarded turns a panic of a load test into an error.
func guarded(do func(int) error, i int) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("load test %d: %v", i, r)
		}
	}()
	return do(i)
}
