package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"github.com/scale-eval/scale-eval/eval/shards"
	"github.com/scale-eval/scale-eval/eval/shards/indexed"
	"github.com/scale-eval/scale-eval/objects"
)

const clusterCategory = "CLUSTER"

func submitCommand() *cli.Command {
	return &cli.Command{
		Name:  "submit",
		Usage: "run the shards of a run on a Kubernetes cluster",
		Description: `submit run takes the options of run, plans here (it reads the data twice: census and
training), then creates one Indexed Job whose pods score the missing shards:

  scale-eval submit run --dataset s3://traces/2024-05 --shards 64 --storage s3://results/may \
      --image registry/scale-eval:v1 --env-from-secret s3-credentials
  scale-eval status --storage s3://results/may
  scale-eval collect --storage s3://results/may

Submitting again does only what is missing.`,
		OnUsageError: onUsageError,
		Subcommands: []*cli.Command{
			submitRunCommand(),
			notSubmitted("compare", "run each sampler with submit run --sampler"),
			notSubmitted("tune", "run it on one machine; --resume goes on where it was ended"),
			notSubmitted("simulate", "run it on one machine; --seeds and --policies divide it by hand"),
		},
		Action: func(c *cli.Context) error {
			return usagef("submit what? submit run; see scale-eval submit --help")
		},
	}
}

// notSubmitted refuses what has no shards.
func notSubmitted(name, instead string) *cli.Command {
	return &cli.Command{
		Name: name, Hidden: true, SkipFlagParsing: true,
		Action: func(*cli.Context) error {
			return usagef("submit %s: only run is in shards so far: %s", name, instead)
		},
	}
}

func kubeFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "kubeconfig", Category: clusterCategory, EnvVars: []string{"KUBECONFIG"}, Usage: "`FILE` that says where the cluster is (default: the pod's own account)"},
	}
}

