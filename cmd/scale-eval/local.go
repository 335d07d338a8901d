package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
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

// workInProcesses computes shards in --local processes, each one shard after the other:
// a process that starts anew for each would take its memory and read the plan anew.
// progress is told how many are done.
func workInProcesses(c *cli.Context, storage string, missing []int, procs int, progress func(int)) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(c.Context)
	var mu sync.Mutex
	given, done := 0, 0
	next := func() (shard int, ok bool) {
		mu.Lock()
		defer mu.Unlock()
		if given == len(missing) || ctx.Err() != nil {
			return 0, false
		}
		given++
		return missing[given-1], true
	}
	for range min(c.Int("local"), len(missing)) {
		g.Go(func() error {
			w := newWorker(ctx, self, storage, procs)
			return w.run(next, func() {
				mu.Lock()
				defer mu.Unlock()
				done++
				progress(done)
			})
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return c.Context.Err()
}

// worker is a process that computes the shards it is told of.
type worker struct {
	ctx  context.Context
	cmd  *exec.Cmd
	said strings.Builder // on standard error
}

func newWorker(ctx context.Context, self, storage string, procs int) *worker {
	w := &worker{ctx: ctx, cmd: exec.CommandContext(ctx, self, "work", "--storage", storage, "--stdin")}
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, indexVariable+"=") })
	w.cmd.Env = append(env, indexed.ProcsVariable+"="+fmt.Sprint(procs))
	w.cmd.Stderr = &w.said
	return w
}

// run tells the process of one shard after the other, and calls did after each.
func (w *worker) run(next func() (int, bool), did func()) error {
	tell, err := w.cmd.StdinPipe()
	if err != nil {
		return err
	}
	answers, err := w.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := w.cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(answers)
	shard, more := next()
	for more {
		// What became of a process that cannot be told, or has no answer, Wait knows.
		if _, err := fmt.Fprintln(tell, shard); err != nil || !lines.Scan() {
			break
		}
		did()
		shard, more = next()
	}
	tell.Close()
	err = w.cmd.Wait()
	at := "behind its last shard"
	if more {
		at = fmt.Sprintf("shard %d", shard)
		if err == nil {
			err = errors.New("its process ended before it was done")
		}
	}
	switch {
	case err == nil:
		return nil
	case w.ctx.Err() != nil: // it was killed for that
		return w.ctx.Err()
	}
	return fmt.Errorf("%s: %w: %s", at, err, strings.TrimSpace(w.said.String()))
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
