package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
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
// or an error with the file's name. It is no fuzz target: one here would have the whole
// program built once more, for fuzzing.
func TestParseTunedOfAnything(t *testing.T) {
	seeds := []string{
		"version: 1\npolicies:\n  hpa:\n    cpu_percent: 50\n  scale: {settle_s: 60, max_factor: 1.5}\n",
		"version: 2\npolicies: {vpa: {margin: .nan}}\n",
		"policies: [hpa]\n---\n",
	}
	policies, err := policiesOf("all")
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 3000 {
		text := []byte(seeds[i%len(seeds)])
		for range i / len(seeds) % 5 {
			at := rng.IntN(len(text))
			switch rng.IntN(3) {
			case 0:
				text[at] = byte(rng.IntN(256))
			case 1:
				text = append(text[:at], text[min(len(text), at+1+rng.IntN(8)):]...)
			default:
				text = slices.Insert(text, at, text[rng.IntN(len(text)):]...)
			}
			if len(text) == 0 {
				text = []byte("-")
			}
		}
		configured, err := parseTuned("tuned.yaml", text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "tuned.yaml:") {
				t.Errorf("%q: %v", text, err)
			}
			continue
		}
		for _, p := range policies {
			if values, ok := configured[p.Name]; ok {
				if _, err := p.With(values); err != nil {
					t.Errorf("%q: %s: %v", text, p.Name, err)
				}
			}
		}
	}
}
