package main

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets scripts run the command as a process of its own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"scale-eval": func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		os.Exit(exitCode(run(ctx, os.Args, os.Stdin, os.Stdout, os.Stderr)))
	}})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", Setup: isolate})
}

// isolate keeps a script away from the datasets of the machine it runs on, and gives it
// a small scenario.
func isolate(e *testscript.Env) error {
	e.Setenv("SCALE_EVAL_DATA", "")
	e.Setenv("XDG_CACHE_HOME", filepath.Join(e.WorkDir, "cache"))
	e.Setenv("HOME", e.WorkDir)
	text, err := os.ReadFile(slowDB)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(e.WorkDir, "slow.yaml"), text, 0o644)
}

// TestManual runs every "$ scale-eval" line of the package comment, in order, in
// one folder: each must succeed.
func TestManual(t *testing.T) {
	if testing.Short() {
		t.Skip("the scripts cover the same commands; run it without -short")
	}
	src, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	for _, m := range regexp.MustCompile(`(?m)^//\t\$ (scale-eval .*)$`).FindAllStringSubmatch(string(src), -1) {
		script.WriteString("exec " + strings.ReplaceAll(m[1], `""`, `''`) + "\n")
	}
	if n := strings.Count(script.String(), "exec"); n < 10 {
		t.Fatalf("%d commands found in the manual: the test reads it wrongly", n)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "manual.txtar"), []byte(script.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{Dir: dir, Setup: isolate})
}

// TestReadme holds the README to what it shows: its commands, and line by line the
// output of the first.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"go run ./cmd/scale-eval run", "make test"} {
		if !strings.Contains(string(readme), want) {
			t.Errorf("README.md does not show %q", want)
		}
	}
	var stdout strings.Builder
	if err := run(t.Context(), []string{"scale-eval", "run", "--out", ""}, strings.NewReader(""), &stdout, os.Stderr); err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(readme), "```\n")
	if len(blocks) < 4 || len(blocks[3]) == 0 || !strings.HasPrefix(stdout.String(), blocks[3]) {
		t.Errorf("README.md does not show what the command prints (its figure, reports/testdata/recall_at_fpr.svg, comes from the same run); it begins\n%.4000s", stdout.String())
	}
}

// kill starts the command as a process of its own and kills it (SIGKILL) as soon as
// enough says so. A command that ends before fails the test.
func kill(t *testing.T, args []string, enough func() bool) {
	t.Helper()
	// The test binary is the command when it is called so; see TestMain.
	self := filepath.Join(t.TempDir(), "scale-eval")
	if err := os.Symlink(os.Args[0], self); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	cmd := exec.Command(self, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for !enough() {
		select {
		case err := <-done:
			t.Fatalf("%s ended before it could be killed: %v", args[0], err)
		default:
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-done
}

// TestInterrupt: a cancelled command writes nothing, says so in one line without Go's
// own words, and ends with the exit code of a failure.
func TestInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	out := filepath.Join(t.TempDir(), "out")
	for _, args := range [][]string{
		{"run", "--spans", "2000", "--out", out},
		{"datasets", "convert", "--spans", "2000", "--to", "gtrace", "--out", filepath.Join(out, "x.csv")},
		{"bench", "sampler", "--spans", "1000"},
	} {
		var stdout, stderr strings.Builder
		err := run(ctx, append([]string{"scale-eval"}, args...), strings.NewReader(""), &stdout, &stderr)
		if code := exitCode(err); code != exitFailure {
			t.Errorf("%s: exit code %d, want %d", args[0], code, exitFailure)
		}
		if got := stderr.String(); got != "scale-eval: interrupted; no result was written\n" || stdout.Len() > 0 {
			t.Errorf("%s: %q on standard error, %q on standard output", args[0], got, stdout.String())
		}
		if files, _ := filepath.Glob(filepath.Join(out, "*")); len(files) > 0 {
			t.Errorf("%s left %q", args[0], files)
		}
	}
}
