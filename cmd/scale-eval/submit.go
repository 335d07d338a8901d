package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/objects"
)

const clusterCategory = "CLUSTER"

func submitCommand() *cli.Command {
	commands := []*cli.Command{submitRunCommand()}
	names := []string{"run"}
	for _, kind := range divisibles() {
		commands = append(commands, submitDividedCommand(kind))
		names = append(names, kind.name())
	}
	return &cli.Command{
		Name:  "submit",
		Usage: "divide a command into shards, for a Kubernetes cluster or processes here",
		Description: `Each takes the options of the command that it divides, plans here, then creates one
Indexed Job whose pods compute the missing shards:

  scale-eval submit run --dataset s3://traces/2024-05 --shards 64 --storage s3://results/may \
      --image registry/scale-eval:v1 --env-from-secret s3-credentials
  scale-eval submit simulate --seeds 30 --shards 64 --parallel 8 --storage s3://results/suite \
      --image registry/scale-eval:v1 --env-from-secret s3-credentials
  scale-eval status --storage s3://results/may
  scale-eval collect --storage s3://results/may

collect writes what the command writes on one machine, to the same bytes. Submitting
again does only what is missing. A shard that is ended begins anew: take more shards
than pods. Planning run reads the data twice: census and training.

Without a cluster the same shards are processes of this machine:

  scale-eval submit simulate --seeds 30 --shards 16 --local 2 --storage suite-shards
  scale-eval collect --storage suite-shards --out suite`,
		OnUsageError: onUsageError,
		Subcommands:  commands,
		Action: func(c *cli.Context) error {
			return usagef("submit what? submit %s; see scale-eval submit --help", strings.Join(names, ", submit "))
		},
	}
}

func kubeFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "kubeconfig", Category: clusterCategory, EnvVars: []string{"KUBECONFIG"}, Usage: "`FILE` that says where the cluster is (default: the pod's own account)"},
	}
}

// submitFlags are those that submit has beside those of the command it divides.
func submitFlags() []cli.Flag {
	return append(kubeFlags(),
		&cli.IntFlag{Name: "shards", Category: scaleCategory, Usage: "divide the work into `N` shards (required)"},
		&cli.StringFlag{Name: "storage", Category: scaleCategory, Usage: "`URL` of what shards share, s3://, gs:// or azblob://bucket/folder, with --local a folder too (required)"},
		&cli.IntFlag{Name: "local", Category: scaleCategory, Usage: "compute the shards in so many `PROCESSES` of this machine at a time, and create no Job"},
		&cli.StringFlag{Name: "image", Category: clusterCategory, Usage: "`IMAGE` whose entry point is scale-eval of this version (required without --local)"},
		&cli.StringFlag{Name: "pull-policy", Category: clusterCategory, Usage: "`POLICY`: Always, IfNotPresent or Never (default: the cluster's)"},
		&cli.StringFlag{Name: "namespace", Aliases: []string{"n"}, Value: "default", Category: clusterCategory, Usage: "`NAMESPACE` of the Job"},
		&cli.IntFlag{Name: "parallel", Category: clusterCategory, Usage: "`PODS` at a time (0: as many as shards)"},
		&cli.IntFlag{Name: "retries", Value: 3, Category: clusterCategory, Usage: "`TIMES` that a shard which failed is tried again"},
		&cli.StringFlag{Name: "cpu", Value: defaultCPU, Category: clusterCategory, Usage: "`CORES` that a pod asks for and works on, a process of --local too"},
		&cli.StringFlag{Name: "memory", Value: "1Gi", Category: clusterCategory, Usage: "`BYTES` that a pod asks for and may use"},
		&cli.StringSliceFlag{Name: "node-selector", Category: clusterCategory, Usage: "`LABEL=VALUE` that nodes must have (repeatable)"},
		&cli.StringFlag{Name: "queue", Category: clusterCategory, Usage: "`NAME` of a Kueue LocalQueue, which starts the Job when there is room"},
		&cli.StringFlag{Name: "service-account", Category: clusterCategory, Usage: "`NAME` of the account with the cloud identity that reaches data and storage"},
		&cli.StringSliceFlag{Name: "env-from-secret", Category: clusterCategory, Usage: "`SECRET` with credentials as environment variables (repeatable)"},
		&cli.StringSliceFlag{Name: "env", Category: clusterCategory, Usage: "`NAME=VALUE` in the environment of pods (repeatable; no secrets)"},
		&cli.DurationFlag{Name: "keep-job", Value: 24 * time.Hour, Category: clusterCategory, Usage: "how long Kubernetes keeps a Job that has ended (0: for ever)"},
		&cli.BoolFlag{Name: "dry-run", Category: clusterCategory, Usage: "print the Job and create nothing, in the storage neither"},
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: "yaml", Category: clusterCategory, Usage: "`FORMAT` of --dry-run: yaml or json"},
	)
}

// withSubmitFlags are the flags of submit and those of a command that takes and that
// submit has not itself.
func withSubmitFlags(flags []cli.Flag, takes func(string) bool) []cli.Flag {
	own := submitFlags()
	all := own
	for _, f := range flags {
		if name := f.Names()[0]; findFlag(own, name) == nil && takes(name) {
			all = append(all, f)
		}
	}
	return all
}

