package indexed

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

func spec() *Spec {
	return &Spec{
		Namespace: "ns", Plan: "0123456789abcdef0123", Storage: "s3://b/x", Data: []string{"s3://d"}, Missing: []int{0, 1, 2, 5}, Shards: 7,
		Image: "image:v1", Parallel: 3, Retries: 2, CPU: "2", Memory: "1Gi", Nodes: map[string]string{"pool": "spot"},
		ServiceAccount: "reader", EnvFrom: []string{"s3"}, Env: map[string]string{"B": "2", "A": "1"}, KeepSeconds: 60,
	}
}

func manifest(t *testing.T, s *Spec) *batchv1.Job {
	t.Helper()
	job, err := s.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	return job
}

func TestManifest(t *testing.T) {
	job := manifest(t, spec())
	c := job.Spec.Template.Spec.Containers[0]
	for what, got := range map[string]string{
		"name scale-eval-0123456789abcdef":                 "name " + job.Name,
		"work --storage s3://b/x --data s3://d --of 0-2,5": strings.Join(c.Args, " "),
		"4 indexes, 3 at a time, 2 retries":                fmt.Sprintf("%d indexes, %d at a time, %d retries", *job.Spec.Completions, *job.Spec.Parallelism, *job.Spec.BackoffLimitPerIndex),
		"Indexed Never Failed":                             fmt.Sprint(*job.Spec.CompletionMode, " ", job.Spec.Template.Spec.RestartPolicy, " ", *job.Spec.PodReplacementPolicy),
		"limits 1Gi":                                       "limits " + c.Resources.Limits.Memory().String(),
		"env GOMAXPROCS=2 A=1 B=2 from s3":                 "env " + variables(c.Env) + " from " + c.EnvFrom[0].SecretRef.Name,
		"on spot as reader":                                "on " + job.Spec.Template.Spec.NodeSelector["pool"] + " as " + job.Spec.Template.Spec.ServiceAccountName,
	} {
		if got != what {
			t.Errorf("want %q, got %q", what, got)
		}
	}
	if job.Spec.Suspend != nil {
		t.Error("suspended without a queue")
	}
	s := spec()
	s.Queue, s.Missing, s.Parallel = "team", []int{0, 1, 2, 3, 4, 5, 6}, 0
	job = manifest(t, s)
	if job.Labels["kueue.x-k8s.io/queue-name"] != "team" || !*job.Spec.Suspend || *job.Spec.Parallelism != 7 {
		t.Errorf("a queue: %v, suspended %v, %d at a time", job.Labels, *job.Spec.Suspend, *job.Spec.Parallelism)
	}
	if slices.Contains(job.Spec.Template.Spec.Containers[0].Args, "--of") {
		t.Error("all shards are missing, and are listed")
	}
	s.CPU = "500m"
	if env := manifest(t, s).Spec.Template.Spec.Containers[0].Env; variables(env) != "GOMAXPROCS=1 A=1 B=2" {
		t.Errorf("half a core: %v", env)
	}
	s.Env = map[string]string{ProcsVariable: "8"}
	if env := manifest(t, s).Spec.Template.Spec.Containers[0].Env; variables(env) != "GOMAXPROCS=8" {
		t.Errorf("GOMAXPROCS of the user: %v", env)
	}
	for _, bad := range []func(*Spec){func(s *Spec) { s.Missing = nil }, func(s *Spec) { s.CPU = "many" }, func(s *Spec) { s.CPU = "0" }, func(s *Spec) { s.Memory = "" }} {
		s := spec()
		bad(s)
		if _, err := s.Manifest(); err == nil {
			t.Errorf("%+v: no error", s)
		}
	}
}

func variables(env []corev1.EnvVar) string {
	var list []string
	for _, v := range env {
		list = append(list, v.Name+"="+v.Value)
	}
	return strings.Join(list, " ")
}

