//go:build e2e && unix

package e2e

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scale-eval/scale-eval/live/loadgen"
	"github.com/scale-eval/scale-eval/objects/objecttest"
)

// store is a real S3 server on loopback with faults in front of it.
type store struct {
	t      *testing.T
	faults *objecttest.Faults
	front  *httptest.Server
	proc   *Proc
	args   []string
	binary string
	dir    string   // a folder a bucket, a file an object
	env    []string // credentials of the programs that use it
}

const s3User, s3Secret = "e2e", "e2e-secret"

func startStore(t *testing.T) *store {
	ports, err := Ports(1)
	if err != nil {
		t.Fatal(err)
	}
	s := &store{t: t, binary: peerPath(t, "versitygw"), dir: filepath.Join(t.TempDir(), "s3")}
	if err := os.MkdirAll(filepath.Join(s.dir, objecttest.Bucket), 0o755); err != nil {
		t.Fatal(err)
	}
	s.args = []string{"--access", s3User, "--secret", s3Secret, "--port", ports[0], "posix", "--sidecar", t.TempDir(), s.dir}
	behind := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: ports[0]})
		r.Out.Host = r.In.Host // it is signed
	}}
	behind.ErrorLog = nil
	s.faults = &objecttest.Faults{Next: behind}
	s.front = httptest.NewServer(s.faults)
	t.Cleanup(s.front.Close)
	s.start()
	s.login(s3User, s3Secret)
	return s
}

// login sets the credentials of the programs that are run from now on.
func (s *store) login(user, secret string) {
	s.env = nil
	objecttest.Credentials(func(name, value string) { s.env = append(s.env, name+"="+value) }, user, secret)
}

func (s *store) start() {
	s.proc = start(s.t, "versitygw", s.binary, s.args...)
	ctx := bounded(s.t, 30*time.Second)
	err := Poll(ctx, "the S3 server", func() (bool, error) {
		resp, err := http.Get(s.front.URL)
		if err != nil {
			return false, nil
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusForbidden, nil // who did not sign
	})
	if err != nil {
		s.t.Fatalf("%v\n%s", err, s.proc.Tail(20))
	}
}

// restart kills the server and starts it again after a pause.
func (s *store) restart(pause time.Duration) {
	s.proc.Kill()
	time.AfterFunc(pause, s.start)
}

func (s *store) url(bucket, folder string) string {
	return objecttest.URL(s.front.URL, bucket, folder)
}

// scaleEval runs the program, with the credentials of s, and gives what it printed and
// its exit code.
func (s *store) scaleEval(args ...string) (stdout, stderr string, code int32) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, all.program, args...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	cmd.Env = append(os.Environ(), s.env...)
	guard(cmd)
	if err := <-started(cmd); err != nil {
		s.t.Fatal(err)
	}
	return finish(cmd, &out, &said)
}

func finish(cmd *exec.Cmd, out, said *bytes.Buffer) (stdout, stderr string, code int32) {
	code = exitCode(cmd.Wait())
	return out.String(), said.String(), code
}

// succeeds is scaleEval that must end well; it gives the standard output.
func (s *store) succeeds(args ...string) string {
	s.t.Helper()
	stdout, stderr, code := s.scaleEval(args...)
	if code != 0 {
		s.t.Fatalf("scale-eval %s: exit code %d\n%s", strings.Join(args, " "), code, stderr)
	}
	return stdout
}

// fails is scaleEval that must fail and say words.
func (s *store) fails(words []string, args ...string) {
	s.t.Helper()
	_, stderr, code := s.scaleEval(args...)
	if code == 0 {
		s.t.Errorf("scale-eval %s: ended well", strings.Join(args, " "))
	}
	for _, w := range words {
		if !strings.Contains(stderr, w) {
			s.t.Errorf("scale-eval %s: want %q in %q", strings.Join(args, " "), w, stderr)
		}
	}
}

// sameFile fails unless two folders have the same bytes in a file.
func sameFile(t *testing.T, name, a, b string) {
	t.Helper()
	x, err := os.ReadFile(filepath.Join(a, name))
	if err != nil {
		t.Fatal(err)
	}
	y, err := os.ReadFile(filepath.Join(b, name))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(x, y) {
		t.Errorf("%s differs between %s and %s", name, filepath.Base(a), filepath.Base(b))
	}
}

