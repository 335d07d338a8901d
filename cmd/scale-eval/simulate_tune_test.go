package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A tuning that was killed in the middle of a line, or of another number of workers,
// comes to the same bytes.
func TestTuningGoesOn(t *testing.T) {
	dir := t.TempDir()
	tune := func(out string, more ...string) {
		t.Helper()
		args := []string{"simulate", "tune", "--budget", "3", "--train-seeds", "2", "--seeds", "2", "--loads", "1", "--policies", "scale,keda", "--out", out}
		command(t, append(append(args, more...), slowDB)...)
	}
	whole, part := filepath.Join(dir, "whole"), filepath.Join(dir, "part")
	tune(whole)
	for _, record := range []string{"training", "load-1"} {
		text, err := os.ReadFile(filepath.Join(whole, record, recordName))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(part, record), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(part, record, recordName), text[:len(text)/2], 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tune(part, "--workers", "1")
	for _, name := range []string{"tuned.yaml", "tuning.json", "tuning.md", "figures/tuning_load_1.svg"} {
		want, err := os.ReadFile(filepath.Join(whole, name))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(part, name)); err != nil || string(got) != string(want) {
			t.Errorf("%s: %v, or other bytes", name, err)
		}
	}
}

// Whatever a file of tuned policies holds, it is configurations that their policies take,
// or an error with the file's name.
func FuzzParseTuned(f *testing.F) {
	f.Add("version: 1\npolicies:\n  hpa:\n    cpu_percent: 50\n  scale: {settle_s: 60, max_factor: 1.5}\n")
	f.Add("version: 2\npolicies: {vpa: {margin: .nan}}\n")
	f.Add("policies: [hpa]\n---\n")
	f.Fuzz(func(t *testing.T, text string) {
		configured, err := parseTuned("tuned.yaml", []byte(text))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "tuned.yaml:") {
				t.Errorf("%v", err)
			}
			return
		}
		policies, err := policiesOf("all")
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range policies {
			if values, ok := configured[p.Name]; ok {
				if _, err := p.With(values); err != nil {
					t.Errorf("%s: %v", p.Name, err)
				}
			}
		}
	})
}
