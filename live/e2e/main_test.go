//go:build e2e && unix

package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var cacheFlag = flag.String("cache", "", "`DIR` of built peers (default: .cache/e2e of the repository)")

// all is what the tests share: building and starting a cluster takes most of the time.
var all struct {
	builder *Builder
	run     *Run
	program string // scale-eval
	cluster func() (*Cluster, error)
}

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := mainTest(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func mainTest(m *testing.M) (code int, err error) {
	repo, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return 1, err
	}
	cache := *cacheFlag
	if cache == "" {
		cache = filepath.Join(repo, ".cache", "e2e")
	}
	begun := time.Now()
	log := func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, "e2e %5.1fs  %s\n", time.Since(begun).Seconds(), fmt.Sprintf(format, args...))
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	go func() {
		s := <-interrupted
		log("%v: ending everything", s)
		if err := CloseAll(); err != nil {
			log("%v", err)
		}
		os.Exit(130)
	}()
	all.builder = &Builder{Repo: repo, Cache: cache, Log: log}
	if all.run, err = NewRun(filepath.Join(cache, "runs")); err != nil {
		return 1, err
	}
	defer func() {
		if e := all.run.Close(); e != nil && err == nil {
			err = e
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	if all.program, err = all.builder.ScaleEval(ctx, all.run.Dir); err != nil {
		return 1, err
	}
	all.cluster = sync.OnceValues(func() (*Cluster, error) {
		// A first build may take the better part of an hour on a busy machine.
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Hour)
		defer cancel()
		c, err := StartCluster(ctx, all.builder, all.run, ClusterOptions{Nodes: 3})
		if err == nil {
			log("the cluster is up")
		}
		return c, err
	})
	return m.Run(), nil
}

// theCluster is the shared cluster.
func theCluster(t *testing.T) *Cluster {
	t.Helper()
	c, err := all.cluster()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// bounded is a context for one test.
func bounded(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// namespace is a fresh one.
func namespace(t *testing.T, c *Cluster) string {
	t.Helper()
	ctx := bounded(t, time.Minute)
	n, err := c.Admin.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "e2e-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// Pods refer to the default account, which a controller makes.
	err = Poll(ctx, "the namespace's service account", func() (bool, error) {
		_, err := c.Admin.CoreV1().ServiceAccounts(n.Name).Get(ctx, "default", metav1.GetOptions{})
		return err == nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n.Name
}

// start starts a process that the test ends.
func start(t *testing.T, name, path string, args ...string) *Proc {
	t.Helper()
	return startEnv(t, nil, name, path, args...)
}

func startEnv(t *testing.T, env []string, name, path string, args ...string) *Proc {
	t.Helper()
	p, err := all.run.StartEnv(env, name, path, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.Stop() // its error is that of tests that look at how it ended
		if t.Failed() {
			t.Logf("%s, last lines:\n%s", name, p.Tail(30))
		}
	})
	return p
}

// peer is the path of a built peer.
func peerPath(t *testing.T, name string) string {
	t.Helper()
	ctx := bounded(t, 2*time.Hour)
	build := func() (string, error) { return all.builder.Build(ctx, name) }
	if name == "otelcol" {
		build = func() (string, error) { return all.builder.Collector(ctx) }
	}
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}
