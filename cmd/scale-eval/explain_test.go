package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/scores"
	"github.com/scale-eval/scale-eval/reports"
)

// TestExplainDecidesAsRun: every decision that a run kept is explained, with its very
// score, while the sampler stands still and while it learns from span to span.
func TestExplainDecidesAsRun(t *testing.T) {
	for _, learn := range []string{"frozen", "learn-then-score", "score-then-learn"} {
		dir := t.TempDir()
		if err := run(t.Context(), []string{"scale-eval", "run", "--spans", "12000", "--learn", learn, "--keep", "fpr=0.01",
			"--baselines", "none", "--bootstrap", "0", "--out", dir}, strings.NewReader(""), io.Discard, os.Stderr); err != nil {
			t.Fatal(err)
		}
		want := keptScores(t, filepath.Join(dir, "scores.parquet"))
		var stdout strings.Builder
		if err := run(t.Context(), []string{"scale-eval", "explain", "--run", filepath.Join(dir, "run.json"), "--top", "0", "--output", "json"},
			strings.NewReader(""), &stdout, os.Stderr); err != nil {
			t.Fatal(err)
		}
		var x reports.Explanations
		if err := json.Unmarshal([]byte(stdout.String()), &x); err != nil {
			t.Fatal(err)
		}
		var got []float64
		for _, s := range x.Spans {
			got = append(got, s.Score)
			if s.Score < s.Threshold || !s.Kept || s.Plateau == 0 && s.Explained == 0 && s.Duration < s.KeptFrom {
				t.Errorf("%s: kept, but %+v", learn, s)
			}
		}
		if x.Kept != int64(len(want)) || len(want) < 20 || !slices.Equal(got, want) {
			t.Errorf("%s: %d spans kept, %d explained; the run kept %d", learn, x.Kept, len(got), len(want))
		}
	}
}

// keptScores are the scores that a run kept, falling.
func keptScores(t *testing.T, path string) (kept []float64) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	table, err := scores.ReadParquet(f, info.Size(), path, scores.Columns{})
	if err != nil {
		t.Fatal(err)
	}
	for i, keep := range table.Keep {
		if keep {
			kept = append(kept, table.Score[i])
		}
	}
	slices.Sort(kept)
	slices.Reverse(kept)
	return kept
}
