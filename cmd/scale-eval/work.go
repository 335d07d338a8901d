package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/eval/shards"
	"github.com/scale-eval/scale-eval/eval/shards/indexed"
)

func storageFlag() cli.Flag {
	return &cli.StringFlag{Name: "storage", Usage: "`URL` that run or submit --storage was given (required)"}
}

// indexVariable is where Kubernetes tells a pod of an Indexed Job which one it is.
const indexVariable = "JOB_COMPLETION_INDEX"

// workCommand is what run --local starts, and a pod of an Indexed Job does.
func workCommand() *cli.Command {
	return &cli.Command{
		Name:  "work",
		Usage: "compute a shard of what run --shards or submit has planned",
		Description: `Pods call it, and --local does. It reads the plan, and of a run the trained sampler,
from --storage and writes the shard's outcome there, whole or not at all. A shard that is
done is not done again.`,
		Flags: []cli.Flag{storageFlag(),
			&cli.IntFlag{Name: "index", Value: -1, EnvVars: []string{indexVariable}, Usage: "`NUMBER` of the shard, from 0 (required, but with --stdin)"},
			&cli.StringFlag{Name: "of", Usage: "the shards `LIST` (0-4,7) of which --index is one: 0 is the first of them (default: all shards)"},
			&cli.BoolFlag{Name: "stdin", Usage: "compute the shards whose numbers standard input has, a line each, in the place of --index, and print a line for each that is done"},
			&cli.StringSliceFlag{Name: "data", Usage: "`DIR` to look for named datasets in, instead of the plan's (repeatable)"},
		},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := noArgs(c); err != nil {
				return err
			}
			if c.Bool("stdin") && c.IsSet("of") {
				return usagef("--stdin: shards are named there, not by --of")
			}
			store, state, err := openPlanned(c)
			if err != nil {
				return err
			}
			work, err := workOn(c, store, state)
			if err != nil {
				return err
			}
			if c.Bool("stdin") {
				return workFromInput(c, state.shards, work)
			}
			i, err := shardOf(c, state.shards)
			if err != nil {
				return err
			}
			return sayWork(c, i, work)
		},
	}
}

// workFromInput computes the shards, of n, that standard input names.
func workFromInput(c *cli.Context, n int, work func(int) (string, error)) error {
	lines := bufio.NewScanner(c.App.Reader)
	for lines.Scan() {
		i, err := strconv.Atoi(lines.Text())
		if err != nil || i < 0 || i >= n {
			return usagef("--stdin: %q: want the number of a shard, 0 to %d, in each line", lines.Text(), n-1)
		}
		if err := sayWork(c, i, work); err != nil {
			return err
		}
	}
	return lines.Err()
}

// sayWork computes a shard and says so.
func sayWork(c *cli.Context, i int, work func(int) (string, error)) error {
	said, err := work(i)
	if err != nil {
		return fmt.Errorf("shard %d: %w", i, err)
	}
	_, err = fmt.Fprintln(c.App.Writer, said)
	return err
}

// workOn computes shards of what is planned, one each time it is called.
func workOn(c *cli.Context, store *shards.Store, state *shardState) (func(int) (string, error), error) {
	if state.run == nil {
		d, err := storedDivision(c, store)
		if err != nil {
			return nil, err
		}
		return d.work, nil
	}
	var r *streamedRun
	return func(i int) (string, error) {
		if done, err := store.Has(shards.TallyFile(i)); err != nil || done {
			return fmt.Sprintf("shard %d is done already", i), err
		}
		if r == nil { // its dataset may be gone, once all is done
			var err error
			if r, err = plannedRun(c, state.run); err != nil {
				return "", err
			}
		}
		if err := r.work(i); err != nil {
			return "", err
		}
		return fmt.Sprintf("shard %d of %d: %d spans", i, state.shards, state.run.Shards[i].Spans()), nil
	}, nil
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
		Usage:        "say how far shards are, and their Job on a cluster",
		Flags:        append([]cli.Flag{storageFlag(), outputFlag()}, kubeFlags()...),
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			asJSON, err := noArgsWantJSON(c)
			if err != nil {
				return err
			}
			store, state, err := openPlanned(c)
			if err != nil {
				return err
			}
			job, err := jobProgress(c, store, state.key)
			if err != nil {
				// What is done is in the storage, whatever became of the cluster.
				fmt.Fprintf(c.App.ErrWriter, "scale-eval: the Job could not be asked for: %v\n", err)
			}
			return state.print(c, job, asJSON)
		},
	}
}

// shardState is how far the shards of a storage are.
type shardState struct {
	kind    string
	key     string
	shards  int
	missing []int
	of      string // what shards are made of
	all     int64
	left    int64        // of them
	run     *shards.Plan // nil: it is a division
	rounds  int          // of a division, as far as they are planned
	follows bool         // rounds may follow this one
}

// openPlanned opens the storage that c names and reads the state of what it holds.
func openPlanned(c *cli.Context) (*shards.Store, *shardState, error) {
	store, err := openStorage(c)
	if err != nil {
		return nil, nil, err
	}
	state, err := readState(store)
	return store, state, err
}