// TestObjectStorage is every way in which a store fails, with a real one: what passes
// changes no result, what does not is said, and nothing partial is taken for whole.
func TestObjectStorage(t *testing.T) {
	t.Parallel() // it has processes of its own
	s := startStore(t)
	out := t.TempDir()
	data := s.url(objecttest.Bucket, "spans")
	s.succeeds("datasets", "convert", "--dataset", "synth", "--spans", "60000", "--partition-by", "hour", "--partition-rows", "9000", "--out", data)
	s.fails([]string{"already"}, "datasets", "convert", "--dataset", "synth", "--spans", "6000", "--partition-rows", "900", "--out", data)
	local := filepath.Join(out, "local.parquet")
	s.succeeds("datasets", "convert", "--dataset", "synth", "--spans", "60000", "--out", local)
	one := filepath.Join(out, "one")
	run := []string{"run", "--dataset", data, "--stream", "always"}
	s.succeeds(append(run, "--out", one)...)
	here := filepath.Join(out, "here")
	s.succeeds("run", "--dataset", local, "--stream", "always", "--out", here)
	sameFile(t, "flagged.parquet", one, here)
	again := func(name string, with ...string) {
		t.Helper()
		dir := filepath.Join(out, name)
		s.succeeds(append(append(run, "--out", dir), with...)...)
		sameFile(t, "metrics.json", one, dir)
		sameFile(t, "flagged.parquet", one, dir)
	}

	t.Log("requests fail and the next ones do not")
	for _, kind := range []objecttest.Kind{objecttest.Unavailable, objecttest.Truncated, objecttest.Cut} {
		before := s.faults.Hits()
		s.faults.Fail(kind, 5, http.MethodGet, "part-00001.parquet")
		s.faults.Fail(kind, 4, http.MethodPut, "shard-00001")
		again("faults", "--shards", "3", "--overlap", "5000", "--storage", s.url(objecttest.Bucket, "faults-"+string('a'+rune(kind))))
		if s.faults.Hits()-before < 6 {
			t.Errorf("kind %d: %d requests failed: the test shows nothing", kind, s.faults.Hits()-before)
		}
	}

	t.Log("the server restarts while shards are at work")
	s.restart(3 * time.Second)
	again("restarted", "--shards", "4", "--overlap", "5000", "--local", "2", "--storage", s.url(objecttest.Bucket, "restarted"))
	s.succeeds(append(run, "--out", s.url(objecttest.Bucket, "result"))...)
	sameFile(t, "metrics.json", one, filepath.Join(s.dir, objecttest.Bucket, "result"))

	t.Log("a live process is killed, and one elsewhere goes on from its snapshot")
	s.keepsLive()

	t.Log("what does not pass is said")
	s.fails([]string{"s3://nobucket", "there is no bucket", "make it"}, "run", "--dataset", s.url("nobucket", "spans"), "--stream", "always")
	s.fails([]string{"s3://nobucket", "there is no bucket"}, append(run, "--storage", s.url("nobucket", "x"))...)
	s.fails([]string{"holds no plan"}, "status", "--storage", s.url(objecttest.Bucket, "nothing"))
	s.fails([]string{"nowhere", "does not exist"}, "run", "--dataset", s.url(objecttest.Bucket, "nowhere"), "--stream", "always")
	for name, secret := range map[string]string{s3User: "wrong", "nobody": s3Secret} {
		s.login(name, secret)
		s.fails([]string{"access was refused", "credentials", "s3://" + objecttest.Bucket}, run...)
	}
	s.login(s3User, s3Secret)

	t.Log("a row group is corrupt, a file is cut short, a shard's outcome is damaged")
	parts, err := filepath.Glob(filepath.Join(s.dir, objecttest.Bucket, "spans", "hour=*", "part-00002.parquet"))
	if err != nil || len(parts) == 0 {
		t.Fatalf("no part 2: %v", err)
	}
	whole, err := os.ReadFile(parts[0])
	if err != nil {
		t.Fatal(err)
	}
	corrupt := bytes.Clone(whole)
	for i := 5000; i < 9000; i++ {
		corrupt[i] ^= 0x55
	}
	for words, bad := range map[string][]byte{"row group": corrupt, "not a readable Parquet file": whole[:len(whole)/2]} {
		if err := os.WriteFile(parts[0], bad, 0o644); err != nil {
			t.Fatal(err)
		}
		s.fails([]string{"part-00002.parquet", words}, append(run, "--shards", "2", "--storage", s.url(objecttest.Bucket, "corrupt"), "--out", filepath.Join(out, "corrupt"))...)
	}
	if files, _ := filepath.Glob(filepath.Join(out, "corrupt", "*")); len(files) > 0 {
		t.Errorf("of corrupt data there is %v", files)
	}
	if err := os.WriteFile(parts[0], whole, 0o644); err != nil {
		t.Fatal(err)
	}
	tally := filepath.Join(s.dir, objecttest.Bucket, "restarted", "shard-00002.tally")
	if err := os.Truncate(tally, 100); err != nil {
		t.Fatal(err)
	}
	s.fails([]string{"shard-00002.tally", "remove it and run that step again"}, "collect", "--storage", s.url(objecttest.Bucket, "restarted"), "--out", "")
}

// keepsLive kills a live process whose state is in the store: the next one, which has
// nothing else of it, knows the spans that the last snapshot had.
func (s *store) keepsLive() {
	s.t.Helper()
	run := func(name string) *sampler {
		ports, err := Ports(2)
		if err != nil {
			s.t.Fatal(err)
		}
		l := &sampler{otlp: ports[0], admin: ports[1]}
		env := append(slices.Clone(s.env), "TMPDIR="+s.t.TempDir())
		l.Proc = startEnv(s.t, env, name, all.program, "live", "--listen", l.otlp, "--http=", "--admin", l.admin, "--cold",
			"--state", s.url(objecttest.Bucket, "live"), "--snapshot-every", "500ms")
		l.await(s.t)
		return l
	}
	g, err := loadgen.New(loadgen.DefaultConfig())
	if err != nil {
		s.t.Fatal(err)
	}
	first := run("state-first")
	sent := send(s.t, first.otlp, g, 20)
	judged := time.Now()
	wait(s.t, 30*time.Second, "a snapshot of all spans", func() bool {
		v := first.status(s.t)
		return v.Counters.Spans == sent && v.SnapshotAt.After(judged)
	})
	first.Kill()
	next := run("state-next")
	if v := next.status(s.t); v.Counters.Spans != sent {
		s.t.Errorf("the next process knows %d spans of %d: %v", v.Counters.Spans, sent, v.Problems)
	}
	if err := next.Stop(); err != nil {
		s.t.Errorf("%v\n%s", err, next.Tail(10))
	}
}
