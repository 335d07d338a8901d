package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scale-eval/scale-eval/eval"
	"github.com/scale-eval/scale-eval/tuning"
)

// journalOf reads what a journal holds, whatever study it is of.
func journalOf(t *testing.T, path string) []tuning.Outcome {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = tuning.ReadJournal(bytes.NewReader(b), "")
	_, rest, ok := strings.Cut(err.Error(), "it says\n  ")
	identity, _, ok2 := strings.Cut(rest, "\nand this one is\n")
	if !ok || !ok2 {
		t.Fatal(err)
	}
	outcomes, whole, err := tuning.ReadJournal(bytes.NewReader(b), identity)
	if err != nil || whole != int64(len(b)) {
		t.Fatalf("%s: %d of %d bytes are whole: %v", path, whole, len(b), err)
	}
	return outcomes
}

func sameFile(t *testing.T, a, b string) {
	t.Helper()
	x, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := os.ReadFile(b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(x, y) {
		t.Errorf("%s and %s differ: %d and %d bytes", a, b, len(x), len(y))
	}
}

// TestTuneKilled kills the process in the middle (SIGKILL), tears the journal's last
// record, and resumes: no finished unit is computed again, and the files are those of
// a run that nobody disturbed.
func TestTuneKilled(t *testing.T) {
	dir := t.TempDir()
	args := func(out string, more ...string) []string {
		return append([]string{"tune", "--spans", "20000", "--sampler", "hashed", "--workers", "1", "--grid", "n_tree=4..12",
			"--grid", "min_score=0.3..0.9:0.05", "--early-stop=false", "--out", filepath.Join(dir, out)}, more...)
	}
	tune := func(out string, more ...string) {
		t.Helper()
		argv := append([]string{"scale-eval"}, args(out, more...)...)
		if err := run(context.Background(), argv, strings.NewReader(""), io.Discard, io.Discard); err != nil {
			t.Fatal(err)
		}
	}
	tune("whole")

	journal := filepath.Join(dir, "killed", "trials.journal")
	total, err := os.Stat(filepath.Join(dir, "whole", "trials.journal"))
	if err != nil {
		t.Fatal(err)
	}
	kill(t, args("killed"), func() bool {
		info, err := os.Stat(journal)
		return err == nil && info.Size() > total.Size()/3
	})
	info, err := os.Stat(journal)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() >= total.Size() {
		t.Fatal("the study was done before it was killed")
	}
	if err := os.Truncate(journal, info.Size()-7); err != nil {
		t.Fatal(err)
	}
	tune("killed", "--resume")
	for _, name := range []string{"trials.parquet", "tuned.yaml"} {
		sameFile(t, filepath.Join(dir, "whole", name), filepath.Join(dir, "killed", name))
	}
	seen := map[string]int{}
	for _, o := range journalOf(t, journal) {
		seen[strings.Join(o.Model, " ")+"/"+string(rune('0'+o.Seed%10))]++
	}
	if len(seen) != 9*3 {
		t.Errorf("%d units in the journal, want 27", len(seen))
	}
	for key, n := range seen {
		if n != 1 {
			t.Errorf("%s was computed %d times", key, n)
		}
	}
}

// TestTuneIsRun holds the fast ways of tune to run: the confusion matrices of all
// scored spans are those of a run with the same options.
func TestTuneIsRun(t *testing.T) {
	for name, options := range map[string]string{
		"frozen":           "--protocol labels",
		"shocks":           "--protocol paper --shock-factor 3",
		"score-then-learn": "--protocol labels --learn score-then-learn",
		"learn-then-score": "--protocol paper --learn learn-then-score",
		"from-the-first":   "--protocol prequential",
		"train-size":       "--protocol labels --train_size 700 --learn score-then-learn",
		"fixed":            "--protocol labels --encoding fixed",
		"hashed":           "--protocol paper --sampler hashed --max_duration 200",
		"adaptive":         "--protocol paper --sampler adaptive --learn score-then-learn",
	} {
		t.Run(name, func(t *testing.T) {
			if raceEnabled && name != "shocks" && name != "adaptive" {
				t.Skip("two ways are enough under the race detector")
			}
			out := filepath.Join(t.TempDir(), "out")
			common := append([]string{"--sampler", "paper"}, append(strings.Fields(options), "--spans", "6000", "--bootstrap", "1")...)
			tuneArgs := append([]string{"scale-eval", "tune", "--seeds", "1", "--grid", "window_size=60,100", "--grid", "n_tree=3,7", "--grid", "min_score=0.3,0.6", "--out", out}, common...)
			if err := run(context.Background(), tuneArgs, strings.NewReader(""), io.Discard, io.Discard); err != nil {
				t.Fatal(err)
			}
			for _, o := range journalOf(t, filepath.Join(out, "trials.journal")) {
				if o.Fail != "" || len(o.Readings) != 2 {
					t.Fatalf("%v: %d readings, fail %q", o.Model, len(o.Readings), o.Fail)
				}
				for _, r := range o.Readings {
					var stdout bytes.Buffer
					runArgs := append([]string{"scale-eval", "run", "--n_tree", o.Model[0], "--window_size", o.Model[1], "--min_score", r.Threshold, "--keep", "score=" + r.Threshold, "--out", "", "--output", "json"}, common...)
					if err := run(context.Background(), runArgs, strings.NewReader(""), &stdout, io.Discard); err != nil {
						t.Fatal(err)
					}
					var result eval.Result
					if err := json.Unmarshal(stdout.Bytes(), &result); err != nil {
						t.Fatal(err)
					}
					if want := result.Samplers[0].Point.Confusion; r.Total() != want || want.Total() == 0 {
						t.Errorf("%v at %s: %+v, run says %+v", o.Model, r.Threshold, r.Total(), want)
					}
				}
			}
		})
	}
}