// readState reads the plan, whatever it is of, and looks for what is done.
func readState(store *shards.Store) (*shardState, error) {
	kind, err := store.Kind()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s holds no plan: scale-eval run --shards N --storage URL makes it, or scale-eval submit", store.URL(""))
	}
	if err != nil {
		return nil, err
	}
	s := &shardState{kind: kind, of: "test spans"}
	if kind == "run" {
		if s.run, err = store.ReadPlan(); err != nil {
			return nil, err
		}
		s.key, s.shards, s.all = s.run.Key, len(s.run.Shards), s.run.Test
		s.missing, err = store.Missing(s.run)
		for _, i := range s.missing {
			s.left += s.run.Shards[i].Spans()
		}
		return s, err
	}
	d, err := store.ReadDivision()
	if err != nil {
		return nil, err
	}
	s.key, s.shards, s.rounds = d.Key, d.Shards, len(d.Rounds)
	if known := divisibleOf(kind); known != nil {
		s.of, s.follows = known.units, known.rounds
	}
	for _, units := range d.Rounds {
		s.all += int64(len(units))
	}
	missing, err := store.MissingParts(d)
	if err != nil {
		return nil, err
	}
	for round, of := range missing {
		for _, i := range of {
			s.left += int64(len(d.UnitsOf(round, i)))
		}
	}
	s.missing = anyRound(missing)
	return s, nil
}

func (s *shardState) print(c *cli.Context, job *indexed.Progress, asJSON bool) error {
	if asJSON {
		out := map[string]any{"command": s.kind, "shards": s.shards, "missing": append([]int{}, s.missing...), "job": job}
		if s.run != nil {
			out["spans"], out["spans_missing"] = s.all, s.left
		} else {
			out["rounds"], out["units"], out["units_missing"] = s.rounds, s.all, s.left
		}
		return json.NewEncoder(c.App.Writer).Encode(out)
	}
	of := ""
	if s.follows {
		of = fmt.Sprintf(", in %d rounds", s.rounds)
	}
	fmt.Fprintf(c.App.Writer, "%d of %d shards done, %d of %d %s%s\n", s.shards-len(s.missing), s.shards, s.all-s.left, s.all, s.of, of)
	if len(s.missing) > 0 {
		const shown = 20
		fmt.Fprintf(c.App.Writer, "missing: %v", s.missing[:min(len(s.missing), shown)])
		if len(s.missing) > shown {
			fmt.Fprintf(c.App.Writer, " and %d more", len(s.missing)-shown)
		}
		fmt.Fprintln(c.App.Writer)
	} else if s.follows {
		fmt.Fprintln(c.App.Writer, "submit again: it plans what follows from these results, or says that this was all")
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
		Name:  "collect",
		Usage: "put the shards of a command together, once all are done",
		Description: `It writes and prints what the command does on one machine: the same bytes, but for
times that were measured.`,
		Flags: []cli.Flag{storageFlag(),
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: "text", Usage: "`FORMAT` of what is printed: text or json, of simulate markdown too"},
			&cli.StringFlag{Name: "out", Usage: "`DIR` for the result (default: that of the command); of run, \"\" writes no files but metrics.json in the storage"}},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := noArgs(c); err != nil {
				return err
			}
			store, state, err := openPlanned(c)
			if err != nil {
				return err
			}
			if state.run != nil {
				return collectRun(c, state.run)
			}
			d, err := storedDivision(c, store)
			if err != nil {
				return err
			}
			options := map[string][]string{"output": {c.String("output")}}
			if c.IsSet("out") {
				options["out"] = []string{c.String("out")}
			}
			if err := apply(d.c, options); err != nil {
				return err
			}
			return d.collect()
		},
	}
}

func collectRun(c *cli.Context, plan *shards.Plan) error {
	asJSON, err := wantJSON(c)
	if err != nil {
		return err
	}
	r, err := plannedRun(c, plan)
	if err != nil {
		return err
	}
	if c.IsSet("out") {
		if err := r.c.Set("out", c.String("out")); err != nil {
			return err
		}
	}
	return r.report(nil, asJSON)
}

func openStorage(c *cli.Context) (*shards.Store, error) {
	if err := required(c, "storage"); err != nil {
		return nil, err
	}
	return shards.OpenStore(c.Context, c.String("storage"))
}

// plannedRun is the run of a plan, with the options that the plan has.
func plannedRun(c *cli.Context, plan *shards.Plan) (*streamedRun, error) {
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

// runContext is the context of a run command with the options of a plan.
func runContext(c *cli.Context, plan *shards.Plan) (*cli.Context, error) {
	run, err := freshContext(c, runCommand(), nil)
	if err != nil {
		return nil, err
	}
	if err := apply(run, plan.Options); err != nil {
		return nil, fmt.Errorf("plan: %w: it is of another version", err)
	}
	data := plan.Data
	if given := c.StringSlice("data"); len(given) > 0 {
		data = given
	}
	return run, apply(run, map[string][]string{"data": data})
}