// Any ascending list is read as it was written; nothing else is.
func TestLists(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 500 {
		var want []int
		for i := range 40 {
			if rng.IntN(2) == 0 {
				want = append(want, i)
			}
		}
		if len(want) == 0 {
			continue
		}
		if got, err := ParseList(FormatList(want), 40); err != nil || !slices.Equal(got, want) {
			t.Fatalf("%v: %s is read as %v, %v", want, FormatList(want), got, err)
		}
	}
	for _, bad := range []string{"", "a", "1-", "-1", "3-1", "1,1", "2,1", "0-9", "1,,2", "0-5,5"} {
		if got, err := ParseList(bad, 9); err == nil {
			t.Errorf("%q: %v", bad, got)
		}
	}
}

// end makes the Job of spec end.
func end(t *testing.T, k *fake.Clientset, as batchv1.JobConditionType) {
	t.Helper()
	jobs := k.BatchV1().Jobs("ns")
	job, err := jobs.Get(t.Context(), Name(spec().Plan), metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	failed := "1,3"
	job.Status = batchv1.JobStatus{Active: 1, Succeeded: 2, Failed: 6, FailedIndexes: &failed,
		Conditions: []batchv1.JobCondition{{Type: as, Status: corev1.ConditionTrue, Message: "because"}}}
	if _, err := jobs.UpdateStatus(t.Context(), job, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// One plan has one Job at a time; one that has ended makes room.
func TestSubmit(t *testing.T) {
	k := fake.NewClientset()
	ctx := t.Context()
	if p, err := Read(ctx, k, "ns", spec().Plan); p != nil || err != nil {
		t.Errorf("before: %v, %v", p, err)
	}
	if there, err := Cancel(ctx, k, "ns", spec().Plan); there || err != nil {
		t.Errorf("cancel before: %v, %v", there, err)
	}
	job := manifest(t, spec())
	if err := Submit(ctx, k, job); err != nil {
		t.Fatal(err)
	}
	var active *ActiveError
	if err := Submit(ctx, k, job); !errors.As(err, &active) || active.Name != job.Name {
		t.Errorf("while it runs: %v", err)
	}
	if p, err := Read(ctx, k, "ns", spec().Plan); err != nil || p.State != "running" || p.Indexes != 4 {
		t.Errorf("running: %+v, %v", p, err)
	}
	end(t, k, batchv1.JobFailed)
	want := Progress{Namespace: "ns", Name: job.Name, Indexes: 4, Active: 1, Succeeded: 2, Failed: "1,3", FailedPods: 6, State: "failed", Why: "because"}
	if p, err := Read(ctx, k, "ns", spec().Plan); err != nil || *p != want {
		t.Errorf("failed: %+v, %v", p, err)
	}
	next := spec()
	next.Missing = []int{5}
	if err := Submit(ctx, k, manifest(t, next)); err != nil {
		t.Fatal(err)
	}
	if p, err := Read(ctx, k, "ns", spec().Plan); err != nil || p.Indexes != 1 || p.State != "running" {
		t.Errorf("submitted again: %+v, %v", p, err)
	}
	if there, err := Cancel(ctx, k, "ns", spec().Plan); !there || err != nil {
		t.Errorf("cancel: %v, %v", there, err)
	}
	if p, err := Read(ctx, k, "ns", spec().Plan); p != nil || err != nil {
		t.Errorf("after: %v, %v", p, err)
	}
}

func TestErrors(t *testing.T) {
	k := fake.NewClientset()
	refused := apierrors.NewForbidden(schema.GroupResource{Group: "batch", Resource: "jobs"}, "x", errors.New("no"))
	verb := "get"
	k.PrependReactor("*", "jobs", func(a clienttesting.Action) (bool, runtime.Object, error) { return a.GetVerb() == verb, nil, refused })
	_, readErr := Read(t.Context(), k, "ns", spec().Plan)
	_, cancelErr := Cancel(t.Context(), k, "ns", spec().Plan)
	for what, err := range map[string]error{"submit": Submit(t.Context(), k, manifest(t, spec())), "read": readErr, "cancel": cancelErr} {
		if !apierrors.IsForbidden(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	// Another submitter between the look and the creation.
	verb = "create"
	refused = apierrors.NewAlreadyExists(schema.GroupResource{Group: "batch", Resource: "jobs"}, "x")
	var active *ActiveError
	if err := Submit(t.Context(), k, manifest(t, spec())); !errors.As(err, &active) {
		t.Errorf("somebody was faster: %v", err)
	}
}
