package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"github.com/scale-eval/scale-eval/eval/shards/indexed"
)

// defaultCPU is how many cores a worker has: one, which it keeps busy.
const defaultCPU = "1"

// workerProcs is --cpu in whole cores.
func workerProcs(c *cli.Context) (int, error) {
	if c.IsSet("cpu") && c.Int("local") == 0 {
		return 0, usagef("--cpu is of the processes of --local: give both, or set GOMAXPROCS for this process")
	}
	procs, err := indexed.Procs(c.String("cpu"))
	if err != nil {
		return 0, usagef("--%w", err)
	}
	return procs, nil
}

// workInProcesses computes shards in processes of their own, --local at a time, as a
// cluster would. progress is told how many are done.
func workInProcesses(c *cli.Context, storage string, missing []int, procs int, progress func(int)) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(c.Context)
	g.SetLimit(c.Int("local"))
	var mu sync.Mutex
	done := 0
	for _, i := range missing {
		g.Go(func() error {
			if err := runWorker(ctx, self, storage, i, procs); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			done++
			progress(done)
			return nil
		})
	}
	return g.Wait()
}

func runWorker(ctx context.Context, self string, storage string, i, procs int) error {
	cmd := exec.CommandContext(ctx, self, "work", "--storage", storage, "--index", fmt.Sprint(i))
	cmd.Env = append(os.Environ(), indexed.ProcsVariable+"="+fmt.Sprint(procs))
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil { // it was killed for that
			return ctx.Err()
		}
		return fmt.Errorf("shard %d: %w: %s", i, err, strings.TrimSpace(said.String()))
	}
	return nil
}

// shardTiming is how long the steps of a run in shards took. What is found done takes none.
type shardTiming struct {
	Plan    elapsed `json:"plan"`
	Score   elapsed `json:"score"`
	Collect elapsed `json:"collect"`
}

// elapsed is a time in seconds, on the wall and of all cores with those of workers.
type elapsed struct {
	WallS float64 `json:"wall_s"`
	CPUS  float64 `json:"cpu_s"` // 0 where the system does not say
}

// stopwatch tells one step from the next.
type stopwatch struct {
	at  time.Time
	cpu time.Duration
}

func newStopwatch() *stopwatch { return &stopwatch{time.Now(), cpuUsed()} }

// lap is the time since the last lap.
func (w *stopwatch) lap() elapsed {
	before := *w
	*w = *newStopwatch()
	return elapsed{w.at.Sub(before.at).Seconds(), (w.cpu - before.cpu).Seconds()}
}
