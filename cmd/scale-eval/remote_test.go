package main

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/catalog"
	"github.com/scale-eval/scale-eval/objects/objecttest"
)

// commandLine runs the command and gives what it printed.
func commandLine(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, said strings.Builder
	err := run(t.Context(), append([]string{"scale-eval"}, args...), strings.NewReader(""), &out, &said)
	return out.String(), said.String(), exitCode(err)
}

func succeed(t *testing.T, args ...string) string {
	t.Helper()
	stdout, stderr, code := commandLine(t, args...)
	if code != exitOK {
		t.Fatalf("%v: exit code %d: %s", args, code, stderr)
	}
	return stdout
}

func refuse(t *testing.T, code int, words string, args ...string) {
	t.Helper()
	if _, stderr, got := commandLine(t, args...); got != code || !strings.Contains(stderr, words) {
		t.Errorf("%v: exit code %d, %q; want %d and %q", args, got, stderr, code, words)
	}
}

// Data, shards and results in a bucket are those of a folder, byte for byte, while the
// store fails now and then.
func TestBucket(t *testing.T) {
	server := objecttest.Start(t)
	dir := t.TempDir()
	data, store, out := server.URL("bucket", "spans"), server.URL("bucket", "store"), server.URL("bucket", "out")
	convert := []string{"datasets", "convert", "--dataset", "synth", "--spans", "6000", "--partition-by", "hour", "--partition-rows", "1500", "--out"}
	succeed(t, append(convert, data)...)
	succeed(t, append(convert, filepath.Join(dir, "spans"))...)
	refuse(t, exitFailure, "already", append(convert, data)...)
	runs := func(args ...string) []string { return append([]string{"run", "--overlap", "1500"}, args...) }
	local := filepath.Join(dir, "local")
	succeed(t, runs("--dataset", filepath.Join(dir, "spans"), "--stream", "always", "--out", local)...)

	server.Faults.Fail(objecttest.Truncated, 1, http.MethodGet, "part-00001")
	server.Faults.Fail(objecttest.Unavailable, 2, http.MethodPut, "shard-00001")
	succeed(t, runs("--dataset", data, "--shards", "3", "--storage", store, "--out", out)...)
	if server.Faults.Hits() != 3 {
		t.Errorf("%d requests failed, want 3", server.Faults.Hits())
	}
	flagged, err := os.ReadFile(filepath.Join(local, "flagged.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(server.Get("out/flagged.parquet"), flagged) {
		t.Error("flagged.parquet differs between folder and bucket")
	}
	if server.Get("out/run.json") == nil || !bytes.Equal(server.Get("out/metrics.json"), server.Get("store/metrics.json")) {
		t.Errorf("the results are not whole: %v", server.Keys())
	}
	if said := succeed(t, "status", "--storage", store); !strings.Contains(said, "3 of 3 shards done") {
		t.Errorf("status says %q", said)
	}
	refuse(t, exitFailure, "holds another run", runs("--dataset", data, "--shards", "3", "--storage", store, "--seed", "7")...)

	// What is half written, or no dataset, is not read.
	server.Put("spans/"+catalog.IncompleteMarker, nil)
	refuse(t, exitFailure, "not whole", runs("--dataset", data)...)
	server.Put("csv/x.csv", []byte("a,b\n"))
	refuse(t, exitFailure, "only Parquet", runs("--dataset", server.URL("bucket", "csv"))...)
	refuse(t, exitFailure, "does not exist", runs("--dataset", server.URL("bucket", "nothing"))...)
	refuse(t, exitFailure, "there is no bucket", runs("--dataset", server.URL("other", "spans"))...)
	// A named dataset is found in a bucket as in a folder.
	server.Put("data/tracemesh/x.txt", nil)
	refuse(t, exitFailure, "only Parquet", runs("--dataset", "tracemesh", "--data", server.URL("bucket", "data"))...)
}

// submit refuses what a cluster cannot do, and prints the Job it would create.
func TestSubmitDry(t *testing.T) {
	server := objecttest.Start(t)
	data, store := server.URL("bucket", "spans.parquet"), server.URL("bucket", "store")
	succeed(t, "datasets", "convert", "--dataset", "synth", "--spans", "3000", "--out", data)
	local := filepath.Join(t.TempDir(), "spans.parquet")
	succeed(t, "datasets", "convert", "--dataset", "synth", "--spans", "300", "--out", local)
	submit := []string{"submit", "run", "--dataset", data, "--shards", "5", "--storage", store, "--image", "scale-eval:v1", "--dry-run"}
	text := succeed(t, append(submit, "--queue", "team", "--node-selector", "pool=spot", "--env-from-secret", "s3", "--keep", "share=0.05")...)
	for _, want := range []string{"kind: Job", "completionMode: Indexed", "completions: 5", "backoffLimitPerIndex: 3", "podFailurePolicy", "kueue.x-k8s.io/queue-name: team",
		"pool: spot", "- work", "- --storage", "suspend: true"} {
		if !strings.Contains(text, want) {
			t.Errorf("the manifest lacks %q:\n%s", want, text)
		}
	}
	if keys := server.Keys(); len(keys) != 1 {
		t.Errorf("a dry run wrote %v", keys)
	}
	refuse(t, exitUsage, "want --image for pods of a cluster, or --local", "submit", "run", "--dataset", data, "--shards", "5", "--storage", store)
	refuse(t, exitUsage, "pods do not see", "submit", "run", "--dataset", data, "--shards", "5", "--storage", t.TempDir(), "--image", "x")
	refuse(t, exitUsage, "only Parquet", append(submit, "--dataset", "synth")...)
	refuse(t, exitUsage, "--shards 0", append(submit, "--shards", "0")...)
	refuse(t, exitUsage, "want NAME=VALUE", append(submit, "--env", "x")...)
	refuse(t, exitUsage, "many", append(submit, "--cpu", "many")...)
	refuse(t, exitUsage, "want --image for pods of a cluster, or --local", "submit", "simulate", "--shards", "2", "--storage", store, "--image", "x", "--local", "2")
	refuse(t, exitUsage, "--local creates none", "submit", "simulate", "--shards", "2", "--storage", store, "--local", "2", "--dry-run")
	text = succeed(t, "submit", "simulate", "--seeds", "2", "--shards", "9", "--storage", store, "--image", "x", "--dry-run", slowDB)
	if !strings.Contains(text, "completions: 2") || !strings.Contains(text, "- 0-1\n") {
		t.Errorf("2 units are 2 pods, of shards 0 and 1:\n%s", text)
	}
	refuse(t, exitUsage, "pods do not see files", "submit", "compare", "--dataset", local, "--shards", "2", "--storage", store, "--image", "x", "--dry-run")
	text = succeed(t, "submit", "compare", "--dataset", data, "--dataset", "synth:A", "--spans", "900", "--seeds", "2", "--shock", "3", "--shards", "9", "--storage", store, "--image", "x", "--dry-run")
	if !strings.Contains(text, "completions: 4") {
		t.Errorf("2 datasets x 2 seeds are not 4 pods:\n%s", text)
	}
	refuse(t, exitUsage, "pods do not see files", "submit", "tune", "--dataset", local, "--grid", "n_tree=1,2", "--shards", "2", "--storage", store, "--image", "x", "--dry-run")
	text = succeed(t, "submit", "tune", "--dataset", data, "--grid", "n_tree=1,2,3", "--seeds", "2", "--shards", "9", "--storage", store, "--image", "x", "--dry-run")
	if !strings.Contains(text, "completions: 3") {
		t.Errorf("3 models on the first seed are not 3 pods:\n%s", text)
	}
	refuse(t, exitUsage, "nothing to search", "submit", "tune", "--shards", "2", "--local", "2", "--storage", store)
	if keys := server.Keys(); len(keys) != 1 {
		t.Errorf("a dry run wrote %v", keys)
	}
	here := []string{"submit", "simulate", "--local", "1", "--storage", t.TempDir(), "--shards"}
	refuse(t, exitUsage, "--shards 0: want 1 or more", append(here, "0", slowDB)...)
	refuse(t, exitUsage, "neither a scenario nor a file", append(here, "2", "nothing")...)
	refuse(t, exitUsage, "event-log", append(here, "2", "--event-log", "x", slowDB)...)
	refuse(t, exitUsage, "--local -1", "submit", "simulate", "--local", "-1", "--shards", "2", "--storage", store)
	refuse(t, exitUsage, "submit run, submit compare, submit tune, submit simulate", "submit")
	refuse(t, exitUsage, "submit run, submit compare, submit tune, submit simulate", "submit", "bench")
	refuse(t, exitFailure, "holds no plan", "cancel", "--storage", store)
}