// submitFlags are those that submit run has beside run's.
func submitFlags() []cli.Flag {
	return append(kubeFlags(),
		&cli.StringFlag{Name: "image", Category: clusterCategory, Usage: "`IMAGE` whose entry point is scale-eval of this version (required)"},
		&cli.StringFlag{Name: "pull-policy", Category: clusterCategory, Usage: "`POLICY`: Always, IfNotPresent or Never (default: the cluster's)"},
		&cli.StringFlag{Name: "namespace", Aliases: []string{"n"}, Value: "default", Category: clusterCategory, Usage: "`NAMESPACE` of the Job"},
		&cli.IntFlag{Name: "parallel", Category: clusterCategory, Usage: "`PODS` at a time (0: as many as shards)"},
		&cli.IntFlag{Name: "retries", Value: 3, Category: clusterCategory, Usage: "`TIMES` that a shard which failed is tried again"},
		&cli.StringFlag{Name: "cpu", Value: defaultCPU, Category: clusterCategory, Usage: "`CORES` that a pod asks for and works on"},
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

// notSubmittable are flags of run that make no sense on a cluster.
var notSubmittable = []string{"out", "output", "replay", "local", "stream"}

func submitRunCommand() *cli.Command {
	own := submitFlags()
	flags := own
	for _, f := range runFlags() {
		if findFlag(own, f.Names()[0]) == nil && !slices.Contains(notSubmittable, f.Names()[0]) {
			flags = append(flags, f)
		}
	}
	return &cli.Command{
		Name: "run", Usage: "score the shards of a run in pods", Flags: flags, OnUsageError: onUsageError,
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
			if c.Bool("dry-run") {
				return printManifest(c, r)
			}
			return submit(c, r)
		},
	}
}

func checkSubmit(c *cli.Context) error {
	for _, name := range []string{"image", "storage"} {
		if err := required(c, name); err != nil {
			return err
		}
	}
	if !objects.Remote(c.String("storage")) {
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
	run, err := freshRun(c)
	if err != nil {
		return nil, err
	}
	for _, f := range run.Command.Flags {
		name := f.Names()[0]
		if !c.IsSet(name) || findFlag(submitFlags(), name) != nil {
			continue
		}
		values := []string{fmt.Sprint(c.Value(name))}
		if _, isSlice := f.(*cli.StringSliceFlag); isSlice {
			values = c.StringSlice(name)
		}
		for _, v := range values {
			if err := run.Set(name, v); err != nil {
				return nil, err
			}
		}
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
	if !objects.Remote(r.ds.Path) {
		return nil, usagef("--dataset %s: pods do not see files of this machine: copy it with scale-eval datasets convert --partition-rows N --out s3://bucket/folder", r.ds.Name)
	}
	return r, nil
}

// spec is the Job for the shards that the storage lacks.
func (r *streamedRun) spec(c *cli.Context, key string, missing []int, n int) (*batchv1.Job, error) {
	nodes, err := pairs(c, "node-selector")
	if err != nil {
		return nil, err
	}
	env, err := pairs(c, "env")
	if err != nil {
		return nil, err
	}
	var data []string
	for _, d := range c.StringSlice("data") {
		if objects.Remote(d) {
			data = append(data, d)
		}
	}
	s := &indexed.Spec{
		Namespace: c.String("namespace"), Plan: key, Storage: c.String("storage"), Data: data, Missing: missing, Shards: n,
		Image: c.String("image"), PullPolicy: c.String("pull-policy"), Parallel: c.Int("parallel"), Retries: c.Int("retries"),
		CPU: c.String("cpu"), Memory: c.String("memory"), Nodes: nodes, Queue: c.String("queue"),
		ServiceAccount: c.String("service-account"), EnvFrom: c.StringSlice("env-from-secret"), Env: env,
		KeepSeconds: int32(c.Duration("keep-job").Seconds()),
	}
	job, err := s.Manifest()
	if err != nil {
		return nil, usageError{err}
	}
	return job, nil
}

// pairs reads a repeatable NAME=VALUE option.
func pairs(c *cli.Context, name string) (map[string]string, error) {
	out := map[string]string{}
	for _, text := range c.StringSlice(name) {
		k, v, ok := strings.Cut(text, "=")
		if !ok || k == "" {
			return nil, usagef("--%s %q: want NAME=VALUE", name, text)
		}
		out[k] = v
	}
	return out, nil
}

// printManifest plans nothing: all shards are missing, unless the storage has this plan.
func printManifest(c *cli.Context, r *streamedRun) error {
	key, err := r.key()
	if err != nil {
		return err
	}
	var missing []int
	for i := range r.shardCount() {
		missing = append(missing, i)
	}
	if plan, err := r.store.ReadPlan(); err == nil && plan.Key == key {
		if missing, err = r.store.Missing(plan); err != nil {
			return err
		}
		if len(missing) == 0 {
			return sayAllDone(c)
		}
	}
	job, err := r.spec(c, key, missing, r.shardCount())
	if err != nil {
		return err
	}
	if c.String("output") == "json" {
		return printJSON(c.App.Writer, job)
	}
	text, err := yaml.Marshal(job)
	if err != nil {
		return err
	}
	_, err = c.App.Writer.Write(text)
	return err
}

func sayAllDone(c *cli.Context) error {
	_, err := fmt.Fprintf(c.App.Writer, "every shard is done: scale-eval collect --storage '%s' adds them up\n", c.String("storage"))
	return err
}

// jobFile of the storage says where the last Job of the plan was created.
const jobFile = "job.json"

type jobRecord struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

func submit(c *cli.Context, r *streamedRun) error {
	k, err := kubeClient(c)
	if err != nil {
		return err
	}
	if err := r.findPlan(); err != nil {
		return err
	}
	missing, err := r.store.Missing(r.plan)
	if err != nil {
		return err
	}
	if len(missing) == 0 {
		return sayAllDone(c)
	}
	job, err := r.spec(c, r.plan.Key, missing, len(r.plan.Shards))
	if err != nil {
		return err
	}
	if err := indexed.Submit(c.Context, k, job); err != nil {
		return fmt.Errorf("submitting Job %s/%s: %w", job.Namespace, job.Name, err)
	}
	record := jobRecord{job.Namespace, job.Name}
	if err := r.store.Write(jobFile, func(w io.Writer) error { return json.NewEncoder(w).Encode(record) }); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.App.Writer, "Job %s/%s is at %d of %d shards; follow it with scale-eval status --storage '%s'\n",
		job.Namespace, job.Name, len(missing), len(r.plan.Shards), c.String("storage"))
	return err
}

func kubeClient(c *cli.Context) (kubernetes.Interface, error) {
	cfg, err := kubeConfig(c.String("kubeconfig"))
	if err != nil {
		return nil, fmt.Errorf("the cluster: %w: give --kubeconfig FILE or set KUBECONFIG", err)
	}
	return kubernetes.NewForConfig(cfg)
}

// jobProgress is what the cluster says of the plan's Job; nil: none was submitted, or it
// is gone.
func jobProgress(c *cli.Context, store *shards.Store, plan *shards.Plan) (*indexed.Progress, error) {
	record, err := readJobRecord(store)
	if record == nil || err != nil {
		return nil, err
	}
	k, err := kubeClient(c)
	if err != nil {
		return nil, err
	}
	return indexed.Read(c.Context, k, record.Namespace, plan.Key)
}

func readJobRecord(store *shards.Store) (*jobRecord, error) {
	there, err := store.Has(jobFile)
	if err != nil || !there {
		return nil, err
	}
	f, err := store.Open(jobFile)
	if err != nil {
		return nil, err
	}
	record := &jobRecord{}
	err = json.NewDecoder(io.NewSectionReader(f, 0, f.Size())).Decode(record)
	return record, errors.Join(err, f.Close())
}

func cancelCommand() *cli.Command {
	return &cli.Command{
		Name: "cancel", Usage: "end the Job that scale-eval submit created",
		Description:  `Shards that are done stay done: submit does the others later.`,
		Flags:        append([]cli.Flag{storageFlag()}, kubeFlags()...),
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := noArgs(c); err != nil {
				return err
			}
			store, plan, err := storedPlan(c)
			if err != nil {
				return err
			}
			record, err := readJobRecord(store)
			if err != nil {
				return err
			}
			if record == nil {
				return fmt.Errorf("%s: no Job was submitted for it", c.String("storage"))
			}
			k, err := kubeClient(c)
			if err != nil {
				return err
			}
			there, err := indexed.Cancel(c.Context, k, record.Namespace, plan.Key)
			if err != nil {
				return err
			}
			said := "is gone already"
			if there {
				said = "is ended"
			}
			_, err = fmt.Fprintf(c.App.Writer, "Job %s/%s %s; what its shards wrote stays\n", record.Namespace, record.Name, said)
			return err
		},
	}
}
