package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/eval/shards"
	"github.com/scale-eval/scale-eval/eval/shards/indexed"
)

func storageFlag() cli.Flag {
	return &cli.StringFlag{Name: "storage", Usage: "`URL` that run --storage was given (required)"}
}

// workCommand is what run --local starts, and a pod of an Indexed Job does.
func workCommand() *cli.Command {
	return &cli.Command{
		Name:  "work",
		Usage: "score one shard of a run that run --shards has planned",
		Description: `It reads the plan and the trained sampler from --storage and writes the shard's
outcome there, whole or not at all. A shard that is done is not done again.`,
		Flags: []cli.Flag{storageFlag(),
			&cli.IntFlag{Name: "index", Value: -1, EnvVars: []string{"JOB_COMPLETION_INDEX"}, Usage: "`NUMBER` of the shard, from 0 (required)"},
			&cli.StringFlag{Name: "of", Usage: "the shards `LIST` (0-4,7) of which --index is one: 0 is the first of them (default: all shards)"},
			&cli.StringSliceFlag{Name: "data", Usage: "`DIR` to look for named datasets in, instead of the plan's (repeatable)"},
		},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			r, err := plannedRun(c)
			if err != nil {
				return err
			}
			i, err := shardOf(c, len(r.plan.Shards))
			if err != nil {
				return err
			}
			done, err := r.store.Has(shards.TallyFile(i))
			if err != nil {
				return err
			}
			if done {
				_, err = fmt.Fprintf(c.App.Writer, "shard %d is done already\n", i)
				return err
			}
			if err := r.work(i); err != nil {
				return fmt.Errorf("shard %d: %w", i, err)
			}
			_, err = fmt.Fprintf(c.App.Writer, "shard %d of %d: %d spans\n", i, len(r.plan.Shards), r.plan.Shards[i].Spans())
			return err
		},
	}
}

// shardOf is the shard that --index and --of name.
func shardOf(c *cli.Context, n int) (int, error) {
	i := c.Int("index")
	if c.String("of") != "" {
		list, err := indexed.ParseList(c.String("of"), n)
		if err != nil {
			return 0, usagef("--of %w", err)
		}
		if i < 0 || i >= len(list) {
			return 0, usagef("--index %d: --of has %d shards", i, len(list))
		}
		return list[i], nil
	}
	if i < 0 || i >= n {
		return 0, usagef("--index %d: the plan has shards 0 to %d", i, n-1)
	}
	return i, nil
}

func statusCommand() *cli.Command {
	return &cli.Command{
		Name:         "status",
		Usage:        "say how far the shards of a run are, and their Job on a cluster",
		Flags:        append([]cli.Flag{storageFlag(), outputFlag()}, kubeFlags()...),
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			asJSON, err := noArgsWantJSON(c)
			if err != nil {
				return err
			}
			store, plan, err := storedPlan(c)
			if err != nil {
				return err
			}
			missing, err := store.Missing(plan)
			if err != nil {
				return err
			}
			job, err := jobProgress(c, store, plan)
			if err != nil {
				// What is done is in the storage, whatever became of the cluster.
				fmt.Fprintf(c.App.ErrWriter, "scale-eval: the Job could not be asked for: %v\n", err)
			}
			return printStatus(c, plan, missing, job, asJSON)
		},
	}
}

func printStatus(c *cli.Context, plan *shards.Plan, missing []int, job *indexed.Progress, asJSON bool) error {
	var left int64
	for _, i := range missing {
		left += plan.Shards[i].Spans()
	}
	if asJSON {
		return json.NewEncoder(c.App.Writer).Encode(map[string]any{
			"shards": len(plan.Shards), "missing": append([]int{}, missing...), "spans": plan.Test, "spans_missing": left, "job": job})
	}
	fmt.Fprintf(c.App.Writer, "%d of %d shards done, %d of %d test spans\n", len(plan.Shards)-len(missing), len(plan.Shards), plan.Test-left, plan.Test)
	if len(missing) > 0 {
		const shown = 20
		fmt.Fprintf(c.App.Writer, "missing: %v", missing[:min(len(missing), shown)])
		if len(missing) > shown {
			fmt.Fprintf(c.App.Writer, " and %d more", len(missing)-shown)
		}
		fmt.Fprintln(c.App.Writer)
	}
	return printJob(c, job)
}

