package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"github.com/scale-eval/scale-eval/sim/experiment"
	"github.com/scale-eval/scale-eval/sim/experiment/measure"
)

// coursePoints is how many points a timeline keeps: as many as a figure can show.
const coursePoints = 300

// course is one run that is played once more, to be shown.
type course struct {
	c      *experiment.Case
	policy experiment.Policy
	seed   uint64
}

// retrace plays the seeds that are shown once more, with timelines and SCALE's audit
// logs. What the record has is not played again.
func retrace(c *cli.Context, plan *experiment.Plan, r *simResults) error {
	jobs := missingCourses(plan, r)
	bar := newUnitProgress(c.App.ErrWriter, "timelines")
	defer bar.finish()
	var mu sync.Mutex
	done := 0
	g, ctx := errgroup.WithContext(c.Context)
	workers := c.Int("workers")
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	g.SetLimit(workers)
	for _, j := range jobs {
		g.Go(func() error {
			t, err := j.play(ctx, r)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			done++
			bar.of(done, len(jobs))
			return r.record.AddTimeline(t)
		})
	}
	return g.Wait()
}

func missingCourses(plan *experiment.Plan, r *simResults) (jobs []course) {
	for _, one := range plan.Cases {
		seed := measure.Typical(r.record.Runs(), one.Name, r.reference())
		for _, p := range plan.Policies {
			missing := r.record.Timeline(one.Name, p.Name, seed) == nil
			if explains(p) && !missing {
				_, err := os.Stat(filepath.Join(r.out, auditName(one.Name)))
				missing = err != nil
			}
			if missing {
				jobs = append(jobs, course{one, p, seed})
			}
		}
	}
	return jobs
}

// explains says whether a policy writes an audit log.
func explains(p experiment.Policy) bool { return measure.Family(p.Name) == "scale" }

// play runs j, and wants the measures that the record has.
func (j course) play(ctx context.Context, r *simResults) (t *measure.Timeline, err error) {
	play := func(audit io.Writer) error {
		m, full, err := experiment.Run(ctx, j.c, r.record.Calibrations[j.c.Name], j.policy, j.seed, experiment.Options{Timeline: true, Audit: audit})
		if err != nil {
			return err
		}
		if was := r.record.Run(j.c.Name, j.policy.Name, j.seed); was == nil || *was != *m {
			return fmt.Errorf("%s, policy %s, seed %d: the same run gave other measures than the record has. Remove the record, and tell the developers if it happens again",
				j.c.Name, j.policy.Name, j.seed)
		}
		t = full.Coarse(coursePoints)
		return nil
	}
	if explains(j.policy) {
		return t, writeFile(filepath.Join(r.out, auditName(j.c.Name)), play)
	}
	return t, play(nil)
}