// notSubmittable are flags of run that make no sense in shards, or are submit's.
var notSubmittable = []string{"out", "output", "replay", "local", "stream"}

func submitRunCommand() *cli.Command {
	takes := func(name string) bool { return !slices.Contains(notSubmittable, name) }
	return &cli.Command{
		Name: "run", Usage: "score the shards of a run in pods", Flags: withSubmitFlags(runFlags(), takes), OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := noArgs(c); err != nil {
				return err
			}
			if err := checkSubmit(c); err != nil {
				return err
			}
			r, err := submittedRun(c)
			if err != nil {
				return err
			}
			return submit(c, r)
		},
	}
}

func submitDividedCommand(kind divisible) *cli.Command {
	command := kind.command()
	return &cli.Command{
		Name: kind.name(), Usage: kind.usage, ArgsUsage: command.ArgsUsage, Flags: withSubmitFlags(command.Flags, kind.takes), OnUsageError: onUsageError,
		Description: kind.teaches + "\n\nOptions that are not listed below are of one machine. scale-eval submit --help shows the whole way.",
		Action: func(c *cli.Context) error {
			if err := checkSubmit(c); err != nil {
				return err
			}
			d, err := planDivision(c, kind)
			if err != nil {
				return err
			}
			if name := d.local(); name != "" && c.Int("local") == 0 {
				return usagef("%s: pods do not see files of this machine: copy it with scale-eval datasets convert --partition-rows N --out s3://bucket/folder", name)
			}
			if err := d.resume(); err != nil {
				return err
			}
			return submit(c, d)
		},
	}
}

func checkSubmit(c *cli.Context) error {
	if err := required(c, "storage"); err != nil {
		return err
	}
	if c.Int("local") < 0 {
		return usagef("--local %d: want 1 or more, or 0 for a cluster", c.Int("local"))
	}
	if local := c.Int("local") > 0; local == (c.String("image") != "") {
		return usagef("want --image for pods of a cluster, or --local for processes of this machine: one of them")
	} else if local && c.Bool("dry-run") {
		return usagef("--dry-run prints a Job: --local creates none, leave one of them out")
	} else if !local && !objects.Remote(c.String("storage")) {
		return usagef("--storage %s: pods do not see folders of this machine: give the URL of a bucket's folder, s3://bucket/folder", c.String("storage"))
	}
	if c.Int("shards") < 1 {
		return usagef("--shards %d: want 1 or more", c.Int("shards"))
	}
	if c.Int("parallel") < 0 || c.Int("retries") < 0 || c.Duration("keep-job") < 0 {
		return usagef("--parallel, --retries and --keep-job: want 0 or more")
	}
	if o := c.String("output"); o != "yaml" && o != "json" {
		return usagef("--output %q: want yaml or json", o)
	}
	return nil
}

// submittedRun is the run that the options of submit run describe, as run would have it.
func submittedRun(c *cli.Context) (*streamedRun, error) {
	run, err := freshContext(c, runCommand(), nil)
	if err != nil {
		return nil, err
	}
	ofRun := func(name string) bool { return name == "shards" || findFlag(submitFlags(), name) == nil }
	if err := apply(run, setOptions(c, run.Command.Flags, ofRun)); err != nil {
		return nil, err
	}
	if err := applyConfig(run); err != nil {
		return nil, err
	}
	if err := setStreamed(run); err != nil {
		return nil, err
	}
	r, err := newStreamedRun(run, c.String("storage"))
	if err != nil {
		return nil, err
	}
	if c.Int("local") == 0 && !objects.Remote(r.ds.Path) {
		return nil, usagef("--dataset %s: pods do not see files of this machine: copy it with scale-eval datasets convert --partition-rows N --out s3://bucket/folder", r.ds.Name)
	}
	return r, nil
}

// inShards is work that is divided into shards: a run, or units.
type inShards interface {
	// planned is the plan's key, how many shards it has and which are missing. It plans
	// what is not planned yet; with dry it writes nothing.
	planned(dry bool) (key string, n int, missing []int, err error)
}

func submit(c *cli.Context, w inShards) error {
	switch {
	case c.Bool("dry-run"):
		return printManifest(c, w)
	case c.Int("local") > 0:
		return submitHere(c, w)
	}
	return submitJob(c, w)
}

// submitHere computes the shards in processes of this machine.
func submitHere(c *cli.Context, w inShards) error {
	procs, err := workerProcs(c)
	if err != nil {
		return err
	}
	did := 0
	for {
		_, n, missing, err := w.planned(false)
		if err != nil {
			return err
		}
		if len(missing) == 0 {
			fmt.Fprintf(c.App.Writer, "shards computed: %d; ", did)
			return sayAllDone(c)
		}
		bar := newUnitProgress(c.App.ErrWriter, "shards")
		err = workInProcesses(c, c.String("storage"), missing, procs, func(done int) { bar.of(n-len(missing)+done, n) })
		bar.finish()
		if err != nil {
			return keptError{err, fmt.Sprintf("shards that are done are in %s; the same command goes on from there", c.String("storage"))}
		}
		did += len(missing)
	}
}

func sayAllDone(c *cli.Context) error {
	_, err := fmt.Fprintf(c.App.Writer, "every shard is done: scale-eval collect --storage '%s' adds them up\n", c.String("storage"))
	return err
}