func printJob(c *cli.Context, job *indexed.Progress) error {
	if job == nil {
		return nil
	}
	fmt.Fprintf(c.App.Writer, "Job %s/%s is %s: %d pods at work, %d of %d indexes done, %d pods failed\n",
		job.Namespace, job.Name, job.State, job.Active, job.Succeeded, job.Indexes, job.FailedPods)
	if job.Failed != "" {
		fmt.Fprintf(c.App.Writer, "given up: indexes %s (kubectl -n %s logs -l job-name=%s; then submit again)\n", job.Failed, job.Namespace, job.Name)
	}
	if job.Why != "" {
		fmt.Fprintln(c.App.Writer, "because:", job.Why)
	}
	return nil
}

func collectCommand() *cli.Command {
	return &cli.Command{
		Name:         "collect",
		Usage:        "add up the shards of a run, once all are done",
		Flags:        []cli.Flag{storageFlag(), outputFlag(), &cli.StringFlag{Name: "out", Value: "out", Usage: "`DIR` for the result; \"\" writes no files but metrics.json in the storage"}},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			asJSON, err := wantJSON(c)
			if err != nil {
				return err
			}
			r, err := plannedRun(c)
			if err != nil {
				return err
			}
			if err := r.c.Set("out", c.String("out")); err != nil {
				return err
			}
			return r.report(nil, asJSON)
		},
	}
}

func storedPlan(c *cli.Context) (*shards.Store, *shards.Plan, error) {
	if err := required(c, "storage"); err != nil {
		return nil, nil, err
	}
	store, err := shards.OpenStore(c.Context, c.String("storage"))
	if err != nil {
		return nil, nil, err
	}
	plan, err := store.ReadPlan()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("%s holds no plan: scale-eval run --shards N --storage URL makes it", c.String("storage"))
	}
	return store, plan, err
}

// plannedRun is the run whose plan is in --storage, with the options that the plan has.
func plannedRun(c *cli.Context) (*streamedRun, error) {
	if err := noArgs(c); err != nil {
		return nil, err
	}
	_, plan, err := storedPlan(c)
	if err != nil {
		return nil, err
	}
	run, err := runContext(c, plan)
	if err != nil {
		return nil, err
	}
	r, err := newStreamedRun(run, c.String("storage"))
	if err != nil {
		return nil, err
	}
	return r, r.usePlan(plan)
}

// freshRun is the context of a run command of which no option is given.
func freshRun(c *cli.Context) (*cli.Context, error) {
	set := flag.NewFlagSet("run", flag.ContinueOnError)
	command := runCommand()
	for _, f := range command.Flags {
		if err := f.Apply(set); err != nil {
			return nil, err
		}
	}
	run := cli.NewContext(c.App, set, c)
	run.Command = command
	return run, nil
}

// runContext is the context of a run command with the options of a plan.
func runContext(c *cli.Context, plan *shards.Plan) (*cli.Context, error) {
	run, err := freshRun(c)
	if err != nil {
		return nil, err
	}
	for name, values := range plan.Options {
		for _, v := range values {
			if err := run.Set(name, v); err != nil {
				return nil, fmt.Errorf("plan: option %q = %q: %w: it is of another version", name, v, err)
			}
		}
	}
	data := plan.Data
	if given := c.StringSlice("data"); len(given) > 0 {
		data = given
	}
	for _, dir := range data {
		if err := run.Set("data", dir); err != nil {
			return nil, err
		}
	}
	return run, nil
}
