package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/scale-eval/scale-eval/objects/objecttest"
)

// jobCluster is as much of a cluster as one Job needs: what is created is run at once,
// each index by a call of the command, and is then complete.
type jobCluster struct {
	t    *testing.T
	mu   sync.Mutex
	job  *batchv1.Job
	pods []string // what each said
}

func (k *jobCluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case r.Method == http.MethodPost:
		job, ok := body(r).(*batchv1.Job)
		if !ok {
			fault(w, 400, "BadRequest")
			return
		}
		k.job = job
		k.job.UID = "1"
		k.run()
		reply(w, 201, k.job)
	case k.job == nil:
		fault(w, 404, "NotFound")
	case r.Method == http.MethodDelete:
		k.job = nil
		reply(w, 200, metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusSuccess})
	default:
		reply(w, 200, k.job)
	}
}

func (k *jobCluster) run() {
	for i := range *k.job.Spec.Completions {
		args := append(slices.Clone(k.job.Spec.Template.Spec.Containers[0].Args), "--index", fmt.Sprint(i))
		stdout, stderr, code := commandLine(k.t, args...)
		if code != exitOK {
			k.t.Errorf("%v: exit code %d: %s", args, code, stderr)
		}
		k.pods = append(k.pods, stdout)
	}
	k.job.Status = batchv1.JobStatus{Succeeded: *k.job.Spec.Completions,
		Conditions: []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue}}}
}

func sameFiles(t *testing.T, one, other string, names ...string) {
	t.Helper()
	for _, name := range names {
		a, err := os.ReadFile(filepath.Join(one, name))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(other, name))
		if err != nil || string(a) != string(b) {
			t.Errorf("%s differs: %v", name, err)
		}
	}
}

// Jobs of a cluster, over a bucket that fails now and then, come to what one machine does;
// a search that goes by rounds is submitted once for each.
func TestSubmitJobs(t *testing.T) {
	server := objecttest.Start(t)
	k := &jobCluster{t: t}
	api := httptest.NewServer(k)
	t.Cleanup(api.Close)
	dir := t.TempDir()
	one, many := filepath.Join(dir, "one"), filepath.Join(dir, "many")
	kubeconfig := kubeconfigFile(t, api.URL)
	cluster := func(store string) []string {
		return []string{"--shards", "3", "--storage", store, "--image", "scale-eval:v1", "--kubeconfig", kubeconfig}
	}

	store := server.URL("bucket", "simulate")
	server.Faults.Fail(objecttest.Unavailable, 2, http.MethodPut, "round-000-shard-00001")
	simulate := []string{"simulate", "--policies", "scale,none", "--seeds", "2"}
	submit := append(slices.Concat([]string{"submit"}, simulate, cluster(store)), slowDB)
	if said := succeed(t, submit...); !strings.Contains(said, "is at 2 of 3 shards") {
		t.Errorf("submit says %q", said)
	}
	if said := succeed(t, "status", "--storage", store, "--kubeconfig", kubeconfig); !strings.Contains(said, "3 of 3 shards done, 2 of 2 scenarios") || !strings.Contains(said, "is complete") {
		t.Errorf("status says %q", said)
	}
	if said := succeed(t, submit...); !strings.Contains(said, "every shard is done") || len(k.pods) != 2 {
		t.Errorf("submitted again: %q, %d pods", said, len(k.pods))
	}
	if server.Faults.Hits() != 2 {
		t.Errorf("%d requests failed, want 2", server.Faults.Hits())
	}
	succeed(t, "collect", "--storage", store, "--out", many)
	succeed(t, append(simulate, "--out", one, slowDB)...)
	sameFiles(t, one, many, "summary.json", "summary.md", "report.html", "audit/slow-db.jsonl")

	store = server.URL("bucket", "tune")
	tune := []string{"tune", "--spans", "4000", "--grid", "n_tree=5,10", "--grid", "window_size=100", "--grid", "min_score=0.4..0.9:0.1", "--seeds", "2", "--bootstrap", "20"}
	submit = slices.Concat([]string{"submit"}, tune, cluster(store))
	succeed(t, submit...)
	refuse(t, exitFailure, "and 2 models x seeds follow from them: submit again", "collect", "--storage", store, "--out", many)
	succeed(t, submit...)
	if said := succeed(t, submit...); !strings.Contains(said, "every shard is done") || len(k.pods) != 6 {
		t.Errorf("submitted a third time: %q, %d pods", said, len(k.pods))
	}
	succeed(t, "collect", "--storage", store, "--out", many)
	succeed(t, append(tune, "--out", one)...)
	sameFiles(t, one, many, "tune.json", "trials.parquet", "tuned.yaml", "report.html")
	if said := succeed(t, "cancel", "--storage", store, "--kubeconfig", kubeconfig); !strings.Contains(said, "is ended") {
		t.Errorf("cancel says %q", said)
	}
}
