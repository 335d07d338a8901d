//go:build e2e && unix

package e2e

import (
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/scale-eval/scale-eval/objects/objecttest"
)

// jobCluster is a control plane whose pods nothing but a test kubelet runs: KWOK would
// call them done.
func jobCluster(t *testing.T) *Cluster {
	t.Helper()
	run, err := NewRun(filepath.Join(all.builder.Cache, "runs"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := run.Close(); err != nil {
			t.Error(err)
		}
	})
	ctx := bounded(t, 2*time.Hour)
	c, err := StartCluster(ctx, all.builder, run, ClusterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig, err := c.AdminKubeconfig()
	if err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"kube-controller-manager": {"--kubeconfig", kubeconfig, "--leader-elect=false", "--secure-port=0", "--service-account-private-key-file", run.Path("service-accounts.key"),
			"--controllers=*,-csrsigning,-nodeipam,-cloud-node-lifecycle,-service-lb-controller,-node-route-controller"},
		"kube-scheduler": {"--kubeconfig", kubeconfig, "--leader-elect=false", "--secure-port=0"},
	} {
		bin, err := all.builder.Build(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := run.Start(name, bin, args...); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// TestShardsOnCluster: pods are killed, a shard fails for good, a node is lost, the store
// fails and restarts; then what is missing is submitted again. The result is that of one
// process, byte for byte, so that no shard is missing or counted twice.
func TestShardsOnCluster(t *testing.T) {
	t.Parallel() // it has a cluster of its own
	s := startStore(t)
	c := jobCluster(t)
	ns := namespace(t, c)
	kubeconfig, err := c.AdminKubeconfig()
	if err != nil {
		t.Fatal(err)
	}
	ctx := bounded(t, 10*time.Minute)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s3"}, StringData: map[string]string{}}
	objecttest.Credentials(func(name, value string) { secret.StringData[name] = value }, s3User, s3Secret)
	if _, err := c.Admin.CoreV1().Secrets(ns).Create(ctx, secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	data, storage := s.url(objecttest.Bucket, "spans"), s.url(objecttest.Bucket, "result")
	s.succeeds("datasets", "convert", "--dataset", "synth", "--spans", "200000", "--partition-rows", "20000", "--out", data)
	out := t.TempDir()
	one, many := filepath.Join(out, "one"), filepath.Join(out, "many")
	s.succeeds("run", "--dataset", data, "--stream", "always", "--out", one)

	// What happens to the first pod of each index.
	var once sync.Map
	lost := make(chan struct{})
	begun := func(k *kubelet, p *podProcess) {
		if _, again := once.LoadOrStore(p.index, true); again && p.index != "3" { // in the second Job, index 0 is shard 3
			return
		}
		switch p.index {
		case "0", "1":
			t.Logf("kill -9 of the pod of index %s", p.index)
			p.kill()
		case "2":
			s.faults.Fail(objecttest.Unavailable, 4, "PUT", "shard-00002")
			s.faults.Fail(objecttest.Truncated, 3, "GET", "part-0000")
			s.faults.Fail(objecttest.Cut, 3, "GET", "part-0000")
		case "3": // each time: the index is given up
			p.kill()
		case "4":
			t.Logf("node %s is lost, with what runs on it", p.node)
			if err := k.lose(ctx, p.node); err != nil {
				t.Errorf("losing node %s: %v", p.node, err)
			}
			close(lost)
		case "5":
			t.Log("the S3 server restarts")
			s.restart(3 * time.Second)
		}
	}
	k := startKubelet(t, c.Admin, all.program, begun, "node-a", "node-b", "node-c")

	submit := []string{"submit", "run", "--dataset", data, "--shards", "8", "--overlap", "20000", "--storage", storage, "--image", "scale-eval:e2e",
		"--namespace", ns, "--kubeconfig", kubeconfig, "--env-from-secret", "s3", "--node-selector", kubeletNode + "=true", "--retries", "1", "--cpu", "1"}
	if text := s.succeeds(append(submit, "--dry-run")...); !strings.Contains(text, "completionMode: Indexed") || !strings.Contains(text, "backoffLimitPerIndex: 1") {
		t.Errorf("--dry-run prints\n%s", text)
	}
	if said := s.succeeds(submit...); !strings.Contains(said, "8 of 8 shards") {
		t.Errorf("submit says %q", said)
	}
	if _, stderr, code := s.scaleEval(submit...); code != 1 || !strings.Contains(stderr, "at these shards already") {
		t.Errorf("submitted while it runs: %d, %q", code, stderr)
	}

	status := []string{"status", "--storage", storage, "--kubeconfig", kubeconfig}
	waitFor := func(what *regexp.Regexp) string {
		t.Helper()
		var said string
		err := Poll(ctx, what.String(), func() (bool, error) {
			said = s.succeeds(status...)
			return what.MatchString(said), nil
		})
		if err != nil {
			t.Fatalf("%v; status says\n%s", err, said)
		}
		return said
	}
	said := waitFor(regexp.MustCompile(`Job \S+ is (failed|complete)`))
	t.Logf("status: %s", said)
	<-lost
	if !strings.Contains(said, "7 of 8 shards done") || !strings.Contains(said, "missing: [3]") || !strings.Contains(said, "is failed") || !strings.Contains(said, "given up: indexes 3") {
		t.Errorf("with index 3 given up, status says\n%s", said)
	}
	for index, n := range k.attempts() {
		if index == "0" && n < 2 || index == "3" && n != 2 || index == "4" && n < 2 {
			t.Errorf("index %s had %d pods", index, n)
		}
	}
	s.fails([]string{"1 of 8 shards are not done", "the first: 3"}, "collect", "--storage", storage, "--out", "")

	t.Log("submitted again: only what is missing")
	if said := s.succeeds(submit...); !strings.Contains(said, "1 of 8 shards") {
		t.Errorf("submit again says %q", said)
	}
	said = waitFor(regexp.MustCompile(`is complete`))
	if !strings.Contains(said, "8 of 8 shards done") || !strings.Contains(said, "1 of 1 indexes done") {
		t.Errorf("at the end, status says\n%s", said)
	}
	s.succeeds("collect", "--storage", storage, "--out", many)
	sameFile(t, "metrics.json", one, many)
	sameFile(t, "flagged.parquet", one, many)
	if said := s.succeeds(submit...); !strings.Contains(said, "every shard is done") {
		t.Errorf("submitted when all is done: %q", said)
	}

	t.Log("cancel ends the Job, and what is done stays")
	if said := s.succeeds("cancel", "--storage", storage, "--kubeconfig", kubeconfig); !strings.Contains(said, "is ended") {
		t.Errorf("cancel says %q", said)
	}
	if said := s.succeeds(status...); !strings.Contains(said, "8 of 8 shards done") || strings.Contains(said, "Job") {
		t.Errorf("after cancel, status says\n%s", said)
	}
}
