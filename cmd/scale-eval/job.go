package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"
	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"github.com/scale-eval/scale-eval/eval/shards"
	"github.com/scale-eval/scale-eval/eval/shards/indexed"
	"github.com/scale-eval/scale-eval/objects"
)

// jobSpec is the Job for the shards that the storage lacks.
func jobSpec(c *cli.Context, key string, missing []int, n int) (*batchv1.Job, error) {
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

// dueJob is the Job that submit creates, and what it is of: none, which it says, when all
// shards are done. A dry one plans nothing.
func dueJob(c *cli.Context, w inShards, dry bool) (job *batchv1.Job, missing, n int, err error) {
	key, n, due, err := w.planned(dry)
	if err != nil {
		return nil, 0, 0, err
	}
	if len(due) == 0 {
		return nil, 0, n, sayAllDone(c)
	}
	job, err = jobSpec(c, key, due, n)
	return job, len(due), n, err
}

// printManifest prints the Job that submit would create.
func printManifest(c *cli.Context, w inShards) error {
	job, _, _, err := dueJob(c, w, true)
	if job == nil || err != nil {
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

// jobFile of the storage says where the last Job of the plan was created.
const jobFile = "job.json"

type jobRecord struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// submitJob creates the Job.
func submitJob(c *cli.Context, w inShards) error {
	k, err := kubeClient(c)
	if err != nil {
		return err
	}
	job, missing, n, err := dueJob(c, w, false)
	if job == nil || err != nil {
		return err
	}
	if err := indexed.Submit(c.Context, k, job); err != nil {
		return fmt.Errorf("submitting Job %s/%s: %w", job.Namespace, job.Name, err)
	}
	store, err := shards.OpenStore(c.Context, c.String("storage"))
	if err != nil {
		return err
	}
	record := jobRecord{job.Namespace, job.Name}
	if err := store.Write(jobFile, func(w io.Writer) error { return json.NewEncoder(w).Encode(record) }); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.App.Writer, "Job %s/%s is at %d of %d shards; follow it with scale-eval status --storage '%s'\n",
		job.Namespace, job.Name, missing, n, c.String("storage"))
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
func jobProgress(c *cli.Context, store *shards.Store, key string) (*indexed.Progress, error) {
	record, err := readJobRecord(store)
	if record == nil || err != nil {
		return nil, err
	}
	k, err := kubeClient(c)
	if err != nil {
		return nil, err
	}
	return indexed.Read(c.Context, k, record.Namespace, key)
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
			store, state, err := openPlanned(c)
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
			there, err := indexed.Cancel(c.Context, k, record.Namespace, state.key)
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
